"""Pairs for training: somebody as a caption describes them, and a plain composite in their place.

The composite is what RefSD's x″ is at inference: another avatar in the same pose before the same
background, in other clothes and flat light. Its edges tell the pose, not the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from refsd.bodies import load_body
from refsd.bodies.poses import sample_pose
from refsd.rendering.shading import to_linear, to_srgb
from refsd.training.captions import attributes
from refsd.training.people import dressed_alike, dressed_anew, sample_person
from refsd.training.scenes import (
    FLAT,
    frame,
    sample_background,
    sample_light,
    sample_view,
    to_camera,
)
from refsd.wardrobe import bank_avatar, dress
from refsd.wardrobe.made import make_over
from refsd.wardrobe.painting import TEXTURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody
    from refsd.rendering import Camera, Light, Renderer
    from refsd.training.scenes import Crop, View
    from refsd.wardrobe import Avatar, Family


Composite = Literal["anew", "alike", "made"]
"""Whom a composite shows. ``anew``: somebody else, of whom the labels say nothing. ``alike``:
somebody of whom some of the labels are true. ``made``: somebody of the avatar bank, made over after
the labels, as RefSD does it after prompts."""


@dataclass(frozen=True, eq=False)
class Pair:
    """One sample.

    Attributes:
        target: uint8 (H, W, 3), sRGB, the person whom the labels describe.
        composite: uint8 (H, W, 3), sRGB, somebody else in the same pose and place.
        mask: bool (H, W), where the composite's avatar is.
        labels: attribute → value of the target's person, as far as the crop shows it.
    """

    target: NDArray[np.uint8]
    composite: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    labels: Mapping[str, str]


def sample_pair(
    rng: np.random.Generator,
    renderer: Renderer,
    crop: Crop,
    height: int,
    family: Family = "training",
    *,
    composite: Composite = "anew",
) -> Pair:
    """Draw and render one sample.

    Args:
        rng: all chance.
        renderer: what draws; ``numpy`` gives the same pictures on every machine.
        crop: ``body`` (half as wide as high) or ``head`` (square).
        height: of the pictures in pixels.
        family: whose people, clothes and poses; see :func:`refsd.training.people.sample_person`.
        composite: who is seen in it; see :data:`Composite`. Targets of ``anew`` and ``made`` are
            the same.
    """
    person = sample_person(rng, family)
    other = (dressed_alike if composite == "alike" else dressed_anew)(rng, person)
    scene = _sample_scene(rng, person.avatar, crop, height)
    visible = _visible(person.labels, scene, crop)
    if composite == "made":
        chance = rng.spawn(1)[0]
        base = bank_avatar(int(chance.integers(512)))
        other = make_over(base, attributes(visible), chance)
    target, _ = _shoot(person.avatar, scene.place, scene, scene.light, renderer)
    body = load_body()
    stand_in = _fitted(_posed(body, other, scene.pose, scene.view), scene.place, _head(body), crop)
    shown, mask = _shoot(other, stand_in, scene, FLAT, renderer)
    return Pair(_developed(target, rng), _plain(shown), mask, visible)


def sample_picture(
    rng: np.random.Generator, renderer: Renderer, crop: Crop, height: int, family: Family
) -> tuple[NDArray[np.uint8], Mapping[str, str]]:
    """Draw and render a labelled person only, for what learns from targets alone.

    Args:
        rng: all chance.
        renderer: what draws.
        crop: ``body`` (half as wide as high) or ``head`` (square).
        height: of the picture in pixels.
        family: whose people, clothes and poses.

    Returns:
        The picture, uint8 (H, W, 3), sRGB, and the labels it shows, as :class:`Pair` has them.
    """
    person = sample_person(rng, family)
    scene = _sample_scene(rng, person.avatar, crop, height)
    target, _ = _shoot(person.avatar, scene.place, scene, scene.light, renderer)
    return _developed(target, rng), _visible(person.labels, scene, crop)


@dataclass(frozen=True, eq=False)
class _Scene:
    """Where somebody stands and how they are seen.

    Attributes:
        pose: float32 (J, 3), axis-angle.
        view: from where.
        place: float32 (V, 3), the posed body in the camera's coordinates, metres.
        camera: who looks.
        background: float32 (H, W, 3), linear light.
        light: what falls on the person.
    """

    pose: NDArray[np.float32]
    view: View
    place: NDArray[np.float32]
    camera: Camera
    background: NDArray[np.float32]
    light: Light


def _sample_scene(rng: np.random.Generator, avatar: Avatar, crop: Crop, height: int) -> _Scene:
    body = load_body()
    pose = sample_pose(avatar.family, rng, body)
    view = sample_view(rng, crop)
    place = _posed(body, avatar, pose, view)
    camera = frame(rng, place, place[_head(body)], crop, height)
    background = sample_background(rng, camera.height, camera.width)
    return _Scene(pose, view, place, camera, background, sample_light(rng))


def _posed(
    body: AnnyBody, avatar: Avatar, pose: NDArray[np.float32], view: View
) -> NDArray[np.float32]:
    posed = body.pose([avatar.shape], pose[None], np.zeros((1, 3), dtype=np.float32))
    return to_camera(posed.vertices[0], view)


def _head(body: AnnyBody) -> NDArray[np.int64]:
    """The head's vertices."""
    return np.flatnonzero(body.skin_weights[:, body.joint_names.index("head")] > 0.5)


