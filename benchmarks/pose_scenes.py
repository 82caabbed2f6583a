"""Pictures of rendered people in known poses, by situation, for ``benchmarks/poses.py``.

The people are dressed as crowd's are, so none of them can be an avatar of the bank that RefSD draws
from. Poses of people who sit, crouch and lie are defined here; those of people who stand and walk
are crowd's. The camera is tilted and of any focal length: RefSD has to guess both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from humangenai.datasets.crowd.backgrounds import background
from humangenai.datasets.crowd.cameras import CAMERAS
from refsd.bodies import blazepose_landmarks, sample_pose, turned
from refsd.bodies.anatomy import anatomy_of, angle_vector, mirror
from refsd.bodies.kinematics import rotation_matrices
from refsd.rendering import Camera, Mesh
from refsd.wardrobe import dress, sample_avatar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody
    from refsd.rendering import Renderer

HEIGHT, WIDTH = 640, 480
SHADOW_SIZE = 0.35
"""Metres: radius of the dark spot under a foot."""


@dataclass(frozen=True, eq=False)
class Body:
    """One rendered person, in camera coordinates.

    Attributes:
        mask: bool (H, W), the pixels that show this person.
        joints: float32 (J, 3), metres.
        landmarks: float32 (33, 3), metres: BlazePose's, as a perfect model would find them.
    """

    mask: NDArray[np.bool_]
    joints: NDArray[np.float32]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with its truth.

    Attributes:
        image: uint8 (H, W, 3), sRGB.
        bodies: who is in it.
        camera: that saw them.
    """

    image: NDArray[np.uint8]
    bodies: list[Body]
    camera: Camera


@dataclass(frozen=True)
class Situation:
    """How people of one situation are rendered.

    Attributes:
        pose: joint angles in degrees (see ``refsd.bodies.anatomy``) with ``lean``, the turn of the
            whole body forwards; None for one of crowd's poses.
        facing: mean of the angle by which people are turned, degrees; 0 faces the camera.
        spread: that angle's standard deviation; 180 and more: anywhere.
        pitch: lowest and highest angle by which the camera looks down, degrees.
        size: least and greatest height in pixels of somebody who stands upright.
        seat: whether they sit on something.
        cut: the side of the picture that cuts them, with the least and greatest share beyond it.
        people: how many.
        height: of the picture in pixels. width: likewise.
    """

    pose: Callable[[np.random.Generator], dict[str, float]] | None = None
    facing: float = 0.0
    spread: float = 60.0
    pitch: tuple[float, float] = (0.0, 15.0)
    size: tuple[float, float] = (380.0, 520.0)
    seat: bool = False
    cut: tuple[str, float, float] | None = None
    people: int = 1
    height: int = HEIGHT
    width: int = WIDTH


def _seated(rng: np.random.Generator) -> dict[str, float]:
    lean = float(rng.normal(0, 6))
    angles = {"lean": lean, "spine_bend": rng.normal(8, 4), "neck_turn": rng.normal(0, 15)}
    knee, apart = rng.normal(88, 10), abs(rng.normal(6, 4))
    for side in "LR":
        angles[f"hip_flex.{side}"] = 86 + lean + rng.normal(0, 2)
        angles[f"knee.{side}"] = knee + rng.normal(0, 4)
        angles[f"hip_abduct.{side}"] = apart
        angles[f"ankle.{side}"] = np.clip(knee - 88, -30, 20)
        # Hands on the thighs, or one arm hanging.
        angles[f"shoulder_flex.{side}"] = rng.normal(22, 5)
        angles[f"shoulder_abduct.{side}"] = rng.normal(12, 3)
        angles[f"shoulder_twist.{side}"] = rng.normal(25, 6)
        angles[f"elbow.{side}"] = rng.normal(62, 9)
    if rng.random() < 0.3:
        angles |= {"shoulder_flex.R": 2.0, "elbow.R": 12.0, "shoulder_abduct.R": 14.0}
    return angles


def _crouching(rng: np.random.Generator) -> dict[str, float]:
    lean = rng.normal(24, 6)
    angles = {"lean": lean, "spine_bend": rng.normal(22, 6), "neck_bend": rng.normal(-12, 6)}
    for side in "LR":
        angles[f"hip_flex.{side}"] = rng.normal(112, 3)
        angles[f"knee.{side}"] = rng.normal(124, 6)
        angles[f"hip_abduct.{side}"] = abs(rng.normal(10, 5))
        angles[f"ankle.{side}"] = 20.0
        angles[f"shoulder_flex.{side}"] = rng.normal(70, 12)
        angles[f"shoulder_abduct.{side}"] = rng.normal(10, 4)
        angles[f"elbow.{side}"] = rng.normal(35, 15)
    return angles


