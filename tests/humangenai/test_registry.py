from __future__ import annotations

import sys
from pathlib import Path

import pytest

from humangenai.errors import UserError
from humangenai.registry import DATASETS, METHODS, METRICS, Entry, Registry

PLUGINS = Path(__file__).parent / "plugins"


def test_a_misspelt_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown method 'maskuot'; did you mean 'maskout'\?"):
        METHODS.load("maskuot")


def test_a_name_like_no_other_is_refused_with_all_names() -> None:
    with pytest.raises(UserError, match=r"known: coco, crowd, .*folder, labelled-folder"):
        DATASETS.load("zzz")


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    registry: Registry[object] = Registry("thing", {"x": Entry("this_is_nowhere:attr", "")}, "none")
    assert list(registry.entries()) == ["x"]
    with pytest.raises(UserError, match="thing 'x' cannot be loaded: No module named"):
        registry.load("x")


def test_module_and_attribute_targets() -> None:
    entries = {"module": Entry("os.path", ""), "attribute": Entry("os:path.join", "")}
    registry: Registry[object] = Registry("thing", entries, "none")
    import os

    assert registry.load("module") is os.path
    assert registry.load("attribute") is os.path.join


def test_another_distribution_adds_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    try:
        assert DATASETS.entries()["tinycrowd"] == Entry("tinycrowd", "from tinycrowd")
        assert DATASETS.load("tinycrowd").load is sys.modules["tinycrowd"].load
    finally:
        sys.modules.pop("tinycrowd", None)


def test_another_distribution_cannot_take_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "thief-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[humangenai.methods]\nrefsd = thief\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="thief registers the method 'refsd', which exists"):
        METHODS.entries()


@pytest.mark.parametrize("name", sorted(METHODS.entries()))
def test_every_method_has_options_that_refuse_unknown_keys(name: str) -> None:
    plugin = METHODS.load(name)
    assert plugin.Options.model_config["extra"] == "forbid"
    assert plugin.Options.model_config["frozen"] is True


def test_every_track_loads() -> None:
    for name in METRICS.entries():
        assert callable(METRICS.load(name))