def _fitted(
    vertices: NDArray[np.float32],
    place: NDArray[np.float32],
    head: NDArray[np.int64],
    crop: Crop,
) -> NDArray[np.float32]:
    """A body of other proportions, as large and in the same place in the picture as ``place``.

    As RefSD fits avatars: by head and feet of bodies, by the head where only that is seen.
    """
    some = head if crop == "head" else slice(None)

    def extent(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        flat = points[some, :2] / points[some, 2:]
        low, high = flat.min(axis=0), flat.max(axis=0)
        return (low + high) / 2, float(high[1] - low[1])

    moved = vertices.copy()
    for _ in range(3):
        middle, size = extent(moved)
        wanted, wanted_size = extent(place)
        depth = moved[:, 2].mean()
        moved[:, 2] += depth * (size / wanted_size - 1)
        middle, _ = extent(moved)
        moved[:, :2] += (wanted - middle) * moved[:, 2].mean()
    return moved


def _shoot(
    avatar: Avatar,
    vertices: NDArray[np.float32],
    scene: _Scene,
    light: Light,
    renderer: Renderer,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Linear light float32 (H, W, 3), and where the avatar is."""
    texels = _texels(scene.camera, vertices)
    rendering = renderer.render(dress(avatar, load_body(), vertices, texels), scene.camera, light)
    alpha = rendering.rgba[..., 3:].astype(np.float32) / np.float32(255)
    colour = to_linear(rendering.rgba[..., :3].astype(np.float32) / 255)
    picture: NDArray[np.float32] = colour * alpha + scene.background * (1 - alpha)
    return picture, alpha[..., 0] >= 0.5


def _texels(camera: Camera, vertices: NDArray[np.float32]) -> int:
    """Along a side of the body's texture: about one for every pixel that shows."""
    tall = camera.fy * float(np.ptp(vertices[:, 1] / vertices[:, 2]))
    return next((size for size in (128, 192, 256, 384) if size >= 0.7 * tall), TEXTURE)


def _developed(linear: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a camera makes of light: exposure, a cast, some blur, noise."""
    import cv2

    exposed = linear * rng.uniform(0.75, 1.3) * (1 + rng.normal(0, 0.03, 3))
    blurred = cv2.GaussianBlur(exposed, (0, 0), rng.uniform(0.05, 0.004 * len(linear)))
    noisy = to_srgb(np.clip(blurred, 0, 1)) * 255 + rng.normal(0, rng.uniform(0, 4), linear.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), dtype=np.uint8)


def _plain(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(to_srgb(np.clip(linear, 0, 1)) * 255), dtype=np.uint8)


_BELOW: Mapping[str, float] = {
    "shoes": 0.93, "shoe colour": 0.93, "lower garment": 0.55, "lower colour": 0.55,
    "upper garment": 0.22, "upper colour": 0.22, "upper pattern": 0.25, "necklace": 0.2,
}  # fmt: skip
"""Label → the share of the body's height, from above, that must be in the picture to show it."""

_OF_FACES = frozenset(
    {"emotion", "mouth", "eyewear", "facial hair", "make-up", "bangs", "necklace", "earrings"}
)


def _visible(labels: Mapping[str, str], scene: _Scene, crop: Crop) -> dict[str, str]:
    """The labels that the picture shows."""
    camera, vertices = scene.camera, scene.place
    rows = camera.fy * vertices[:, 1] / vertices[:, 2] + camera.cy
    shown = (camera.height - float(rows.min())) / float(np.ptp(rows))
    facing = abs((scene.view.yaw + 180) % 360 - 180)
    kept = {}
    for name, value in labels.items():
        if shown < _BELOW.get(name, 0.0):
            continue
        if name in _OF_FACES and facing > 65:
            continue
        if name == "bag" and (facing < 25 or crop == "head"):
            continue
        kept[name] = value
    return kept
