"""In which situations people are, and what of their pose can be believed there.

A pose is read off landmarks of one picture, and landmark models are sure of much that they cannot
have seen. So before a body is posed, every person is looked at once: which situations hold, how
much each landmark counts, and whether enough is left to pose a body at all. Nothing here reads a
pixel of the picture, only boxes, masks and landmarks.

===============  ==============================================================================
situation        what happens
===============  ==============================================================================
``truncated``    an edge of the picture cuts the person: landmarks beyond it hardly count, nor do
                 hands and feet whose elbow or knee is below the picture; what is not known stays
                 as people usually stand, and leaves the picture
``back-facing``  the face is not seen: its landmarks get no say, the head looks ahead
``seated``       hips and knees are measured; the joints' limits allow them
``crouching``    likewise
``lying``        likewise: nothing takes trunks for upright
``overlapping``  somebody else hides a part, or is hidden: landmarks of one that lie on the other
                 count less, and the nearer avatar hides the farther
``tiny``         hands, toes and the parts of the face are of few pixels: they get no say
===============  ==============================================================================

Several may hold at once; of most people none does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from refsd.bodies.landmarks import LANDMARKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.people.person import Person

Situation = Literal[
    "truncated", "back-facing", "seated", "crouching", "lying", "overlapping", "tiny"
]
Side = Literal["left", "top", "right", "bottom"]

SITUATIONS: tuple[Situation, ...] = (
    "truncated", "back-facing", "seated", "crouching", "lying", "overlapping", "tiny",
)  # fmt: skip

TINY = 90
"""Who is less than so many pixels in size (the longer side of the mask) is tiny."""

EDGE = 0.01
"""A mask that comes this near to an edge of the picture, as a share of the person's size, may be
cut by it; at least ``EDGE_PIXELS``."""
EDGE_PIXELS = 1.5

BEYOND = 0.02
"""So far beyond an edge, as a share of the person's size, a landmark shows that the edge cuts."""

CONTACT: Mapping[Side, float] = {"left": 0.2, "top": 0.08, "right": 0.2, "bottom": 0.2}
"""Length along which a mask touches an edge, as a share of the person's size, that shows the same:
heads are narrow, and feet and arms touch the edges of tight crops."""

SEEN = 0.5
"""Least visibility of a landmark that measures a situation."""

NEAR_MASK, FAR_FROM_MASK = 0.03, 0.12
"""Distance from the mask, as a share of the person's size, up to which a landmark counts in full,
and from which on it counts ``DOUBTED``: hands lie at the rim of people."""
DOUBTED = 0.1

AWAY = 0.35
"""Cosine of the angle between where the trunk looks and the line of sight, from which on a person
turns their back to the camera: within 70° of straight away."""

BENT_HIPS, BENT_KNEES = 45.0, 40.0
"""Degrees by which hips and knees of somebody who sits or crouches are bent at least."""

FOLDED = 95.0
LOW_HIPS, FEET_UNDER = 0.36, 0.22
"""Who bends the knees by more degrees than that crouches, and who has the hips this low above the
ankles, or the ankles this nearly below them, as shares of a leg's length. Sitting needs a seat, as
high as a shin is long and behind the feet."""

FLAT = 0.7
"""Cosine of the angle between trunk and legs and the picture's vertical, below which somebody
lies: 45°. Where the camera looks down steeply this cannot be told from standing."""

TOUCHING = 0.02
"""Two people overlap where their boxes have this share of the smaller in common, and their masks
come together."""

LEAST_TRUNK = 2
"""So many of shoulders and hips must count for a body to be posed."""

LEAST_COVERED = 0.55
"""Least share of a person's mask that the body in their place must cover. None of 240 queries of
crowd has less than 0.59; people had whose landmarks were found inside a head or a torso (0.37 to
0.52, benchmarks/poses.py)."""

BOX = 0.9
"""A mask that fills this share of its window is a box: of which no body covers all."""

CELLS = 32
"""Cells along a person's size in which coverage is counted, about 5 cm each: coarse, for bodies
wear clothes that avatars do not."""


