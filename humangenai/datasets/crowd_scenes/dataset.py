"""Crowd's scenes as a dataset for detectors: training and test pictures of different people.

Every scene has people of its own, so that nobody is in two of them: training and test people are
disjoint, and drawing test pictures anew draws people anew. Scenes are rendered in shards; a crash
loses the shards that were at work. Nobody in them exists.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cached_property
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.datasets.crowd_scenes.rendering import CATEGORIES, HEIGHT, PERSON, WIDTH
from humangenai.datasets.dataset import Item, TruePerson
from humangenai.datasets.manifest import manifest_hash
from humangenai.datasets.objects import TrueObject
from humangenai.store import atomic
from refsd.cache import cache_dir

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.people import Person

Part = Literal["train", "test"]

VERSION = 1
"""Grows whenever a picture changes; results of different versions are not comparable."""

SCENES: dict[str, dict[Part, int]] = {
    "small": {"train": 100, "test": 50},
    "full": {"train": 1200, "test": 300},
}

SHARD = 5
"""Scenes that are rendered and kept together."""


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        preset: ``small`` (100 training and 50 test scenes) or ``full`` (1200 and 300). The small
            one is the beginning of the full one.
        seed: another seed is another crowd.
        people: ``annotations``: methods get the renderer's boxes and masks, since who trains a
            detector has such labels; ``find``: people are found as in any picture, and who is
            missed stays in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["small", "full"] = "small"
    seed: int = 0
    people: Literal["annotations", "find"] = "annotations"


class CrowdScenes:
    """Rendered scenes, 192 x 256: boxes, masks, joints and attributes known.

    Attributes:
        name: ``crowd-scenes``.
        crops: False: whole scenes.
        rendered: True: its originals are renders, never to be called real.
    """

    name = "crowd-scenes"
    crops = False
    rendered = True

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder = cache_dir() / "crowd-scenes" / f"v{VERSION}-seed{options.seed}"
        self._scenes = SCENES[options.preset]
        self._open: tuple[Path, dict[str, Any]] | None = None

    @property
    def categories(self) -> tuple[str, ...]:
        """Names: person, crate, barrel."""
        return CATEGORIES

    def items(self) -> Sequence[Item]:
        """The test scenes; rendered when first asked for."""
        self._render("test")
        return [Item(f"test/{number:05d}", "all") for number in range(self._scenes["test"])]

    def train_items(self) -> Sequence[Item]:
        """The training scenes; nobody in them is in a test scene."""
        self._render("train")
        return [Item(f"train/{number:05d}", "train") for number in range(self._scenes["train"])]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The scene: uint8 (192, 256, 3)."""
        shard, place = self._shard(item)
        return np.asarray(shard["images"][place])

    def objects(self, item: Item) -> Sequence[TrueObject]:
        """Everything in a scene, from the farthest to the nearest, as far as it is seen."""
        return [
            TrueObject(
                box=_box(mask),
                category=int(figure["category"]),
                area=float(mask.sum()),
                mask=mask,
            )
            for figure, mask in self._figures(item)
        ]

    def people(self, item: Item) -> Sequence[Person] | None:
        """The rendered ones with landmarks as found; None where they are to be found."""
        if self._options.people == "find":
            return None
        true = self.truth(item)
        if not true:
            return []
        from refsd.people import people_from_boxes

        boxes = np.stack([person.box for person in true])
        return people_from_boxes(self.image(item), boxes, [person.mask for person in true])

    def truth(self, item: Item) -> Sequence[TruePerson]:
        """The people of a scene, exactly."""
        shard, _ = self._shard(item)
        names = tuple(shard["truth"]["joint_names"])
        return [
            TruePerson(
                box=_box(mask),
                mask=mask,
                joints=np.asarray(figure["joints"], dtype=np.float32),
                joint_names=names,
                attributes=figure["attributes"],
            )
            for figure, mask in self._figures(item)
            if figure["category"] == PERSON
        ]

    def manifest_hash(self) -> str:
        """sha256 over keys, pixels and masks of the test scenes."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        def content(item: Item) -> bytes:
            digest = hashlib.sha256(self.image(item).tobytes())
            for one in self.objects(item):
                assert one.mask is not None  # noqa: S101
                digest.update(bytes([one.category]) + one.mask.tobytes())
            return digest.digest()

        return manifest_hash(self.items(), content)

    def _figures(self, item: Item) -> list[tuple[dict[str, Any], NDArray[np.bool_]]]:
        """What is known of each figure of a scene, and its mask."""
        shard, place = self._shard(item)
        figures = shard["truth"]["scenes"][place]
        first = sum(len(scene) for scene in shard["truth"]["scenes"][:place])
        masks = shard["masks"][first : first + len(figures)]
        return list(zip(figures, masks, strict=True))

    def _shard(self, item: Item) -> tuple[dict[str, Any], int]:
        """The shard that holds a scene, and the scene's place in it."""
        part, number = item.key.split("/")
        path = self._path(part, int(number) // SHARD)
        if self._open is None or self._open[0] != path:
            self._open = (path, read_shard(path))
        return self._open[1], int(number) % SHARD

    def _path(self, part: str, shard: int) -> Path:
        return self._folder / f"{part}-{shard:04d}.npz"

    def _render(self, part: Part) -> None:
        """Render those shards that the cache does not hold."""
        shards = range(-(-self._scenes[part] // SHARD))
        missing = [shard for shard in shards if not self._path(part, shard).is_file()]
        if not missing:
            return
        from rich.console import Console
        from rich.progress import track

        from refsd.bodies import load_body

        load_body()  # built once here, not by every worker
        self._folder.mkdir(parents=True, exist_ok=True)
        workers = min(os.cpu_count() or 1, 8, len(missing))
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            jobs = [
                pool.submit(render_shard, self._path(part, shard), self._options.seed, part, shard)
                for shard in missing
            ]
            try:
                for job in track(
                    as_completed(jobs),
                    f"crowd: {part} scenes",
                    len(jobs),
                    console=Console(stderr=True),
                ):
                    job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def render_shard(path: Path, seed: int, part: Part, shard: int) -> None:
    """Render ``SHARD`` scenes into a file that appears whole or not at all.

    Args:
        path: the file.
        seed: of the dataset.
        part: which part.
        shard: its number.
    """
    import torch

    from humangenai.datasets.crowd_scenes.rendering import photograph_scene
    from refsd.bodies import load_body
    from refsd.rendering import make_renderer

    torch.set_num_threads(1)
    body, renderer = load_body(), make_renderer("numpy")
    scenes = []
    for number in range(shard * SHARD, (shard + 1) * SHARD):
        place = [VERSION, seed, int(part == "test"), number]
        scenes.append(
            photograph_scene(
                body,
                renderer,
                np.random.default_rng([*place, 0]),
                np.random.default_rng([*place, 1]),
            )
        )
    masks = [figure.mask for scene in scenes for figure in scene.figures]
    truth = {
        "joint_names": list(body.joint_names),
        "scenes": [
            [
                {
                    "category": figure.category,
                    "attributes": dict(figure.attributes),
                    "joints": None
                    if figure.joints is None
                    else np.round(figure.joints.astype(float), 4).tolist(),
                }
                for figure in scene.figures
            ]
            for scene in scenes
        ],
    }
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            images=np.stack([scene.image for scene in scenes]),
            masks=np.packbits(np.array(masks, dtype=np.bool_).reshape(-1, HEIGHT * WIDTH), axis=1),
            truth=np.frombuffer(json.dumps(truth).encode(), dtype=np.uint8),
        )


def read_shard(path: Path) -> dict[str, Any]:
    """``images`` uint8 (N, 192, 256, 3), ``masks`` bool (figures, 192, 256), and ``truth``."""
    with np.load(path, allow_pickle=False) as file:
        bits = np.unpackbits(file["masks"], axis=1, count=HEIGHT * WIDTH)
        return {
            "images": file["images"],
            "masks": bits.reshape(-1, HEIGHT, WIDTH).astype(np.bool_),
            "truth": json.loads(file["truth"].tobytes()),
        }


def _box(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float32)


def load(options: Options) -> CrowdScenes:
    """The scenes of these options; rendering waits until pictures are asked for."""
    return CrowdScenes(options)
