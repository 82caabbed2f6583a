"""Market-1501's layout and rules, on small copies made here."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humangenai.config import validate
from humangenai.datasets import market1501
from humangenai.datasets.market1501 import Options, load
from humangenai.errors import UserError

NAMES = {
    "bounding_box_train": [
        "0002_c1s1_000451_03.jpg",
        "0002_c2s1_000451_01.jpg",
        "0007_c3s3_077419_03.jpg",
    ],
    "query": ["0001_c1s1_001051_00.jpg", "0003_c6s3_015045_00.jpg"],
    "bounding_box_test": [
        "-1_c1s1_000401_03.jpg",
        "0000_c1s1_000151_01.jpg",
        "0001_c1s1_002301_02.jpg",
        "0001_c2s1_001976_01.jpg",
        "0003_c4s6_015641_02.jpg",
    ],
}


def make(root: Path) -> Path:
    for folder, names in NAMES.items():
        (root / folder).mkdir(parents=True)
        (root / folder / "Thumbs.db").write_bytes(b"as in the archive")
        for number, name in enumerate(names):
            Image.new("RGB", (64, 128), (number * 20, 80, 90)).save(root / folder / name)
    return root


def test_splits_ids_junk_and_distractors(tmp_path: Path) -> None:
    dataset = load(Options(path=make(tmp_path), allow_incomplete=True))
    query = [(item.key, item.pid, item.camid) for item in dataset.items() if item.split == "query"]
    assert query == [
        ("query/0001_c1s1_001051_00", 1, 1),
        ("query/0003_c6s3_015045_00", 3, 6),
    ]
    gallery = [(item.pid, item.camid) for item in dataset.items() if item.split == "gallery"]
    assert gallery == [(-1, 1), (1, 1), (1, 2), (3, 4)]  # junk is gone, the distractor is -1
    assert [(item.pid, item.camid) for item in dataset.train_items()] == [(2, 1), (2, 2), (7, 3)]
    assert [item.split for item in dataset.items()] == ["query"] * 2 + ["gallery"] * 4
    assert dataset.crops
    image = dataset.image(dataset.items()[1])
    assert image.shape == (128, 64, 3)
    assert np.abs(image[0, 0].astype(int) - [20, 80, 90]).max() <= 3


def test_a_folder_above_is_fine(tmp_path: Path) -> None:
    make(tmp_path / "Market-1501-v15.09.15")
    assert len(load(Options(path=tmp_path, allow_incomplete=True)).items()) == 6


def test_counts_are_checked_against_the_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path)
    with pytest.raises(UserError, match="query has 2 pictures of 2 identities instead of 3368"):
        load(Options(path=root))
    incomplete = load(Options(path=root, allow_incomplete=True))
    assert incomplete.name == "market1501-incomplete"  # what tables say
    published = {"train": (3, 2), "query": (2, 2), "gallery": (4, 2)}
    monkeypatch.setattr(market1501, "PUBLISHED", published)
    assert load(Options(path=root)).name == "market1501"


def test_published_counts() -> None:
    # Zheng et al. 2015, table 1, and the data set's page: 19732 gallery files = 15913 + 3819 junk.
    assert market1501.PUBLISHED == {
        "train": (12936, 751),
        "query": (3368, 750),
        "gallery": (19732 - 3819, 750),
    }


def test_manifest_sees_a_changed_picture(tmp_path: Path) -> None:
    options = Options(path=make(tmp_path), allow_incomplete=True)
    before = load(options).manifest_hash()
    assert load(options).manifest_hash() == before
    Image.new("RGB", (64, 128), "red").save(tmp_path / "query" / NAMES["query"][0])
    assert load(options).manifest_hash() != before


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--path"):
        load(Options())
    with pytest.raises(UserError, match="no such folder"):
        load(Options(path=tmp_path / "gone"))
    (tmp_path / "query").mkdir()
    with pytest.raises(UserError, match="the folder bounding_box_test is missing"):
        load(Options(path=tmp_path))


def test_names_of_another_kind_are_refused(tmp_path: Path) -> None:
    make(tmp_path)
    Image.new("RGB", (64, 128)).save(tmp_path / "query" / "0001_c7s1_001051_00.jpg")
    with pytest.raises(UserError, match=r"0001_c7s1_001051_00.jpg: not a name as Market-1501"):
        load(Options(path=tmp_path, allow_incomplete=True))


def test_misspelt_option_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'allow_incomplete'"):
        validate(Options, {"allow_incomplet": True}, "market.yaml")
