"""OpenImages' layout, made from crowd's scenes: boxes come back, wrong rows are refused by line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from few_scenes import few_scenes
from PIL import Image

from humangenai.datasets.objects import WithObjects
from humangenai.datasets.openimages import Options, load
from humangenai.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = {"person": "/m/01g317", "crate": "/m/025dyy", "barrel": "/m/01bqvp"}
NAMES = {"person": "Person", "crate": "Box", "barrel": "Barrel"}
HEAD = [
    "ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", "IsOccluded",
    "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside",
]  # fmt: skip
Rows = dict[str, list[list[str]]]


def write(root: Path, change: Callable[[Rows], object] = lambda _: None) -> Path:
    """The official layout; ``change`` is given the lines of both parts, with their headings."""
    scenes = few_scenes()
    rows: Rows = {}
    for part, items in (("train", scenes.train_items()), ("validation", scenes.items())):
        (root / part).mkdir()
        rows[part] = [list(HEAD)]
        for number, item in enumerate(items):
            name = f"{number:016x}"
            image = scenes.image(item)
            Image.fromarray(image).save(root / part / f"{name}.jpg", quality=95)
            size = np.array([image.shape[1], image.shape[0]] * 2)
            for one in scenes.objects(item):
                x0, y0, x1, y1 = (f"{value:.6f}" for value in one.box / size)
                label = LABELS[scenes.categories[one.category]]
                rows[part].append(
                    [name, "xclick", label, "1", x0, x1, y0, y1, "0", "0", "0", "0", "0"]
                )
        # Of a picture that the user has not.
        rows[part].append(["feedfeedfeedfeed", "xclick", LABELS["crate"], "1", "0", "1", "0", "1",
                           *"00000"])  # fmt: skip
    change(rows)
    with (root / "class-descriptions-boxable.csv").open("w", newline="") as file:
        csv.writer(file).writerows((LABELS[name], NAMES[name]) for name in LABELS)
    for part, lines in rows.items():
        edition = "oidv6-" if part == "train" else ""
        with (root / f"{edition}{part}-annotations-bbox.csv").open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    return root


def test_boxes_come_back(tmp_path: Path) -> None:
    images, scenes = load(Options(path=write(tmp_path))), few_scenes()
    assert isinstance(images, WithObjects)
    assert images.categories == ("Person", "Box", "Barrel")
    for mine, theirs in ((images.items(), scenes.items()),
                         (images.train_items(), scenes.train_items())):  # fmt: skip
        assert len(mine) == len(theirs)
        for item, scene in zip(mine, theirs, strict=True):
            read, true = images.objects(item), scenes.objects(scene)
            assert [one.category for one in read] == [one.category for one in true]
            np.testing.assert_allclose(
                [one.box for one in read], [one.box for one in true], atol=1e-3
            )
            people = [one for one in true if one.category == 0]
            assert len(images.truth(item) or ()) == len(people)
            assert abs(images.image(item).astype(int) - scenes.image(scene)).mean() < 12


def test_groups_are_regions_of_many_and_drawn_people_are_nobody(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        people = [row for row in rows["validation"][1:] if row[2] == LABELS["person"]]
        people[0][HEAD.index("IsGroupOf")] = "1"
        people[1][HEAD.index("IsDepiction")] = "1"

    images, scenes = load(Options(path=write(tmp_path, change))), few_scenes()
    assert sum(one.crowd for item in images.items() for one in images.objects(item)) == 1
    everybody = sum(len(scenes.truth(item)) for item in scenes.items())
    assert sum(len(images.truth(item) or ()) for item in images.items()) == everybody - 2


def test_pictures_without_a_row_are_left_out(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows["validation"] = [row for row in rows["validation"] if not row[0].endswith("2")]

    images = load(Options(path=write(tmp_path, change)))
    assert len(images.items()) == len(few_scenes().items()) - 1


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("LabelName", "/m/nothing", "'LabelName' is '/m/nothing', which no class has"),
        ("XMin", "left", "'XMin' is 'left', no number"),
        ("XMin", "nan", "'XMin' is nan, not within 0 and 1"),
        ("YMax", "1.2", "'YMax' is 1.2, not within 0 and 1"),
        ("XMax", "0.0", "the box ends before it begins"),
        ("IsGroupOf", "2", "'IsGroupOf' is '2', not 0, 1 or -1"),
    ],
)
def test_wrong_rows_are_refused_with_file_and_line(
    tmp_path: Path, column: str, value: str, said: str
) -> None:
    def change(rows: Rows) -> None:
        rows["validation"][3][HEAD.index("XMin")] = "0.2"
        rows["validation"][3][HEAD.index(column)] = value

    with pytest.raises(UserError, match=r"validation-annotations-bbox\.csv, line 4: ") as error:
        load(Options(path=write(tmp_path, change)))
    assert said in str(error.value)


def test_a_short_row_and_a_missing_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    with pytest.raises(UserError, match=r"line 2: has 12 values, the first line 13"):
        load(Options(path=write(tmp_path / "short", lambda rows: rows["validation"][1].pop())))
    (tmp_path / "headless").mkdir()

    def change(rows: Rows) -> None:
        rows["validation"][0][4] = "Left"

    with pytest.raises(UserError, match=r"line 1: the column 'XMin' is missing"):
        load(Options(path=write(tmp_path / "headless", change)))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--path"):
        load(Options())
    root = write(tmp_path)
    with pytest.raises(UserError, match="both 'train'"):
        load(Options(path=root, test="train"))
    with pytest.raises(UserError, match="no such folder of pictures"):
        load(Options(path=root, test="challenge"))
    (root / "class-descriptions-boxable.csv").unlink()
    with pytest.raises(UserError, match=r"holds no 'class-descriptions-boxable\.csv'"):
        load(Options(path=root))
