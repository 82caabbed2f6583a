"""``verify-release`` as a user meets it: what is sound passes, what is planted is found."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from humangenai.config import DatasetConfig, MethodConfig, RunConfig
from humangenai.runner import run
from humangenai.verification import CheckRecord, Verification, verify_release
from humangenai.verification.opened import REFUSED
from refsd.images import encode_png, load_image
from refsd.people import load_people, save_people
from refsd.refinement import Refined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from refsd.refinement import Composite

HERE = Path(__file__).parent
PLUGINS = (str(HERE / "plugins"), str(HERE.parent / "plugins"))


@pytest.fixture(scope="module", autouse=True)
def plugins() -> Iterator[None]:
    """Other distributions' methods and datasets, for the time of these tests."""
    sys.path[:0] = PLUGINS
    yield
    for path in PLUGINS:
        sys.path.remove(path)
    for name in ("leaky", "tinycrowd", "tinyslow"):
        sys.modules.pop(name, None)


def make_run(out: Path, *methods: MethodConfig, dataset: str = "crowd", **more: object) -> Path:
    """Run methods on a dataset and measure nothing; the run's folder."""
    options = more.pop("options", {})
    config = RunConfig.model_validate(
        {
            "dataset": DatasetConfig.model_validate({"dataset": dataset, "options": options}),
            "methods": methods,
            "tracks": (),
            **more,
        }
    )
    assert not run(config, out).failures
    return out


def method(name: str, **options: object) -> MethodConfig:
    return MethodConfig(method=name, options=options)


MASKOUT = method("maskout")


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four of crowd's pictures with their people masked; to be copied, not changed."""
    return make_run(tmp_path_factory.mktemp("masked") / "annas-run", MASKOUT, limit=4)


@pytest.fixture
def copy(masked: Path, tmp_path: Path) -> Path:
    """A copy of that run, to plant something in."""
    return Path(shutil.copytree(masked, tmp_path / "copy"))


def tiny(out: Path, *methods: MethodConfig, people: int = 1, **more: object) -> Path:
    """A run on two drawn pictures per person."""
    options = {"people": people, "splits": False}
    return make_run(out, *methods, dataset="tinycrowd", options=options, **more)


