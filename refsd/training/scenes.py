"""Where training people stand: cameras, light, and backgrounds, none of them a photograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from refsd.rendering import Camera, Light

if TYPE_CHECKING:
    from numpy.typing import NDArray

Crop = Literal["body", "head"]
"""``body``: the whole person, twice as high as wide; ``head``: head and shoulders, square."""


@dataclass(frozen=True)
class View:
    """From where somebody is seen.

    Attributes:
        yaw: degrees by which the person is turned, 0 facing us.
        pitch: degrees by which the camera looks down.
        distance: metres from the camera to the pelvis.
    """

    yaw: float
    pitch: float
    distance: float


HEAD_SHARE = (0.56, 0.76)
"""Of a head crop's height that the head takes, from chin to crown."""


def sample_view(rng: np.random.Generator, crop: Crop) -> View:
    """Draw a view; heads are seen from in front, bodies from everywhere, often from in front."""
    if crop == "head":
        return View(float(rng.normal(0, 24)), float(rng.normal(3, 7)), float(rng.uniform(1.5, 6)))
    around = rng.uniform(-180, 180) if rng.random() < 0.4 else rng.normal(0, 45)
    return View(float(around), float(rng.uniform(-4, 24)), float(rng.uniform(3, 14)))


def to_camera(points: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """Points (N, 3) of a standing body, metres, in the coordinates of the camera that sees it."""
    yaw, pitch = np.radians(view.yaw), np.radians(view.pitch)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    moved = points @ (tilt @ turn).T.astype(np.float32)
    moved[:, 2] += view.distance
    return np.ascontiguousarray(moved, dtype=np.float32)


def frame(
    rng: np.random.Generator, vertices: NDArray[np.float32], head: NDArray[np.float32], crop: Crop,
    height: int,
) -> Camera:  # fmt: skip
    """The pinhole camera in whose picture the person stands as in a crop.

    Args:
        rng: how tightly, and how far off the middle.
        vertices: float32 (V, 3), the body in camera coordinates.
        head: float32 (H, 3), the vertices of its head.
        crop: which crop.
        height: of the picture in pixels; ``body`` is half as wide, ``head`` as wide.
    """
    width = height if crop == "head" else height // 2
    x, y = vertices[:, 0] / vertices[:, 2], vertices[:, 1] / vertices[:, 2]
    top, bottom = float(y.min()), float(y.max())
    if crop == "head":
        size = float(np.ptp(head[:, 1] / head[:, 2]))
        focal = rng.uniform(*HEAD_SHARE) * height / size
        middle = float((head[:, 0] / head[:, 2]).mean())
        # Raised hands do not count.
        top = float((head[:, 1] / head[:, 2]).min()) - rng.uniform(0.08, 0.25) * size
    else:
        # One in four is cut off at the hips or knees, as half-length portraits are.
        if rng.random() < 0.25:
            bottom = top + rng.uniform(0.42, 0.8) * (bottom - top)
        focal = min(
            rng.uniform(0.78, 0.95) * height / (bottom - top),
            0.97 * width / float(np.ptp(x[y < bottom])),
        )
        middle = float((x[y < bottom].min() + x[y < bottom].max()) / 2)
        top -= rng.uniform(0.02, 0.06) * (bottom - top)
    middle += rng.normal(0, 0.03) * width / focal
    return Camera(
        fx=float(focal), fy=float(focal), cx=width / 2 - float(focal) * middle,
        cy=-float(focal) * top, width=width, height=height,
    )  # fmt: skip


def sample_light(rng: np.random.Generator) -> Light:
    """Draw sun or lamp, sky and ground."""
    azimuth, height = rng.uniform(-np.pi, np.pi), rng.uniform(0.15, 0.95)
    flat = np.sqrt(1 - height**2)
    direction = (flat * np.sin(azimuth), -height, -flat * np.cos(azimuth))
    strength = rng.uniform(0.15, 0.95)
    tint = 1 + rng.normal(0, 0.05) * np.array([1.0, 0.1, -1.0])
    ambient = (1.05 - 0.7 * strength) * rng.uniform(0.55, 0.85)
    sky = ambient * (1 + rng.normal(0, 0.05) * np.array([-1.0, 0.0, 1.0]))
    ground = ambient * rng.uniform(0.4, 0.8) * np.ones(3)
    return Light(
        direction=_triple(np.asarray(direction)),
        colour=_triple(strength * tint),
        sky=_triple(sky),
        ground=_triple(ground),
    )


FLAT = Light(colour=(0.35, 0.35, 0.35), sky=(0.62, 0.62, 0.62), ground=(0.45, 0.45, 0.45))
"""The even light of a plain composite."""


def sample_background(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Draw what is behind a person: walls, floors, skies, shapes out of focus.

    Returns:
        float32 (height, width, 3), linear light in [0, 1].
    """
    import cv2

    horizon = rng.uniform(0.35, 1.15)
    rows = (np.arange(height) + 0.5) / height
    above, below = _surface(rng, height, width), _surface(rng, height, width)
    picture: NDArray[np.float64] = np.where(rows[:, None, None] < horizon, above, below)
    for _ in range(int(rng.integers(0, 7))):
        _lay_shape(rng, picture, horizon)
    blur = float(rng.choice([0.0, 0.006, 0.02, 0.04])) * height
    if blur > 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), dtype=np.float64)
    return np.clip(picture, 0, 1).astype(np.float32)


def _surface(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """A wall, a floor or a sky: a colour that changes slowly, with texture."""
    import cv2

    first, second = rng.uniform(0.03, 0.75, (2, 1, 1, 3)) * (1 + rng.normal(0, 0.12, (2, 1, 1, 3)))
    grey = rng.uniform(0, 0.85)
    first, second = (grey * c.mean() + (1 - grey) * c for c in (first[0], second[0]))
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    angle = rng.uniform(0, np.pi)
    slope = (np.cos(angle) * across + np.sin(angle) * down)[..., None]
    picture: NDArray[np.float64] = first + (second - first) * np.clip(
        slope * rng.uniform(0.2, 1), 0, 1
    )
    rough = np.zeros((height, width))
    for octave in (3, 6, 12, 25, 50):
        cells = rng.normal(0, 1, (octave + 2, octave + 2)).astype(np.float32)
        fine = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
        rough += np.asarray(fine, dtype=np.float64) / octave**0.6
    picture = picture * (1 + float(rng.choice([0.0, 0.05, 0.15, 0.3])) * rough[..., None])
    kind = rng.integers(4)
    if kind == 0:  # bricks, tiles or planks
        tall, wide = rng.uniform(0.02, 0.12), rng.uniform(0.04, 0.4)
        row = np.floor(down / tall)
        offset = 0.5 * (row % 2) * wide
        joint = ((down % tall) < 0.12 * tall) | (((across + offset) % wide) < 0.06 * wide)
        picture = picture * np.where(joint, rng.uniform(0.5, 1.3), 1.0)[..., None]
    elif kind == 1:  # bars, rails, curtains
        period = rng.uniform(0.03, 0.2)
        bars = 0.5 + 0.5 * np.sin(2 * np.pi * across / period + rng.uniform(0, 6))
        picture = picture * (1 - rng.uniform(0, 0.35) * bars[..., None])
    return picture


def _lay_shape(rng: np.random.Generator, picture: NDArray[np.float64], horizon: float) -> None:
    """A box or a blob, as furniture, windows, cars and trees look from afar; in place."""
    import cv2

    height, width = picture.shape[:2]
    colour = rng.uniform(0.02, 0.8, 3) * (0.4 + 0.6 * rng.random())
    centre = rng.uniform(0, width), rng.uniform(0.1, 1.1) * horizon * height
    half = rng.uniform(0.04, 0.4) * width, rng.uniform(0.04, 0.25) * height
    cover = np.zeros((height, width), dtype=np.uint8)
    if rng.random() < 0.6:
        corners = [round(centre[0] - half[0]), round(centre[1] - half[1]),
                   round(centre[0] + half[0]), round(centre[1] + half[1])]  # fmt: skip
        cv2.rectangle(cover, corners[:2], corners[2:], 1, -1)
    else:
        cv2.ellipse(
            cover, (round(centre[0]), round(centre[1])), (round(half[0]), round(half[1])),
            float(rng.uniform(0, 180)), 0, 360, 1, -1,
        )  # fmt: skip
    picture[cover > 0] = colour


def _triple(values: NDArray[np.floating]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
