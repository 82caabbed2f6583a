"""What is known of one person in one picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies.model import BodyEstimate

Source = Literal["detector", "face", "landmarks", "dataset", "whole crop", "hand"]
Status = Literal["kept", "obscured", "masked", "replaced"]


@dataclass(frozen=True, eq=False)
class Person:
    """One person, in pixels of the picture (x right, y down, (0, 0) the top left corner).

    Attributes:
        box: float32 (4,), x0 y0 x1 y1 in pixels, x1 and y1 exclusive; inside the picture.
        window: x0 y0 x1 y1 in whole pixels: where ``mask`` lies in the picture; inside the picture.
        mask: bool (y1 - y0, x1 - x0) of the window; True where this person is seen.
        landmarks: float32 (33, 2), BlazePose's landmarks in pixels (they may lie outside the
            picture), or None where none were found.
        landmarks_world: float32 (33, 3) in metres, origin between the hips, x right, y down,
            z away from the camera; or None.
        visibility: float32 (33,) in [0, 1], or None.
        score: confidence of the detection in [0, 1]; 1 where the person was given.
        source: who found the person.
        estimate: the pose by an external estimator, which counts instead of the landmarks; or
            None.
    """

    box: NDArray[np.float32]
    window: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    landmarks: NDArray[np.float32] | None = None
    landmarks_world: NDArray[np.float32] | None = None
    visibility: NDArray[np.float32] | None = None
    score: float = 1.0
    source: Source = "detector"
    estimate: BodyEstimate | None = None

    def full_mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """The mask as bool (height, width) of the whole picture."""
        full = np.zeros((height, width), dtype=np.bool_)
        x0, y0, x1, y1 = self.window
        full[y0:y1, x0:x1] = self.mask
        return full


@dataclass(frozen=True, eq=False)
class NewPerson:
    """The avatar that stands in a picture now: labels for whoever trains on the output.

    Attributes:
        box: float32 (4,), x0 y0 x1 y1 in pixels around what is seen of it; x1 and y1 exclusive.
        window: x0 y0 x1 y1 in whole pixels: where ``mask`` lies in the picture.
        mask: bool (y1 - y0, x1 - x0), where this avatar is what the picture shows.
        keypoints: float32 (17, 2), COCO's keypoints in pixels; they may lie outside the picture.
        visibility: uint8 (17,), COCO's: 0 outside the picture, 1 hidden, 2 seen.
        joints: float32 (J, 3), metres, camera coordinates: the body model's joints.
        joint_names: J names.
    """

    box: NDArray[np.float32]
    window: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    keypoints: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    joints: NDArray[np.float32]
    joint_names: tuple[str, ...]


@dataclass(frozen=True)
class PersonOutcome:
    """What became of one person.

    Attributes:
        index: the person's place in the list that the method was given.
        status: ``kept`` (untouched), ``obscured`` (blurred, pixelated), ``masked`` (filled, by
            choice or because the person could not be replaced) or ``replaced`` (by an avatar).
        reason: why a person who should have been replaced was masked; None otherwise.
        avatar: the name of the avatar that stands there now; None without one.
        prompt: what the refinement was asked to show; None where nothing was refined.
        situations: what makes the person's pose hard to see; see ``refsd.situations``.
        new: labels of the avatar; None without one.
    """

    index: int
    status: Status
    reason: str | None = None
    avatar: str | None = None
    prompt: str | None = None
    situations: tuple[str, ...] = ()
    new: NewPerson | None = field(default=None, compare=False)
