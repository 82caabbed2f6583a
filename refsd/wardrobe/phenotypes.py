"""What words say of a body, in the body model's phenotypes: years, and three ancestries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AGES = (10, 20, 30, 40, 50, 60, 70, 80)
AGE_PHENOTYPE = (0.34, 0.60, 0.68, 0.745, 0.81, 0.87, 0.935, 1.0)
"""Years → the body model's phenotype, which knows a child at 1/3 and a young adult at 2/3."""

ANCESTRY_SKINS: Mapping[str, tuple[str, ...]] = {
    "african": ("black", "brown", "brown", "black", "olive"),
    "asian": ("warm white", "beige", "olive", "white", "brown"),
    "caucasian": ("cold white", "white", "warm white", "beige", "olive"),
}
"""Which skin tones come with the body model's ancestries, by the names of the benchmark's pairs."""

ETHNICITIES: Mapping[str, str] = {"african": "Black", "asian": "East Asian", "caucasian": "White"}
"""What prompts call the only three ancestries that the body model knows."""