def verify(folder: Path, *options: str, cwd: Path | None = None) -> tuple[int, str]:
    """The command as a process: its exit code, and all that it wrote."""
    paths = [*PLUGINS, os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "humangenai", "verify-release", str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        cwd=cwd,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def refused(folder: Path, *options: str) -> str:
    """The one line with which the command ended."""
    code, text = verify(folder, *options)
    assert code == 2, text
    (line,) = [line for line in text.splitlines() if line.startswith("error: ")]
    return line


def checks(verification: Verification, verdict: str) -> dict[str, CheckRecord]:
    """Those checks that ended so, by name."""
    return {check.check: check for check in verification.checks if check.verdict == verdict}


def failures(folder: Path) -> dict[str, CheckRecord]:
    """What the command found wrong with a folder; it must have said so."""
    code, text = verify(folder)
    assert code == 1, text
    path = folder / "private" / "verification.json"
    verification = Verification.model_validate_json(path.read_text())
    assert verification.verdict == "failed"
    found = checks(verification, "failed")
    for check in found.values():
        assert check.findings[0].what.split()[0] in text
    return found


def pictures(folder: Path) -> list[Path]:
    return sorted((folder / "release").rglob("*.png"))


def replace_picture(folder: Path, path: Path, data: bytes) -> None:
    """Put another file in a picture's place, and its hash into its line."""
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(data)
    for lines in (folder / "private" / "items").glob("*.jsonl"):
        text = lines.read_text()
        lines.write_text(text.replace(old, hashlib.sha256(data).hexdigest()))


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All files of a folder, and when they were changed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


# What is sound passes.


def test_a_sound_run_passes_and_nothing_in_it_changes(copy: Path) -> None:
    before = content(copy)
    code, text = verify(copy)
    assert code == 0, text
    assert text.splitlines()[-1].startswith(("passed", "names"))
    after = content(copy)
    written = Verification.model_validate_json(after.pop("private/verification.json")[0])
    assert after == before
    assert written.verdict == "passed"
    assert {check.check for check in written.checks} == {
        "noise", "outside", "leak", "completeness", "files", "metadata", "names"
    }  # fmt: skip
    assert "silhouette, pose, height and scene still do" in " ".join(text.split())
    leak = checks(written, "passed")["leak"]
    assert leak.figures["people"] == 4
    assert 0 <= leak.figures["mean"] <= leak.figures["p95"] <= leak.figures["max"] < 0.05


@pytest.mark.parametrize("removal", ["patchmatch", "opencv"])
def test_refsd_passes_on_crowd(removal: str, tmp_path: Path) -> None:
    folder = make_run(tmp_path, method("refsd", refiner="none", removal=removal), limit=2)
    assert verify_release(folder).verdict == "passed"


def test_refsd_and_maskout_pass_on_photos(tmp_path: Path) -> None:
    folder = make_run(tmp_path, MASKOUT, method("refsd"), dataset="photos")
    code, text = verify(folder)
    assert code == 0, text
    assert "refsd[tiny]" in text
    assert "nobody knows who is truly in these pictures" in " ".join(text.split())


def random_weights(folder: Path, family: str, task: str) -> str:
    """A tiny checkpoint with random weights, and how it is used; its folder."""
    from refsd.diffusion.random_weights import write_random_checkpoint

    write_random_checkpoint(folder, family=family, size="tiny", task=task)
    settings: dict[str, object] = {"name": folder.name, "licence": "CC0", "family": family}
    settings |= {"base": {"path": "."}, "steps": 2, "guidance": 2, "sizes": [[64, 32]]}
    if task == "refine":
        settings["controlnet"] = {"path": "controlnet"}
    (folder / "refiner.yaml").write_text(json.dumps(settings))
    return str(folder)


def test_whatever_is_made_by_diffusion_passes(tmp_path: Path) -> None:
    """RefSD's refiners and its removal, and Mask-SD, each on a checkpoint made on the spot."""
    sd15 = random_weights(tmp_path / "sd15-refine", "sd15", "refine")
    sdxl = random_weights(tmp_path / "sdxl-refine", "sdxl", "refine")
    inpaint = random_weights(tmp_path / "sd15-inpaint", "sd15", "inpaint")
    methods = [
        method("refsd", refiner=sd15),
        method("refsd", refiner=sdxl, removal="diffusion", inpainter=inpaint),
        method("mask-sd", inpainter=inpaint),
        method("refsd"),
    ]
    folder = make_run(tmp_path / "run", *methods, limit=2)
    verification = verify_release(folder)
    assert verification.verdict == "passed"
    noise = [check for check in verification.checks if check.check == "noise"]
    assert [(check.verdict, check.checked) for check in noise] == [("passed", 2)] * 4
    assert len({path.read_bytes() for path in pictures(folder)}) == 8


class Refusing:
    """Refuses the first person, and paints the others in the mean colour of all that is around."""

    name = "none"
    scope = None

    def settings(self) -> dict[str, object]:
        return {}

    def refine(self, composites: Sequence[Composite]) -> list[Refined]:
        made = []
        for composite in composites:
            image = composite.image.copy()
            for region in composite.regions[1:]:
                image[region] = image[~region].mean(axis=0)
            made.append(Refined(image, flagged=(0,)))
        return made


def test_somebody_who_is_refused_was_scenery_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is around a refused person's mask may be seen by their neighbours, the mask not."""
    from skimage.data import astronaut

    monkeypatch.setattr("refsd.refinement.make_refiner", lambda name: Refusing())
    originals = tmp_path / "originals"
    originals.mkdir()
    twice = np.ascontiguousarray(np.hstack([astronaut()[::2, ::2]] * 2))
    (originals / "two.png").write_bytes(encode_png(twice))
    boxes = "file,x0,y0,x1,y1\ntwo.png,20,0,210,256\ntwo.png,276,0,466,256\n"
    (tmp_path / "boxes.csv").write_text(boxes)
    options = {"path": str(originals), "boxes": str(tmp_path / "boxes.csv")}
    folder = make_run(tmp_path / "run", method("refsd"), dataset="folder", options=options)
    line = json.loads((folder / "private/items/refsd-none.jsonl").read_text())
    assert [person["reason"] for person in line["people"]] == [REFUSED, None]
    assert verify_release(folder).verdict == "passed"


def test_a_sample_is_drawn_by_the_key_and_told(tmp_path: Path) -> None:
    folder = tiny(tmp_path, MASKOUT, people=3)
    code, text = verify(folder, "--sample", "2")
    assert code == 0, text
    assert "2 of 6, sampled" in text
    verification = verify_release(folder, sample=2)
    (noise,) = [check for check in verification.checks if check.check == "noise"]
    assert (noise.checked, noise.total) == (2, 6)
    ids = [path.stem for path in pictures(folder)]
    assert noise.sampled == tuple(ids[:2])
    assert any("2 of 6 pictures of MaskOut" in note for note in verification.notes)
    assert verify_release(folder, sample=None).checks[0].sampled == ()


def test_a_photo_that_lies_on_its_side_passes_without_its_metadata(tmp_path: Path) -> None:
    originals = tmp_path / "originals"
    originals.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(picture).save(originals / "anna-at-the-lake.jpg", exif=exif)
    options = {"path": str(originals), "crops": True}
    folder = make_run(tmp_path / "run", MASKOUT, dataset="folder", options=options)
    assert load_image(pictures(folder)[0]).shape == (64, 48, 3)
    verification = verify_release(folder)
    assert verification.verdict == "passed"
    assert "anna" not in verification.model_dump_json()


# Five planted leaks, one per check.


def test_a_pixel_under_the_masks_that_reaches_the_output_is_found(tmp_path: Path) -> None:
    found = failures(tiny(tmp_path, method("leaky", kind="mean"), MASKOUT))
    assert list(found) == ["noise"]
    assert found["noise"].method == "leaky mean"
    assert {finding.where for finding in found["noise"].findings} == {
        path.stem for path in pictures(tmp_path) if "leaky" in str(path)
    }


def test_a_changed_pixel_outside_the_masks_is_found(copy: Path) -> None:
    path = pictures(copy)[1]
    image = load_image(path).copy()
    image[0, 0, 2] ^= 1
    replace_picture(copy, path, encode_png(image))
    found = failures(copy)
    assert list(found) == ["outside"]
    (finding,) = found["outside"].findings
    assert finding.where == path.stem
    assert finding.what.startswith("1 pixels outside")


@pytest.mark.parametrize("kind", ["exif", "text"])
def test_metadata_in_a_picture_are_found(kind: str, copy: Path) -> None:
    path = pictures(copy)[2]
    image = Image.fromarray(load_image(path))
    added = copy / "added.png"
    if kind == "exif":
        exif = Image.Exif()
        exif[0x010E] = "at the lake"
        image.save(added, exif=exif)
    else:
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", "at the lake")
        image.save(added, pnginfo=info)
    replace_picture(copy, path, added.read_bytes())
    found = failures(copy)
    assert list(found) == ["metadata"]
    assert found["metadata"].findings[0].where.endswith(path.name)


@pytest.mark.parametrize("place", ["record", "file name"])
def test_the_name_of_an_original_is_found(place: str, copy: Path) -> None:
    key = json.loads((copy / "private/items/maskout.jsonl").read_text().splitlines()[0])["key"]
    name = key.partition("/")[2]
    if place == "record":
        path = copy / "release" / "record.json"
        record = json.loads(path.read_text())
        record["notes"].append(f"the picture {name} was dark")
        path.write_text(json.dumps(record))
        found = failures(copy)
        assert list(found) == ["names"]
    else:
        path = pictures(copy)[0]
        path.rename(path.with_stem(name))
        found = failures(copy)
        assert "names" in found
    assert name not in " ".join(finding.what for finding in found["names"].findings)


def test_true_pixels_outside_the_masks_are_found(copy: Path) -> None:
    """Masks that are too small, before the method sees them: everything else is in order."""
    for path in (copy / "private" / "perception").iterdir():
        (person,) = load_people(path)
        rows = np.flatnonzero(person.mask.any(axis=1))
        person.mask[rows[0] : rows[0] + rows.size // 4] = False
        save_people(path, [person])
    shutil.rmtree(copy / "release" / "maskout")
    (copy / "private" / "items" / "maskout.jsonl").unlink()
    made = make_run(copy, MASKOUT, limit=4)
    found = failures(made)
    assert list(found) == ["leak"]
    assert found["leak"].figures["mean"] > 0.05


# Other things that must not pass.


def test_methods_that_leak_without_a_pixel_are_found(tmp_path: Path) -> None:
    kinds = ("says", "fails", "remembers")
    folder = tiny(tmp_path, *(method("leaky", kind=kind) for kind in kinds))
    verification = verify_release(folder)
    assert verification.verdict == "failed"
    noise = {check.method: check for check in verification.checks if check.check == "noise"}
    assert noise["leaky says"].findings[0].what.endswith("what is said of the people changes")
    assert "fails (ValueError: too dark)" in noise["leaky fails"].findings[0].what
    assert noise["leaky remembers"].verdict != "passed"


def test_what_cannot_be_repeated_is_not_checked(tmp_path: Path) -> None:
    folder = tiny(tmp_path, method("leaky", kind="chance"))
    code, text = verify(folder)
    assert code == 1
    assert "not reproducible here" in " ".join(text.split())
    assert set(checks(verify_release(folder), "not checked")) == {"noise"}


def test_blur_claims_nothing_and_a_run_of_it_alone_does_not_pass(tmp_path: Path) -> None:
    folder = tiny(tmp_path, method("blur"), method("original"))
    verification = verify_release(folder)
    assert verification.verdict == "not checked"
    assert set(checks(verification, "not applicable")) >= {"noise"}
    assert not checks(verification, "failed")
    assert verify_release(tiny(tmp_path / "both", method("blur"), MASKOUT)).verdict == "passed"


def test_pictures_of_another_tool_are_not_checked(tmp_path: Path, masked: Path) -> None:
    originals, outputs = tmp_path / "originals", tmp_path / "outputs"
    for folder, picture in ((originals, 30), (outputs, 200)):
        folder.mkdir()
        (folder / "holiday.png").write_bytes(
            encode_png(np.full((64, 48, 3), picture, dtype=np.uint8))
        )
    folder = make_run(
        tmp_path / "run",
        method("imported", outputs=str(outputs)),
        dataset="folder",
        options={"path": str(originals), "crops": True},
    )
    code, text = verify(folder)
    assert code == 1
    assert "it cannot be run again" in " ".join(text.split())


def test_originals_that_are_gone_are_not_checked(tmp_path: Path) -> None:
    originals = tmp_path / "originals"
    originals.mkdir()
    (originals / "holiday.png").write_bytes(encode_png(np.zeros((64, 48, 3), dtype=np.uint8)))
    options = {"path": str(originals), "crops": True}
    folder = make_run(tmp_path / "run", MASKOUT, dataset="folder", options=options)
    assert verify_release(folder).verdict == "passed"
    originals.rename(tmp_path / "elsewhere")
    verification = verify_release(folder)
    assert verification.verdict == "not checked"
    assert {"noise", "outside"} <= set(checks(verification, "not checked"))


def test_what_was_added_taken_or_exchanged_is_found(copy: Path) -> None:
    first, second, third, _ = pictures(copy)
    first.unlink()
    second.write_bytes(third.read_bytes())
    release = copy / "release"
    (release / "maskout" / "images" / f"{0:032x}.png").write_bytes(third.read_bytes())
    (release / ".DS_Store").write_bytes(b"")
    (release / "notes.txt").write_text("1 2 3\n")
    (release / "link").symlink_to(copy / "private")
    os.link(third, copy / "private" / "third.png")
    found = failures(copy)
    said = {finding.where: finding.what for finding in found["completeness"].findings}
    assert said[first.stem] == "its picture is missing"
    assert said[second.stem] == "its picture is not the one that was written"
    assert said[f"maskout/images/{0:032x}.png"] == "no line speaks of it"
    odd = {finding.where for finding in found["files"].findings}
    assert odd == {".DS_Store", "notes.txt", "link", third.relative_to(release).as_posix()}


def test_an_item_without_a_line_is_found(copy: Path) -> None:
    path = copy / "private" / "items" / "maskout.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    found = failures(copy)
    assert len(found["completeness"].findings) == 2  # the item, and the picture it left


def test_seed_key_path_and_folder_are_found(copy: Path) -> None:
    key = (copy / "private" / "run.key").read_text()
    record = copy / "release" / "record.json"
    sound = json.loads(record.read_text())
    for place, what in (
        ({"seed": 7}, "seed"),
        ({"notes": [f"made with {key}"]}, "key"),
        ({"notes": ["from /media/anna/pictures/x.jpg"]}, "root of a disk"),
        ({"notes": [f"see {copy}"]}, "folder or file of yours"),
    ):
        record.write_text(json.dumps(sound | place))
        found = checks(verify_release(copy), "failed")
        assert list(found) == ["names"], place
        assert any(what in finding.what for finding in found["names"].findings)


def test_a_seed_is_told(tmp_path: Path) -> None:
    verification = verify_release(tiny(tmp_path, MASKOUT, seed=11))
    assert any("--seed" in note for note in verification.notes)


# Folders that are not there, not finished, or in use.


def test_a_bad_folder_is_one_clear_error(tmp_path: Path, copy: Path) -> None:
    assert "is not a folder" in refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no finished run" in refused(tmp_path / "empty")
    assert "name one of them" in refused(copy.parent)
    assert "not both" in refused(copy, "--all", "--sample", "3")
    (copy / "private" / "run.key").unlink()
    assert "run.key is missing" in refused(copy)
    assert not (copy / "private" / "run.key").exists()


def test_a_folder_in_use_or_unfinished_is_refused(copy: Path) -> None:
    with (copy / "private" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another process" in refused(copy)
    part = copy / "release" / "maskout" / "images" / ".part-1-a.png"
    part.write_bytes(b"half a picture")
    assert "unfinished" in refused(copy)
    assert part.exists()
    part.unlink()
    lines = copy / "private" / "items" / "maskout.jsonl"
    torn = lines.read_bytes() + b'{"key": '
    lines.write_bytes(torn)
    assert "unfinished" in refused(copy)
    assert lines.read_bytes() == torn


def test_a_run_may_be_named_from_where_one_is(copy: Path) -> None:
    code, text = verify(Path(copy.name), cwd=copy.parent)
    assert code == 0, text
