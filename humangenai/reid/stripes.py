"""A fixed descriptor as the second attacker: colours, from head to feet."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from humangenai.records import AttackerRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class StripeHistogram:
    """Histograms of hue, saturation and value in six horizontal stripes.

    Colour histograms of horizontal stripes are the oldest re-identification descriptor (Gray & Tao,
    "Viewpoint Invariant Pedestrian Recognition with an Ensemble of Localized Features", ECCV 2008,
    use six stripes). It learns nothing, so it shows how far plain colour goes: clothes, but also
    the background that pseudonymization leaves in place.

    Each picture is resized to 128 x 48 (pixel area averaging), converted to HSV, and cut into six
    stripes. Per stripe, a joint histogram of hue and saturation (12 x 4 bins; grey pixels have no
    stable hue, so each pixel counts with its saturation) and a histogram of value (8 bins). Each
    histogram sums to one at most; its square root is taken, so that Euclidean distance is
    Hellinger's.
    """

    name = "StripeHistogram"
    stripes = 6
    bins = (12, 4, 8)
    size = (128, 48)

    def record(self) -> AttackerRecord:
        """A fixed descriptor was trained on nothing."""
        return AttackerRecord(name=self.name, trained_on="nothing")

    def fingerprint(self) -> str:
        """sha256 over the descriptor's parameters; ``1`` grows when its code changes meaning."""
        parameters = (self.name, 1, self.stripes, self.bins, self.size)
        return hashlib.sha256(repr(parameters).encode()).hexdigest()

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embed pictures.

        Args:
            images: uint8 (H, W, 3), sRGB, of any sizes.

        Returns:
            float32 (len(images), 6 * (12 * 4 + 8)), values in [0, 1].
        """
        width = self.stripes * (self.bins[0] * self.bins[1] + self.bins[2])
        rows = [self._describe(image) for image in images]
        return np.stack(rows) if rows else np.empty((0, width), dtype=np.float32)

    def _describe(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        import cv2

        height, width = self.size
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        hsv: NDArray[np.float32] = cv2.cvtColor(
            small.astype(np.float32) / 255, cv2.COLOR_RGB2HSV
        ).astype(np.float32)
        hue, saturation, value = hsv[..., 0] / 360, hsv[..., 1], hsv[..., 2]
        hues, saturations, values = self.bins
        colour = _bin(hue, hues) * saturations + _bin(saturation, saturations)
        parts = []
        for rows in np.array_split(np.arange(height), self.stripes):
            pixels = rows.size * width
            parts += [
                np.bincount(
                    colour[rows].ravel(),
                    weights=saturation[rows].ravel(),
                    minlength=hues * saturations,
                )
                / pixels,
                np.bincount(_bin(value[rows], values).ravel(), minlength=values) / pixels,
            ]
        return np.sqrt(np.concatenate(parts)).astype(np.float32)


def _bin(share: NDArray[np.floating[Any]], count: int) -> NDArray[np.int64]:
    places: NDArray[np.int64] = np.minimum((share * count).astype(np.int64), count - 1)
    return places
