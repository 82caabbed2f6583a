"""Crowd's heads as a dataset: rendered once, in shards that appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property, lru_cache
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from humangenai.datasets.dataset import Item, Split, TruePerson
from humangenai.datasets.manifest import manifest_hash
from humangenai.datasets.tasks import Task, TaskClass
from refsd.bodies.landmarks import LANDMARKS
from refsd.cache import cache_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.people import Person

VERSION = 1
"""Grows whenever a picture changes; results of different versions are not comparable."""

SHARD = 25
"""People in a shard."""

TRAIN_PEOPLE = {"small": 300, "full": 3000}
TEST_PEOPLE = {"small": 125, "full": 500}
SHOTS = {"train": 1, "test": 2}
"""Pictures of everybody, each with another emotion."""

EYES = [LANDMARKS.index(f"{side}_eye") for side in ("left", "right")]
MOUTH = [LANDMARKS.index(f"mouth_{side}") for side in ("left", "right")]

Part = Literal["train", "test"]


def _task(name: str, *values: str) -> Task:
    return Task(name, tuple(TaskClass(value, value, {name: value}) for value in values))


TASKS = (
    _task(
        "emotion", "surprised", "fearful", "disgusted", "happy", "sad", "angry", "neutral"
    ),
    _task("age group", "young adult", "middle-aged", "elderly"),
    _task("gender", "female", "male"),
    _task("ethnicity", "White", "Black", "East Asian"),
)  # fmt: skip
"""In the order of the paper's table; classes are the vocabulary's own words."""


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        preset: ``small`` (300 people to learn from, a picture each, and 125 others to be tested
            on, two pictures each) or ``full`` (3000 and 500). The small one is the first part of
            the full one.
        seed: another seed is other people.
        train: so many people to learn from instead; test: so many others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["small", "full"] = "small"
    seed: int = 0
    train: int | None = Field(default=None, ge=2)
    test: int | None = Field(default=None, ge=2)


@dataclass(frozen=True)
class Shard:
    """Some people, in one file.

    Attributes:
        folder: where it lies; seed: of all people.
        part: whether one learns from them; number: which people.
    """

    folder: Path
    seed: int
    part: Part
    number: int

    @property
    def path(self) -> Path:
        """The file, whether it is there or not."""
        return self.folder / f"{self.part}-{self.number:04d}.safetensors"

    @property
    def pids(self) -> range:
        """Who is in it; nobody is in both parts."""
        # Test people come after any number of people to learn from.
        first = (0 if self.part == "train" else 1_000_000) + self.number * SHARD
        return range(first + 1, first + 1 + SHARD)


class CrowdFaces:
    """Rendered heads, 160 x 160, with emotion, age group, gender and ethnicity.

    Attributes:
        name: ``crowd-faces``.
        crops: True: one head each.
        rendered: True: its originals are renders, never to be called real.
    """

    name = "crowd-faces"
    crops = True
    rendered = True

    def __init__(self, options: Options) -> None:
        self._seed = options.seed
        self._folder = cache_dir() / "crowd-faces" / f"v{VERSION}-seed{options.seed}"
        self._people: dict[Part, int] = {
            "train": options.train or TRAIN_PEOPLE[options.preset],
            "test": options.test or TEST_PEOPLE[options.preset],
        }

    def tasks(self) -> Sequence[Task]:
        """Emotion, age group, gender and ethnicity."""
        return TASKS

    def items(self) -> Sequence[Item]:
        """The test pictures; rendered when first asked for."""
        return self._test

    def train_items(self) -> Sequence[Item]:
        """Pictures to learn from, of people who are in no test picture."""
        return self._train

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The head: uint8 (160, 160, 3)."""
        images = _read(self._place(item).path).arrays["images"]
        return np.array(images[self._row(item)], dtype=np.uint8)

    def people(self, item: Item) -> Sequence[Person] | None:
        """Who is there, exactly: what models learn shall not depend on who finds people."""
        from refsd.people import Person

        arrays, row = _read(self._place(item).path).arrays, self._row(item)
        (true,) = self.truth(item) or ()
        points = arrays["landmarks"][row]
        inside = ((points >= 0) & (points < arrays["images"].shape[1])).all(axis=1)
        x0, y0, x1, y1 = (int(value) for value in true.box)
        person = Person(
            box=true.box,
            window=(x0, y0, x1, y1),
            mask=true.mask[y0:y1, x0:x1],
            landmarks=points,
            landmarks_world=arrays["landmarks_world"][row],
            visibility=np.where(inside, 1.0, 0.1).astype(np.float32),
            source="dataset",
        )
        return [person]

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """The one person in the picture: mask, box and labels."""
        mask = _read(self._place(item).path).arrays["masks"][self._row(item)] > 0
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float32)
        return [TruePerson(box=box, mask=mask, attributes=dict(item.labels))]

    def face(self, item: Item) -> tuple[int, int, int, int]:
        """The square around the face that classifiers look at, as RAF-DB's are cut."""
        points = _read(self._place(item).path).arrays["landmarks"][self._row(item)]
        eyes, mouth = points[EYES].mean(axis=0), points[MOUTH].mean(axis=0)
        # Heads are about three times as high as it is from the eyes to the mouth.
        half = 1.5 * float(np.linalg.norm(eyes - mouth))
        x, y = (eyes + mouth) / 2
        y -= 0.15 * half
        x0, y0 = round(float(x) - half), round(float(y) - half)
        return x0, y0, x0 + round(2 * half), y0 + round(2 * half)

    def manifest_hash(self) -> str:
        """sha256 over keys, labels and pixels of the test pictures."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        return manifest_hash(
            self.items(), lambda item: hashlib.sha256(self.image(item).tobytes()).digest()
        )

    @cached_property
    def _test(self) -> list[Item]:
        return self._load("test", "all")

    @cached_property
    def _train(self) -> list[Item]:
        return self._load("train", "train")

    def _load(self, part: Part, split: Split) -> list[Item]:
        people = self._people[part]
        shards = [
            Shard(self._folder, self._seed, part, number) for number in range(-(-people // SHARD))
        ]
        _render_missing(shards, f"crowd-faces: {part} pictures")
        items = []
        for shard in shards:
            labels = _read(shard.path).labels
            for place, pid in enumerate(shard.pids):
                if shard.number * SHARD + place >= people:
                    break
                for shot in range(SHOTS[part]):
                    said = labels[place * SHOTS[part] + shot]
                    items.append(Item(f"{part}/{pid:07d}-{shot}", split, pid, labels=said))
        return items

    def _place(self, item: Item) -> Shard:
        part: Part = "train" if item.split == "train" else "test"
        pid = item.pid or 0
        return Shard(self._folder, self._seed, part, ((pid - 1) % 1_000_000) // SHARD)

    def _row(self, item: Item) -> int:
        shard = self._place(item)
        shot = int(item.key.rpartition("-")[2])
        return shard.pids.index(item.pid or 0) * SHOTS[shard.part] + shot


@dataclass(frozen=True, eq=False)
class _Heads:
    """What a shard holds: by name an array with a row per picture, and their labels."""

    arrays: Mapping[str, NDArray[Any]]
    labels: list[dict[str, str]]


@lru_cache(maxsize=8)
def _read(path: Path) -> _Heads:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _Heads(arrays, json.loads(file.metadata()["labels"]))


def _render_missing(shards: Sequence[Shard], title: str) -> None:
    missing = [shard for shard in shards if not shard.path.is_file()]
    if not missing:
        return
    from rich.console import Console
    from rich.progress import track

    from refsd.bodies import load_body

    load_body()  # built once here, not by every worker
    missing[0].folder.mkdir(parents=True, exist_ok=True)
    workers = min(os.cpu_count() or 1, 8, len(missing))
    if workers == 1:
        for shard in missing:
            render_shard(shard)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(render_shard, shard) for shard in missing]
        try:
            for job in track(as_completed(jobs), title, len(jobs), console=Console(stderr=True)):
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def render_shard(shard: Shard) -> None:
    """Render some people; their file appears whole or not at all."""
    import torch
    from safetensors.numpy import save_file

    from humangenai.datasets.crowd_faces.rendering import photograph_heads
    from refsd.bodies.anny import load_body
    from refsd.rendering import make_renderer

    torch.set_num_threads(1)
    body, renderer = load_body(), make_renderer("numpy")
    heads = [
        head
        for pid in shard.pids
        for head in photograph_heads(
            SHOTS[shard.part], body, renderer, np.random.default_rng([VERSION, shard.seed, pid])
        )
    ]
    arrays: dict[str, NDArray[Any]] = {
        "images": np.stack([head.image for head in heads]),
        "masks": np.stack([head.mask for head in heads]).astype(np.uint8),
        "landmarks": np.stack([head.landmarks for head in heads]),
        "landmarks_world": np.stack([head.landmarks_world for head in heads]),
    }
    draft = shard.path.with_name(f".part-{os.getpid()}-{shard.path.name}")
    try:
        save_file(arrays, draft, {"labels": json.dumps([dict(head.labels) for head in heads])})
        draft.replace(shard.path)
    finally:
        draft.unlink(missing_ok=True)


def load(options: Options) -> CrowdFaces:
    """The heads of these options; rendering waits until pictures are asked for."""
    return CrowdFaces(options)
