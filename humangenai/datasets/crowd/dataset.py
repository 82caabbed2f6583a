"""Crowd as a dataset: Market-1501's three splits, rendered once into a cache.

Every identity is rendered on its own from (seed, pid), so that presets share identities and a
crash loses at most one of them. Nobody in crowd exists.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.datasets.dataset import Item, Split, TruePerson
from refsd.cache import cache_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.people import Person

VERSION = 1
"""Grows whenever a picture of crowd changes; results of different versions are not comparable."""

TRAIN_IDENTITIES = 480
TEST_IDENTITIES = {"small": 60, "full": 120}
TRAIN_SHOTS_PER_CAMERA = 2
QUERY_CAMERAS = 4


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        preset: ``small`` (60 test identities, 240 queries, 360 gallery pictures) or ``full``
            (120, 480, 720). The small one is the first half of the full one.
        seed: another seed is another crowd.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["small", "full"] = "small"
    seed: int = 0


@dataclass(frozen=True)
class _Identity:
    """What one identity's folder holds: a picture per entry, in order."""

    pid: int
    shots: tuple[tuple[Split, int], ...]


def _identities(preset: str) -> tuple[list[_Identity], list[_Identity]]:
    """Train and test identities; pids of the training set come first."""
    train = [
        _Identity(pid, tuple(("train", camid) for camid in range(1, 7)) * TRAIN_SHOTS_PER_CAMERA)
        for pid in range(1, TRAIN_IDENTITIES + 1)
    ]
    test = []
    for index in range(TEST_IDENTITIES[preset]):
        pid = TRAIN_IDENTITIES + 1 + index
        # Four of the six cameras hold a query; which four goes round, so that all serve alike.
        query = sorted((index + step) % 6 + 1 for step in range(QUERY_CAMERAS))
        shots = [("query", camid) for camid in query] + [
            ("gallery", camid) for camid in range(1, 7)
        ]
        test.append(_Identity(pid, tuple(shots)))  # type: ignore[arg-type]
    return train, test


class Crowd:
    """Rendered people: 256 x 128 crops with identity, camera, attributes, mask and joints known.

    Attributes:
        name: ``crowd``.
        crops: True.
        rendered: True: its originals are renders, never to be called real.
    """

    name = "crowd"
    crops = True
    rendered = True

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder = cache_dir() / "crowd" / f"v{VERSION}-seed{options.seed}"
        self._train, self._test = _identities(options.preset)

    def items(self) -> Sequence[Item]:
        """Queries, then gallery; rendered when first asked for."""
        return self._items

    def train_items(self) -> Sequence[Item]:
        """The training split: 480 identities that are in no other split."""
        self._render(self._train, "crowd: training identities")
        return [item for identity in self._train for item, _ in self._shots(identity)]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The crop: uint8 (256, 128, 3)."""
        from PIL import Image

        with Image.open(self._path(item, ".png")) as file:
            return np.asarray(file.convert("RGB"))

    def people(self, item: Item) -> Sequence[Person] | None:
        """None: people are found as they would be on real crops; the truth serves for scoring."""
        return None

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """The one person in the crop, exactly."""
        from PIL import Image

        with Image.open(self._path(item, ".mask.png")) as file:
            mask = np.asarray(file.convert("L")) > 0
        known = json.loads((self._path(item, "").parent / "truth.json").read_text())
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float32)
        joints = known["joints"][self._path(item, "").name]
        return [
            TruePerson(
                box=box,
                mask=mask,
                joints=np.asarray(joints, dtype=np.float32),
                joint_names=tuple(known["joint_names"]),
                attributes=known["attributes"],
            )
        ]

    def manifest_hash(self) -> str:
        """sha256 over keys and pixels of the evaluated splits."""
        return self._manifest

    @cached_property
    def _items(self) -> list[Item]:
        self._render(self._test, "crowd: test identities")
        found = [item for identity in self._test for item, _ in self._shots(identity)]
        return [i for i in found if i.split == "query"] + [i for i in found if i.split == "gallery"]

    @cached_property
    def _manifest(self) -> str:
        digest = hashlib.sha256()
        for item in self.items():
            digest.update(f"{item.key} {item.pid} {item.camid} ".encode())
            digest.update(self.image(item).tobytes())
        return digest.hexdigest()

    def _shots(self, identity: _Identity) -> list[tuple[Item, str]]:
        """Items of one identity with the names of their files."""
        named = []
        for index, (split, camid) in enumerate(identity.shots):
            name = f"{index:02d}_c{camid}"
            key = f"{split}/{identity.pid:04d}_{name}"
            named.append((Item(key=key, split=split, pid=identity.pid, camid=camid), name))
        return named

    def _path(self, item: Item, suffix: str) -> Path:
        pid, name = item.key.split("/")[1].split("_", 1)
        return self._folder / pid / f"{name}{suffix}"

    def _render(self, identities: Sequence[_Identity], title: str) -> None:
        """Render those identities that the cache does not hold."""
        missing = [i for i in identities if not (self._folder / f"{i.pid:04d}").is_dir()]
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
                pool.submit(render_identity, self._folder, self._options.seed, i.pid,
                            [camid for _, camid in i.shots])
                for i in missing
            ]  # fmt: skip
            try:
                for job in track(
                    as_completed(jobs), title, len(jobs), console=Console(stderr=True)
                ):
                    job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def render_identity(folder: Path, seed: int, pid: int, camids: Sequence[int]) -> None:
    """Render one identity into ``folder/<pid>``; the folder appears whole or not at all."""
    import torch
    from PIL import Image

    from humangenai.datasets.crowd.rendering import photograph
    from refsd.bodies.anny import load_body
    from refsd.rendering import make_renderer
    from refsd.wardrobe import sample_avatar

    torch.set_num_threads(1)
    rng = np.random.default_rng([VERSION, seed, pid])
    body = load_body()
    avatar = sample_avatar("crowd", rng)
    shots = photograph(avatar, camids, body, make_renderer("numpy"), rng)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as made:
        work = Path(made) / "identity"
        work.mkdir()
        joints = {}
        for index, shot in enumerate(shots):
            name = f"{index:02d}_c{shot.camid}"
            Image.fromarray(shot.image).save(work / f"{name}.png", compress_level=3)
            Image.fromarray(shot.mask).save(work / f"{name}.mask.png")
            joints[name] = np.round(shot.joints.astype(float), 5).tolist()
        truth = {
            "attributes": dict(avatar.attributes),
            "joint_names": list(body.joint_names),
            "joints": joints,
        }
        (work / "truth.json").write_text(json.dumps(truth))
        target = folder / f"{pid:04d}"
        try:
            work.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was faster, with the same pictures
                raise


def load(options: Options) -> Crowd:
    """The crowd of these options; rendering waits until pictures are asked for."""
    return Crowd(options)
