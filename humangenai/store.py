"""A run's folder: what is published, what stays private, and how both survive a crash.

::

    release/                             the only folder meant for publication
      <method slug>/images/<id>.png      lossless, no metadata; id = HMAC(run key, method + item)
      record.json                        aggregate RunRecord: no keys, names, paths, seeds
    private/                             mode 0700
      plan.json                          what this folder was made for
      run.key                            32 bytes in hex; whoever has it can link ids and seeds
      mapping.csv                        method, item key, published picture
      perception/<content key>.npz       the people of one picture, shared by all methods
      items/<method slug>.jsonl          one ItemRecord a line, as each picture finishes
      phi/items/<method slug>.jsonl        one line a picture made for ϕ, as each finishes
      phi/pictures/<method slug>/          these pictures; phi/judged/ what judges say of them
      examples/<method slug>/<id>/NN-<stage>.png   first few items: 00-original … NN-output
      scores/ embeddings/ report/        made by the scorers and the report
      timings.jsonl                      wall-clock seconds per stage and call
      run.json                           the whole RunRecord

A file appears whole or not at all: it is written under another name in the same folder, flushed to
the disk, and renamed; then the folder is flushed, so that the name survives a power cut too. Lines
are appended and flushed one by one, after the picture they speak of; a torn last line, left by a
crash, is cut off when the folder is opened again. One process at a time may write: a lock says so.
"""

from __future__ import annotations

import csv
import errno
import fcntl
import hashlib
import hmac
import io
import json
import os
import re
import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from humangenai.config import digest
from humangenai.errors import UserError
from humangenai.records import ItemRecord, RunRecord
from refsd.images import encode_png

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from refsd.people import Person

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PART = ".part-"


class StoreError(UserError):
    """The run folder cannot be written or read."""


def slug(name: str) -> str:
    """A method's name as a folder's name.

    >>> slug("refsd[none]"), slug("DP2: SG-GAN")
    ('refsd-none', 'dp2-sg-gan')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into one clear line.

    Raises:
        StoreError: no room, no right to write, or any other error of the file system.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreError(
                f"no room left on the disk for {path}; what is finished is kept: "
                "make room and give the same command again"
            ) from error
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; what was written there then becomes ``path``, whole.

    Raises:
        StoreError: the disk is full, or the place cannot be written.
    """
    temporary = path.with_name(f"{_PART}{os.getpid()}-{path.name}")
    with writing(path):
        try:
            yield temporary
            _flush(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush(path.parent)


def _flush(path: Path) -> None:
    """Have the disk write what the system still holds of a file or folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a crash.

    Raises:
        StoreError: the disk is full, or the place cannot be written.
    """
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def append_line(path: Path, line: str) -> None:
    """Append one line and flush it to the disk; a line that does not fit leaves no trace.

    Raises:
        StoreError: the disk is full, or the place cannot be written.
    """
    data = (line + "\n").encode()
    with writing(path), path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def read_lines(path: Path) -> list[str]:
    """The whole lines of a file; a torn last one (a crash while appending) is left out."""
    if not path.exists():
        return []
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1].decode().splitlines()


def drop_torn_line(path: Path) -> None:
    """Cut off what a crash left after the last whole line."""
    if path.exists():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with path.open("rb+") as file:
                file.truncate(whole)


def image_hash(image: NDArray[np.uint8]) -> str:
    """sha256, in hex, of a picture's size and pixels."""
    content = hashlib.sha256(repr(image.shape).encode())
    content.update(image.tobytes())
    return content.hexdigest()


def people_hash(people: Sequence[Person]) -> str:
    """sha256, in hex, of all that is known of the people in a picture."""
    content = hashlib.sha256()
    for person in people:
        content.update(repr((person.window, person.mask.shape, person.source)).encode())
        content.update(repr(float(person.score)).encode())
        arrays = (
            person.box,
            person.mask,
            person.landmarks,
            person.landmarks_world,
            person.visibility,
        )
        for array in arrays:
            content.update(b"none" if array is None else array.tobytes())
        if person.estimate is not None:
            content.update(f"estimate {person.estimate.focal!r}".encode())
            content.update(person.estimate.rotations.tobytes() + person.estimate.place.tobytes())
    return content.hexdigest()


