from dataclasses import replace
from pathlib import Path

import pytest

from humangenai.datasets.dataset import Item
from humangenai.datasets.manifest import file_hash, manifest_hash

ITEMS = [Item("a", "query", 1, 2), Item("b", "gallery", 1, 3), Item("c", "all")]


def content(item: Item) -> bytes:
    return item.key.encode()


@pytest.mark.parametrize(
    "changed",
    [
        ITEMS[:2],
        ITEMS[::-1],
        [replace(ITEMS[0], pid=2), *ITEMS[1:]],
        [replace(ITEMS[0], camid=None), *ITEMS[1:]],
        [replace(ITEMS[0], split="gallery"), *ITEMS[1:]],
        [replace(ITEMS[0], key="a "), *ITEMS[1:]],
    ],
)
def test_every_change_of_the_list_shows(changed: list[Item]) -> None:
    assert manifest_hash(changed, content) != manifest_hash(ITEMS, content)
    assert manifest_hash(list(ITEMS), content) == manifest_hash(ITEMS, content)


def test_every_change_of_a_picture_shows() -> None:
    other = {"a": b"a", "b": b"other", "c": b"c"}
    assert manifest_hash(ITEMS, lambda item: other[item.key]) != manifest_hash(ITEMS, content)


def test_file_hash_goes_on_without_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    # The standard's own example (FIPS 180-4): sha256 of "abc".
    assert file_hash(path).hex().startswith("ba7816bf8f01cfea414140de5dae2223")
    path.unlink()
    assert len(file_hash(path)) == 32
