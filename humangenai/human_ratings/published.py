"""The ψ that RefSD's authors report: copied from their page, never ranked with what we measure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from humangenai.records import Record


class PublishedRating(Record):
    """One printed cell.

    Attributes:
        mean: on the 5-point scale.
        sd: as printed after ±, over annotations.
    """

    mean: float = Field(ge=1, le=5)
    sd: float = Field(ge=0)


class PublishedRow(Record):
    """One method in one of the two studies.

    Attributes:
        track: the face study, or the full-body study.
        ratings: ``psi_A``, ``psi_B`` and ``psi_C``.
    """

    method: str
    track: Literal["face", "body"]
    ratings: dict[Literal["psi_A", "psi_B", "psi_C"], PublishedRating]


TITLE = "Reported by the paper, human ratings"
PAPER = (
    "Patwari et al., Rendering-Refined Stable Diffusion for Privacy Compliant Synthetic Data, "
    "arXiv 2412.06248 (FG 2026)"
)
URL = "https://rendering-refined-stable-diffusion.github.io/"
PROTOCOL = "5-point scales, higher is better; mean ± standard deviation over answers, as printed"
NOTES = (
    "Copied from the paper's page, not measured by this project; never ranked with measured rows.",
    "The page gives no number of annotators or pictures, no wording, agreement or intervals.",
)


def _row(method: str, track: Literal["face", "body"], *cells: tuple[float, float]) -> PublishedRow:
    privacy, pose, satisfaction = (PublishedRating(mean=mean, sd=sd) for mean, sd in cells)
    return PublishedRow(
        method=method,
        track=track,
        ratings={"psi_A": privacy, "psi_B": pose, "psi_C": satisfaction},
    )


PUBLISHED = (
    _row("DP2: SG-GAN", "face", (3.5, 0.7), (3.7, 0.9), (3.0, 0.5)),
    _row("DP2: TriA-GAN", "face", (3.9, 0.7), (3.9, 0.9), (3.1, 0.9)),
    _row("Mask-SD", "face", (4.1, 0.8), (3.7, 1.1), (3.2, 1.0)),
    _row("RefSD", "face", (4.5, 0.5), (4.4, 0.5), (4.3, 0.6)),
    _row("DP2: SG-GAN", "body", (3.9, 0.7), (3.8, 1.0), (3.3, 0.6)),
    _row("DP2: TriA-GAN", "body", (4.0, 0.6), (4.0, 0.8), (3.6, 0.8)),
    _row("Mask-SD", "body", (3.4, 0.5), (3.1, 0.9), (3.1, 0.9)),
    _row("RefSD", "body", (4.6, 0.3), (4.2, 0.8), (4.4, 0.4)),
)
"""The page's table, face and full-body values apart."""
