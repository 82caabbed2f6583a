"""Two public-domain portraits that scikit-image and matplotlib carry: real people, no download.

Eileen Collins (astronaut.png, NASA) and Grace Hopper (grace_hopper.jpg, US Navy).
"""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from humangenai.datasets.dataset import Item
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.errors import UserError
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets.dataset import TruePerson
    from refsd.people import Person

FILES = {
    "astronaut": ("scikit-image", "skimage", "data/astronaut.png"),
    "grace_hopper": ("matplotlib", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}
"""Key → distribution, package, and the file's place in the package."""


class Options(BaseModel):
    """Nothing can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Photos:
    """Portraits, 512 x 512 and 512 x 600; a person in each, nothing else known.

    Attributes:
        name: ``photos``.
        crops: False.
        rendered: False.
    """

    name = "photos"
    crops = False
    rendered = False

    def __init__(self) -> None:
        self._paths = {key: _find(*place) for key, place in FILES.items()}

    def items(self) -> Sequence[Item]:
        """The portraits, by name."""
        return [Item(key=key, split="all") for key in self._paths]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The portrait: uint8 (H, W, 3), sRGB."""
        return load_image(self._paths[item.key])

    def people(self, item: Item) -> Sequence[Person] | None:
        """None: they are to be found."""
        return None

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """None: no masks are known."""
        return None

    def manifest_hash(self) -> str:
        """sha256 over keys and files."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        return manifest_hash(self.items(), lambda item: file_hash(self._paths[item.key]))


def _find(distribution: str, package: str, place: str) -> Path:
    """The file within an installed package, without importing the package."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder) / place
        if path.is_file():
            return path
    raise UserError(
        f"photos: {package}/{place} is missing; pip install --force-reinstall {distribution}"
    )


def load(options: Options) -> Photos:
    """The portraits.

    Raises:
        UserError: a package lacks its picture.
    """
    return Photos()
