"""RefSD as a library: one call on one picture, as the documentation shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refsd import RefSD, RefSDConfig, masks
from refsd.people import find_people

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut())


def test_one_call_replaces_the_astronaut(astronaut: np.ndarray) -> None:
    refsd = RefSD.from_config("none", renderer="numpy", removal="opencv")
    result = refsd(astronaut, seed=1, stages=True)
    people = find_people([astronaut])[0]
    region = masks.union(people, astronaut.shape[:2])
    assert [person.status for person in result.people] == ["replaced"] * len(people)
    assert np.array_equal(result.image[~region], astronaut[~region])
    assert (result.image[region] != astronaut[region]).any(axis=1).mean() > 0.9
    assert list(result.stages) == ["x", "a", "x_prime", "m", "x_second", "e", "x_hat"]
    new = result.people[0].new
    assert new is not None
    assert new.mask.sum() > 0.1 * region.sum()
    again = refsd(astronaut, seed=1)
    assert np.array_equal(again.image, result.image)
    assert again.stages == {}


def test_a_path_is_read_like_any_picture(astronaut: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "photo.png"
    Image.fromarray(astronaut).save(path)
    refsd = RefSD.from_config("none", renderer="numpy", removal="opencv")
    given = refsd(path, people=(), seed=0)
    assert np.array_equal(given.image, astronaut)


def test_without_a_seed_chance_decides(astronaut: np.ndarray) -> None:
    """Three calls give the same avatar of 512 once in 262,144 times."""
    refsd = RefSD.from_config("none", renderer="numpy", removal="opencv")
    people = find_people([astronaut])[0][:1]
    names = {refsd(astronaut, people=people).people[0].avatar for _ in range(3)}
    assert len(names) > 1


def test_arrays_of_other_kinds_are_refused(astronaut: np.ndarray) -> None:
    refsd = RefSD()
    for wrong in (astronaut[..., 0], astronaut / 255.0, np.dstack([astronaut, astronaut])):
        with pytest.raises(ValueError, match=r"expected uint8 of shape \(H, W, 3\)"):
            refsd(wrong)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        RefSD.from_config("none", colour="red")
    assert RefSD.from_config().config == RefSDConfig() == RefSD.from_config("tiny").config


def test_refsd_knows_nothing_of_the_benchmark() -> None:
    """Not even when all of it is imported."""
    code = (
        "import pkgutil, importlib, sys, refsd\n"
        "for module in pkgutil.walk_packages(refsd.__path__, 'refsd.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(sorted(m for m in sys.modules if m.partition('.')[0] in "
        "{'humangenai', 'leaderboards', 'annotator_ui'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_example_of_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "refsd.md").read_text(encoding="utf-8")
    example = page.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/refsd.md", "exec"), {})  # noqa: S102  (our own page)
    assert (tmp_path / "new.png").stat().st_size > 100_000
    assert capsys.readouterr().out.startswith("replaced None made/")


def test_prompts_that_nothing_would_follow_are_refused(astronaut: np.ndarray) -> None:
    with pytest.raises(ValueError, match="nothing would follow this prompt"):
        RefSD.from_config("none")(astronaut, people=(), prompt="an old man")
    with pytest.raises(ValueError, match="nothing would follow this prompt"):
        RefSD.from_config("none", avatar="random")(astronaut, people=(), prompt={"gender": "male"})
    with pytest.raises(ValueError, match="gendre"):
        RefSD.from_config("none")(astronaut, prompt={"gendre": "male"})


def test_made_avatars_wear_what_is_asked(astronaut: np.ndarray) -> None:
    refsd = RefSD.from_config("none", renderer="numpy", removal="opencv")
    people = find_people([astronaut])[0][:1]
    result = refsd(astronaut, people=people, prompt={"upper colour": "lime green"}, seed=4)
    assert (result.people[0].avatar or "").startswith("made/")
    red, green, blue = np.moveaxis(result.image.astype(int), 2, 0)
    lime = (green > red + 20) & (red > blue + 20)
    assert lime.mean() > 0.05


def test_matched_avatars_look_as_asked(astronaut: np.ndarray) -> None:
    from refsd.wardrobe import bank_avatar

    refsd = RefSD.from_config("none", avatar="matched", renderer="numpy", removal="opencv")
    people = find_people([astronaut])[0][:1]
    for gender in ("female", "male"):
        result = refsd(astronaut, people=people, prompt={"gender": gender}, seed=4)
        name = result.people[0].avatar
        assert name is not None
        assert bank_avatar(int(name.removeprefix("bank/"))).attributes["gender"] == gender
