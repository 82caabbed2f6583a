"""What every dataset offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from refsd.people import Person

Split = Literal["train", "query", "gallery", "all"]


@dataclass(frozen=True)
class Item:
    """One picture's place in a dataset.

    Attributes:
        key: unique within the dataset and stable from run to run, e.g. ``query/00017``. It may
            hold an original file name, so it belongs into ``private/`` only.
        split: query or gallery for re-identification; ``all`` where a dataset has no splits.
        pid: person id; -1 for distractors, None where unknown. Market-1501's junk is left out.
        camid: camera id, None where unknown.
        labels: task → name of the class, where a dataset labels its pictures for classification
            (``humangenai.datasets.tasks``); a task without a label is not in it.
    """

    key: str
    split: Split
    pid: int | None = None
    camid: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, eq=False)
class TruePerson:
    """Ground truth of one person, where a dataset knows it.

    Attributes:
        box: float32 (4,), x0 y0 x1 y1 pixels.
        mask: bool (H, W) of the whole picture: the pixels this person covers.
        joints: float32 (J, 3), metres, camera coordinates, or None.
        joint_names: J names.
        attributes: e.g. ``{"gender": "female", "upper": "striped t-shirt"}``.
    """

    box: NDArray[np.float32]
    mask: NDArray[np.bool_]
    joints: NDArray[np.float32] | None = None
    joint_names: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


class Dataset(Protocol):
    """Pictures of people, in a fixed order.

    Attributes:
        name: what tables and records say.
        crops: True where every picture is a crop around one person, as in re-ID data.
        rendered: True where the people are rendered, so that tables can say so.
    """

    name: str
    crops: bool
    rendered: bool

    def items(self) -> Sequence[Item]:
        """All items of the splits that are evaluated (query and gallery, or all), in order."""
        ...

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The picture: uint8 (H, W, 3), sRGB, orientation applied.

        Raises:
            refsd.images.ImageError: the file is missing, broken, too large or of another kind.
        """
        ...

    def people(self, item: Item) -> Sequence[Person] | None:
        """The dataset's own boxes, masks and landmarks; None: find them."""
        ...

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """Ground truth, None where the dataset has none."""
        ...

    def manifest_hash(self) -> str:
        """sha256 over the ordered list of items and the content of their pictures."""
        ...
