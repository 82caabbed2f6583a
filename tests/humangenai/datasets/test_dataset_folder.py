"""Folders as users have them, and what they know of the people in them."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import refsd.people
from humangenai.datasets.folder import Folder, Options, load
from humangenai.errors import UserError
from refsd.images import ImageError
from refsd.people import Person


def paint(path: Path, size: tuple[int, int] = (60, 40), colour: str = "gray", **how: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **how)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for name in ("b.png", "a.JPG", "Z.webp", "trip/10.jpeg", "trip/9.jpg"):
        paint(root / name)
    return root


@pytest.fixture
def given_boxes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any, Any]]:
    """What people_from_boxes was called with."""
    calls: list[tuple[Any, Any, Any]] = []

    def people_from_boxes(image: Any, boxes: Any, masks: Any) -> list[str]:
        calls.append((image, boxes, masks))
        return [f"person {index}" for index in range(len(boxes))]

    monkeypatch.setattr(refsd.people, "people_from_boxes", people_from_boxes, raising=False)
    return calls


def keys(dataset: Folder) -> list[str]:
    return [item.key for item in dataset.items()]


def test_pictures_are_listed_with_subfolders_in_the_same_order_everywhere(folder: Path) -> None:
    (folder / "notes.txt").write_text("not a picture")
    paint(folder / ".thumbnails" / "b.png")
    (folder / "._a.JPG").write_bytes(b"macOS")
    dataset = load(Options(path=folder))
    assert keys(dataset) == ["Z.webp", "a.JPG", "b.png", "trip/10.jpeg", "trip/9.jpg"]
    assert {item.split for item in dataset.items()} == {"all"}
    item = dataset.items()[0]
    assert dataset.image(item).shape == (40, 60, 3)
    assert dataset.people(item) is None
    assert dataset.truth(item) is None


def test_unreadable_pictures_stay_in_the_list_and_fail_alone(folder: Path) -> None:
    (folder / "c.jpg").write_text("text")
    Image.new("P", (4, 4)).save(folder / "moving.gif")
    dataset = load(Options(path=folder))
    failed = []
    for item in dataset.items():
        try:
            dataset.image(item)
        except ImageError as error:
            failed.append((item.key, str(error)))
    assert [key for key, _ in failed] == ["c.jpg", "moving.gif"]
    assert "is a GIF" in failed[1][1]
    assert len(dataset.items()) == 7


def test_empty_missing_and_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--path"):
        load(Options())
    with pytest.raises(UserError, match="No such file or directory; check --path"):
        load(Options(path=tmp_path / "gone"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no JPEG, PNG or WebP picture"):
        load(Options(path=tmp_path / "empty"))
    Image.new("P", (4, 4)).save(tmp_path / "empty" / "a.gif")
    with pytest.raises(UserError, match=r"only 1 of other kinds, such as 'a.gif'"):
        load(Options(path=tmp_path / "empty"))
    paint(tmp_path / "file.png")
    with pytest.raises(UserError, match="Not a directory; check --path"):
        load(Options(path=tmp_path / "file.png"))


@pytest.mark.parametrize("inner", [".", "trip"])
def test_folder_without_rights_is_not_passed_over(folder: Path, inner: str) -> None:
    (folder / inner).chmod(0)
    root = os.geteuid() == 0
    if root:  # root may read everything, so step down for a moment
        for parent in folder.parents[:3]:  # pytest's folders are root's own
            parent.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(UserError, match="Permission denied; change its rights"):
            load(Options(path=folder))
    finally:
        if root:
            os.seteuid(0)
        (folder / inner).chmod(0o755)


def test_manifest_sees_names_and_contents(folder: Path) -> None:
    before = load(Options(path=folder)).manifest_hash()
    assert load(Options(path=folder)).manifest_hash() == before
    paint(folder / "b.png", colour="black")
    changed = load(Options(path=folder)).manifest_hash()
    (folder / "b.png").rename(folder / "c.png")
    assert len({before, changed, load(Options(path=folder)).manifest_hash()}) == 3


# ---- CSV -------------------------------------------------------------------------------------


def csv(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_boxes_and_masks_reach_the_people(
    tmp_path: Path, folder: Path, given_boxes: list[Any]
) -> None:
    inside = np.zeros((40, 60), np.bool_)
    inside[5:15, 10:20] = True
    Image.fromarray(inside).save(tmp_path / "shape.png")
    boxes = csv(
        tmp_path,
        "file,x0,y0,x1,y1,mask",
        "b.png,10,5,20,15,shape.png",
        "b.png,30.5,0,60.4,40,",
        "trip/9.jpg,0,0,5,5,",
        "Z.webp,,,,,",
    )
    dataset = load(Options(path=folder, boxes=boxes))
    people = {item.key: dataset.people(item) for item in dataset.items()}
    assert people["b.png"] == ["person 0", "person 1"]
    assert people["trip/9.jpg"] == ["person 0"]
    # Nothing is said of these: they are searched, so that nobody is left in by omission.
    assert people["a.JPG"] is None
    assert people["Z.webp"] is None
    image, corners, masks = given_boxes[0]
    assert image.shape == (40, 60, 3)
    assert corners.dtype == np.float32
    np.testing.assert_array_equal(corners, [[10, 5, 20, 15], [30.5, 0, 60, 40]])  # cut at the edge
    np.testing.assert_array_equal(masks[0], inside)
    assert masks[1] is None


def test_boxes_are_of_the_upright_picture(tmp_path: Path, folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    paint(folder / "phone.jpg", size=(60, 40), exif=exif)  # upright: 40 wide, 60 high
    load(Options(path=folder, boxes=csv(tmp_path, "file,x0,y0,x1,y1", "phone.jpg,0,0,40,60")))
    with pytest.raises(UserError, match="40 x 60 pixels"):
        load(Options(path=folder, boxes=csv(tmp_path, "file,x0,y0,x1,y1", "phone.jpg,0,0,60,40")))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["file,x0,y0,x1,y1", "b.png,10,5,90,15"], r"boxes.csv, line 2: the box \(10, 5, 90, 15\)"),
        (["file,x0,y0,x1,y1", "b.png,20,5,10,15"], "not within 'b.png', 60 x 40"),
        (["file,x0,y0,x1,y1", "b.png,60.2,5,60.8,15"], "not within 'b.png', 60 x 40"),
        (["file,x0,y0,x1,y1", "b.png,nan,5,10,15"], "line 2: 'x0' is 'nan', not a number"),
        (["file,x0,y0,x1,y1", "b.png,10,5,,15"], "line 2: 'x1' is '', not a number"),
        (["file,x0,y0,x1,y1", "gone.png,1,1,2,2"], "there is no picture 'gone.png'"),
        (["file,x0,y0,x1,y1", "notes.txt,1,1,2,2"], "'notes.txt' is not a picture"),
        (["file,x0,y0,x1,y1", "b.png,1,1,2"], "line 2: has another number of values"),
        (["file,x0,y0,x1,y1", "b.png,1,1,2,2,3"], "line 2: has another number of values"),
        (["file,x0,y0,x1,y1", ",1,1,2,2"], "line 2: 'file' is empty"),
        (["file,x0,y0,x1", "b.png,1,1,2"], "the column 'y1' is missing"),
        (["x0,y0,x1,y1", "1,1,2,2"], "the column 'file' is missing"),
        (["file,x0,y0,x1,y1,camids", "b.png,1,1,2,2,3"], "unknown column 'camids'; did you mean"),
        (["file,mask", "b.png,a.png"], "masks need boxes"),
        (["file,x0,y0,x1,y1,mask", "b.png,1,1,2,2,no.png"], "line 2: .*no.png: there is no such"),
        (
            ["file,x0,y0,x1,y1,mask", "b.png,1,1,2,2,small.png"],
            "small.png: is 8 x 8, its picture 60",
        ),
        (["file,pid,camid", "b.png,one,1"], "line 2: 'pid' is 'one', not a whole number"),
        (["file,split", "b.png,querry"], "unknown split 'querry'; did you mean 'query'"),
        (["file,split", "b.png,query"], "nothing of the split of 'Z.webp'"),
        (["file,pid", "b.png,1", "b.png,2"], "another pid, camid or split than before"),
    ],
)
def test_csv_errors_name_row_and_value(
    tmp_path: Path, folder: Path, lines: list[str], words: str
) -> None:
    (folder / "notes.txt").write_text("not a picture")
    paint(tmp_path / "small.png", size=(8, 8))
    with pytest.raises(UserError, match=words) as error:
        load(Options(path=folder, boxes=csv(tmp_path, *lines)))
    assert "boxes.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_unreadable_picture_does_not_stop_its_neighbours_boxes(
    tmp_path: Path, folder: Path
) -> None:
    (folder / "broken.jpg").write_bytes(b"")
    boxes = csv(tmp_path, "file,x0,y0,x1,y1", "broken.jpg,0,0,5,5", "b.png,0,0,5,5")
    assert "broken.jpg" in keys(load(Options(path=folder, boxes=boxes)))


def test_files_that_are_no_annotations(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load(Options(path=folder, boxes=tmp_path / "gone.csv"))
    with pytest.raises(UserError, match=r"a .csv or a COCO .json"):
        load(Options(path=folder, boxes=tmp_path / "boxes.xml"))
    (tmp_path / "bytes.csv").write_bytes(b"file,x0\xff\xfe\n")
    with pytest.raises(UserError, match=r"bytes.csv: cannot be read"):
        load(Options(path=folder, boxes=tmp_path / "bytes.csv"))


def test_splits_and_ids_feed_re_identification(tmp_path: Path) -> None:
    root = tmp_path / "crops"
    for name in ("1a.png", "1b.png", "2a.png", "2b.png", "9.png", "t.png"):
        paint(root / name, size=(32, 64))
    ids = csv(
        tmp_path,
        "file,pid,camid,split",
        "1a.png,1,1,gallery",
        "1b.png,1,2,query",
        "2a.png,2,1,gallery",
        "2b.png,2,2,query",
        "9.png,-1,1,gallery",
        "t.png,7,1,train",
    )
    dataset = load(Options(path=root, boxes=ids, crops=True))
    assert dataset.crops
    found = [(item.key, item.split, item.pid, item.camid) for item in dataset.items()]
    assert found == [
        ("1b.png", "query", 1, 2),
        ("2b.png", "query", 2, 2),
        ("1a.png", "gallery", 1, 1),
        ("2a.png", "gallery", 2, 1),
        ("9.png", "gallery", -1, 1),
    ]
    assert [item.key for item in dataset.train_items()] == ["t.png"]
    assert all(dataset.people(item) is None for item in dataset.items())


# ---- COCO ------------------------------------------------------------------------------------


def coco(tmp_path: Path, **changes: Any) -> Path:
    data: dict[str, Any] = {
        "images": [
            {"id": 7, "file_name": "b.png", "width": 60, "height": 40},
            {"id": 8, "file_name": "Z.webp", "width": 60, "height": 40, "pid": 3, "camid": 1},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 5, 20, 10],
             "segmentation": [[10, 5, 29, 5, 29, 14, 10, 14]]},
            {"id": 2, "image_id": 7, "category_id": 18, "bbox": [0, 0, 5, 5]},
            {"id": 3, "image_id": 7, "category_id": 1, "bbox": [40, 0, 20, 40], "iscrowd": 1,
             "segmentation": {"size": [40, 60], "counts": [1600, 800]}},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
    }  # fmt: skip
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({**data, **changes}))
    return path


def test_coco_people_with_polygons_and_run_lengths(
    tmp_path: Path, folder: Path, given_boxes: list[Any]
) -> None:
    dataset = load(Options(path=folder, boxes=coco(tmp_path)))
    by_key = {item.key: item for item in dataset.items()}
    assert dataset.people(by_key["b.png"]) == ["person 0", "person 1"]  # the dog is no person
    _, corners, masks = given_boxes[0]
    np.testing.assert_array_equal(corners, [[10, 5, 30, 15], [40, 0, 60, 40]])
    polygon = np.zeros((40, 60), np.bool_)
    polygon[5:15, 10:30] = True
    np.testing.assert_array_equal(masks[0], polygon)
    right = np.zeros((40, 60), np.bool_)
    right[:, 40:] = True
    np.testing.assert_array_equal(masks[1], right)
    assert (by_key["Z.webp"].pid, by_key["Z.webp"].camid) == (3, 1)
    assert dataset.people(by_key["Z.webp"]) is None


def test_without_categories_all_are_people(
    tmp_path: Path, folder: Path, given_boxes: list[Any]
) -> None:
    dataset = load(Options(path=folder, boxes=coco(tmp_path, categories=[])))
    item = next(item for item in dataset.items() if item.key == "b.png")
    assert len(dataset.people(item) or ()) == 3
    assert len(given_boxes) == 1


ONE = {"image_id": 7, "category_id": 1, "bbox": [1, 1, 2, 2]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"annotations": [{**ONE, "bbox": [50, 1, 20, 2]}]}, r"\[0\]: the box \(50, 1, 70, 3\)"),
        ({"annotations": [{**ONE, "bbox": [1, 2]}]}, r"annotations\[0\]: 'bbox' is \[1, 2\]"),
        ({"annotations": [{**ONE, "bbox": [1, 2, None, 4]}]}, "'bbox' is 'None', not a number"),
        ({"annotations": [{**ONE, "image_id": 99}]}, "'images' has no id 99"),
        ({"annotations": [{"image_id": 7, "category_id": 1}]}, "'bbox' is missing"),
        ({"annotations": [{**ONE, "segmentation": [[1, 2, 3]]}]}, "neither polygons nor RLE"),
        ({"annotations": [{**ONE, "segmentation": {"size": [1, 1]}}]}, "neither polygons nor RLE"),
        ({"annotations": [{**ONE, "segmentation": {"size": [2, 3], "counts": [6]}}]},
         "the RLE mask: is 3 x 2, its picture 60 x 40"),
        ({"annotations": {}}, "'annotations' is not a list"),
        ({"images": [{"id": 7, "file_name": "gone.png"}]}, "there is no picture 'gone.png'"),
        ({"categories": [{"id": 1, "name": "dog"}]}, "no category is named 'person', only dog"),
    ],
)  # fmt: skip
def test_coco_errors_name_the_entry(
    tmp_path: Path, folder: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words) as error:
        load(Options(path=folder, boxes=coco(tmp_path, **changes)))
    assert "boxes.json" in str(error.value)


def test_json_that_is_not_json(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "boxes.json"
    for text, words in (("{,}", "not valid JSON in line 1"), ("[]", "not COCO")):
        path.write_text(text)
        with pytest.raises(UserError, match=words):
            load(Options(path=folder, boxes=path))


# ---- poses -----------------------------------------------------------------------------------


def poses(root: Path, name: str, box: tuple[float, float, float, float]) -> None:
    """One person's pose as HMR2 gives it, for a picture of 60 x 40 pixels."""
    path = root / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        global_orient=np.eye(3)[None, None],
        body_pose=np.tile(np.eye(3), (1, 23, 1, 1)),
        pred_cam_t_full=np.array([[0.0, 0.0, 30.0]]),
        img_size=np.array([[60.0, 40.0]]),
        boxes=np.array([box]),
    )


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """One person is found in every picture, or stands in each box."""

    def person(box: Any) -> Person:
        x0, y0, x1, y1 = (int(side) for side in box)
        mask = np.ones((y1 - y0, x1 - x0), np.bool_)
        return Person(np.array(box, np.float32), (x0, y0, x1, y1), mask)

    def from_boxes(_image: Any, boxes: Any, _masks: Any) -> list[Person]:
        return [person(box) for box in boxes]

    def found(images: Any, *, crops: bool = False) -> list[list[Person]]:
        assert not crops
        return [[person((5, 5, 25, 35))] for _ in images]

    monkeypatch.setattr(refsd.people, "people_from_boxes", from_boxes)
    monkeypatch.setattr(refsd.people, "find_people", found)


