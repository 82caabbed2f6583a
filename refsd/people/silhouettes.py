"""From what the networks say to the pixels of one person: generous, for none may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd.people.squares import paste

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.people.landmarks import Pose
    from refsd.people.squares import Window

THRESHOLD = 0.3
"""Least probability of the mask that counts; lower than one half, for pixels that are left out
cost privacy, and pixels that are too many cost a little background."""

VISIBLE = 0.5
"""Least visibility of a landmark that is drawn."""

NOSE, LEFT_EAR, RIGHT_EAR = 0, 7, 8
SHOULDERS, HIPS = (11, 12), (23, 24)

LIMBS = (
    (11, 13, 0.16), (13, 15, 0.13), (15, 19, 0.12),
    (12, 14, 0.16), (14, 16, 0.13), (16, 20, 0.12),
    (23, 25, 0.22), (25, 27, 0.17), (27, 31, 0.14), (27, 29, 0.14),
    (24, 26, 0.22), (26, 28, 0.17), (28, 32, 0.14), (28, 30, 0.14),
)  # fmt: skip
"""Landmarks that a limb joins, and its thickness as a share of the length of the torso."""

HEAD_RADIUS = 0.25
"""Of the disc that stands for the head, around the middle of the ears, as a share of the torso's
length: hair included."""


def torso_length(landmarks: NDArray[np.float32]) -> float:
    """Distance from the middle of the shoulders to the middle of the hips, in pixels.

    At least the width of the shoulders, so that people who bend towards the camera count in full.
    """
    shoulders, hips = landmarks[list(SHOULDERS)], landmarks[list(HIPS)]
    along = float(np.linalg.norm(shoulders.mean(axis=0) - hips.mean(axis=0)))
    return max(along, float(np.linalg.norm(shoulders[0] - shoulders[1])))


def sketch(pose: Pose, window: Window) -> NDArray[np.bool_]:
    """A figure of thick lines along the landmarks that are visible: bool, of the window."""
    x0, y0, x1, y1 = window
    drawn = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    places = np.rint(pose.landmarks - (x0, y0)).astype(np.int32)
    torso = torso_length(pose.landmarks)
    seen = pose.visibility >= VISIBLE
    for start, end, share in LIMBS:
        if seen[start] and seen[end]:
            ends = places[start].tolist(), places[end].tolist()
            cv2.line(drawn, *ends, color=1, thickness=max(1, round(share * torso)))
    corners = [*SHOULDERS, *reversed(HIPS)]
    if seen[corners].all():
        cv2.fillConvexPoly(drawn, cv2.convexHull(places[corners]), color=1)
    if seen[[LEFT_EAR, RIGHT_EAR]].any():
        middle = places[[LEFT_EAR, RIGHT_EAR]].mean(axis=0).astype(int).tolist()
        cv2.circle(drawn, middle, max(1, round(HEAD_RADIUS * torso)), color=1, thickness=-1)
    return drawn.astype(np.bool_)


def silhouette(pose: Pose, window: Window) -> NDArray[np.bool_]:
    """The person's pixels in a window: the network's mask, joined with a sketch of the landmarks.

    Parts of the mask that touch neither the sketch nor the largest part are somebody else's.

    Args:
        pose: what the network says.
        window: x0 y0 x1 y1; not empty.

    Returns:
        bool (y1 - y0, x1 - x0).
    """
    figure = sketch(pose, window)
    mask = paste(pose.mask, pose.square, window) >= THRESHOLD
    both = (mask | figure).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(both, connectivity=8)
    if count <= 1:
        return np.asarray(both, dtype=np.bool_)
    own = np.zeros(count, dtype=np.bool_)
    own[np.unique(parts[figure])] = True
    own[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())] = True
    own[0] = False
    return np.asarray(own[parts], dtype=np.bool_)


def agreement(pose: Pose, window: Window) -> float:
    """Intersection over union of the network's mask and the sketch of its landmarks, in [0, 1].

    Args:
        pose: what the network says.
        window: where they are compared, x0 y0 x1 y1; 0 where it is empty.
    """
    if window[0] >= window[2] or window[1] >= window[3]:
        return 0.0
    figure = sketch(pose, window)
    mask = paste(pose.mask, pose.square, window) >= THRESHOLD
    either = int((figure | mask).sum())
    return int((figure & mask).sum()) / either if either else 0.0
