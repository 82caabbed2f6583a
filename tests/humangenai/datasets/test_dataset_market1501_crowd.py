"""A Market-1501 folder made from crowd: what is written in that layout is read back alike."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humangenai.datasets import crowd
from humangenai.datasets.dataset import Item
from humangenai.datasets.market1501 import FOLDERS, Options, load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small_crowd(tmp_path_factory: pytest.TempPathFactory) -> crowd.Crowd:
    """One identity to train on, two to test on."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        # Crowd alone: the body model stays where it was built.
        patch.setattr("humangenai.datasets.crowd.dataset.cache_dir", lambda: cache)
        patch.setattr("humangenai.datasets.crowd.dataset.TRAIN_IDENTITIES", 1)
        patch.setattr("humangenai.datasets.crowd.dataset.TEST_IDENTITIES", {"small": 2})
        made = crowd.load(crowd.Options())
        made.items()
        made.train_items()
    return made


def export(dataset: crowd.Crowd, root: Path) -> dict[str, Item]:
    """Write crowd in Market-1501's layout.

    Returns:
        Key in the copy → item of crowd.
    """
    written = {}
    for number, item in enumerate([*dataset.train_items(), *dataset.items()]):
        folder = root / FOLDERS[item.split]
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{item.pid:04d}_c{item.camid}s1_{number:06d}_00"
        crop = Image.fromarray(dataset.image(item)).resize((64, 128), Image.Resampling.LANCZOS)
        crop.save(folder / f"{name}.jpg", quality=95)
        written[f"{item.split}/{name}"] = item
    return written


def test_crowd_in_markets_layout_reads_back(small_crowd: crowd.Crowd, tmp_path: Path) -> None:
    written = export(small_crowd, tmp_path)
    market = load(Options(path=tmp_path, allow_incomplete=True))
    read = {item.key: item for item in (*market.train_items(), *market.items())}
    assert set(read) == set(written)
    for key, item in read.items():
        original = written[key]
        assert (item.pid, item.camid, item.split) == (original.pid, original.camid, original.split)
        whole = small_crowd.image(original).astype(float)
        halved = whole.reshape(128, 2, 64, 2, 3).mean(axis=(1, 3))
        assert np.abs(market.image(item) - halved).mean() < 8
    # Market's order and rules: one query per identity and camera, the gallery has every identity.
    queries = [(item.pid, item.camid) for item in market.items() if item.split == "query"]
    assert len(queries) == len(set(queries)) == 8
    assert {item.pid for item in market.items() if item.split == "gallery"} == {2, 3}
    assert {item.pid for item in market.train_items()} == {1}
