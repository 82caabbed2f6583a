"""How fast RefSD is, beside the naive composition of the same stages.

Usage: python benchmarks/refsd_speed.py [--crops 16] [--photos 4] [--repeat 3] [--out RESULT.json]

Two kinds of pictures: re-ID crops of 256 × 128 (queries of crowd) and photos of 1024 × 1024 (the
two public-domain portraits of ``photos``, and scenes of five people of crowd on a photo's ground).
Both ways use the same functions, settings and seeds, from pixels to x″ (``refsd[none]``; what a
refiner costs is in ``full_size.py``), and alternate; the median of the repetitions counts.

*RefSD* is ``find_people`` and ``RefSD.batch`` on all pictures at once.

*Naive* is the script of a careful user, who takes one picture and in it one person at a time.
Model files, the body model and the OpenGL context are loaded once, before anything is timed. Not
batched: people are found picture by picture, bodies are fitted one by one. Not cached: every avatar
is painted and tailored anew, in a texture of full size. Nothing runs beside anything else.

Neither gets anything painted or fitted from an earlier repetition: caches of avatars are emptied
before each. RefSD removes people in threads while it draws avatars, so its stages overlap and may
add up to more than the whole.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Images = Sequence[NDArray[np.uint8]]

SIDE = 1024
"""Of photos, pixels."""

STAGES = ("find people", "fit bodies", "remove", "dress and paint", "render", "composite", "refine")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--crops", type=int, default=16)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    given = parser.parse_args()
    result: dict[str, Any] = {
        "command": f"python benchmarks/refsd_speed.py --crops {given.crops} "
        f"--photos {given.photos} --repeat {given.repeat}",
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "load_before": [round(value, 2) for value in os.getloadavg()],
    }
    for kind, count in (("crops", given.crops), ("photos", given.photos)):
        if count:
            result[kind] = in_child(kind, count, given.repeat)
            show(kind, result[kind])
    result["load_after"] = [round(value, 2) for value in os.getloadavg()]
    print(f"load average before {result['load_before'][0]}, after {result['load_after'][0]}")
    if given.out is not None:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def in_child(kind: str, count: int, repeat: int) -> dict[str, Any]:
    """Times from one process for both ways; peak memory from a process for each."""
    result: dict[str, Any] = _fresh(compare, kind, count, repeat)
    for way in ("refsd", "naive"):
        result[way]["peak_memory_gib"] = _fresh(peak, way, kind, count)
    return result


def _fresh(work: Any, *arguments: object) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def peak(way: str, kind: str, count: int) -> float:
    """Peak memory of one way, GiB, everything loaded included."""
    images = pictures(kind, count)
    WAYS[way](images, kind == "crops", Clock())
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def compare(kind: str, count: int, repeat: int) -> dict[str, Any]:
    """Both ways on the same pictures, alternating."""
    crops, images = kind == "crops", pictures(kind, count)
    for warm in WAYS.values():  # loads models, OpenGL, the body
        warm(images[:1], crops, Clock())
    walls: dict[str, list[float]] = {way: [] for way in WAYS}
    clocks: dict[str, list[Clock]] = {way: [] for way in WAYS}
    people = 0
    for turn in range(repeat):
        for way in sorted(WAYS, reverse=turn % 2 == 1):
            forget()
            clock = Clock()
            start = time.perf_counter()
            people = WAYS[way](images, crops, clock)
            walls[way].append(time.perf_counter() - start)
            clocks[way].append(clock)
    result: dict[str, Any] = {"pictures": len(images), "people": people, "repeat": repeat}
    for way, times in walls.items():
        middle = statistics.median(times)
        result[way] = {
            "seconds": [round(t, 3) for t in times],
            "images_per_second": round(len(images) / middle, 3),
            "cpu_s_per_image": round(
                statistics.median(c.cpu for c in clocks[way]) / len(images), 4
            ),
            "stages_s_per_image": {
                stage: round(
                    statistics.median(c.spent[stage] for c in clocks[way]) / len(images), 4
                )
                for stage in STAGES
            },
        }
    pairs = [n / r for n, r in zip(walls["naive"], walls["refsd"], strict=True)]
    result["speedup"] = round(statistics.median(pairs), 2)
    result["speedup_range"] = [round(min(pairs), 2), round(max(pairs), 2)]
    fit = result["refsd"]["stages_s_per_image"]["fit bodies"] * len(images) / max(people, 1)
    result["fit_s_per_person"] = round(fit, 4)
    return result


def forget() -> None:
    """Empty the caches of avatars: each way and repetition paints and shapes its own."""
    from refsd.bodies import load_body
    from refsd.wardrobe import dressing, painting

    painting.body_texture.cache_clear()
    dressing._tailor.cache_clear()
    dressing._visible_faces.cache_clear()
    dressing._tube.cache_clear()
    dressing._tube_texture.cache_clear()
    load_body()._rests.clear()


class Clock:
    """Wall time by stage, and processor time of the whole."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STAGES, 0.0)
        self.cpu = math.nan

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        start = time.perf_counter()
        yield
        self.spent[name] += time.perf_counter() - start

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time the stages' functions wherever they are called."""
        from refsd import compositing, removal
        from refsd.bodies import estimates
        from refsd.refinement import NoRefiner
        from refsd.rendering import make_renderer
        from refsd.wardrobe import own

        watched: list[tuple[str, Any, str]] = [
            ("fit bodies", estimates, "fit_people"),
            ("remove", removal, "remove"),
            ("dress and paint", own, "dress_any"),
            ("render", type(make_renderer()), "render"),
            ("composite", compositing, "composite"),
            ("refine", NoRefiner, "refine"),
        ]
        with ExitStack() as stack:
            for stage, owner, name in watched:
                timed = self._timed(stage, getattr(owner, name))
                stack.enter_context(patch.object(owner, name, timed))
            cpu = time.process_time()
            yield
            self.cpu = time.process_time() - cpu

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            with self.stage(stage):
                return function(*arguments, **named)

        return timed


