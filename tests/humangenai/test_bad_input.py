"""What people hand in by mistake: one clear line, exit code 2, and nothing done is lost."""

import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from refsd.images import load_image

COMMAND = [sys.executable, "-m", "humangenai"]
# Root reads everything, unless it gives up just that right.
WITHOUT_ROOTS_RIGHTS = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
Done = subprocess.CompletedProcess[str]


def humangenai(*arguments: str | Path, cwd: Path, before: list[str] | None = None) -> Done:
    return subprocess.run(
        [*(before or []), *COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=300,
    )


def maskout(folder: Path, *more: str | Path, before: list[str] | None = None) -> Done:
    """MaskOut on a folder of pictures; the run goes to ``run`` beside it."""
    command = ("eval", "-m", "maskout", "-d", "folder", "--path", folder, "--seed", "1")
    out = folder.parent / "run"
    return humangenai(*command, "--out", out, *more, cwd=folder.parent, before=before)


def lines_of(done: Done, code: int = 2) -> list[str]:
    """What the command said at its end about what went wrong."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith(("error: ", "failed: "))]


def refusal(done: Done) -> str:
    """The one line of a command that refused to begin."""
    (line,) = lines_of(done)
    return line


def released(run: Path) -> list[np.ndarray]:
    return [load_image(path) for path in sorted((run / "release").rglob("*.png"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for pictures."""
    made = tmp_path / "pictures"
    made.mkdir()
    return made


def noise(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture of nobody."""
    rng = np.random.default_rng(4)
    return Image.fromarray(rng.integers(90, 120, (size[1], size[0], 3), dtype=np.uint8))


def bomb(path: Path, side: int = 30_000) -> None:
    """A valid PNG of 30 000 x 30 000 black pixels, 1 bit each, in about 110 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    row = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def truncated(path: Path) -> None:
    noise((400, 300)).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:9000])


BROKEN = {
    "text.jpg": (lambda path: path.write_text("Dear diary,\n"), "not a JPEG, PNG or WebP picture"),
    "empty.jpg": (lambda path: path.write_bytes(b""), "is empty (0 bytes)"),
    "cut.jpg": (truncated, "is broken or cut off"),
    "huge.png": (bomb, "more than 150 million pixels"),
    "moving.gif": (lambda path: noise().save(path), "is a GIF; save it as JPEG, PNG or WebP"),
    "moving.png": (lambda path: noise().save(path, "GIF"), "is a GIF; save it as JPEG, PNG"),
}


def test_broken_pictures_among_good_ones(folder: Path) -> None:
    for name, (write, _) in BROKEN.items():
        write(folder / name)
    noise().save(folder / "good.png")
    noise((64, 96)).save(folder / "also good.jpg")
    done = maskout(folder)
    *failed, last = lines_of(done)
    assert last.startswith(f"error: {len(BROKEN)} pictures failed, 2 are done")
    report = (folder.parent / "run" / "private" / "items" / "maskout.jsonl").read_text()
    for name, (_, words) in BROKEN.items():
        assert re.search(f"{re.escape(name)}.*{re.escape(words)}", report), name
    assert failed[0].startswith("failed: MaskOut: cut.jpg: ")
    assert len(released(folder.parent / "run")) == 2

    # Wanted all the same:
    assert maskout(folder, "--keep-going").returncode == 0

    # Put right: only what failed is done now, and the run ends well.
    before = {path: path.stat().st_mtime_ns for path in (folder.parent / "run").rglob("*.png")}
    for name in BROKEN:
        (folder / name).unlink()
        noise().save(folder / name, "PNG")
    assert maskout(folder).returncode == 0
    assert len(released(folder.parent / "run")) == 2 + len(BROKEN)
    for path in (folder.parent / "run" / "release").rglob("*.png"):
        assert before.get(path, path.stat().st_mtime_ns) == path.stat().st_mtime_ns


@pytest.mark.parametrize("name", ["text.jpg", "huge.png"])
def test_nothing_but_a_broken_picture(folder: Path, name: str) -> None:
    write, words = BROKEN[name]
    write(folder / name)
    for more in ((), ("--keep-going",)):  # there is nothing to keep going with
        failed, last = lines_of(maskout(folder, *more))
        assert name in failed
        assert words in failed
        assert last.startswith("error: 1 picture")
    assert released(folder.parent / "run") == []


