"""One scene: people and things on a common ground, seen by one of crowd's cameras."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from humangenai.datasets.crowd.backgrounds import background
from humangenai.datasets.crowd.cameras import CAMERAS
from humangenai.datasets.crowd.rendering import develop
from humangenai.datasets.crowd_scenes.props import barrel, crate
from refsd.rendering import Camera, Mesh

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.datasets.crowd.cameras import SurveillanceCamera
    from refsd.bodies import AnnyBody
    from refsd.rendering import Light, Renderer

HEIGHT, WIDTH = 192, 256

CATEGORIES = ("person", "crate", "barrel")
PERSON = 0

PEOPLE, THINGS = (2, 6), (0, 3)
"""How many a scene is laid out with; the upper end is never reached. Who would hardly be seen is
left out."""

NEAR, FAR = 2.6, 6.5
"""Metres from the camera within which everybody stands: 62 to 155 pixels high."""

APART = 0.55
"""Metres between the middles of any two."""

LEAST_SEEN = 0.4
"""Share of what a figure would cover alone that must be seen of it."""

LEAST_PIXELS = 120


@dataclass(frozen=True, eq=False)
class Figure:
    """One person or thing that stands in a scene.

    Attributes:
        category: place in ``CATEGORIES``.
        mask: bool (192, 256): the pixels where it is seen, what hides it taken away.
        joints: float32 (J, 3), metres, camera coordinates; None for things.
        attributes: of the avatar; empty for things.
    """

    category: int
    mask: NDArray[np.bool_]
    joints: NDArray[np.float32] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x0 y0 x1 y1 around what is seen, pixels, x1 and y1 exclusive."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask.any(axis=0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is in it.

    Attributes:
        image: uint8 (192, 256, 3), sRGB.
        figures: from the farthest to the nearest.
        camera: the pinhole camera that saw them.
    """

    image: NDArray[np.uint8]
    figures: tuple[Figure, ...]
    camera: Camera


