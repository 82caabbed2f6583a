from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from humangenai.records import ItemRecord
from humangenai.store import (
    RunFolder,
    StoreError,
    append_line,
    atomic_write,
    drop_torn_line,
    image_hash,
    people_hash,
    read_lines,
    slug,
)
from refsd.people import Person

if TYPE_CHECKING:
    from pathlib import Path

PLAN = {"dataset": {"dataset": "d", "options": {}}, "methods": ["MaskOut"]}


def item(key: str, **more: object) -> ItemRecord:
    return ItemRecord(method="MaskOut", key=key, content="c", status="done", **more)


def test_private_is_for_its_owner_only(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", None, PLAN) as folder:
        assert stat.S_IMODE(folder.private.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder.private / "run.key").stat().st_mode) == 0o600


def test_random_keys_differ_and_are_kept_fixed_ones_agree(tmp_path: Path) -> None:
    def seed(name: str, fixed: int | None) -> int:
        with RunFolder(tmp_path / name, fixed, PLAN) as folder:
            return folder.seed("query/1", "settings")

    assert seed("a", None) != seed("b", None)
    assert seed("a", None) == seed("a", None)
    assert seed("c", 5) == seed("d", 5) != seed("e", 6)


def test_a_seed_changes_with_item_and_settings_and_has_64_bits(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", 0, PLAN) as folder:
        seeds = {folder.seed(key, settings) for key in "abc" for settings in ("x", "y")}
        assert len(seeds) == 6
        assert all(0 <= seed < 2**64 for seed in seeds)
        assert max(seeds) > 2**60


def test_public_names_say_nothing_and_differ_between_methods(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", None, PLAN) as folder:
        one, other = (folder.public_id(method, "0002_c1s1_000451") for method in ("A", "B"))
        assert one != other
        assert len(one) == 32
        assert "0002" not in (one[:4], other[:4])
        assert one == folder.public_id("A", "0002_c1s1_000451")


def test_pictures_are_lossless_and_without_metadata(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    with RunFolder(tmp_path / "run", None, PLAN) as folder:
        output, _ = folder.write_image("refsd[none]", "a.jpg", picture)
    assert output.startswith("release/refsd-none/images/")
    with Image.open(tmp_path / "run" / output) as image:
        assert image.info == {}
        assert np.array_equal(np.asarray(image), picture)


def test_only_one_process_may_write(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path / "run", None, PLAN),
        pytest.raises(StoreError, match="being written by another process"),
        RunFolder(tmp_path / "run", None, PLAN),
    ):
        pass
    with RunFolder(tmp_path / "run", None, PLAN):
        pass


@pytest.mark.parametrize(
    ("seed", "plan", "message"),
    [
        (1, PLAN, "was made with --seed 0"),
        (None, PLAN, "was made with --seed 0"),
        (0, {**PLAN, "dataset": {"dataset": "e", "options": {}}}, r"other data \(d, not e\)"),
        (0, {**PLAN, "methods": ["Original"]}, "holds MaskOut too"),
    ],
)
def test_a_folder_is_not_mixed_with_another_run(
    tmp_path: Path, seed: int | None, plan: dict[str, object], message: str
) -> None:
    with RunFolder(tmp_path / "run", 0, PLAN):
        pass
    with (
        pytest.raises(StoreError, match=message),
        RunFolder(tmp_path / "run", seed, plan),
    ):
        pass


def test_a_folder_can_be_continued_with_more_methods(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", 0, PLAN) as folder:
        created = folder.created
    with RunFolder(tmp_path / "run", 0, {**PLAN, "methods": ["Original", "MaskOut"]}) as folder:
        assert folder.created == created


def test_the_last_line_of_an_item_counts_and_a_torn_one_is_cut(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", 0, PLAN) as folder:
        folder.append_item(item("a", error="first"))
        folder.append_item(item("b"))
        folder.append_item(item("a", error="second"))
        path = folder.items_path("MaskOut")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"schema_version":1,"method":"MaskOut","key":"c"')
    with RunFolder(tmp_path / "run", 0, PLAN) as folder:
        assert {key: line.error for key, line in folder.items("MaskOut").items()} == {
            "a": "second",
            "b": None,
        }
        folder.append_item(item("c"))
        assert sorted(folder.items("MaskOut")) == ["a", "b", "c"]


@given(lines=st.lists(st.text(st.characters(codec="utf-8"), max_size=20)), cut=st.integers(0, 200))
def test_a_file_cut_anywhere_keeps_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], cut: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    encoded = [json.dumps(line) for line in lines]
    for line in encoded:
        append_line(path, line)
    if not path.exists():
        return
    data = path.read_bytes()[:cut]
    path.write_bytes(data)
    whole = encoded[: data.count(b"\n")]
    assert read_lines(path) == whole
    drop_torn_line(path)
    append_line(path, '"more"')
    assert read_lines(path) == [*whole, '"more"']


def test_a_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", 0, PLAN) as folder:
        folder.append_item(item("a"))
        append_line(folder.items_path("MaskOut"), '{"key": 1}')
        with pytest.raises(StoreError, match=r"maskout\.jsonl: line 2 is not an item record"):
            folder.items("MaskOut")


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    atomic_write(path, b"old")
    with pytest.raises(TypeError):
        atomic_write(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_half_written_is_removed(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", 0, PLAN) as folder:
        leftover = folder.private / "scores" / ".part-123-reid.jsonl"
        leftover.write_text("half")
    with RunFolder(tmp_path / "run", 0, PLAN):
        assert not leftover.exists()


def test_a_place_that_cannot_be_written_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match=r"cannot write .*file"),
        RunFolder(tmp_path / "file" / "run", 0, PLAN),
    ):
        pass


def test_a_full_disk_gives_one_line_and_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    path = tmp_path / "x.jsonl"
    append_line(path, "whole")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"no room left on the disk .* is kept: make room"):
        append_line(path, "does not fit")
    with pytest.raises(StoreError, match="no room left"):
        atomic_write(tmp_path / "y", b"data")
    assert read_lines(path) == ["whole"]
    assert list(tmp_path.iterdir()) == [path]


def test_hashes_change_with_anything_that_matters() -> None:
    flat, tall = np.zeros((2, 8, 3), np.uint8), np.zeros((8, 2, 3), np.uint8)
    assert image_hash(flat) != image_hash(tall)
    box, mask = np.array([0, 0, 2, 2], np.float32), np.ones((2, 2), np.bool_)
    person = Person(box, (0, 0, 2, 2), mask)
    others = [
        Person(box + 1, (0, 0, 2, 2), mask),
        Person(box, (1, 0, 3, 2), mask),
        Person(box, (0, 0, 2, 2), ~mask),
        Person(box, (0, 0, 2, 2), mask, landmarks=np.zeros((33, 2), np.float32)),
        Person(box, (0, 0, 2, 2), mask, landmarks_world=np.zeros((33, 3), np.float32)),
        Person(box, (0, 0, 2, 2), mask, source="face"),
    ]
    assert len({people_hash([other]) for other in [person, *others]}) == len(others) + 1
    assert people_hash([person, person]) != people_hash([person])


@given(st.text(max_size=30))
def test_a_slug_is_a_safe_folder_name(name: str) -> None:
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug(slug(name)) == slug(name)
