"""One head: whoever the labels describe, before one of crowd's cameras.

People, hair, clothes, skins and poses are the family ``crowd``'s, walls, light and lenses those of
crowd's cameras. Crowd's own people have no emotion and mixed ancestries; here both are decided
first, every class as often as the others and independently, and then made so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from humangenai.datasets.crowd.backgrounds import background
from humangenai.datasets.crowd.cameras import CAMERAS, SurveillanceCamera
from humangenai.datasets.crowd.rendering import develop
from refsd.bodies.landmarks import LANDMARKS
from refsd.rendering import Camera
from refsd.wardrobe import sample_avatar
from refsd.wardrobe.expressions import EMOTIONS, expression
from refsd.wardrobe.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody
    from refsd.rendering import Renderer
    from refsd.wardrobe import Avatar

SIZE = 160
"""Pixels of the square pictures; a head takes about half of them."""

AGES: Mapping[str, tuple[float, float]] = {
    "young adult": (0.66, 0.70),
    "middle-aged": (0.78, 0.83),
    "elderly": (0.93, 1.0),
}
"""Age group → the body model's phenotype; between them are gaps, so that labels can be seen."""

ANCESTRIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "White": ("caucasian", ("crowd rose", "crowd rose", "crowd sand")),
    "Black": ("african", ("crowd umber", "crowd ebony", "crowd ebony", "crowd bronze")),
    "East Asian": ("asian", ("crowd sand", "crowd sand", "crowd rose", "crowd bronze")),
}
"""Ethnicity → the body model's ancestry, and skins that go with it; one in five draws any skin."""

HEAD_SHARE = (0.43, 0.52)
"""Of the picture's height, from chin to crown."""

HIPS = [LANDMARKS.index("left_hip"), LANDMARKS.index("right_hip")]

EXPOSED = 0.20
"""Mean linear light of a person in a well exposed picture."""


