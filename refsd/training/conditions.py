"""Condition pictures beside the training pairs: what other ControlNets than Canny's are shown.

All are of the composite, as Canny's edges are: they tell pose and place, not the person whom the
caption describes. The seeds of the pairs decide them, so they can be made long after the pairs.

==============  ===================================================================================
openpose        skeleton of 18 keypoints in OpenPose's colours on black (Cao et al. 2019)
depth           near is bright, from the person's farthest point to the nearest; behind is black
normal          red right, green up, blue towards the camera; what is behind faces the camera
segmentation    one flat colour for each of ``condition_drawings.PARTS``
lineart         black on white, the darker the stronger: jumps of depth, bends of the surface, and
                edges of colour, which are all that the background has
==============  ===================================================================================
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from refsd.training.condition_drawings import (
    DYES,
    KEYPOINTS,
    draw_depth,
    draw_lines,
    draw_normals,
    draw_parts,
    draw_skeleton,
)
from refsd.training.data import DATA_VERSION, SHARD, load_shard

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.rendering import Camera, Renderer
    from refsd.training.data import Part
    from refsd.wardrobe import Avatar
    from refsd.wardrobe.avatar import Colour

    Picture = NDArray[np.uint8]

Condition = Literal["openpose", "depth", "normal", "segmentation", "lineart"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)

CONDITION_VERSION = 1
"""Changes with everything that changes what is drawn."""

_MOST_UNLIKE = 0.01
"""Share of pixels in which a redrawn mask may differ from the pair's: renderers round apart."""


# -- on disk --------------------------------------------------------------------------------------


def condition_shard(pairs: Path, condition: Condition) -> Path:
    """The file of a shard's condition pictures, beside the shard, whether it is there or not."""
    return pairs.with_name(f"{pairs.stem}-{condition}{CONDITION_VERSION}.safetensors")


def load_conditions(path: Path) -> Picture:
    """Read the condition pictures of a shard: uint8 (N, H, W, 3)."""
    with safe_open(path, framework="numpy") as file:
        pictures: Picture = file.get_tensor("condition")
    return pictures


def render_conditions(
    part: Part, folder: Path, workers: int, conditions: Collection[Condition] = CONDITIONS
) -> Iterator[Path]:
    """Draw the condition pictures that are missing beside the shards that are there.

    Args:
        part: whose shards.
        folder: where they are.
        workers: processes at once.
        conditions: which.

    Yields:
        Every file of condition pictures, as it is there.

    Raises:
        ValueError: the pairs are not those that this code would render today.
    """
    jobs: list[tuple[Part, int, Path, list[Condition]]] = []
    for number, path in enumerate(part.shards(folder)):
        if not path.exists():
            continue
        missing: list[Condition] = []
        for condition in conditions:
            drawn = condition_shard(path, condition)
            if drawn.exists():
                yield drawn
            else:
                missing.append(condition)
        if missing:
            jobs.append((part, number, path, missing))
    if workers == 1:
        for job in jobs:
            yield from _draw_shard(*job)
        return
    with ProcessPoolExecutor(workers) as pool:
        for future in [pool.submit(_draw_shard, *job) for job in jobs]:
            yield from future.result()


def _draw_shard(part: Part, number: int, path: Path, wanted: list[Condition]) -> list[Path]:
    from refsd.rendering import make_renderer

    shard = load_shard(path)
    with safe_open(path, framework="numpy") as file:
        renderer = make_renderer(file.metadata()["renderer"])
    drawn: dict[Condition, list[Picture]] = {condition: [] for condition in wanted}
    for place in range(len(shard.composite)):
        stand_in = find_stand_in(part, number * SHARD + place)
        pictures = draw_conditions(stand_in, shard.composite[place], renderer)
        unlike = (pictures.mask != shard.mask[place]).mean()
        if unlike > _MOST_UNLIKE:
            raise ValueError(
                f"{path.name} holds other people than are drawn today (masks differ in "
                f"{unlike:.0%} of pair {place}'s pixels); render the pairs anew"
            )
        for condition, some in drawn.items():
            some.append(pictures.of[condition])
    files = []
    for condition, some in drawn.items():
        target = condition_shard(path, condition)
        draft = target.with_name(f".part-{os.getpid()}-{target.name}")
        save_file({"condition": np.stack(some)}, draft, metadata={"renderer": renderer.name})
        draft.replace(target)
        files.append(target)
    return files


# -- who stands in the composite ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class StandIn:
    """The avatar of a pair's composite, as it is placed.

    Attributes:
        avatar: in which clothes.
        vertices: float32 (V, 3), the posed body, metres, camera coordinates.
        landmarks: float32 (33, 3), BlazePose's landmarks of it.
        camera: who looks.
    """

    avatar: Avatar
    vertices: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    camera: Camera