# -- pictures -------------------------------------------------------------------------------------


def pictures(kind: str, count: int) -> list[NDArray[np.uint8]]:
    """``count`` crops of crowd or photos, uint8 (H, W, 3)."""
    from humangenai.datasets.crowd import Options, load

    crowd = load(Options())
    queries = [item for item in crowd.items() if item.split == "query"]
    if kind == "crops":
        return [crowd.image(queries[7 * n % len(queries)]) for n in range(count)]
    return [_photo(n, [crowd.image(q) for q in queries[5 * n : 5 * n + 5]]) for n in range(count)]


def _photo(number: int, crops: Images) -> NDArray[np.uint8]:
    """A portrait, enlarged; every other one with five crops of crowd standing side by side."""
    import cv2

    from humangenai.datasets.photos import Options, load

    photos = load(Options())
    items = photos.items()
    portrait = photos.image(items[number % len(items)])
    photo = cv2.resize(portrait, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    if number % 4 < 2:
        return np.asarray(photo, dtype=np.uint8)
    photo = cv2.GaussianBlur(photo, (0, 0), 25)
    for place, crop in enumerate(crops):
        left, top = 8 + place * 204, 500 - 60 * (place % 2)
        photo[top : top + 384, left : left + 192] = cv2.resize(crop, (192, 384))
    return np.asarray(photo, dtype=np.uint8)


# -- the two ways ---------------------------------------------------------------------------------


def refsd(images: Images, crops: bool, clock: Clock) -> int:
    """All pictures at once; returns how many people there were."""
    from refsd.people import find_people
    from refsd.pipeline import Picture, RefSD

    with clock.watching():
        with clock.stage("find people"):
            found = find_people(images, crops=crops)
        pairs = zip(images, found, strict=True)
        RefSD.from_config("none").batch(
            [Picture(x, who, seed, crop=crops) for seed, (x, who) in enumerate(pairs)]
        )
    return sum(map(len, found))


def naive(images: Images, crops: bool, clock: Clock) -> int:
    """One picture at a time, and in it one person at a time; returns how many people there were."""
    from refsd import compositing, masks, removal
    from refsd.avatars import Casting, scene_camera
    from refsd.config import RefSDConfig
    from refsd.people import find_people
    from refsd.picture import Picture
    from refsd.refinement import Composite, NoRefiner
    from refsd.wardrobe import own

    casting, count = Casting(RefSDConfig(refiner="none")), 0
    with clock.watching():
        for seed, x in enumerate(images):
            with clock.stage("find people"):
                people = find_people([x], crops=crops)[0]
            count += len(people)
            shape = (x.shape[0], x.shape[1])
            camera = scene_camera(shape, crop=crops)
            a = masks.union(people, shape)
            filled = masks.fill(x, a)
            layers = []
            for number, person in enumerate(people):
                forget()
                cast = casting.pose([Picture(x, [person], seed * 100 + number, crop=crops)])[0]
                if not cast.stand_ins:
                    continue
                stand_in = cast.stand_ins[0]
                region = masks.region(person, shape)
                window = masks.bounds(region) or (0, 0, shape[1], shape[0])
                light = compositing.estimate_light(filled, a, window)
                meshes = own.dress_any(stand_in.avatar, casting.body, stand_in.vertices)
                rendering = casting.renderer.render(meshes, camera.window(*window), light)
                layers.append(compositing.Layer(rendering, window, region))
            x_prime = removal.remove(filled, a) if layers else filled
            x_second = compositing.composite(x_prime, layers)
            NoRefiner().refine([Composite(x_second, [], [], seed)])
    return count


WAYS: dict[str, Callable[[Images, bool, Clock], int]] = {"naive": naive, "refsd": refsd}


def show(kind: str, result: dict[str, Any]) -> None:
    """Print one kind of pictures as a table."""
    print(f"{kind}: {result['pictures']} pictures, {result['people']} people")
    print(f"  {'seconds a picture':18s} {'RefSD':>9s} {'naive':>9s}")
    for stage in STAGES:
        ours, theirs = (result[way]["stages_s_per_image"][stage] for way in ("refsd", "naive"))
        print(f"  {stage:18s} {ours:9.4f} {theirs:9.4f}")
    for key in ("cpu_s_per_image", "images_per_second", "peak_memory_gib"):
        print(f"  {key:18s} {result['refsd'][key]:9.3f} {result['naive'][key]:9.3f}")
    low, high = result["speedup_range"]
    print(f"  RefSD is {result['speedup']} times as fast ({low} to {high})")
    print(f"  fitting a body: {result['fit_s_per_person']} s per person")


if __name__ == "__main__":
    main()