def test_unusual_pictures_are_read(folder: Path) -> None:
    grey = np.linspace(0, 65535, 96 * 64).astype(np.uint16).reshape(64, 96)
    Image.fromarray(grey).save(folder / "a deep.png")
    Image.new("CMYK", (96, 64), (0, 255, 255, 0)).save(folder / "b inks.jpg")
    palette = Image.new("P", (96, 64), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.paste(0, (0, 0, 48, 64))
    palette.save(folder / "c palette.png", transparency=bytes([0, 255]))
    assert maskout(folder).returncode == 0
    pictures = released(folder.parent / "run")
    assert [picture.shape for picture in pictures] == [(64, 96, 3)] * 3
    deep = next(picture for picture in pictures if len(np.unique(picture)) > 200)
    np.testing.assert_array_equal(deep[..., 0], grey >> 8)
    red = next(picture for picture in pictures if len(np.unique(picture)) < 3)
    assert np.abs(red[5, 5].astype(int) - (255, 0, 0)).max() <= 3
    half = next(picture for picture in pictures if picture[0, 0].min() == 255)
    assert half[0, 90].tolist() == [10, 20, 30]


# ---- the folder ------------------------------------------------------------------------------


def test_empty_folder(folder: Path) -> None:
    assert f"{folder}: holds no JPEG, PNG or WebP picture" in refusal(maskout(folder))
    assert not (folder.parent / "run").exists()


def test_no_folder(folder: Path) -> None:
    assert "gone: cannot be read: No such file" in refusal(maskout(folder / "gone"))


def test_folder_without_rights(folder: Path) -> None:
    noise().save(folder / "good.png")
    folder.chmod(0)
    before = None
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv (util-linux) is missing: root reads everything")
        before = WITHOUT_ROOTS_RIGHTS
    try:
        line = refusal(maskout(folder, before=before))
    finally:
        folder.chmod(0o755)
    assert f"{folder}: cannot be read: Permission denied; change its rights" in line


# ---- names and values ------------------------------------------------------------------------


def test_unknown_method(folder: Path) -> None:
    noise().save(folder / "good.png")
    done = humangenai("eval", "-m", "maskuot", "--path", folder, cwd=folder.parent)
    assert "unknown method 'maskuot'; did you mean 'maskout'?" in refusal(done)


def test_misspelt_keys_in_a_yaml(folder: Path) -> None:
    noise().save(folder / "good.png")
    config = folder.parent / "mine.yaml"
    for text, words in (
        (f"dataset: folder\noption: {{path: {folder}}}\n", "'option'; did you mean 'options'"),
        (f"dataset: folder\noptions: {{pth: {folder}}}\n", "'pth'; did you mean 'path'"),
    ):
        config.write_text(text)
        done = humangenai("eval", "-m", "maskout", "-d", config, cwd=folder.parent)
        assert f"unknown key {words}?" in refusal(done)


def test_boxes_outside_the_picture(folder: Path) -> None:
    noise().save(folder / "good.png")
    boxes = folder.parent / "boxes.csv"
    boxes.write_text("file,x0,y0,x1,y1\ngood.png,10,10,40,60\ngood.png,50,10,400,60\n")
    line = refusal(maskout(folder, "--boxes", boxes))
    assert "boxes.csv, line 3: the box (50, 10, 400, 60) is not within 'good.png', 96 x 64" in line
    assert not (folder.parent / "run").exists()


# ---- the disk --------------------------------------------------------------------------------


# Where anybody may mount a disk in memory, seen by nobody else and gone at the end.
OWN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount() -> bool:
    try:
        done = subprocess.run(
            [*OWN_NAMESPACE, "mount", "-t", "tmpfs", "small", "/mnt"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


FULL_DISK = """
mount -t tmpfs -o size=400k small disk || exit 1
"$@" --out disk/run >full.out 2>full.err; echo $? >full.code
ls disk/run/release/maskout/images >full.list
mount -o remount,size=50m small disk
"$@" --out disk/run >more.out 2>more.err; echo $? >more.code
ls disk/run/release/maskout/images >more.list
cp -r disk/run kept
"""


def test_full_disk_keeps_what_is_done_and_goes_on_later(folder: Path) -> None:
    if not can_mount():
        pytest.skip("no user namespaces here: a small disk cannot be mounted")
    rng = np.random.default_rng(9)
    for number in range(12):  # about 60 kB each as PNG; 12 do not fit into 400 kB
        pixels = rng.integers(0, 256, (140, 140, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    place = folder.parent
    (place / "disk").mkdir()
    command = [*COMMAND, "generate", "-m", "maskout", "--path", folder, "--seed", "1"]
    subprocess.run(
        [*OWN_NAMESPACE, "sh", "-c", FULL_DISK, "sh", *map(str, command)],
        cwd=place,
        check=True,
        timeout=300,
    )
    said = (place / "full.err").read_text()
    assert (place / "full.code").read_text().strip() == "2", said
    assert "Traceback" not in said
    assert "no room left on the disk" in said.splitlines()[-1]
    assert "give the same command again" in said.splitlines()[-1]

    # Of what was finished nothing is lost, and nothing is half there.
    before = set((place / "full.list").read_text().split())
    after = set((place / "more.list").read_text().split())
    assert (place / "more.code").read_text().strip() == "0", (place / "more.err").read_text()
    assert not any(name.startswith(".part") for name in before | after)
    assert len(before) < len(after) == 12
    assert before <= after
    assert len(released(place / "kept")) == 12
