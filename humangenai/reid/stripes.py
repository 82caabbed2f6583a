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
    stable hue, so each pixel counts with its saturation) and a histogram of value (8 bins). Pixels
    count less the farther they are from the vertical middle line, where the person is (a Gaussian,
    as Farenzena et al., "Person Re-identification by Symmetry-Driven Accumulation of Local
    Features", CVPR 2010). A pixel is shared between the bins whose centres are nearest, so that a
    little more light is a little distance. Each histogram sums to one at most; its square root is
    taken, so that Euclidean distance is Hellinger's.

    Args:
        balanced: first scale each channel so that its mean is 0.5 (grey world), which takes out
            most of what differs between cameras' colours. It finds many more people again.
    """

    stripes = 6
    bins = (12, 4, 8)
    size = (128, 48)
    spread = 0.1
    """Standard deviation of the Gaussian, as a share of the width."""

    def __init__(self, *, balanced: bool = False) -> None:
        self.name = "StripeHistogram[balanced]" if balanced else "StripeHistogram"
        self._balanced = balanced

    def record(self) -> AttackerRecord:
        """A fixed descriptor was trained on nothing."""
        return AttackerRecord(name=self.name, trained_on="nothing")

    def fingerprint(self) -> str:
        """sha256 over the descriptor's parameters; ``1`` grows when its code changes meaning."""
        parameters = (self.name, 1, self.stripes, self.bins, self.size, self.spread)
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
        colour = small.astype(np.float32) / 255
        if self._balanced:
            means = np.maximum(colour.mean(axis=(0, 1)), 1e-3)  # a black picture stays black
            colour = np.clip(colour * (0.5 / means), 0, 1).astype(np.float32)
        hsv = np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2HSV))
        from_middle = (np.arange(width) + 0.5) / width - 0.5
        weight = np.exp(-0.5 * (from_middle / self.spread) ** 2)
        weight /= weight.sum()
        hue, saturation, value = hsv[..., 0] / 360, hsv[..., 1], hsv[..., 2]
        hues, saturations, values = self.bins
        parts = []
        for rows in np.array_split(np.arange(height), self.stripes):
            colours = np.zeros(hues * saturations)
            for in_hue, hue_share in _bins(hue[rows], hues, circular=True):
                for in_saturation, share in _bins(saturation[rows], saturations):
                    colours += np.bincount(
                        (in_hue * saturations + in_saturation).ravel(),
                        weights=(hue_share * share * saturation[rows] * weight).ravel(),
                        minlength=colours.size,
                    )
            lightness = np.zeros(values)
            for in_value, share in _bins(value[rows], values):
                lightness += np.bincount(
                    in_value.ravel(), (share * weight).ravel(), minlength=values
                )
            parts += [colours / rows.size, lightness / rows.size]
        return np.sqrt(np.concatenate(parts)).astype(np.float32)


def _bins(
    values: NDArray[Any], count: int, *, circular: bool = False
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """The two nearest of ``count`` bins of [0, 1], each with the share that falls to it."""
    position = values.astype(np.float64) * count - 0.5
    lower = np.floor(position).astype(np.int64)
    share = position - lower
    if circular:
        return [(lower % count, 1 - share), ((lower + 1) % count, share)]
    return [(lower.clip(0, count - 1), 1 - share), ((lower + 1).clip(0, count - 1), share)]
