"""Checkpoints as data: what is shipped is whole and pinned, what is wrong is said in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from refsd.diffusion import CheckpointError, checkpoint_names, load_checkpoint
from refsd.refinement import NoRefiner, make_refiner

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {
    "name": "mine", "licence": "mine", "family": "sd15", "base": {"path": "weights"}, "steps": 20,
    "guidance": 5, "sizes": [[512, 512]],
}  # fmt: skip


def write(folder: Path, **changes: Any) -> str:
    data = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("folder", ["refiners", "inpainters"])
def test_what_is_shipped_is_pinned_and_licensed(folder: Any) -> None:
    names = checkpoint_names(folder)
    assert {"sd15", "sdxl"} <= set(names)
    for name in names:
        checkpoint = load_checkpoint(name, folder)
        assert checkpoint.name == name
        assert checkpoint.summary
        assert checkpoint.licence
        assert (checkpoint.controlnet is not None) == (folder == "refiners")
        for source in (checkpoint.base, checkpoint.controlnet, checkpoint.lora):
            if source is not None and source.repo is not None:
                assert source.revision is not None
                assert len(source.revision) == 40


def test_few_steps_have_a_name_of_their_own() -> None:
    for name in ("sd15", "sdxl"):
        whole, few = load_checkpoint(name), load_checkpoint(f"{name}-lcm")
        assert few.lora is not None
        assert whole.lora is None
        assert few.steps < whole.steps


def test_paths_are_beside_the_file(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write(tmp_path))
    assert checkpoint.base.path == tmp_path / "weights"
    (tmp_path / "refiner.yaml").write_bytes((tmp_path / "mine.yaml").read_bytes())
    assert load_checkpoint(str(tmp_path)) == checkpoint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stepps": 3}, "unknown key 'stepps'; did you mean 'steps'?"),
        ({"base": {"pth": "x"}}, "unknown key 'base.pth'; did you mean 'path'?"),
        ({"steps": None}, "the key 'steps' is missing"),
        ({"steps": 0}, "steps: "),
        ({"strength": 1.5}, "strength: "),
        ({"steps": 2, "strength": 0.3}, "strength 0.3 leaves none of 2 steps"),
        ({"sizes": [[500, 512]]}, "is not [height, width] in multiples of 8"),
        ({"canny": [200, 100]}, "a lower and an upper threshold"),
        ({"scheduler": "Evil"}, "scheduler: "),
        ({"base": {}}, "name either 'path' or 'repo'"),
        ({"base": {"path": "a", "repo": "b/c"}}, "name either 'path' or 'repo'"),
        ({"base": {"repo": "b/c"}}, "needs 'revision'"),
        ({"base": {"repo": "b/c", "revision": "main"}}, "base.revision: "),
        ({"name": "Stable Diffusion"}, "name: "),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert message in str(caught.value)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("steps: [", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"broken\.yaml: cannot be read"):
        load_checkpoint(str(path))
    path.write_text("- steps", encoding="utf-8")
    with pytest.raises(CheckpointError, match="expected keys and values"):
        load_checkpoint(str(path))


def test_yaml_cannot_run_anything(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("name: !!python/object/apply:os.system ['true']", encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(str(path))


def test_unknown_names_have_a_neighbour(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="unknown refiner 'sd16'; did you mean 'sd15'"):
        make_refiner("sd16")
    with pytest.raises(CheckpointError, match=r"holds no refiner\.yaml"):
        make_refiner(str(tmp_path))
    assert isinstance(make_refiner("none"), NoRefiner)