@dataclass(frozen=True, eq=False)
class Assessment:
    """What holds of one person.

    Attributes:
        situations: names out of ``SITUATIONS``, in their order.
        cut: by the sides of the picture that cut the person, the share of the person's length or
            width that lies beyond, in [0, 1], as the landmarks have it.
        visibility: float32 (33,) in [0, 1], how much each landmark counts; None without landmarks.
        reason: why no body can be posed; None where one can.
    """

    situations: tuple[Situation, ...]
    cut: Mapping[Side, float] = field(default_factory=dict)
    visibility: NDArray[np.float32] | None = None
    reason: str | None = None


def _rows(*names: str) -> list[int]:
    return [LANDMARKS.index(name) for name in names]


_FACE = _rows(
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
    "right_eye_outer", "mouth_left", "mouth_right",
)  # fmt: skip
_SMALL = [
    row
    for row, name in enumerate(LANDMARKS)
    if any(part in name for part in ("eye", "mouth", "pinky", "index", "thumb", "heel"))
]
_SHOULDERS = _rows("left_shoulder", "right_shoulder")
_HIPS = _rows("left_hip", "right_hip")
_KNEES = _rows("left_knee", "right_knee")
_ANKLES = _rows("left_ankle", "right_ankle")
_CHAINS = [
    (LANDMARKS.index(f"{side}_{joint}"), _rows(*(f"{side}_{end}" for end in ends)))
    for side in ("left", "right")
    for joint, ends in (
        ("elbow", ("wrist", "pinky", "index", "thumb")),
        ("knee", ("ankle", "heel", "foot_index")),
    )
]
"""Joints, and what hangs on them. Where the joint lies below the picture, what hangs on it is a
guess wherever it is: in half-length portraits hands are often invented before the chest."""


def assess(people: Sequence[Person], shape: tuple[int, int]) -> list[Assessment]:
    """Say of everybody in one picture which situations hold and which landmarks count.

    Args:
        people: all who were found in the picture.
        shape: (height, width) of the picture.

    Returns:
        One assessment per person, in order.
    """
    return [
        _assess(person, [one for one in people if one is not person], shape) for person in people
    ]


def coverage(person: Person, points: NDArray[np.float32]) -> float:
    """The share of a person's mask that a body covers, on a coarse grid; in [0, 1].

    Args:
        person: with a mask that is not empty.
        points: float32 (V, 2), where the camera sees the body's vertices, in pixels.
    """
    points = points[np.isfinite(points).all(axis=1)]
    x0, y0, x1, y1 = person.window
    cell = max(1.0, _size(person) / CELLS)
    across, down = int(np.ceil((x1 - x0) / cell)), int(np.ceil((y1 - y0) / cell))
    rows, columns = np.nonzero(person.mask)
    cells = (rows / cell).astype(int) * across + (columns / cell).astype(int)
    pixels = np.bincount(cells, minlength=across * down)
    places = np.floor((points - np.array([x0, y0], dtype=np.float32)) / cell).astype(int)
    inside = ((places >= 0) & (places < [across, down])).all(axis=1)
    reached = np.zeros(across * down, dtype=np.bool_)
    reached[places[inside, 1] * across + places[inside, 0]] = True
    return float(pixels[reached].sum() / pixels.sum())


def misplaced(person: Person, points: NDArray[np.float32]) -> str | None:
    """Why a posed body does not stand for a person; None where it does.

    Landmarks can agree with each other and still be those of nobody: a small figure that the
    network saw inside a large one. What they made of the mask shows it.

    Args:
        person: who.
        points: float32 (V, 2), where the camera sees the body's vertices, in pixels.
    """
    filled = float(person.mask.mean()) if person.mask.size else 0.0
    if filled == 0.0 or filled > BOX:
        return None  # no outline is known
    covered = coverage(person, points)
    if covered >= LEAST_COVERED:
        return None
    return f"the pose found covers only {covered:.0%} of the person"


