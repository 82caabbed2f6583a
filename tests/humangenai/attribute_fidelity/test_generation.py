"""ϕ's pictures: what is asked over whom, the same seeds for all, resumed after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from humangenai.attribute_fidelity.generation import Ask, Design, asked, generate
from humangenai.attribute_fidelity.lines import Generated
from humangenai.attribute_fidelity.sources import Source
from humangenai.methods import Outcome, Task
from humangenai.progress import Silent
from humangenai.store import RunFolder, read_lines
from refsd.images import load_image
from refsd.people import Person, PersonOutcome
from refsd.prompts import Scope
from refsd.training.captions import taught

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from humangenai.methods.method import Claim

PLAN = {"dataset": {"dataset": "nobody", "options": {}}, "methods": ["Painter"]}


class Painter:
    """Paints every person in one colour that its seed and what is asked decide."""

    name = "Painter"
    claim: Claim = "removes"
    batch_size = 4

    def __init__(self, pause: float = 0.0, sick: str = "") -> None:
        self.pause = pause
        self.sick = sick
        self.tasks: list[Task] = []

    def settings(self) -> Mapping[str, object]:
        return {}

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        time.sleep(self.pause * len(tasks))
        if any(self.sick in task.attributes[0].values() for task in tasks):
            raise RuntimeError("cannot paint that")
        self.tasks += tasks
        return [self._paint(task) for task in tasks]

    def _paint(self, task: Task) -> Outcome:
        if "masked" in task.key:
            return Outcome(task.image, [PersonOutcome(0, "masked", reason="no body fits")])
        said = sum(" ".join(task.attributes[0].values()).encode())
        colour = np.random.default_rng([task.seed, said]).integers(0, 256, 3)
        image = np.broadcast_to(colour.astype(np.uint8), task.image.shape).copy()
        return Outcome(image, [PersonOutcome(0, "replaced", avatar="x")])


def source(key: str, crop: str = "head") -> Source:
    mask = np.ones((8, 8), dtype=np.bool_)
    person = Person(np.array([0, 0, 8, 8], np.float32), (0, 0, 8, 8), mask)
    image = np.full((8, 8, 3), 7, np.uint8)
    return Source(key, 0, crop, image, person, {"gender": "female"}, "people")  # type: ignore[arg-type]


def design(draws: int = 2) -> Design:
    scope = Scope({"age": ("20", "30", "40"), "emotion": ("happy", "sad")})
    asks = asked(scope, ["phi_B", "phi_C"])
    return Design({"head": [source("one"), source("two"), source("masked")]}, asks, draws)


def folder(path: Path) -> RunFolder:
    return RunFolder(path, 0, PLAN)


def test_only_what_was_taught_is_asked_and_pairs_ask_for_both_sides() -> None:
    asks = asked(Scope({"age": ("20", "30", "40"), "emotion": ("happy", "sad")}))
    names = [(ask.suite, ask.prompt, ask.side) for ask in asks]
    assert ("phi_B", "Happy", "") in names
    assert ("phi_C", "20 → 30", "before") in names
    assert ("phi_C", "20 → 30", "after") in names
    assert not any(prompt in {"Angry", "10 → 20"} for _, prompt, _ in names)
    everything = asked(None)
    assert len(everything) == 48 + 50 + 2 * 29 + 100
    assert {ask.crop for ask in everything if ask.suite == "phi_D"} == {"body"}
    assert {ask.crop for ask in everything if ask.suite != "phi_D"} == {"head"}
    assert asked(taught(), ["phi_C"]) == [ask for ask in asked(taught()) if ask.suite == "phi_C"]


def test_every_ask_has_a_line_and_what_is_alike_is_painted_once(tmp_path: Path) -> None:
    painter = Painter()
    plan = design()
    with folder(tmp_path) as run:
        lines = generate(run, painter, plan, Silent())
    assert len(lines) == 3 * 2 * len(plan.asks)
    looks = {tuple(sorted(ask.attributes.items())) for ask in plan.asks}
    assert len(looks) < len(plan.asks)
    assert len(painter.tasks) == 3 * 2 * len(looks)
    assert all(task.suite for task in painter.tasks)
    for line in lines:
        assert line.status == ("masked" if line.source == "masked" else "replaced")
        assert line.original == {"gender": "female"}
        if line.picture is None:
            assert line.error == "no body fits"
        else:
            assert line.picture.startswith("private/phi/pictures/painter/")
            assert load_image(tmp_path / line.picture).shape == (8, 8, 3)
    assert not list((tmp_path / "release").rglob("*.png"))


def test_seeds_are_the_same_over_prompts_and_methods(tmp_path: Path) -> None:
    one, other = Painter(), Painter()
    other.name = "Other"
    with folder(tmp_path) as run:
        for painter in (one, other):
            generate(run, painter, design(), Silent())
    seeds = {(task.key, task.seed) for task in one.tasks}
    assert len(seeds) == 3 * 2
    assert seeds == {(task.key, task.seed) for task in other.tasks}


def test_done_pictures_are_not_made_again_but_lost_and_failed_ones_are(tmp_path: Path) -> None:
    with folder(tmp_path) as run:
        lines = generate(run, Painter(sick="sad"), design(), Silent())
        failed = [line for line in lines if line.status == "failed"]
        assert failed
        assert all("sad" in line.attributes.values() for line in failed)
        assert failed[0].error == "RuntimeError: cannot paint that"
        lost = next(line for line in lines if line.picture is not None)
        assert lost.picture is not None
        (tmp_path / lost.picture).write_bytes(b"torn")
        again = Painter()
        healed = generate(run, again, design(), Silent())
        kept = Painter()
        assert generate(run, kept, design(), Silent()) == healed
    assert len(again.tasks) == 1 + len({(f.source, f.draw, str(f.attributes)) for f in failed})
    assert not kept.tasks
    assert all(line.status != "failed" for line in healed)
    assert next(line for line in healed if line.picture == lost.picture) == lost


def test_a_suites_new_version_gets_new_lines(tmp_path: Path) -> None:
    old = Ask("phi_B", 1, "Happy", "emotion", {"emotion": "happy"}, "head")
    new = Ask("phi_B", 2, "Happy", "emotion", {"emotion": "happy"}, "head")
    with folder(tmp_path) as run:
        for ask in (old, new):
            lines = generate(run, Painter(), Design({"head": [source("one")]}, [ask], 1), Silent())
            assert [line.suite_version for line in lines] == [ask.suite_version]


@pytest.mark.parametrize("lines_before_the_kill", [5, 17])
def test_it_goes_on_after_a_kill(tmp_path: Path, lines_before_the_kill: int) -> None:
    with folder(tmp_path / "whole") as run:
        whole = generate(run, Painter(), design(), Silent())
    path = tmp_path / "killed" / "private" / "phi" / "items" / "painter.jsonl"
    # What this file does when it is run: paint slowly.
    child = subprocess.Popen([sys.executable, __file__, str(tmp_path / "killed")])
    deadline = time.monotonic() + 60
    while len(read_lines(path)) < lines_before_the_kill and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    survived = [Generated.model_validate_json(line) for line in read_lines(path)]
    assert lines_before_the_kill <= len(survived) < len(whole)
    with path.open("ab") as file:
        file.write(b'{"suite": "phi_')
    painter = Painter()
    with folder(tmp_path / "killed") as run:
        resumed = generate(run, painter, design(), Silent())
    assert resumed == whole
    done = {line.content for line in survived}
    assert 0 < len(painter.tasks) <= len({line.content for line in whole}) - len(done) + 4


if __name__ == "__main__":
    with folder(Path(sys.argv[1])) as slow:
        generate(slow, Painter(pause=0.05), design(), Silent())