@dataclass(frozen=True, eq=False)
class _Standing:
    """A figure before it is drawn; y points down, the ground is y = 0."""

    category: int
    place: tuple[float, float]
    meshes: Sequence[Mesh]
    joints: NDArray[np.float32] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A figure as it is seen alone: linear RGB (H, W, 3) and alpha (H, W), float32."""

    figure: _Standing
    colour: NDArray[np.float32]
    alpha: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _View:
    """Where the camera hangs and looks.

    Attributes:
        tilt: float32 (3, 3), looking down.
        height: metres above the ground.
        pinhole: its picture.
    """

    tilt: NDArray[np.float32]
    height: float
    pinhole: Camera

    @classmethod
    def draw(cls, camera: SurveillanceCamera, rng: np.random.Generator) -> _View:
        """A place from which the middle of the ground, where people stand, is seen."""
        pitch = np.deg2rad(camera.pitch + rng.normal(0, 2))
        tilt = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        height = 0.9 + (NEAR + FAR) / 2 * float(np.tan(pitch)) + float(rng.uniform(-0.15, 0.15))
        focal = float(rng.uniform(205, 250))
        return cls(
            tilt.astype(np.float32),
            height,
            Camera(focal, focal, WIDTH / 2, HEIGHT / 2, width=WIDTH, height=HEIGHT),
        )

    def to_camera(
        self, points: NDArray[np.float32], place: tuple[float, float]
    ) -> NDArray[np.float32]:
        """Points (N, 3) of a figure that stands at x, z, in camera coordinates."""
        moved = points + np.array([place[0], self.height, place[1]], dtype=np.float32)
        return np.ascontiguousarray(moved @ self.tilt.T, dtype=np.float32)

    def row(self, distance: float) -> float:
        """Where the ground at a distance is seen, in pixels from the top."""
        point = self.to_camera(np.zeros((1, 3), np.float32), (0.0, distance))
        return float(self.pinhole.project(point)[0, 1])


def photograph_scene(
    body: AnnyBody, renderer: Renderer, rng: np.random.Generator, people: np.random.Generator
) -> Scene:
    """Lay out a scene and take a picture of it.

    Args:
        body: the body model.
        renderer: always the NumPy one for the published dataset.
        rng: of place, light and camera.
        people: of who is there: another generator means other people in another scene.
    """
    camera = CAMERAS[int(rng.integers(len(CAMERAS)))]
    view = _View.draw(camera, rng)
    light = camera.light_now(rng)
    standing = _lay_out(view, body, rng, people)
    drawn = [_draw(figure, view, renderer, light) for figure in standing]
    drawn = _seen(sorted(drawn, key=lambda one: -one.figure.place[1]))
    horizon = float(np.clip(view.row(float(rng.uniform(7.5, 11))) / HEIGHT, 0.05, 0.9))
    linear = background(camera, HEIGHT, WIDTH, horizon, rng)
    for one in drawn:
        linear *= _contact_shadow(one, view)[..., None]
    for one in drawn:
        alpha = one.alpha[..., None]
        linear = one.colour * alpha + linear * (1 - alpha)
    figures = tuple(
        Figure(
            one.figure.category,
            mask,
            None
            if one.figure.joints is None
            else view.to_camera(one.figure.joints, one.figure.place),
            one.figure.attributes,
        )
        for one, mask in zip(drawn, _visible(drawn), strict=True)
    )
    return Scene(develop(linear, camera, rng), figures, view.pinhole)


def _lay_out(
    view: _View, body: AnnyBody, rng: np.random.Generator, people: np.random.Generator
) -> list[_Standing]:
    """Choose who and what stands where."""
    places: list[tuple[float, float]] = []
    figures = []
    for _ in range(int(rng.integers(*PEOPLE))):
        place = _free_place(view, places, rng)
        if place is not None:
            figures.append(_person(body, place, people))
    for _ in range(int(rng.integers(*THINGS))):
        place = _free_place(view, places, rng)
        if place is not None:
            category = int(rng.integers(1, len(CATEGORIES)))
            make = crate if CATEGORIES[category] == "crate" else barrel
            figures.append(_Standing(category, place, [make(rng)]))
    return figures


def _free_place(
    view: _View, taken: list[tuple[float, float]], rng: np.random.Generator
) -> tuple[float, float] | None:
    """Somewhere in view that nobody stands; None where none is found soon."""
    for _ in range(20):
        z = float(rng.uniform(NEAR, FAR))
        reach = 0.9 * WIDTH / 2 / view.pinhole.fx * z
        place = (float(rng.uniform(-reach, reach)), z)
        if all(np.hypot(place[0] - x, z - other) >= APART for x, other in taken):
            taken.append(place)
            return place
    return None


def _person(body: AnnyBody, place: tuple[float, float], rng: np.random.Generator) -> _Standing:
    from refsd.bodies.poses import sample_pose
    from refsd.wardrobe import dress, sample_avatar

    avatar = sample_avatar("crowd", rng)
    rotations = sample_pose("crowd", rng, body)[None].astype(np.float32)
    posed = body.pose([avatar.shape], rotations, np.zeros((1, 3), dtype=np.float32))
    yaw = rng.uniform(-np.pi, np.pi)
    turn = np.array(
        [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]],
        dtype=np.float32,
    )
    ground = posed.vertices[0, :, 1].max()
    vertices, joints = (points[0] @ turn.T for points in (posed.vertices, posed.joints))
    vertices[:, 1] -= ground
    joints[:, 1] -= ground
    meshes = dress(avatar, body, np.ascontiguousarray(vertices, dtype=np.float32))
    return _Standing(PERSON, place, meshes, joints.astype(np.float32), dict(avatar.attributes))


def _draw(figure: _Standing, view: _View, renderer: Renderer, light: Light) -> _Drawn:
    meshes = [
        replace(
            mesh,
            vertices=view.to_camera(mesh.vertices, figure.place),
            normals=None
            if mesh.normals is None
            else np.ascontiguousarray(mesh.normals @ view.tilt.T, dtype=np.float32),
        )
        for mesh in figure.meshes
    ]
    rgba = renderer.render(meshes, view.pinhole, light).rgba.astype(np.float32) / np.float32(255)
    return _Drawn(figure, rgba[..., :3] ** np.float32(2.2), rgba[..., 3])


def _visible(drawn: Sequence[_Drawn]) -> list[NDArray[np.bool_]]:
    """What is seen of each, from the farthest to the nearest: bool (H, W) each."""
    free = np.ones((HEIGHT, WIDTH), dtype=np.bool_)
    masks = []
    for one in reversed(drawn):
        covered = one.alpha >= 0.5
        masks.append(covered & free)
        free &= ~covered
    return masks[::-1]


def _seen(drawn: list[_Drawn]) -> list[_Drawn]:
    """Without those of whom hardly anything is seen, the farthest first."""
    while drawn:
        hidden = [
            number
            for number, (one, mask) in enumerate(zip(drawn, _visible(drawn), strict=True))
            if mask.sum() < max(LEAST_PIXELS, LEAST_SEEN * (one.alpha >= 0.5).sum())
        ]
        if not hidden:
            break
        # Who stands before them may be in view again once they are gone.
        drawn = [*drawn[: hidden[0]], *drawn[hidden[0] + 1 :]]
    return drawn


def _contact_shadow(one: _Drawn, view: _View) -> NDArray[np.float32]:
    """Factors float32 (H, W): the ground is darker around what stands on it."""
    x, z = one.figure.place
    centre = view.pinhole.project(view.to_camera(np.zeros((1, 3), np.float32), (x, z)))[0]
    half = 0.42 * view.pinhole.fx / z
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    radius = ((columns - centre[0]) / half) ** 2 + ((rows - centre[1]) / (0.3 * half)) ** 2
    return np.asarray(1 - 0.55 * np.exp(-radius), dtype=np.float32)