class RunFolder:
    """The folder of one run, open for writing; use it as a context manager.

    Args:
        root: the folder; made where it is missing.
        seed: fixes the run key; None: the key the folder has, or a new random one.
        plan: what the folder is made for, JSON-able: ``dataset`` and ``methods`` (names). A folder
            can be continued with more methods, but not with another dataset, seed, or fewer
            methods: its record would then speak of less than what lies in it.

    Raises:
        StoreError: another process writes there, it was made for something else, or it cannot be
            written.

    Attributes:
        root: the folder.
        release: what may be published.
        private: what may not.
        created: when the run began, ISO 8601, UTC.
    """

    def __init__(self, root: Path, seed: int | None, plan: Mapping[str, Any]) -> None:
        self.root = root
        self.release = root / "release"
        self.private = root / "private"
        self._seed = seed
        self._plan = dict(plan)
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        with writing(self.root):
            self.release.mkdir(parents=True, exist_ok=True)
            self.private.mkdir(mode=0o700, exist_ok=True)
            self.private.chmod(0o700)
            for name in ("perception", "items", "examples", "scores", "embeddings", "report"):
                (self.private / name).mkdir(exist_ok=True)
            self._take_lock()
        try:
            self._agree_on_plan()
            self._key = self._agree_on_key()
            appended = [*self.private.glob("items/*.jsonl"), *self.private.glob("phi/*/*.jsonl")]
            for lines in (*appended, self.private / "timings.jsonl"):
                drop_torn_line(lines)
            for leftover in self.root.rglob(f"{_PART}*"):
                leftover.unlink(missing_ok=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()  # closing the file gives the lock back
            self._lock = None

    def _take_lock(self) -> None:
        self._lock = (self.private / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            self._lock = None
            raise StoreError(
                f"{self.root} is being written by another process; wait for it or choose "
                "another --out"
            ) from error

    def _agree_on_plan(self) -> None:
        path = self.private / "plan.json"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        plan = {"created": now, "seed": self._seed, **self._plan}
        if path.exists():
            try:
                old = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise StoreError(f"{path} is broken; choose another --out") from error
            if old["dataset"] != plan["dataset"]:
                raise StoreError(
                    f"{self.root} holds a run on other data ({_brief(old['dataset'])}, not "
                    f"{_brief(plan['dataset'])}); choose another --out"
                )
            missing = [name for name in old["methods"] if name not in plan["methods"]]
            if missing:
                raise StoreError(
                    f"{self.root} holds {', '.join(missing)} too; name these methods as well, or "
                    "choose another --out"
                )
            if old["seed"] != plan["seed"]:
                raise StoreError(
                    f"{self.root} was made with "
                    + (f"--seed {old['seed']}" if old["seed"] is not None else "a random key")
                    + "; do the same, or choose another --out"
                )
            plan["created"] = old["created"]
        self.created = str(plan["created"])
        data = json.dumps(plan, indent=1).encode()
        if not path.exists() or path.read_bytes() != data:
            atomic_write(path, data)

    def _agree_on_key(self) -> bytes:
        if self._seed is not None:
            return hashlib.sha256(f"humangenai run key {self._seed}".encode()).digest()
        path = self.private / "run.key"
        if not path.exists():
            atomic_write(path, secrets.token_hex(32).encode())
            path.chmod(0o600)
        return bytes.fromhex(path.read_text(encoding="ascii").strip())

    def _hmac(self, purpose: str, *parts: str) -> bytes:
        message = json.dumps([purpose, *parts]).encode()
        return hmac.new(self._key, message, hashlib.sha256).digest()

    def seed(self, item_key: str, settings_hash: str) -> int:
        """64 random bits for one item under one method; no pixel has a say in them."""
        return int.from_bytes(self._hmac("seed", item_key, settings_hash)[:8], "big")

    def public_id(self, method: str, item_key: str) -> str:
        """The name under which a picture is published: 32 hex digits, useless without the key."""
        return self._hmac("name", method, item_key).hex()[:32]

    def content_key(self, *parts: object) -> str:
        """Key of a result: changes with anything it was made from, the run key included."""
        return digest([self._hmac("content").hex(), *parts])

    def image_path(self, method: str, item_key: str) -> Path:
        """Where a method's picture of an item is published."""
        return self.release / slug(method) / "images" / f"{self.public_id(method, item_key)}.png"

    def write_image(self, method: str, item_key: str, image: NDArray[np.uint8]) -> tuple[str, str]:
        """Publish a picture.

        Returns:
            Its path within the run folder, and its file's sha256 in hex.
        """
        path = self.image_path(method, item_key)
        data = encode_png(image)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, data)
        return path.relative_to(self.root).as_posix(), hashlib.sha256(data).hexdigest()

    def write_example(
        self, method: str, item_key: str, stages: Mapping[str, NDArray[np.uint8]]
    ) -> None:
        """Keep the pictures of every stage of an item, for the report."""
        folder = self.private / "examples" / slug(method) / self.public_id(method, item_key)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for number, (stage, picture) in enumerate(stages.items()):
            atomic_write(folder / f"{number:02d}-{slug(stage)}.png", encode_png(picture))

    def append_item(self, record: ItemRecord) -> None:
        """Write down that an item is finished or has failed."""
        append_line(self.items_path(record.method), record.model_dump_json())

    def items_path(self, method: str) -> Path:
        """The item lines of a method."""
        return self.private / "items" / f"{slug(method)}.jsonl"

    def items(self, method: str) -> dict[str, ItemRecord]:
        """The last line of every item of a method, by item key."""
        return read_items(self.items_path(method))

    def add_timing(self, stage: str, seconds: float) -> None:
        """Add to the wall-clock time that a stage took."""
        line = json.dumps({"stage": stage, "seconds": round(seconds, 3)})
        append_line(self.private / "timings.jsonl", line)

    def timings(self) -> dict[str, float]:
        """Wall-clock seconds per stage, over all calls."""
        total: dict[str, float] = {}
        for line in read_lines(self.private / "timings.jsonl"):
            entry = json.loads(line)
            total[entry["stage"]] = round(total.get(entry["stage"], 0.0) + entry["seconds"], 3)
        return total

    def write_mapping(self, methods: Iterable[str]) -> None:
        """Write which published picture shows which item; made from the item lines."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(("method", "key", "output"))
        for method in methods:
            for key, record in sorted(self.items(method).items()):
                if record.output is not None:
                    writer.writerow((method, key, record.output))
        atomic_write(self.private / "mapping.csv", buffer.getvalue().encode())

    def write_record(self, record: RunRecord, published_config: dict[str, Any]) -> None:
        """Write ``private/run.json``, and the part of it that may be published."""
        public = record.model_copy(
            update={
                "config": published_config,
                "config_hash": digest(published_config),
                "seed": None,
            }
        )
        for path, content in (
            (self.private / "run.json", record),
            (self.release / "record.json", public),
        ):
            atomic_write(path, content.model_dump_json(indent=1).encode())


def read_items(path: Path) -> dict[str, ItemRecord]:
    """The last line of every item, by item key.

    Raises:
        StoreError: a line is not an item record.
    """
    records: dict[str, ItemRecord] = {}
    for number, line in enumerate(read_lines(path), start=1):
        try:
            record = ItemRecord.model_validate_json(line)
        except ValidationError as error:
            raise StoreError(f"{path}: line {number} is not an item record") from error
        records[record.key] = record
    return records


def _brief(dataset: Mapping[str, Any]) -> str:
    options = ", ".join(f"{key}={value}" for key, value in dataset["options"].items())
    return f"{dataset['dataset']} [{options}]" if options else str(dataset["dataset"])