def _lying(rng: np.random.Generator) -> dict[str, float]:
    """On the back, sometimes on the belly."""
    angles = {"lean": -90.0 if rng.random() < 0.75 else 90.0, "neck_turn": rng.normal(0, 20)}
    for side in "LR":
        angles[f"hip_abduct.{side}"] = abs(rng.normal(6, 3))
        angles[f"hip_flex.{side}"] = 0.0
        angles[f"knee.{side}"] = 2.0
        angles[f"ankle.{side}"] = -30.0
        angles[f"shoulder_abduct.{side}"] = abs(rng.normal(22, 10))
        angles[f"elbow.{side}"] = abs(rng.normal(15, 8))
    return angles


SITUATIONS: dict[str, Situation] = {
    "standing, walking": Situation(),
    "back-facing": Situation(facing=180, spread=35),
    "side view": Situation(facing=90, spread=15),
    "seated": Situation(pose=_seated, spread=45, pitch=(5, 20), seat=True),
    "crouching": Situation(pose=_crouching, spread=60, pitch=(5, 20)),
    "lying": Situation(pose=_lying, spread=180, pitch=(25, 55), size=(340, 440)),
    "cut below the hips": Situation(spread=50, size=(650, 850), cut=("bottom", 0.35, 0.5)),
    "cut above the hips": Situation(spread=40, size=(700, 1000), cut=("bottom", 0.5, 0.66)),
    "cut at the top": Situation(spread=50, cut=("top", 0.08, 0.22)),
    "cut at the left": Situation(spread=50, cut=("left", 0.2, 0.5)),
    "cut at the right": Situation(spread=50, cut=("right", 0.2, 0.5)),
    "overlapping": Situation(people=2, size=(340, 440)),
    "96 px": Situation(size=(96, 96), height=320, width=240),
    "64 px": Situation(size=(64, 64), height=320, width=240),
    "48 px": Situation(size=(48, 48), height=320, width=240),
    "32 px": Situation(size=(32, 32), height=320, width=240),
}


def make_scene(name: str, number: int, body: AnnyBody, renderer: Renderer, seed: int = 0) -> Scene:
    """Render one picture of a situation; the same arguments give the same picture."""
    known = SITUATIONS[name]
    rng = np.random.default_rng([seed, list(SITUATIONS).index(name), number])
    avatars = [sample_avatar("crowd", rng) for _ in range(known.people)]
    rotations = np.stack([_pose(known, body, rng) for _ in avatars]).astype(np.float32)
    shapes = [avatar.shape for avatar in avatars]
    bodies = body.pose(shapes, rotations, np.zeros((len(avatars), 3), dtype=np.float32))
    focal = rng.uniform(0.9, 1.6) * max(known.height, known.width)
    camera = Camera(
        fx=focal, fy=focal, cx=known.width / 2, cy=known.height / 2,
        width=known.width, height=known.height,
    )  # fmt: skip
    place = _places(known, bodies.vertices, camera, rng)
    vertices, joints = place(bodies.vertices), place(bodies.joints)
    landmarks = place(blazepose_landmarks(body, bodies))
    worn = [dress(*one) for one in zip(avatars, [body] * len(avatars), vertices, strict=True)]
    furniture = [_seat(place, one) for one in bodies.vertices] if known.seat else []
    masks = _visible([*worn, furniture] if furniture else worn, camera, renderer)
    image = _paint([*worn, furniture], vertices, camera, renderer, rng)
    found = zip(masks, joints, landmarks, strict=False)
    return Scene(image, [Body(*one) for one in found], camera)


def _pose(known: Situation, body: AnnyBody, rng: np.random.Generator) -> NDArray[np.float32]:
    yaw = float(known.facing + known.spread * np.clip(rng.standard_normal(), -2, 2))
    if known.facing == 90 and rng.random() < 0.5:
        yaw = -yaw
    if known.pose is None:
        return turned(sample_pose("crowd", rng, body), yaw)
    angles = {key: float(value) for key, value in known.pose(rng).items()}
    if rng.random() < 0.5:
        angles = mirror(angles)
    root = rotation_matrices(np.array([np.radians(angles.pop("lean")), 0.0, 0.0]))
    anatomy, zero = anatomy_of(body)
    return turned(anatomy.rotations(angle_vector(angles)[None], root[None], zero)[0], yaw)


Places = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]