@pytest.mark.usefixtures("somebody")
def test_poses_reach_the_people_of_boxes_and_those_that_are_found(
    tmp_path: Path, folder: Path
) -> None:
    boxes = csv(tmp_path, "file,x0,y0,x1,y1", "b.png,30,0,58,40", "b.png,0,0,20,40")
    poses(tmp_path / "poses", "b", (30, 0, 60, 40))
    poses(tmp_path / "poses", "trip/9", (5, 5, 25, 33))
    dataset = load(Options(path=folder, boxes=boxes, poses=tmp_path / "poses"))
    people = {item.key: dataset.people(item) for item in dataset.items()}
    assert people["a.JPG"] is None  # nothing is said of it
    with_boxes, searched = people["b.png"], people["trip/9.jpg"]
    assert with_boxes is not None
    assert searched is not None
    assert [person.estimate is not None for person in with_boxes] == [True, False]
    # Poses alone do not say who is there: everybody is looked for.
    assert [person.estimate is not None for person in searched] == [True]
    estimate = searched[0].estimate
    assert estimate is not None
    np.testing.assert_allclose(estimate.place, [0, 0, 30])
    assert estimate.focal == pytest.approx(5000 / 256 * 60)


@pytest.mark.usefixtures("somebody")
def test_poses_of_another_picture_fail_with_that_picture_alone(
    tmp_path: Path, folder: Path
) -> None:
    poses(tmp_path / "poses", "b", (0, 0, 20, 40))
    paint(folder / "b.png", size=(40, 60))
    dataset = load(Options(path=folder, poses=tmp_path / "poses"))
    item = next(item for item in dataset.items() if item.key == "b.png")
    with pytest.raises(UserError, match=r"b\.png: poses were estimated on a picture of 60 x 40"):
        dataset.people(item)


def test_a_folder_without_any_poses_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder; check 'poses'"):
        load(Options(path=folder, poses=tmp_path / "nothing"))
    poses(tmp_path / "poses", "stranger", (0, 0, 20, 40))
    with pytest.raises(UserError, match=r"holds no poses .*'Z\.webp' would have 'Z\.npz'"):
        load(Options(path=folder, poses=tmp_path / "poses"))
