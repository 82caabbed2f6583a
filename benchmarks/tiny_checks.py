"""Whether refsd-tiny keeps poses, and whether it paints people whom it was trained on.

Usage: python benchmarks/tiny_checks.py poses  [--limit 120] [--json OUT]
       python benchmarks/tiny_checks.py memory --folder RUN  [--json OUT]

poses    Crowd's queries are refined as `humangenai eval --method refsd` does; BlazePose looks at
         the result. error: mean distance between the landmarks it finds and those of the avatar
         that was rendered there, over COCO's 17 keypoints inside the picture, as a share of the
         avatar's height; PCK@0.1: share of keypoints within a tenth of the height; found: share of
         people whom it finds at all. Measured on x″ too (what BlazePose itself gets wrong), and on
         what comes at strength 1 without ControlNet (what is left of a pose that nobody kept).

memory   Composites that were never trained on are refined under captions that were never trained
         on. Each output's nearest neighbour among all training targets of its crop is looked for,
         by the distance of two descriptions: pixels (32 x 16 or 16 x 16, root mean square, 0 to
         255) and the re-ID attacker's embedding (between unit vectors). The same for held-out
         renders.
         An output that repeats a training picture would be much nearer than held-out ones are.
         FOLDER is that of `python -m refsd.training`.

Brackets are 95 % intervals by bootstrap over pictures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import yaml
from rich.console import Console
from rich.progress import track

from humangenai.datasets.crowd import Options
from humangenai.datasets.crowd import load as load_crowd
from humangenai.reid import load_attacker
from humangenai.statistics import clustered_mean
from refsd import Picture, RefSD
from refsd.bodies.landmarks import LANDMARKS
from refsd.diffusion import load_checkpoint
from refsd.diffusion.refiner import DiffusionRefiner
from refsd.labels import COCO_KEYPOINTS
from refsd.people import find_people
from refsd.prompts import Prompt
from refsd.refinement import Composite
from refsd.training.batches import HELD_OUT, Pairs
from refsd.training.captions import caption
from refsd.training.data import HEIGHTS, Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.people import Person
    from refsd.picture import Result

SEED = 11
NEAR = 0.1
MEMORY_PICTURES = 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["poses", "memory"])
    parser.add_argument("--refiner", default="tiny")
    parser.add_argument("--limit", type=int, default=120, help="people (poses)")
    parser.add_argument("--folder", type=Path, help="of the training run (memory)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args()
    if given.what == "poses":
        figures = poses(given.refiner, given.limit)
    elif given.folder is None:
        parser.error("memory needs --folder, the training run's")
    else:
        figures = memory(given.refiner, given.folder)
    print(json.dumps(figures, indent=1))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def poses(refiner: str, limit: int) -> dict[str, object]:
    crowd = load_crowd(Options())
    queries = [item for item in crowd.items() if item.split == "query"]
    chosen = queries[:: max(1, len(queries) // limit)][:limit]
    images = [crowd.image(item) for item in chosen]
    people = find_people(images, crops=True)
    rows = {"x″": "none", refiner: refiner}
    with tempfile.TemporaryDirectory() as folder:
        loose = load_checkpoint(refiner).model_copy(
            update={"strength": 1.0, "conditioning_scale": 0.0}
        )
        path = Path(folder) / "loose.yaml"
        path.write_text(yaml.safe_dump(loose.model_dump(mode="json", exclude_none=True)))
        rows["strength 1, no ControlNet"] = str(path)
        return {
            "people": len(chosen),
            **{
                name: _pose_figures(_refined(images, people, which))
                for name, which in track(rows.items(), "refiners", console=Console(stderr=True))
            },
        }


def _refined(
    images: Sequence[NDArray[np.uint8]], people: Sequence[Sequence[Person]], refiner: str
) -> list[Result]:
    refsd = RefSD.from_config(refiner)
    pictures = [
        Picture(image, some, SEED + number, crop=True)
        for number, (image, some) in enumerate(zip(images, people, strict=True))
    ]
    return [
        result
        for start in range(0, len(pictures), 16)
        for result in refsd.batch(pictures[start : start + 16])
    ]


def _pose_figures(results: Sequence[Result]) -> dict[str, object]:
    order = [LANDMARKS.index(name) for name in COCO_KEYPOINTS]
    replaced = [result for result in results if result.people and result.people[0].new]
    seen = find_people([result.image for result in replaced], crops=True)
    errors, near = [], []
    for result, some in zip(replaced, seen, strict=True):
        new = result.people[0].new
        landmarks = some[0].landmarks if some else None
        if new is None or landmarks is None:
            errors.append(np.nan)
            near.append(np.nan)
            continue
        inside = new.visibility > 0
        off = np.linalg.norm(landmarks[order] - new.keypoints, axis=1)[inside]
        height = float(new.box[3] - new.box[1])
        errors.append(float(off.mean()) / height)
        near.append(float((off < NEAR * height).mean()))
    return {
        "replaced": len(replaced),
        "found": round(float(np.isfinite(errors).mean()), 4),
        "error": _interval(errors),
        "PCK@0.1": _interval(near),
    }


def memory(refiner: str, folder: Path) -> dict[str, object]:
    figures: dict[str, object] = {}
    for crop, view in (("body", "full"), ("head", "face")):
        plain = Part(crop, HEIGHTS[crop], 10**5)  # type: ignore[index, arg-type]
        shards = [
            path
            for part in (replace(plain, composite="alike"), plain)
            for path in part.shards(folder / "data")
            if path.exists()
        ]
        trained = Pairs(shards[: len(shards) - HELD_OUT]).target
        held_out = Pairs(shards[-HELD_OUT:])
        rng = np.random.default_rng(SEED)
        captions = [
            caption(held_out.labels[i], view, rng)  # type: ignore[arg-type]
            for i in rng.permutation(len(held_out))[:MEMORY_PICTURES]
        ]
        composites = held_out.composite[: len(captions)]
        everywhere = np.ones(composites.shape[1:3], dtype=np.bool_)
        refined = DiffusionRefiner(load_checkpoint(refiner)).refine(
            [
                Composite(image, [everywhere], [Prompt(words)], seed=number)
                for number, (image, words) in enumerate(zip(composites, captions, strict=True))
            ]
        )
        made = np.stack([result.image for result in refined])
        figures[crop] = {
            "training pictures": len(trained),
            "pictures": len(made),
            **{
                name: _nearest(describe(trained), describe(made), describe(held_out.target))
                for name, describe in DESCRIPTIONS.items()
            },
        }
    return figures


def _nearest(
    trained: NDArray[np.float32], made: NDArray[np.float32], held_out: NDArray[np.float32]
) -> Mapping[str, object]:
    """Distances to the nearest training picture: outputs, held-out renders, and their ratio."""
    from scipy.spatial.distance import cdist

    outputs = cdist(made, trained).min(axis=1)
    others = cdist(held_out, trained).min(axis=1)
    return {
        "outputs": _interval(outputs),
        "held out": _interval(others),
        "nearest output": round(float(outputs.min()), 4),
        "nearest held out": round(float(others.min()), 4),
        "outputs nearer than the nearest held-out": int((outputs < others.min()).sum()),
    }


def _pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    size = (16, 16 * images.shape[1] // images.shape[2])
    small = np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
    flat = small.reshape(len(small), -1).astype(np.float32)
    # So that a distance between rows is the root of the mean square.
    return flat / np.float32(np.sqrt(flat.shape[1]))


def _embedding(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows = load_attacker("osnet").embed(list(images))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


DESCRIPTIONS = {"pixels": _pixels, "re-ID embedding": _embedding}


def _interval(values: Sequence[float] | NDArray[np.float64]) -> list[float]:
    estimate = clustered_mean(np.asarray(values, dtype=np.float64), np.arange(len(values)))
    return [round(float(x), 4) for x in (estimate.value, estimate.low, estimate.high)]


if __name__ == "__main__":
    main()
