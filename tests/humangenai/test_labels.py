"""Labels of the new people: what COCO's own tools read back is what stands in the pictures."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from humangenai.labels import label_record, write_labels
from humangenai.records import ItemRecord, PersonRecord
from refsd.labels import COCO_KEYPOINTS
from refsd.people import NewPerson

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (64, 96)


def avatar(x: int, seed: int = 0) -> NewPerson:
    """Somebody 15 pixels wide, with a hole in them."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((40, 20), dtype=np.bool_)
    mask[3:37, 2:17] = True
    mask[10:14, 5:9] = False
    keypoints = np.stack([rng.uniform(x + 2, x + 17, 17), rng.uniform(13, 47, 17)], axis=1)
    visibility = np.array([0, 1, *[2] * 15], dtype=np.uint8)
    return NewPerson(
        np.float32([x + 2, 13, x + 17, 47]), (x, 10, x + 20, 50), mask,
        keypoints.astype(np.float32), visibility, np.zeros((1, 3), np.float32), ("root",),
    )  # fmt: skip


def line(key: str, name: str | None, *people: NewPerson | None) -> ItemRecord:
    """One picture; None: a person who was masked."""
    records = [
        PersonRecord(index=index, status="masked", reason="no pose was found")
        if new is None
        else PersonRecord(index=index, status="replaced", label=label_record(new, SHAPE))
        for index, new in enumerate(people)
    ]
    return ItemRecord(
        method="refsd[none]", key=key, content="", people=tuple(records), size=SHAPE,
        status="failed" if name is None else "done",
        output=None if name is None else f"release/refsd-none/images/{name}.png",
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> SimpleNamespace:
    return SimpleNamespace(release=tmp_path / "release")


LINES = [
    line("street/anna.jpg", "bbb", avatar(5), avatar(60, seed=1)),
    line("street/bert.jpg", "aaa", None, avatar(30, seed=2)),
    line("street/carl.jpg", "ccc", None),
]


def coco_of(target: Path) -> COCO:
    return COCO(str(target / "coco.json"))


def test_cocos_own_tools_read_them(folder: SimpleNamespace) -> None:
    target = write_labels(folder, "refsd[none]", LINES)
    assert target is not None
    coco = coco_of(target)
    names = [image["file_name"] for image in coco.dataset["images"]]
    assert names == ["aaa.png", "bbb.png", "ccc.png"]
    assert coco.dataset["info"]["labelled"] == 3
    assert coco.dataset["info"]["not_labelled"] == 2
    assert tuple(coco.dataset["categories"][0]["keypoints"]) == COCO_KEYPOINTS
    of_bbb = coco.loadAnns(coco.getAnnIds(imgIds=[2]))
    for annotation, new in zip(of_bbb, LINES[0].people, strict=True):
        assert new.label is not None
        whole = coco.annToMask(annotation)
        assert annotation["area"] == whole.sum()
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[10:50, 5:25] = avatar(5).mask
    assert np.array_equal(coco.annToMask(of_bbb[0]).astype(np.bool_), mask)
    assert of_bbb[0]["bbox"] == [7, 13, 15, 34]
    assert of_bbb[0]["num_keypoints"] == 16
    assert of_bbb[0]["keypoints"][:3] == [0, 0, 0]


@pytest.mark.parametrize("kind", ["bbox", "segm", "keypoints"])
def test_labels_find_themselves(
    kind: str, folder: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    target = write_labels(folder, "refsd[none]", LINES)
    assert target is not None
    truth = coco_of(target)
    found = truth.loadRes([{**a, "score": 1.0} for a in truth.dataset["annotations"]])
    evaluation = COCOeval(truth, found, kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)
    capsys.readouterr()


def test_yolo_says_the_same(folder: SimpleNamespace) -> None:
    target = write_labels(folder, "refsd[none]", LINES)
    assert target is not None
    rows = (target / "bbb.txt").read_text().splitlines()
    assert len(rows) == 2
    kind, x, y, width, height, *points = (float(word) for word in rows[0].split())
    assert kind == 0
    corners = [(x - width / 2) * 96, (y - height / 2) * 64, (x + width / 2) * 96]
    assert corners == pytest.approx([7, 13, 22], abs=1e-3)
    assert len(points) == 51
    assert (target / "ccc.txt").read_text() == ""
    assert "train: images" in (target / "yolo.yaml").read_text()


def test_nothing_of_the_originals_is_in_them(folder: SimpleNamespace) -> None:
    target = write_labels(folder, "refsd[none]", LINES)
    assert target is not None
    for path in target.iterdir():
        text = path.name + path.read_text()
        for word in ("street", "anna", "bert", "carl", "jpg"):
            assert word not in text


def test_labels_of_pictures_that_failed_since_are_gone(folder: SimpleNamespace) -> None:
    target = write_labels(folder, "refsd[none]", LINES)
    assert target is not None
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    write_labels(folder, "refsd[none]", LINES[::-1])
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    write_labels(folder, "refsd[none]", [line("street/anna.jpg", None), *LINES[1:]])
    assert not (target / "bbb.txt").exists()
    assert "bbb" not in json.dumps(coco_of(target).dataset)
    assert write_labels(folder, "refsd[none]", LINES[2:]) is None
    assert not target.exists()


def test_an_avatar_that_nobody_sees_has_no_label() -> None:
    hidden = avatar(5)
    hidden.mask[:] = False
    assert label_record(hidden, SHAPE) is None
