from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from humangenai.config import DatasetConfig, MethodConfig, RunConfig, method_config
from humangenai.errors import UserError
from humangenai.records import QueryRecord, RunRecord
from humangenai.runner import run
from humangenai.store import read_items, read_lines
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(PLUGINS))
    yield
    for name in ("tinycrowd", "tinyslow"):
        sys.modules.pop(name, None)


def config(*methods: str, **more: Any) -> RunConfig:
    options = more.pop("options", {})
    made = {
        "dataset": DatasetConfig(dataset="tinycrowd", options=options),
        "methods": tuple(method_config(name) for name in methods),
        "attackers": ("stripes",),
        "seed": 0,
    }
    return RunConfig(**{**made, **more})


def published(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "release").rglob("*.png"))
    }


def without_times(record: RunRecord) -> dict[str, Any]:
    plain = record.model_dump(mode="json")
    for key in ("created", "seconds", "git"):  # others may commit meanwhile
        plain.pop(key)
    for method in plain["methods"]:
        method.pop("seconds")
    return plain


def test_a_run_measures_writes_down_and_keeps_originals_out_of_the_release(tmp_path: Path) -> None:
    finished = run(config("original", "maskout"), tmp_path)
    original, maskout = finished.record.methods
    assert not finished.failures
    assert original.coverage.kept == 8
    assert (maskout.coverage.masked, maskout.coverage.missed) == (8, 0)
    assert maskout.coverage.leak_mean == 0.0
    assert original.coverage.leak_mean == 1.0
    found = {s.metric: s for s in original.scores if s.subset == "all"}
    assert found["R@1"].value > 0.9  # every person of tinycrowd has a colour of their own
    masked = {s.metric: s for s in maskout.scores if s.subset == "all"}
    assert masked["R@1"].value < 0.6
    assert [path.name for path in (tmp_path / "release").iterdir() if path.is_dir()] == ["maskout"]
    assert len(published(tmp_path)) == 8
    assert RunRecord.model_validate_json((tmp_path / "private" / "run.json").read_text())


def test_the_release_tells_no_key_no_seed_and_no_path(tmp_path: Path) -> None:
    run(config("maskout", seed=918273645), tmp_path / "annas-pictures")
    folder = tmp_path / "annas-pictures"
    text = (folder / "release" / "record.json").read_text()
    for secret in ("query/", "0_1", "918273645", str(tmp_path), "annas"):
        assert secret not in text
    names = " ".join(str(path.relative_to(folder)) for path in (folder / "release").rglob("*"))
    assert "0_1" not in names
    assert "query" not in names


def test_every_aggregate_comes_from_the_lines(tmp_path: Path) -> None:
    finished = run(config("maskout"), tmp_path)
    lines = read_items(tmp_path / "private" / "items" / "maskout.jsonl")
    assert sum(len(line.fates or ()) for line in lines.values()) == 8
    queries = [
        QueryRecord.model_validate_json(line)
        for line in read_lines(tmp_path / "private" / "scores" / "reid.jsonl")
    ]
    rank1 = np.mean([query.values["R@1"] for query in queries])
    score = next(
        s for s in finished.record.methods[0].scores if (s.metric, s.subset) == ("R@1", "all")
    )
    assert score.value == pytest.approx(rank1)


def test_a_second_call_asks_no_method_for_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TINYSLOW_LOG", str(log))
    plan = config("slow", "original")
    first = run(plan, tmp_path / "run")
    asked = log.read_text()
    assert len(asked.splitlines()) == 8
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.png")}
    lines = (tmp_path / "run" / "private" / "items" / "slow.jsonl").read_bytes()
    second = run(plan, tmp_path / "run")
    assert log.read_text() == asked
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.png")} == times
    assert (tmp_path / "run" / "private" / "items" / "slow.jsonl").read_bytes() == lines
    assert without_times(first.record) == without_times(second.record)


def test_what_changed_is_made_again_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TINYSLOW_LOG", str(log))
    run(config("slow", limit=3), tmp_path / "run")
    assert log.read_text().split() == ["query/0_0", "query/0_1", "query/1_0"]
    broken = sorted((tmp_path / "run" / "release" / "slow" / "images").iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:50])
    run(config("slow", limit=4), tmp_path / "run")
    again = log.read_text().split()[3:]
    assert len(again) == 2
    assert "query/1_1" in again
    assert all(load_image(path) is not None for path in broken.parent.iterdir())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(config("slow", seed=seed), tmp_path / name)
    assert published(tmp_path / "a") == published(tmp_path / "b")
    assert published(tmp_path / "a").keys() != published(tmp_path / "c").keys()