def _assess(person: Person, others: Sequence[Person], shape: tuple[int, int]) -> Assessment:
    found: set[Situation] = set()
    overlapping = [other for other in others if _touch(person, other)]
    if overlapping:
        found.add("overlapping")
    if _size(person) < TINY:
        found.add("tiny")
    landmarks, world, visibility = person.landmarks, person.landmarks_world, person.visibility
    if landmarks is None or world is None or visibility is None:
        contacts = _contacts(person, shape).items()
        if any(contact > CONTACT[side] for side, contact in contacts):
            found.add("truncated")
        reason = None if person.estimate is not None else "no pose was found"
        return Assessment(_ordered(found), reason=reason)
    cut = _cut(person, landmarks, shape)
    if cut:
        found.add("truncated")
    found |= _posture(world.astype(np.float64), visibility)
    inside = ((landmarks >= 0) & (landmarks < [shape[1], shape[0]])).all(axis=1)
    # Of what lies beyond the picture no mask tells anything; the fit itself trusts that little.
    on_mask = np.where(inside, _on_mask(person, landmarks, overlapping), np.float32(1.0))
    counts = visibility.astype(np.float32) * on_mask
    for joint, ends in _CHAINS:
        if landmarks[joint, 1] >= shape[0]:
            counts[ends] *= DOUBTED
    if "back-facing" in found:
        counts[_FACE] = 0.0
    if "tiny" in found:
        counts[_SMALL] = 0.0
    trunk = int(((counts > SEEN / 2) & inside)[_SHOULDERS + _HIPS].sum())
    reason = None
    if person.estimate is None and trunk < LEAST_TRUNK:
        reason = "too little of the trunk was seen to pose a body"
    return Assessment(_ordered(found), cut, counts, reason)


def _ordered(found: set[Situation]) -> tuple[Situation, ...]:
    return tuple(name for name in SITUATIONS if name in found)


def _size(person: Person) -> float:
    """The longer side of what is seen of a person, in pixels."""
    x0, y0, x1, y1 = person.window
    return float(max(x1 - x0, y1 - y0))


def _contacts(person: Person, shape: tuple[int, int]) -> dict[Side, float]:
    """The sides of the picture that a person's mask comes to, and along which share of its size."""
    near = max(EDGE_PIXELS, EDGE * _size(person))
    x0, y0, x1, y1 = person.window
    gaps: dict[Side, float] = {
        "left": x0,
        "top": y0,
        "right": shape[1] - x1,
        "bottom": shape[0] - y1,
    }
    rim = 1 + int(near)
    strips: dict[Side, NDArray[np.bool_]] = {
        "left": person.mask[:, :rim],
        "top": person.mask[:rim].T,
        "right": person.mask[:, -rim:],
        "bottom": person.mask[-rim:].T,
    }
    return {
        side: float(strips[side].any(axis=1).sum()) / _size(person)
        for side, gap in gaps.items()
        if gap <= near
    }


def _cut(
    person: Person, landmarks: NDArray[np.float32], shape: tuple[int, int]
) -> dict[Side, float]:
    """By side, the share of the landmarks' extent that lies beyond the picture."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    extent = np.maximum(high - low, 1.0)
    beyond: dict[Side, float] = {
        "left": -low[0],
        "top": -low[1],
        "right": high[0] - shape[1],
        "bottom": high[1] - shape[0],
    }
    shares = {}
    for side, contact in _contacts(person, shape).items():
        if beyond[side] > BEYOND * _size(person) or contact > CONTACT[side]:
            share = beyond[side] / extent[0 if side in ("left", "right") else 1]
            shares[side] = float(np.clip(share, 0.0, 1.0))
    return shares


def _posture(world: NDArray[np.float64], visibility: NDArray[np.float32]) -> set[Situation]:
    """What the landmarks in space say of how somebody holds themselves."""
    found: set[Situation] = set()
    shoulders, hips = world[_SHOULDERS].mean(axis=0), world[_HIPS].mean(axis=0)
    across = world[_SHOULDERS[0]] - world[_SHOULDERS[1]] + world[_HIPS[0]] - world[_HIPS[1]]
    down = hips - shoulders
    # Left × down is where the chest looks: x right, y down, z away give −z, towards the camera.
    front = _unit(np.cross(down, across))
    if front[2] > AWAY:
        found.add("back-facing")
    legs = [side for side in (0, 1) if min(visibility[[_KNEES[side], _ANKLES[side]]]) >= SEEN]
    upright = abs(_unit(down)[1]) >= FLAT
    if legs:
        ankles = world[[_ANKLES[side] for side in legs]].mean(axis=0)
        along = _unit(ankles - hips)
        if not upright and abs(along[1]) < FLAT:
            return found | {"lying"}
        found |= _folded(world, legs, down, ankles - hips)
    elif not upright and visibility[_SHOULDERS + _HIPS].min() >= SEEN:
        found.add("lying")
    return found


def _folded(
    world: NDArray[np.float64],
    legs: Sequence[int],
    down: NDArray[np.float64],
    to_ankles: NDArray[np.float64],
) -> set[Situation]:
    """Whether somebody with these legs sits or crouches, or neither."""
    hip_bends, knee_bends, lengths = [], [], []
    for side in legs:
        thigh = world[_KNEES[side]] - world[_HIPS[side]]
        shin = world[_ANKLES[side]] - world[_KNEES[side]]
        hip_bends.append(_angle(down, thigh))
        knee_bends.append(_angle(thigh, shin))
        lengths.append(float(np.linalg.norm(thigh) + np.linalg.norm(shin)))
    knees = float(np.mean(knee_bends))
    if float(np.mean(hip_bends)) < BENT_HIPS or knees < BENT_KNEES:
        return set()
    length = max(float(np.mean(lengths)), 1e-6)
    low = to_ankles[1] < LOW_HIPS * length
    under = float(np.hypot(to_ankles[0], to_ankles[2])) < FEET_UNDER * length
    return {"crouching"} if knees > FOLDED or low or under else {"seated"}


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit


def _angle(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Between two vectors, in degrees."""
    return float(np.degrees(np.arccos(np.clip(_unit(one) @ _unit(other), -1.0, 1.0))))