def find_stand_in(part: Part, number: int) -> StandIn:
    """The avatar of a pair's composite, drawn from the same seeds as the pair.

    Args:
        part: of the data.
        number: of the pair in it.
    """
    from refsd.bodies import load_body
    from refsd.bodies.landmarks import landmark_points
    from refsd.training import pictures
    from refsd.training.people import dressed_anew, sample_person
    from refsd.training.scenes import to_camera

    # The draws of pictures.sample_pair, in its order.
    rng = np.random.default_rng([DATA_VERSION, part.seed, part.crop == "head", number])
    person = sample_person(rng, part.family)
    other = dressed_anew(rng, person)
    scene = pictures._sample_scene(rng, person.avatar, part.crop, part.height)
    body = load_body()
    posed = body.pose([other.shape], scene.pose[None], np.zeros((1, 3), dtype=np.float32))
    there = to_camera(posed.vertices[0], scene.view)
    vertices = pictures._fitted(there, scene.place, pictures._head(body), part.crop)
    # Fitting only moves a body.
    joints = to_camera(posed.joints[0], scene.view) + (vertices[0] - there[0])
    landmarks = landmark_points(body, vertices, joints.astype(np.float32))
    return StandIn(other, vertices, landmarks, scene.camera)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The condition pictures of one composite.

    Attributes:
        of: condition → uint8 (H, W, 3).
        mask: bool (H, W), where the avatar is.
    """

    of: Mapping[Condition, Picture]
    mask: NDArray[np.bool_]


def draw_conditions(stand_in: StandIn, composite: Picture, renderer: Renderer) -> Drawn:
    """Draw all conditions of a composite.

    Args:
        stand_in: the avatar in it.
        composite: uint8 (H, W, 3), sRGB.
        renderer: that drew the composite.
    """
    from refsd.bodies import load_body
    from refsd.rendering import Light
    from refsd.wardrobe import dress

    even = Light(colour=_NONE, sky=(0.7, 0.7, 0.7), ground=(0.7, 0.7, 0.7))
    first, second = (
        renderer.render(
            dress(_dyed(stand_in.avatar, number), load_body(), stand_in.vertices),
            stand_in.camera,
            even,
        )
        for number in (0, 1)
    )
    mask = first.rgba[..., 3].astype(np.float32) / np.float32(255) >= 0.5
    dark = "accessories" if stand_in.avatar.look.glasses == "sunglasses" else ""
    points, found = openpose_keypoints(stand_in, first.depth)
    of: dict[Condition, Picture] = {
        "openpose": draw_skeleton(points, found, composite.shape[:2]),
        "depth": draw_depth(first.depth),
        "normal": draw_normals(first.normals),
        "segmentation": draw_parts((first.rgba[..., :3], second.rgba[..., :3]), mask, dark),
        "lineart": draw_lines(first, composite),
    }
    return Drawn(of, mask)


_NONE: Colour = (0.0, 0.0, 0.0)


def _dyed(avatar: Avatar, number: int) -> Avatar:
    """The same avatar with its parts dyed as in the first (0) or the second (1) rendering.

    What dressing makes of a look is found in a picture by its colour, whatever its meshes are.
    """
    colours = dict.fromkeys(DYES, _NONE)
    for part, (rendering, channel) in DYES.items():
        if rendering == number:
            red, green, blue = (float(channel == each) for each in range(3))
            colours[part] = (red, green, blue)
    look, other = avatar.look, colours["accessories"]
    dyed = replace(
        look,
        upper=replace(look.upper, colour=colours["upper"], second=colours["upper"]),
        lower=replace(look.lower, colour=colours["lower"], second=colours["lower"]),
        skin=colours["skin"], iris=colours["skin"], hair_colour=colours["hair"], makeup=0.0,
        shoe_colour=colours["shoes"], sole_colour=colours["shoes"], bag_colour=other,
        hat_colour=other, metal=other,
    )  # fmt: skip
    return replace(avatar, look=dyed)


_FACE = frozenset({"nose", "right_eye", "left_eye", "right_ear", "left_ear"})

_HIDDEN = 0.06
"""Metres behind the nearest surface from which on a point of the face is not seen."""


def openpose_keypoints(
    stand_in: StandIn, depth: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where OpenPose's keypoints are, and which of them it would find.

    Args:
        stand_in: whose.
        depth: float32 (H, W), metres, of the avatar's rendering.

    Returns:
        float32 (18, 2), pixels; and bool (18,): points of the face that the head hides are not
        found, hidden limbs are guessed and therefore found.
    """
    from refsd.bodies.landmarks import LANDMARKS

    place = {name: stand_in.landmarks[index] for index, name in enumerate(LANDMARKS)}
    place["neck"] = (place["left_shoulder"] + place["right_shoulder"]) / 2
    points = np.stack([place[name] for name in KEYPOINTS])
    pixels = stand_in.camera.project(points)
    height, width = depth.shape
    columns = np.clip(pixels[:, 0].astype(int), 0, width - 1)
    rows = np.clip(pixels[:, 1].astype(int), 0, height - 1)
    hidden = points[:, 2] > depth[rows, columns] + _HIDDEN
    of_face = np.array([name in _FACE for name in KEYPOINTS])
    return pixels, ~(hidden & of_face)