def test_seeds_never_come_from_pixels(tmp_path: Path) -> None:
    """Noise under the masks: the seed, and so the colour that is filled in, stays the same."""
    run(config("slow"), tmp_path / "a")
    run(config("slow", options={"noise": 7}), tmp_path / "b")
    assert published(tmp_path / "a") == published(tmp_path / "b")


def test_an_unreadable_picture_is_recorded_and_the_run_goes_on(tmp_path: Path) -> None:
    finished = run(config("maskout", "original", options={"broken": ["query/1_0"]}), tmp_path)
    assert {(line.method, line.key) for line in finished.failures} == {
        ("MaskOut", "query/1_0"),
        ("Original", "query/1_0"),
    }
    assert "query/1_0: is not a picture" in (finished.failures[0].error or "")
    for method in finished.record.methods:
        assert (method.coverage.items, method.coverage.failed_items) == (8, 1)
        score = next(s for s in method.scores if (s.metric, s.subset) == ("R@1", "all"))
        assert score.n == 7


def test_an_unreadable_gallery_picture_is_left_out_and_told_every_time(tmp_path: Path) -> None:
    plan = config("maskout", options={"broken": ["gallery/1_0"]})
    for _ in range(2):
        finished = run(plan, tmp_path)
        assert [(line.method, line.key) for line in finished.failures] == [
            ("gallery", "gallery/1_0")
        ]
        assert "1 gallery pictures cannot be read and were left out" in finished.record.notes
        assert any(score.n == 8 for score in finished.record.methods[0].scores)


def test_a_picture_that_is_too_hard_takes_no_other_with_it(tmp_path: Path) -> None:
    method = MethodConfig(method="slow", options={"fails_on": "query/2_0"})
    finished = run(config(methods=(method,)), tmp_path)
    assert [line.key for line in finished.failures] == ["query/2_0"]
    assert finished.failures[0].error == "RuntimeError: this picture is too hard"
    assert len(published(tmp_path)) == 7


def test_failures_are_tried_again(tmp_path: Path) -> None:
    method = MethodConfig(method="slow", options={"fails_on": "query/2_0"})
    run(config(methods=(method,)), tmp_path)
    finished = run(config("slow"), tmp_path)
    assert not finished.failures
    assert len(published(tmp_path)) == 8


def test_a_release_holds_the_gallery_too_and_measures_nothing(tmp_path: Path) -> None:
    finished = run(config("maskout", everything=True, tracks=()), tmp_path)
    assert len(published(tmp_path)) == 20
    assert finished.record.methods[0].scores == ()


def test_a_track_the_dataset_does_not_allow_is_refused(tmp_path: Path) -> None:
    plan = config("maskout", options={"splits": False}, tracks=("reid",))
    with pytest.raises(UserError, match="'tinycrowd' has no query and gallery pictures"):
        run(plan, tmp_path)


def test_without_ids_the_record_says_that_it_is_unscored(tmp_path: Path) -> None:
    finished = run(config("maskout", options={"splits": False}), tmp_path)
    assert finished.record.methods[0].scores == ()
    assert any("unscored" in note for note in finished.record.notes)


def test_unknown_attackers_and_equal_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown attacker 'stirpes'; did you mean 'stripes'"):
        run(config("maskout", attackers=("stirpes",)), tmp_path / "a")
    twice = MethodConfig(method="blur", options={"name": "MaskOut"})
    with pytest.raises(UserError, match="two methods are named 'MaskOut'"):
        run(config(methods=(method_config("maskout"), twice)), tmp_path / "b")


def test_the_first_items_keep_the_pictures_of_every_stage(tmp_path: Path) -> None:
    run(config("slow", "original"), tmp_path)
    for slug, stages in (
        ("slow", ["00-original.png", "01-m.png", "02-output.png"]),
        ("original", ["00-original.png", "01-output.png"]),
    ):
        folders = list((tmp_path / "private" / "examples" / slug).iterdir())
        assert len(folders) == 8
        assert sorted(path.name for path in folders[0].iterdir()) == stages


def test_the_mapping_leads_back_from_every_published_picture(tmp_path: Path) -> None:
    run(config("slow", "maskout"), tmp_path)
    rows = (tmp_path / "private" / "mapping.csv").read_text().splitlines()[1:]
    assert {row.split(",")[2] for row in rows} == set(published(tmp_path))


def test_people_are_kept_once_for_all_methods(tmp_path: Path) -> None:
    run(config("slow", "maskout", "original"), tmp_path)
    assert len(list((tmp_path / "private" / "perception").glob("*.npz"))) == 8


def test_the_record_is_plain_json_without_nan(tmp_path: Path) -> None:
    run(config("maskout", options={"splits": False}), tmp_path)
    text = (tmp_path / "private" / "run.json").read_text()
    json.loads(text, parse_constant=pytest.fail)
