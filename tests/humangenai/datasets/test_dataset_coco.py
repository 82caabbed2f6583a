"""COCO's layout: boxes, masks and categories as pycocotools reads them, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from humangenai.datasets.coco import Coco, Options, load
from humangenai.datasets.objects import WithObjects
from humangenai.errors import UserError
from refsd.images import ImageError

HEIGHT, WIDTH = 40, 60
BLOB = np.zeros((HEIGHT, WIDTH), dtype=np.uint8, order="F")
BLOB[5:20, 30:44] = 1
BLOB[8:11, 33:36] = 0


def runs(mask: np.ndarray) -> list[int]:
    """COCO's run lengths, not compressed."""
    flat = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *lengths] if flat[0] else lengths


def example() -> dict[str, Any]:
    packed = coco_masks.encode(BLOB)["counts"].decode()
    triangle = [[2.0, 3.0, 20.5, 4.0, 11.0, 30.0], [22.0, 3.0, 25.0, 3.0, 25.0, 9.0, 22.0, 9.0]]
    return {
        "images": [
            {"id": 9, "file_name": "b.jpg", "height": HEIGHT, "width": WIDTH},
            {"id": 4, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH},
        ],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 1, "bbox": [2, 3, 23, 27], "area": 250.5,
             "iscrowd": 0, "segmentation": triangle},
            {"id": 2, "image_id": 9, "category_id": 7, "bbox": [30, 5, 14, 15], "area": 201,
             "iscrowd": 0, "segmentation": {"size": [HEIGHT, WIDTH], "counts": packed}},
            {"id": 3, "image_id": 9, "category_id": 1, "bbox": [30, 5, 14, 15], "area": 201,
             "iscrowd": 1, "segmentation": {"size": [HEIGHT, WIDTH], "counts": runs(BLOB)}},
            {"id": 4, "image_id": 9, "category_id": 1, "bbox": [50, 30, 10.5, 10]},
        ],
        "categories": [{"id": 7, "name": "dog"}, {"id": 1, "name": "person"}],
    }  # fmt: skip


