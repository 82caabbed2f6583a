"""Real pedestrians: frames of OpenCV's sample video ``vtest.avi``, or of a video of your own.

A street seen from above, 768 x 576, 795 frames at 10 per second, 40 to 200 px tall people; in
Debian's package ``opencv-doc`` (from PETS 2009, where it is a public benchmark's recording).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from humangenai.datasets.dataset import Item
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.errors import UserError
from refsd.images import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from humangenai.datasets.dataset import TruePerson
    from refsd.people import Person

VIDEO = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")

CROP_MARGIN = 0.1
"""Around a person's box in a crop, as a share of the box's height."""


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        path: a video; None: ``vtest.avi`` where Debian's package puts it.
        frames: how many, evenly spread over the video, the first one included.
        crops: crops around the people that are found in these frames, instead of whole frames.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    frames: int = Field(default=20, ge=1)
    crops: bool = False


class _Video:
    """Frames of a video by number; forward steps are cheap, a step back starts over.

    Frames are decoded one after the other, never sought: seeking may miss by some frames,
    depending on the codec, and numbers would not mean the same everywhere.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capture = cv2.VideoCapture(str(path))
        self.length = 0
        while self._capture.grab():
            self.length += 1
        if not self.length:
            raise UserError(f"{path}: not a video that OpenCV can decode")
        self._next = self.length
        self._last: tuple[int, NDArray[np.uint8]] | None = None

    def frame(self, number: int) -> NDArray[np.uint8]:
        """uint8 (H, W, 3), sRGB."""
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        if number < self._next:
            self._capture = cv2.VideoCapture(str(self.path))
            self._next = 0
        while self._next <= number:
            if not self._capture.grab():
                raise ImageError(
                    f"{self.path}: frame {self._next} cannot be decoded; copy it again"
                )
            self._next += 1
        decoded, image = self._capture.retrieve()
        if not decoded:
            raise ImageError(f"{self.path}: frame {number} cannot be decoded; copy it again")
        rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        self._last = (number, rgb)
        return rgb


class Pedestrians:
    """Frames of a video, or crops around the people in them; nothing else is known.

    Attributes:
        name: ``pedestrians``, or ``pedestrians-crops``.
        crops: as chosen.
        rendered: False.
    """

    rendered = False

    def __init__(self, path: Path, options: Options) -> None:
        self.crops = options.crops
        self.name = "pedestrians-crops" if options.crops else "pedestrians"
        self._video = _Video(path)
        count = min(options.frames, self._video.length)
        self._numbers = [index * self._video.length // count for index in range(count)]

    def items(self) -> Sequence[Item]:
        """Frames in order, e.g. ``frame_0039``; or crops, e.g. ``frame_0039/person_02``."""
        return [Item(key=key, split="all") for key in self._places]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The frame or crop: uint8 (H, W, 3), sRGB."""
        number, window = self._places[item.key]
        frame = self._video.frame(number)
        if window is None:
            return frame.copy()
        x0, y0, x1, y1 = window
        return frame[y0:y1, x0:x1].copy()

    def people(self, item: Item) -> Sequence[Person] | None:
        """None: they are to be found."""
        return None

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """None: no masks are known."""
        return None

    def manifest_hash(self) -> str:
        """sha256 over the items and the video."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        video = file_hash(self._video.path)
        return manifest_hash(
            self.items(), lambda item: video + repr(self._places[item.key]).encode()
        )

    @cached_property
    def _places(self) -> dict[str, tuple[int, tuple[int, int, int, int] | None]]:
        """Item key → number of the frame and, for crops, the window x0 y0 x1 y1 in it."""
        if not self.crops:
            return {f"frame_{number:04d}": (number, None) for number in self._numbers}
        from refsd.people import find_people

        places: dict[str, tuple[int, tuple[int, int, int, int] | None]] = {}
        for number in self._numbers:
            frame = self._video.frame(number)
            for index, person in enumerate(find_people([frame], crops=False)[0]):
                window = _window(person.box, frame.shape[0], frame.shape[1])
                places[f"frame_{number:04d}/person_{index:02d}"] = (number, window)
        return places


def _window(box: NDArray[np.float32], height: int, width: int) -> tuple[int, int, int, int]:
    """The box with its margin, in whole pixels, within the frame."""
    x0, y0, x1, y1 = (float(value) for value in box)
    margin = CROP_MARGIN * (y1 - y0)
    return (
        max(0, int(x0 - margin)),
        max(0, int(y0 - margin)),
        min(width, int(x1 + margin) + 1),
        min(height, int(y1 + margin) + 1),
    )


def load(options: Options) -> Pedestrians:
    """The video's frames.

    Raises:
        UserError: there is no video, or it cannot be decoded.
    """
    path = VIDEO if options.path is None else options.path.expanduser()
    if not path.is_file():
        fix = (
            "install Debian's package (apt-get install opencv-doc) or name a video by --path"
            if options.path is None
            else "check --path"
        )
        raise UserError(f"{path}: there is no such video; {fix}")
    return Pedestrians(path, options)
