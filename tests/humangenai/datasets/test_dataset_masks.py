"""Masks as COCO writes them, against COCO's own code."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from humangenai.datasets.masks import MaskFile, Polygons, RunLengths
from refsd.images import ImageError

masks = hnp.arrays(
    np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.booleans()
)


@settings(max_examples=200, deadline=None)
@given(mask=masks)
def test_compressed_run_lengths_are_read_as_coco_writes_them(mask: np.ndarray) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    written = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    runs = RunLengths.from_coco({"size": written["size"], "counts": written["counts"].decode()})
    np.testing.assert_array_equal(runs.decode(*mask.shape), mask)


def test_long_runs() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    mask = np.zeros((3000, 2000), np.uint8, order="F")
    mask[100:2900, 1:1999] = 1
    mask[5, 7] = 1
    written = coco.encode(mask)
    runs = RunLengths.from_coco({"size": written["size"], "counts": written["counts"].decode()})
    np.testing.assert_array_equal(runs.decode(3000, 2000), mask)


def test_plain_run_lengths_go_column_by_column() -> None:
    runs = RunLengths.from_coco({"size": [2, 3], "counts": [1, 2, 3]})
    np.testing.assert_array_equal(runs.decode(2, 3), [[False, True, False], [True, False, False]])


@pytest.mark.parametrize(
    "broken",
    [
        {"size": [2, 3], "counts": [1, 2]},
        {"size": [2, 3], "counts": [-1, 7]},
        {"size": [2, 3], "counts": "~~"},
        {"size": [2, 3], "counts": "P"},
        {"size": [2], "counts": [2]},
        {"counts": [6]},
    ],
)
def test_broken_run_lengths_are_refused(broken: dict) -> None:
    with pytest.raises((KeyError, ValueError)):
        RunLengths.from_coco(broken)


def test_polygons_cover_what_cocos_do() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    rings = [[10.0, 10.0, 60.0, 15.0, 50.0, 70.0, 12.0, 40.0], [70.0, 70.0, 90.0, 70.0, 80.0, 95.0]]
    theirs = coco.decode(coco.merge(coco.frPyObjects(rings, 100, 120))).astype(bool)
    ours = Polygons.from_coco(rings).decode(100, 120)
    # Ours count pixels on the edge as inside, so that hardly any of the person is left out.
    assert (theirs & ~ours).sum() / theirs.sum() < 0.01
    grown = ndimage.binary_dilation(theirs, np.ones((5, 5)))
    assert not (ours & ~grown).any()


@pytest.mark.parametrize("rings", [[[1, 2, 3, 4]], [[1, 2, 3, 4, 5, 6, 7]], [5], [["a"] * 6]])
def test_broken_polygons_are_refused(rings: list) -> None:
    with pytest.raises((TypeError, ValueError)):
        Polygons.from_coco(rings)


def test_mask_from_a_picture(tmp_path: Path) -> None:
    inside = np.zeros((20, 30), np.bool_)
    inside[3:9, 4:20] = True
    path = tmp_path / "mask.png"
    Image.fromarray(inside).save(path)
    np.testing.assert_array_equal(MaskFile(path).decode(20, 30), inside)
    with pytest.raises(ImageError, match=r"mask.png: is 30 x 20, its picture 20 x 30"):
        MaskFile(path).decode(30, 20)
