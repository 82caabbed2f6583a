"""What judges are shown when they are asked whether S shows its labels."""

from __future__ import annotations

import numpy as np

from humangenai.datasets import Item
from humangenai.utility.classification import agreement


class Looking:
    """A judge who only remembers what it was shown."""

    name, version = "looking", "1"

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def judge(self, images: np.ndarray, crop: str) -> dict[str, np.ndarray]:
        self.shown.append(images)
        return {"gender": np.full((len(images), 2), 0.5, dtype=np.float32)}

    def values(self, crop: str) -> dict[str, tuple[str, ...]]:
        return {"gender": ("female", "male")}


def test_faces_are_shown_with_the_air_and_shoulders_that_judges_know() -> None:
    # Each pixel says where it is.
    rows, columns = np.mgrid[:200, :200]
    image = np.stack([rows, columns, 0 * rows], axis=-1).astype(np.uint8)
    items = [Item("a", "train")]
    judge = Looking()
    agreement.ask(judge, items, lambda _: image, lambda _: (70, 60, 130, 120))  # type: ignore[arg-type]
    agreement.ask(judge, items, lambda _: image)  # type: ignore[arg-type]
    framed, whole = (shown[0].astype(float) for shown in judge.shown)
    # The face's window is as high as the head, which takes 0.66 of what is shown.
    assert np.ptp(framed[..., 0]) == np.ptp(framed[..., 1])
    assert abs(np.ptp(framed[..., 0]) - 60 / 0.66) < 3
    assert np.allclose(framed[..., :2].mean(axis=(0, 1)), (90, 100), atol=1)
    assert np.ptp(whole[..., 0]) > 190
