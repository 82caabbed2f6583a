"""Labels of the new people, published with their pictures: COCO and YOLO.

A data set loses its annotations when its people are replaced; but RefSD knows where each avatar
is. Only avatars are labelled: who was masked or blurred is nobody to be found, and is counted in
the file instead. Refinement may move an outline by some pixels; the labels are the avatar's.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from humangenai.records import LabelRecord
from humangenai.store import atomic_write, slug, writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from humangenai.records import ItemRecord
    from humangenai.store import RunFolder
    from refsd.people import NewPerson

SKELETON = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9),
    (8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip
"""Which keypoints COCO joins by lines, counted from 1."""

DESCRIPTION = (
    "Avatars that stand in the place of people. Boxes, outlines and keypoints are those of the "
    "avatar before refinement. People who were masked or blurred are not labelled."
)


def label_record(new: NewPerson, shape: tuple[int, int]) -> LabelRecord | None:
    """An avatar's labels as a line keeps them; None where nothing of it is seen.

    Args:
        new: the avatar.
        shape: (height, width) of the picture.
    """
    from pycocotools import mask as coco_masks

    if not new.mask.any():
        return None
    whole = np.zeros(shape, dtype=np.uint8, order="F")
    x0, y0, x1, y1 = new.window
    whole[y0:y1, x0:x1] = new.mask
    keypoints: list[float] = []
    for (x, y), seen in zip(new.keypoints.tolist(), new.visibility.tolist(), strict=True):
        # COCO: what is not in the picture is all zeros.
        keypoints += [round(x, 2), round(y, 2), seen] if seen else [0, 0, 0]
    return LabelRecord(
        box=tuple(float(value) for value in new.box),
        outline=coco_masks.encode(whole)["counts"].decode("ascii"),
        area=int(new.mask.sum()),
        keypoints=tuple(keypoints),
    )


def write_labels(folder: RunFolder, method: str, records: Iterable[ItemRecord]) -> Path | None:
    """Publish the labels of a method's pictures, from its lines.

    Pictures stand in the order of their public names, which says nothing about the originals'.
    YOLO finds the labels of ``images/NAME.png`` in ``labels/NAME.txt``, where they are. Labels of
    an earlier call are taken away first: a picture may have failed since.

    Args:
        folder: of the run.
        method: whose pictures.
        records: one line per item.

    Returns:
        The folder with ``coco.json``, ``yolo.yaml`` and one text file per picture; None where
        there is no avatar.
    """
    known = [record for record in records if record.output is not None and record.size is not None]
    known.sort(key=lambda record: str(record.output))
    target = folder.release / slug(method) / "labels"
    with writing(target):
        shutil.rmtree(target, ignore_errors=True)
        if not any(person.label for record in known for person in record.people):
            return None
        target.mkdir(parents=True)
    atomic_write(target / "coco.json", json.dumps(_coco(known)).encode())
    for record in known:
        atomic_write(target / f"{_public(record)}.txt", _yolo(record).encode())
    atomic_write(target / "yolo.yaml", _YOLO.encode())
    return target


def _public(record: ItemRecord) -> str:
    """A picture's public name without its ending."""
    return str(record.output).rpartition("/")[2].removesuffix(".png")


def _coco(records: Sequence[ItemRecord]) -> dict[str, Any]:
    from refsd.labels import COCO_KEYPOINTS

    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    not_labelled = 0
    for number, record in enumerate(records, start=1):
        assert record.size is not None  # noqa: S101  (chosen by write_labels)
        height, width = record.size
        images.append(
            {"id": number, "file_name": f"{_public(record)}.png", "height": height, "width": width}
        )
        for person in record.people:
            if person.label is None:
                not_labelled += 1
                continue
            label = person.label
            x0, y0, x1, y1 = label.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": label.area,
                    "segmentation": {"size": [height, width], "counts": label.outline},
                    "iscrowd": 0,
                    "keypoints": list(label.keypoints),
                    "num_keypoints": sum(seen > 0 for seen in label.keypoints[2::3]),
                }
            )
    return {
        "info": {
            "description": DESCRIPTION,
            "version": "1",
            "labelled": len(annotations),
            "not_labelled": not_labelled,
        },
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {
                "id": 1,
                "name": "person",
                "supercategory": "person",
                "keypoints": list(COCO_KEYPOINTS),
                "skeleton": [list(pair) for pair in SKELETON],
            }
        ],
    }


_YOLO = """path: ..
train: images
val: images
names: {0: person}
kpt_shape: [17, 3]
flip_idx: [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
"""


def _yolo(record: ItemRecord) -> str:
    """One line per avatar: class, box (middle, width, height), keypoints; shares of the picture."""
    assert record.size is not None  # noqa: S101  (chosen by write_labels)
    height, width = record.size
    lines = []
    for person in record.people:
        if person.label is None:
            continue
        x0, y0, x1, y1 = person.label.box
        numbers = [
            (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height,
        ]  # fmt: skip
        words = [f"{number:.6f}" for number in numbers]
        points = iter(person.label.keypoints)
        for x, y, seen in zip(points, points, points, strict=True):
            words += [f"{x / width:.6f}", f"{y / height:.6f}", str(int(seen))]
        lines.append(" ".join(["0", *words]) + "\n")
    return "".join(lines)