def _touch(one: Person, other: Person) -> bool:
    """Whether two people's masks come together."""
    left, top = np.maximum(one.box[:2], other.box[:2])
    right, bottom = np.minimum(one.box[2:], other.box[2:])
    if left >= right or top >= bottom:
        return False
    smaller = min(
        float((person.box[2] - person.box[0]) * (person.box[3] - person.box[1]))
        for person in (one, other)
    )
    if (right - left) * (bottom - top) < TOUCHING * smaller:
        return False
    window = (int(left), int(top), int(np.ceil(right)), int(np.ceil(bottom)))
    reach = max(1, round(TOUCHING * min(_size(one), _size(other))))
    near = _distances(one, window) <= reach
    return bool((near & _part(other, window)).any())


def _part(person: Person, window: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """A person's mask in a window of the picture, False where their own window does not reach."""
    x0, y0, x1, y1 = window
    part = np.zeros((y1 - y0, x1 - x0), dtype=np.bool_)
    left, top, right, bottom = person.window
    a, b, c, d = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
    if a < c and b < d:
        part[b - y0 : d - y0, a - x0 : c - x0] = person.mask[b - top : d - top, a - left : c - left]
    return part


def _distances(person: Person, window: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """float32, of the window: how far each pixel is from the person's mask."""
    import cv2

    outside = (~_part(person, window)).astype(np.uint8)
    if outside.all():
        return np.full(outside.shape, np.inf, dtype=np.float32)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))


def _on_mask(
    person: Person, landmarks: NDArray[np.float32], others: Sequence[Person]
) -> NDArray[np.float32]:
    """float32 (33,), how well each landmark agrees with whose pixels are whose, in [0, 1]."""
    size = _size(person)
    margin = int(np.ceil(FAR_FROM_MASK * size)) + 1
    x0, y0, x1, y1 = person.window
    window = (x0 - margin, y0 - margin, x1 + margin, y1 + margin)
    places = np.floor(landmarks).astype(int) - [window[0], window[1]]
    inside = ((places >= 0) & (places < [window[2] - window[0], window[3] - window[1]])).all(axis=1)
    columns, rows = places[inside].T
    away = np.full(len(landmarks), FAR_FROM_MASK)
    away[inside] = _distances(person, window)[rows, columns] / size
    share = np.asarray(np.interp(away, [NEAR_MASK, FAR_FROM_MASK], [1.0, DOUBTED]), np.float32)
    for other in others:
        theirs = np.zeros(len(landmarks), dtype=np.bool_)
        theirs[inside] = (_part(other, window) & ~_part(person, window))[rows, columns]
        share[theirs] = np.minimum(share[theirs], DOUBTED)
    return share