@dataclass(frozen=True, eq=False)
class Head:
    """A picture and what it shows.

    Attributes:
        image: uint8 (160, 160, 3), sRGB.
        mask: bool (160, 160), the pixels of which the person covers at least half.
        landmarks: float32 (33, 2), BlazePose's in pixels; they may lie outside the picture.
        landmarks_world: float32 (33, 3), the same in metres, origin between the hips.
        labels: emotion, age group, gender and ethnicity.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    landmarks: NDArray[np.float32]
    landmarks_world: NDArray[np.float32]
    labels: Mapping[str, str]


def photograph_heads(
    shots: int, body: AnnyBody, renderer: Renderer, rng: np.random.Generator
) -> list[Head]:
    """Draw somebody and take pictures of their head, each with another emotion, pose and camera.

    Args:
        shots: how many pictures, at most seven.
        body: the body model.
        renderer: always the NumPy one for the published dataset, so that it does not depend on
            the machine's graphics.
        rng: all chance of these pictures.
    """
    avatar, labels = _person(rng)
    emotions = rng.permutation(list(EMOTIONS))[:shots]
    return [_head(avatar, {**labels, "emotion": str(one)}, body, renderer, rng) for one in emotions]


def _person(rng: np.random.Generator) -> tuple[Avatar, dict[str, str]]:
    labels = {
        "gender": str(rng.choice(["female", "male"])),
        "age group": str(rng.choice(list(AGES))),
        "ethnicity": str(rng.choice(list(ANCESTRIES))),
    }
    # Hair, its colour and clothes go with gender and age as everywhere in crowd.
    avatar = sample_avatar("crowd", rng)
    while any(avatar.attributes[key] != labels[key] for key in ("gender", "age group")):
        avatar = sample_avatar("crowd", rng)
    ancestry, skins = ANCESTRIES[labels["ethnicity"]]
    known = FAMILIES["crowd"].skins
    skin = known[_pick(rng, tuple(known) if rng.random() < 0.2 else skins)]
    red, green, blue = (float(v) for v in np.asarray(skin) * (1 + rng.normal(0, 0.03)))
    shares = {name: float(rng.uniform(0, 0.08)) for name, _ in ANCESTRIES.values()}
    shape = {
        **avatar.shape,
        **shares,
        ancestry: float(rng.uniform(0.9, 1.0)),
        "age": float(rng.uniform(*AGES[labels["age group"]])),
        "gender": float(rng.uniform(0.92, 1.0) if labels["gender"] == "female" else
                        rng.uniform(0.0, 0.08)),
    }  # fmt: skip
    look = replace(avatar.look, skin=(min(red, 0.97), min(green, 0.97), min(blue, 0.97)))
    return replace(avatar, shape=shape, look=look), labels


def _head(
    avatar: Avatar,
    labels: Mapping[str, str],
    body: AnnyBody,
    renderer: Renderer,
    rng: np.random.Generator,
) -> Head:
    from refsd.bodies.landmarks import landmark_points
    from refsd.bodies.poses import sample_pose
    from refsd.wardrobe import dress

    camera = _from_near(CAMERAS[int(rng.integers(len(CAMERAS)))])
    felt = {**avatar.shape, **expression(labels["emotion"], float(rng.uniform(0.85, 1.0)))}
    pose = sample_pose("crowd", rng, body).astype(np.float32)
    posed = body.pose([felt], pose[None], np.zeros((1, 3), dtype=np.float32))
    points = landmark_points(body, posed.vertices[0], posed.joints[0])
    vertices, points = _seen([posed.vertices[0], points], camera.pitch / 2, rng)
    head = np.flatnonzero(body.skin_weights[:, body.joint_names.index("head")] > 0.5)
    pinhole = _frame(vertices[head], rng)
    detail = int(np.clip(pinhole.fy * np.ptp(vertices[:, 1] / vertices[:, 2]), 128, 384))
    meshes = dress(replace(avatar, shape=felt), body, vertices, detail)
    rendering = renderer.render(meshes, pinhole, camera.light_now(rng))
    alpha = rendering.rgba[..., 3:].astype(np.float32) / np.float32(255)
    scene = background(camera, SIZE, SIZE, float(rng.uniform(0.7, 0.95)), rng)
    colour = (rendering.rgba[..., :3].astype(np.float32) / np.float32(255)) ** np.float32(2.2)
    linear: NDArray[np.float32] = colour * alpha + scene * (1 - alpha)
    mask = alpha[..., 0] >= 0.5
    return Head(
        image=develop(_exposed(linear, mask), camera, rng),
        mask=mask,
        landmarks=pinhole.project(points).astype(np.float32),
        landmarks_world=points - points[HIPS].mean(axis=0),
        labels=labels,
    )


def _from_near(camera: SurveillanceCamera) -> SurveillanceCamera:
    """The same place and light through a better lens: half of the cast, little blur."""
    red, green, blue = camera.white_balance
    balance = ((1 + red) / 2, (1 + green) / 2, (1 + blue) / 2)
    return replace(camera, white_balance=balance, gamma=1.0, blur=0.5 * camera.blur)


def _exposed(linear: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Linear light (H, W, 3) as cameras that look for faces expose it: for the person."""
    seen = float(linear[mask].mean())
    gain = float(np.clip((EXPOSED / max(seen, 1e-3)) ** 0.75, 0.6, 5))
    return (linear * np.float32(gain)).astype(np.float32)


def _seen(
    points: Sequence[NDArray[np.float32]], pitch: float, rng: np.random.Generator
) -> list[NDArray[np.float32]]:
    """Points (N, 3) of a body that stands at the origin, as a camera before its face sees them."""
    yaw, down = np.deg2rad(rng.normal(0, 17)), np.deg2rad(pitch + rng.normal(0, 4))
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]]
    )  # fmt: skip
    away = np.array([0, 0, rng.uniform(2, 6)])
    return [np.ascontiguousarray(one @ (tilt @ turn).T + away, dtype=np.float32) for one in points]


def _frame(head: NDArray[np.float32], rng: np.random.Generator) -> Camera:
    """The pinhole camera that sees head and shoulders, the head a little off the middle."""
    x, y = head[:, 0] / head[:, 2], head[:, 1] / head[:, 2]
    tall = float(np.ptp(y))
    focal = float(rng.uniform(*HEAD_SHARE)) * SIZE / tall
    middle = float(x.mean()) + float(rng.normal(0, 0.025)) * SIZE / focal
    top = float(y.min()) - float(rng.uniform(0.10, 0.25)) * tall
    return Camera(
        fx=focal, fy=focal, cx=SIZE / 2 - focal * middle, cy=-focal * top, width=SIZE, height=SIZE
    )


def _pick(rng: np.random.Generator, names: Sequence[str]) -> str:
    return names[int(rng.integers(len(names)))]
