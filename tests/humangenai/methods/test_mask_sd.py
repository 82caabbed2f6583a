"""The baseline Mask-SD, with tiny random weights; that nothing leaks is in test_removal_gate."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from humangenai.config import DatasetConfig, MethodConfig, RunConfig
from humangenai.methods import Task
from humangenai.methods.mask_sd import MaskSD, Options, load
from humangenai.runner import run
from refsd import masks
from refsd.errors import SetupError
from refsd.people import Person
from refsd.prompts import PromptConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HEIGHT, WIDTH = 96, 128
PLUGINS = Path(__file__).parents[1] / "plugins"


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tiny_checkpoint: Callable[[str, str], Path]) -> str:
    return str(tiny_checkpoint("sd15", "inpaint"))


def person(x: int, y: int = 48, across: int = 12, down: int = 34) -> Person:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    mask = ((columns - x) / across) ** 2 + ((rows - y) / down) ** 2 <= 1
    box = np.array([x - across, y - down, x + across, y + down], np.float32)
    return Person(box, (0, 0, WIDTH, HEIGHT), mask)


def image() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def task(*people: Person, seed: int = 3, **more: Any) -> Task:
    return Task("key", image(), people, seed, **more)


def test_people_are_painted_anew_with_prompts_of_their_own(folder: str) -> None:
    method = load(Options(inpainter=folder))
    assert method.name == "Mask-SD[random-sd15]"
    one = task(person(35), person(90))
    done = method.pseudonymize([one], stages=True)[0]
    assert [p.status for p in done.people] == ["replaced", "replaced"]
    assert [(p.avatar, p.new) for p in done.people] == [(None, None)] * 2
    prompts = [p.prompt for p in done.people]
    assert all(prompts) and prompts[0] != prompts[1]
    a = masks.union(one.people, (HEIGHT, WIDTH))
    assert np.array_equal(done.image[~a], one.image[~a])
    assert (done.image[a] != masks.GREY).mean() > 0.8
    assert np.array_equal(done.stages["filled"], masks.fill(one.image, a))


def test_an_output_hangs_on_its_seed_and_not_on_its_neighbours(folder: str) -> None:
    method = load(Options(inpainter=folder))
    tasks = [task(person(35), seed=1), task(person(90), seed=2), task()]
    together = method.pseudonymize(tasks)
    for one, done in zip(tasks, together, strict=True):
        alone = method.pseudonymize([one])[0]
        assert np.array_equal(alone.image, done.image)
        assert alone.people == done.people
    other = method.pseudonymize([task(person(35), seed=9)])[0]
    assert not np.array_equal(other.image, together[0].image)
    assert np.array_equal(together[2].image, image())


def test_what_is_asked_for_is_in_the_prompt(folder: str) -> None:
    method = load(Options(inpainter=folder, prompt=PromptConfig(mode="suite")))
    assert method.name == "Mask-SD[random-sd15, suite]"
    done = method.pseudonymize([task(person(35), attributes=[{"hair colour": "red"}])])[0]
    assert "red hair" in str(done.people[0].prompt)


def test_labels_are_preserved_where_that_is_asked_for(folder: str) -> None:
    method = load(Options(inpainter=folder, prompt=PromptConfig(mode="preserve")))
    assert method.preserves
    assert not load(Options(inpainter=folder)).preserves


def test_there_are_no_avatars_to_take_clothes_from() -> None:
    assert Options(prompt=PromptConfig(mode="preserve")).prompt.clothes == "drawn"
    assert Options().prompt.clothes == "drawn"
    with pytest.raises(ValidationError, match="no avatars to take 'clothes' from"):
        Options(prompt=PromptConfig(clothes="avatar"))


def test_where_no_scene_is_left_everybody_is_masked(folder: str) -> None:
    whole = Person(
        np.array([0, 0, WIDTH, HEIGHT], np.float32),
        (0, 0, WIDTH, HEIGHT),
        np.ones((HEIGHT, WIDTH), np.bool_),
        source="whole crop",
    )
    done = load(Options(inpainter=folder)).pseudonymize([task(whole, person(35))])[0]
    assert [(p.status, p.prompt) for p in done.people] == [("masked", None)] * 2
    assert {p.reason for p in done.people} == {"nothing of the scene is left to be seen"}
    assert (done.image == masks.GREY).all()


def test_whom_the_safety_checker_refuses_is_masked_and_nobody_else(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = load(Options(inpainter=folder))
    one = task(person(35), person(90))
    before = method.pseudonymize([one])[0]
    runner = method._inpainter._runner
    paint = runner.paint
    monkeypatch.setattr(runner, "paint", lambda jobs: [None, *paint(jobs)[1:]])
    done = method.pseudonymize([one])[0]
    assert [p.status for p in done.people] == ["masked", "replaced"]
    assert "safety checker" in str(done.people[0].reason)
    assert done.people[1] == before.people[1]
    box = masks.box_region(one.people[0], (HEIGHT, WIDTH))
    assert (done.image[box] == masks.GREY).all()
    assert np.array_equal(done.image[~box], np.where(box[..., None], 0, before.image)[~box])


def test_settings_hold_the_weights_hash_and_no_path(folder: str) -> None:
    text = json.dumps(dict(load(Options(inpainter=folder)).settings()))
    assert '"base": "sha256:' in text
    assert folder not in text and Path(folder).parent.name not in text


def test_missing_weights_stop_a_run_before_any_picture_is_counted_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HUMANGENAI_DOWNLOAD", raising=False)
    monkeypatch.syspath_prepend(str(PLUGINS))
    config = RunConfig(
        dataset=DatasetConfig(dataset="tinycrowd"),
        methods=(MethodConfig(method="mask-sd", options={"inpainter": "sd15"}),),
        tracks=(),
    )
    with pytest.raises(SetupError, match="hf download"):
        run(config, tmp_path / "run")
    sys.modules.pop("tinycrowd", None)
    lines = [path for path in (tmp_path / "run" / "private" / "items").rglob("*") if path.is_file()]
    assert not any(path.stat().st_size for path in lines)


def test_no_weights_are_needed_to_name_the_method() -> None:
    assert isinstance(load(Options()), MaskSD)
    assert load(Options()).name == "Mask-SD[sd15]"


def test_a_suites_attributes_are_asked_for_and_nothing_is_drawn(folder: str) -> None:
    method = load(Options(inpainter=folder))
    assert method.prompted
    asked = task(person(35), attributes=[{"hair": "bald"}], suite=True)
    prompt = method.pseudonymize([asked])[0].people[0].prompt
    assert prompt is not None
    assert "bald head" in prompt
    assert "expression" not in prompt
    assert not load(Options(inpainter=folder, prompt=PromptConfig(text="a person"))).prompted