def write(root: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for part in ("val2017", "train2017"):
        (root / part).mkdir(exist_ok=True)
        for name in ("a.jpg", "b.jpg"):
            Image.new("RGB", (WIDTH, HEIGHT), (90, 80, 70)).save(root / part / name)
        data = example()
        if part == "val2017":
            change(data)
        (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(data))
    return root


def make(root: Path, **options: str) -> Coco:
    return load(Options.model_validate({"path": write(root), **options}))


def test_everything_is_read_as_pycocotools_reads_it(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    assert isinstance(dataset, WithObjects)
    assert dataset.categories == ("person", "dog")  # by id
    assert [item.key for item in dataset.items()] == ["val2017/a", "val2017/b"]  # by id
    empty, item = dataset.items()
    assert dataset.objects(empty) == []
    assert dataset.image(item).shape == (HEIGHT, WIDTH, 3)
    theirs = COCO(tmp_path / "annotations" / "instances_val2017.json")
    objects = dataset.objects(item)
    for ours, annotation in zip(objects[:3], theirs.loadAnns([1, 2, 3]), strict=True):
        x, y, width, height = annotation["bbox"]
        assert ours.box.tolist() == [x, y, x + width, y + height]
        assert ours.area == annotation["area"]
        assert ours.crowd == bool(annotation["iscrowd"])
        assert ours.mask is not None
        assert np.array_equal(ours.mask, theirs.annToMask(annotation).astype(bool))
        name = theirs.cats[annotation["category_id"]]["name"]
        assert dataset.categories[ours.category] == name
    last = objects[3]
    assert last.mask is None
    assert last.area == 100  # the file says none: that of the box
    assert last.box.tolist() == [50, 30, 60, 40]  # cut at the edge


def test_people_are_the_truth_and_crowds_are_not_counted(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    empty, item = dataset.items()
    truth = dataset.truth(item)
    assert truth is not None
    assert [person.box.tolist() for person in truth] == [[2, 3, 25, 30], [50, 30, 60, 40]]
    assert truth[1].mask.sum() == 100  # no mask known: the box
    assert dataset.truth(empty) == []
    assert dataset.people(item) is None


def test_annotated_people_can_be_believed(tmp_path: Path) -> None:
    dataset = make(tmp_path, people="annotations")
    empty, item = dataset.items()
    people = dataset.people(item)
    assert people is not None
    assert len(people) == 3  # the crowd too: it must not stay in
    assert dataset.people(empty) is None


def test_people_without_a_pixel_are_nobody(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        line = [[5.2, 5.2, 5.3, 5.2, 5.3, 5.3, 5.2, 5.3]]
        data["annotations"][0].update(bbox=[5, 5, 0, 3], segmentation=[])
        data["annotations"][3].update(bbox=[5.2, 5.2, 0.1, 0.1], segmentation=line)

    dataset = load(Options(path=write(tmp_path, change), people="annotations"))
    item = dataset.items()[1]
    assert len(dataset.objects(item)) == 4
    assert dataset.truth(item) == []
    people = dataset.people(item)
    assert people is not None
    assert len(people) >= 1


def test_train_is_another_part(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    train = dataset.train_items()
    assert [item.key for item in train] == ["train2017/a", "train2017/b"]
    assert len(dataset.objects(train[1])) == 4
    assert make(tmp_path, train="").train_items() == []
    path = tmp_path / "annotations" / "instances_train2017.json"
    path.write_text(path.read_text().replace('"dog"', '"cat"'))
    with pytest.raises(UserError, match=r"train2017.json: 'categories' differ"):
        load(Options(path=tmp_path)).train_items()


def test_the_hash_knows_pictures_and_annotations(tmp_path: Path) -> None:
    one = make(tmp_path).manifest_hash()
    assert make(tmp_path).manifest_hash() == one
    moved = write(tmp_path, lambda data: data["annotations"][0].update(bbox=[2, 3, 22, 27]))
    assert load(Options(path=moved)).manifest_hash() != one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("categories"), r"instances_val2017.json: not COCO: 'categories'"),
        (lambda d: d["images"][1].pop("file_name"), r"images\[1\]: 'file_name' is missing"),
        (lambda d: d["images"][1].update(file_name="c.jpg"), r"there is no picture 'c.jpg' in"),
        (
            lambda d: d["images"][1].update(file_name="../train2017/a.jpg"),
            r"there is no picture '../train",
        ),
        (lambda d: d["images"][1].update(id=9), r"images\[1\]: 'id' 9 or .* is there already"),
        (lambda d: d["images"][1].update(height="40"), r"'height' is '40', not of the type int"),
        (
            lambda d: d["annotations"][2].update(image_id=5),
            r"annotations\[2\]: 'image_id': 'images' has no id 5",
        ),
        (lambda d: d["annotations"][2].update(category_id=2), r"'categories' has no id 2"),
        (lambda d: d["annotations"][0].update(bbox=[1, 2, 3]), r"'bbox' is \[1, 2, 3\] instead"),
        (lambda d: d["annotations"][0].update(bbox=[70, 2, 3, 3]), r"is not within its picture"),
        (lambda d: d["annotations"][0].update(area=-1), r"'area' is -1"),
        (lambda d: d["annotations"][0].update(iscrowd="no"), r"'iscrowd' is 'no'"),
        (lambda d: d["annotations"][0].update(segmentation="x"), r"'segmentation' is neither"),
        (lambda d: d["categories"][0].update(name="person"), r"categories\[1\]: .* already"),
        (lambda d: d.update(images=[], annotations=[]), r"'images' is empty"),
    ],
)
def test_wrong_files_are_refused_naming_the_key(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load(Options(path=write(tmp_path, change)))


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1.0, 2.0]],
        [["a", 2.0, 3.0, 4.0, 5.0, 6.0]],
        {"size": [HEIGHT, WIDTH], "counts": "~~"},
        {"size": [HEIGHT, WIDTH], "counts": [3, 4]},
        {"size": [WIDTH, HEIGHT], "counts": runs(BLOB)},
        {"counts": [3, 4]},
    ],
)
def test_broken_masks_are_refused_before_pycocotools_sees_them(
    tmp_path: Path, segmentation: object
) -> None:
    def change(data: dict[str, Any]) -> None:
        data["annotations"][0]["segmentation"] = segmentation

    dataset = load(Options(path=write(tmp_path, change)))
    with pytest.raises(UserError, match=r"annotations\[0\]: 'segmentation' is neither polygons"):
        dataset.objects(dataset.items()[1])


def test_other_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--path"):
        load(Options())
    with pytest.raises(UserError, match="holds no folder 'annotations'"):
        load(Options(path=tmp_path))
    dataset = make(tmp_path)
    Image.new("RGB", (HEIGHT, WIDTH)).save(tmp_path / "val2017" / "a.jpg")
    with pytest.raises(ImageError, match=r"is 40 x 60 .*say 60 x 40"):
        dataset.image(dataset.items()[0])
    with pytest.raises(UserError, match="both 'val2017'"):
        load(Options(path=tmp_path, train="val2017"))
    path = tmp_path / "annotations" / "instances_val2017.json"
    path.write_text("{]")
    with pytest.raises(UserError, match="not valid JSON in line 1"):
        load(Options(path=tmp_path))
    path.unlink()
    with pytest.raises(UserError, match="there is no such file"):
        load(Options(path=tmp_path))
