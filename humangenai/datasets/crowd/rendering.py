"""One identity of crowd: dressed once, then photographed by every camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from humangenai.datasets.crowd.backgrounds import background
from humangenai.datasets.crowd.cameras import CAMERAS, SurveillanceCamera
from refsd.rendering import Camera

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody
    from refsd.rendering import Mesh, Renderer
    from refsd.wardrobe import Avatar

HEIGHT, WIDTH = 256, 128
"""Crops have the size that re-ID networks take; a person fills 80 to 94 % of the height."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One crop and its ground truth.

    Attributes:
        camid: 1 to 6.
        image: uint8 (256, 128, 3), sRGB.
        mask: bool (256, 128), the pixels of which the person covers at least half.
        joints: float32 (J, 3), metres, camera coordinates.
        camera: the pinhole camera that saw them.
    """

    camid: int
    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    joints: NDArray[np.float32]
    camera: Camera


def photograph(
    avatar: Avatar,
    camids: Sequence[int],
    body: AnnyBody,
    renderer: Renderer,
    rng: np.random.Generator,
) -> list[Shot]:
    """Take one picture of an identity per entry of ``camids``, each in a new pose.

    Args:
        avatar: who is photographed.
        camids: cameras, 1 to 6; a camera may occur several times.
        body: the body model.
        renderer: always the NumPy one for the published dataset, so that it does not depend on
            the machine's graphics.
        rng: all chance of these pictures.
    """
    from refsd.bodies.poses import sample_pose
    from refsd.wardrobe import dress

    cameras = [CAMERAS[camid - 1] for camid in camids]
    rotations = np.stack([sample_pose("crowd", rng, body) for _ in camids]).astype(np.float32)
    bodies = body.pose(
        [avatar.shape] * len(camids), rotations, np.zeros((len(camids), 3), dtype=np.float32)
    )
    shots = []
    for camera, vertices, joints in zip(cameras, bodies.vertices, bodies.joints, strict=True):
        view = _Viewpoint.draw(camera, rng)
        meshes = dress(avatar, body, view.to_camera(vertices))
        shots.append(_shoot(meshes, view.to_camera(joints), camera, renderer, rng))
    return shots


@dataclass(frozen=True, eq=False)
class _Viewpoint:
    """Where the camera sees a body from that stands at the origin.

    Attributes:
        rotation: float32 (3, 3), the person's yaw, then the camera's pitch.
        distance: metres from the camera to the pelvis.
    """

    rotation: NDArray[np.float32]
    distance: np.float32

    @classmethod
    def draw(cls, camera: SurveillanceCamera, rng: np.random.Generator) -> _Viewpoint:
        """How one person walks past a camera."""
        yaw = np.deg2rad(camera.facing + rng.normal(0, camera.spread))
        pitch = np.deg2rad(camera.pitch + rng.normal(0, 2))
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        # Looking down by `pitch` turns the world about x: the head comes nearer than the feet.
        tilt = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        return cls((tilt @ turn).astype(np.float32), np.float32(rng.uniform(5, 11)))

    def to_camera(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (N, 3) of the body's world in camera coordinates."""
        moved = points @ self.rotation.T
        moved[:, 2] += self.distance
        return np.ascontiguousarray(moved, dtype=np.float32)


def _shoot(
    meshes: Sequence[Mesh],
    joints: NDArray[np.float32],
    camera: SurveillanceCamera,
    renderer: Renderer,
    rng: np.random.Generator,
) -> Shot:
    pinhole = _frame(np.concatenate([mesh.vertices for mesh in meshes]), rng)
    rendering = renderer.render(meshes, pinhole, camera.light_now(rng))
    alpha: NDArray[np.float32] = rendering.rgba[..., 3:].astype(np.float32) / np.float32(255)
    feet = float(np.flatnonzero(alpha[..., 0].max(axis=1) > 0.5)[-1] + 1)
    horizon = float(np.clip(feet / HEIGHT - rng.uniform(0.08, 0.30), 0.3, 0.95))
    scene = background(camera, HEIGHT, WIDTH, horizon, rng)
    scene *= _contact_shadow(alpha[..., 0], feet)[..., None]
    person = (rendering.rgba[..., :3].astype(np.float32) / np.float32(255)) ** np.float32(2.2)
    linear: NDArray[np.float32] = person * alpha + scene * (1 - alpha)
    return Shot(
        camid=camera.camid,
        image=develop(linear, camera, rng),
        mask=alpha[..., 0] >= 0.5,
        joints=joints,
        camera=pinhole,
    )


def _frame(points: NDArray[np.float32], rng: np.random.Generator) -> Camera:
    """The pinhole camera in whose picture the points fill 80 to 94 % of the height, off centre."""
    x = points[:, 0] / points[:, 2]
    y = points[:, 1] / points[:, 2]
    share = rng.uniform(0.80, 0.94)
    focal = float(min(share * HEIGHT / np.ptp(y), 0.96 * WIDTH / np.ptp(x)))
    spare_x = WIDTH - focal * float(np.ptp(x))
    spare_y = HEIGHT - focal * float(np.ptp(y))
    left = spare_x * float(np.clip(rng.normal(0.5, 0.12), 0.05, 0.95))
    top = spare_y * float(rng.uniform(0.2, 0.8))
    return Camera(
        fx=focal, fy=focal, cx=left - focal * float(x.min()), cy=top - focal * float(y.min()),
        width=WIDTH, height=HEIGHT,
    )  # fmt: skip


def _contact_shadow(alpha: NDArray[np.float32], feet: float) -> NDArray[np.float32]:
    """Factors float32 (H, W): the ground is darker where the feet stand."""
    low = alpha[max(0, int(feet) - 24) : int(feet)].max(axis=0) > 0.5
    columns = np.flatnonzero(low)
    centre, half = (columns[0] + columns[-1]) / 2, max(8.0, 0.7 * np.ptp(columns))
    y, x = np.mgrid[0 : alpha.shape[0], 0 : alpha.shape[1]]
    radius = ((x - centre) / half) ** 2 + ((y - (feet - 5)) / 9) ** 2
    shade: NDArray[np.float32] = (1 - 0.55 * np.exp(-radius)).astype(np.float32)
    return shade


def develop(
    linear: NDArray[np.float32], camera: SurveillanceCamera, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Linear light to what the camera's file says: blur, exposure, colour cast, tone, noise."""
    import cv2

    blurred = cv2.GaussianBlur(linear, (0, 0), camera.blur * float(rng.uniform(0.7, 1.3)))
    exposed = np.clip(blurred * rng.uniform(0.7, 1.35), 0, 1) ** (camera.gamma / 2.2)
    cast = np.asarray(camera.white_balance) * rng.normal(1, 0.02, 3)
    noisy = exposed * cast * 255 + rng.normal(0, camera.noise, exposed.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), dtype=np.uint8)
