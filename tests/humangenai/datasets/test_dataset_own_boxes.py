"""Own boxes and masks on a real photo, all the way to the published picture."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humangenai.config import DatasetConfig, MethodConfig, RunConfig
from humangenai.datasets.folder import Options, load
from humangenai.runner import run
from refsd.images import load_image

WHOLE = (40, 0, 430, 512)  # the astronaut, by eye
HELMET = (330, 180, 512, 512)  # nobody: but the user says so, and is believed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    root = tmp_path / "pictures"
    root.mkdir()
    shutil.copy(Path(spec.origin).parent / "data" / "astronaut.png", root)
    shape = np.zeros((512, 512), np.bool_)
    x0, y0, x1, y1 = HELMET
    shape[y0:y1, x0:x1] = True
    Image.fromarray(shape).save(tmp_path / "helmet.png")
    (tmp_path / "boxes.csv").write_text(
        "file,x0,y0,x1,y1,mask\n"
        f"astronaut.png,{','.join(map(str, WHOLE))},\n"
        f"astronaut.png,{','.join(map(str, HELMET))},helmet.png\n"
    )
    return root


def test_boxes_become_people(folder: Path) -> None:
    dataset = load(Options(path=folder, boxes=folder.parent / "boxes.csv"))
    astronaut, helmet = dataset.people(dataset.items()[0]) or ()
    np.testing.assert_allclose(astronaut.box, WHOLE)
    assert astronaut.source == "dataset"
    inside = astronaut.full_mask(512, 512)
    assert inside[60:500, 150:300].mean() > 0.8  # head, suit
    given = load_image(folder.parent / "helmet.png")[..., 0] > 0
    np.testing.assert_array_equal(helmet.full_mask(512, 512), given)


def test_what_the_user_masked_is_filled_in_the_release(folder: Path, tmp_path: Path) -> None:
    options = {"path": str(folder), "boxes": str(tmp_path / "boxes.csv")}
    config = RunConfig(
        dataset=DatasetConfig(dataset="folder", options=options),
        methods=(MethodConfig(method="maskout"),),
        seed=1,
    )
    done = run(config, tmp_path / "run")
    assert done.record.methods[0].coverage.masked == 2
    (path,) = (tmp_path / "run" / "release").rglob("*.png")
    before, after = load_image(folder / "astronaut.png"), load_image(path)
    x0, y0, x1, y1 = HELMET
    assert len(np.unique(after[y0:y1, x0:x1].reshape(-1, 3), axis=0)) == 1
    np.testing.assert_array_equal(after[:100, 480:], before[:100, 480:])  # the background stays
