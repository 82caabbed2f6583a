"""Checkpoints as data: what comes with RefSD, and what a wrong file is told."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from refsd.diffusion import CheckpointError, checkpoint_names, load_checkpoint
from refsd.diffusion.checkpoints import SHIPPED
from refsd.refinement import NoRefiner, make_refiner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = """
name: mine
family: sd15
licence: mine
base: {path: weights}
controlnet: {path: weights/controlnet}
steps: 4
guidance: 3
sizes: [[64, 64]]
"""


@pytest.mark.parametrize("name", checkpoint_names())
def test_published_refiners_are_pinned_and_say_their_licence(name: str) -> None:
    checkpoint = load_checkpoint(name)
    assert checkpoint.name == name
    assert checkpoint.summary
    assert checkpoint.licence
    sources = [checkpoint.base, checkpoint.controlnet, checkpoint.lora]
    # Without 40 digits a source would not have been read at all.
    assert all(
        source.revision or (source.path is not None and SHIPPED in source.path.parents)
        for source in sources
        if source is not None
    )
    assert checkpoint.controlnet is not None


def test_weights_that_come_along_do_not_say_on_whose_disk_they_were_made() -> None:
    files = [path for path in SHIPPED.rglob("*.json") if path.name != "tokenizer.json"]
    assert len(files) >= 8
    for file in files:
        for key, value in json.loads(file.read_text(encoding="utf-8")).items():
            assert not (isinstance(value, str) and value.startswith("/")), f"{file.name}: {key}"


def test_few_steps_have_names_of_their_own() -> None:
    assert {"sd15", "sd15-lcm", "sdxl", "sdxl-lcm"} <= set(checkpoint_names())
    for family in ("sd15", "sdxl"):
        assert load_checkpoint(f"{family}-lcm").steps < load_checkpoint(family).steps


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "refiner.yaml").write_text(GOOD, encoding="utf-8")
    for name in (tmp_path, tmp_path / "refiner.yaml"):
        checkpoint = load_checkpoint(str(name))
        assert checkpoint.base.path == tmp_path.resolve() / "weights"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("steps: 4", "stepps: 4"), "unknown key 'stepps'; did you mean 'steps'"),
        (("steps: 4", ""), "'steps' is missing"),
        (("steps: 4", "steps: none"), "steps"),
        (("family: sd15", "family: sd3"), "family"),
        (("[[64, 64]]", "[[64, 60]]"), "multiples of 8"),
        (("{path: weights}", "{pth: weights}"), "unknown key 'base.pth'; did you mean 'path'"),
        (("{path: weights}", "{repo: a/b}"), "needs 'revision'"),
        (("{path: weights}", "{repo: a/b, revision: null}"), "needs 'revision'"),
        (("{path: weights}", "{repo: a/b, revision: main}"), "base.revision"),
        (("{path: weights}", "{}"), "name either 'path' or 'repo'"),
        (("steps: 4", "steps: 4\nlora: {path: ., file: a.bin}"), "lora.file"),
        (("steps: 4", "steps: 4\nstrength: 0.1"), "leaves none of 4 steps"),
        (("steps: 4", "steps: 4\ncanny: [200, 100]"), "lower and an upper"),
        (("steps: 4", "steps: [4"), "cannot be read"),
    ],
)
def test_mistakes_are_named_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    file = tmp_path / "mine.yaml"
    assert change[0] in GOOD
    file.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(str(file))
    assert str(file) in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(("name", "near"), [("sd-15", "'sd15'"), ("sdxl_lcm", "'sdxl-lcm'")])
def test_unknown_names_get_the_nearest(name: str, near: str) -> None:
    with pytest.raises(CheckpointError, match=near):
        make_refiner(name)


def test_a_folder_without_settings_is_told_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no refiner\.yaml"):
        make_refiner(str(tmp_path))


def test_none_refines_nothing() -> None:
    assert isinstance(make_refiner("none"), NoRefiner)


def test_local_weights_have_their_own_name(tiny_checkpoint: Callable[[str, str], Path]) -> None:
    assert make_refiner(str(tiny_checkpoint("sd15", "refine"))).name == "random-sd15"


def test_nothing_heavy_is_imported_for_settings() -> None:
    code = (
        "import sys, refsd.diffusion as d; d.load_checkpoint('sd15')\n"
        "print([m for m in ('torch', 'cv2', 'diffusers', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: [", "cannot be read"),
        ("- steps", "expected keys and values"),
        ("name: !!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)
def test_a_file_is_plain_yaml_that_runs_nothing(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(str(path))
    assert str(path) in str(caught.value)