def _places(
    known: Situation,
    vertices: NDArray[np.float32],
    camera: Camera,
    rng: np.random.Generator,
) -> Places:
    """From bodies about their pelvis, float32 (B, N, 3), to where the camera sees them."""
    pitch = np.radians(rng.uniform(*known.pitch))
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    depth = camera.fy * 1.72 / rng.uniform(*known.size)
    steps = np.zeros((len(vertices), 3))
    # All stand on the same ground; a second person stands beside and behind the first.
    steps[:, 1] = -vertices[..., 1].max(axis=1)
    if len(vertices) > 1:
        steps[1, 0] = rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 0.5)
        steps[1, 2] = rng.uniform(0.35, 1.2)
    shift = np.array([0.0, 0.0, depth])

    def place(points: NDArray[np.float32]) -> NDArray[np.float32]:
        moved = (points + steps[:, None]) @ tilt.T + shift
        return np.ascontiguousarray(moved, dtype=np.float32)

    for _ in range(4):
        flat = camera.project(place(vertices).reshape(-1, 3))
        shift[:2] += _centring(known, flat) * depth / camera.fx
    jitter = rng.uniform(-0.06, 0.06, 2) * [known.width, known.height]
    if known.cut is None:
        shift[:2] += jitter * depth / camera.fx
    else:
        side, low, high = known.cut
        axis = 0 if side in ("left", "right") else 1
        shift[1 - axis] += jitter[1 - axis] * depth / camera.fx
        share = rng.uniform(low, high)
        for _ in range(4):
            flat = camera.project(place(vertices).reshape(-1, 3))
            first, last = flat[:, axis].min(), flat[:, axis].max()
            if side in ("left", "top"):
                wanted = 0 - (first + share * (last - first))
            else:
                wanted = (known.width, known.height)[axis] - (last - share * (last - first))
            shift[axis] += wanted * depth / camera.fx
    return place


def _centring(known: Situation, flat: NDArray[np.float32]) -> NDArray[np.float64]:
    """By how many pixels what is seen must move to be in the middle."""
    middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
    return np.array([known.width, known.height]) / 2 - middle


def _seat(place: Places, vertices: NDArray[np.float32]) -> Mesh:
    """A box under somebody's pelvis, which is the origin."""
    low = np.array([-0.24, 0.0, -0.12])
    near = vertices[(np.abs(vertices[:, 0]) < 0.2) & (np.abs(vertices[:, 2]) < 0.15)]
    low[1] = near[:, 1].max() if len(near) else 0.12
    high = np.array([0.24, float(vertices[:, 1].max()), 0.34])
    corners = np.array(np.meshgrid(*np.stack([low, high], axis=1), indexing="ij"))
    points = corners.reshape(3, 8).T.astype(np.float32)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], dtype=np.int32)
    texture = np.full((4, 4, 4), 255, dtype=np.uint8)
    texture[..., :3] = (110, 88, 66)
    return Mesh(
        vertices=place(points[None])[0],
        faces=faces,
        uv=np.full((1, 2), 0.5, dtype=np.float32),
        uv_faces=np.zeros_like(faces),
        texture=texture,
    )


def _visible(
    groups: list[list[Mesh]], camera: Camera, renderer: Renderer
) -> list[NDArray[np.bool_]]:
    """The pixels in which each group is nearest."""
    from refsd.rendering import Light

    drawn = [renderer.render(group, camera, Light()) for group in groups]
    nearest = np.min([one.depth for one in drawn], axis=0)
    return [(one.rgba[..., 3] >= 128) & (one.depth <= nearest) for one in drawn]


def _paint(
    groups: list[list[Mesh]],
    vertices: NDArray[np.float32],
    camera: Camera,
    renderer: Renderer,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """People before a wall, on a ground, through a lens."""
    import cv2

    scenery = CAMERAS[int(rng.integers(len(CAMERAS)))]
    drawn = renderer.render(
        [mesh for group in groups for mesh in group], camera, scenery.light_now(rng)
    )
    feet = float(camera.project(vertices.reshape(-1, 3))[:, 1].max()) / camera.height
    horizon = float(np.clip(feet - rng.uniform(0.1, 0.3), 0.3, 0.95))
    behind = background(scenery, camera.height, camera.width, horizon, rng)
    behind *= _shadows(vertices, camera)[..., None]
    alpha = drawn.rgba[..., 3:].astype(np.float32) / 255
    people = (drawn.rgba[..., :3].astype(np.float32) / 255) ** 2.2
    linear = cv2.GaussianBlur(people * alpha + behind * (1 - alpha), (0, 0), scenery.blur)
    exposed = np.clip(linear * rng.uniform(0.8, 1.3), 0, 1) ** (scenery.gamma / 2.2)
    noisy = exposed * np.asarray(scenery.white_balance) * 255
    noisy += rng.normal(0, scenery.noise, noisy.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), dtype=np.uint8)


def _shadows(vertices: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """float32 (H, W), factors: the ground is darker where somebody touches it."""
    y, x = np.mgrid[0 : camera.height, 0 : camera.width]
    shade = np.ones((camera.height, camera.width), dtype=np.float32)
    for body in vertices:
        low = body[body[:, 1] > body[:, 1].max() - 0.06]
        centre, depth = camera.project(low).mean(axis=0), float(low[:, 2].mean())
        radius = SHADOW_SIZE * camera.fx / depth
        away = ((x - centre[0]) / radius) ** 2 + ((y - centre[1]) / (0.35 * radius)) ** 2
        shade *= (1 - 0.5 * np.exp(-away)).astype(np.float32)
    return shade
