"""People survive the way to a file and back."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsd.people import Person, load_people, save_people


def person(seed: int, width: int = 7, height: int = 5, *, posed: bool = True) -> Person:
    rng = np.random.default_rng(seed)
    return Person(
        box=rng.uniform(0, 50, 4).astype(np.float32),
        window=(3, 4, 3 + width, 4 + height),
        mask=rng.random((height, width)) < 0.5,
        landmarks=rng.normal(size=(33, 2)).astype(np.float32) if posed else None,
        landmarks_world=rng.normal(size=(33, 3)).astype(np.float32) if posed else None,
        visibility=rng.random(33).astype(np.float32) if posed else None,
        score=float(rng.random()),
        source="face",
    )


@given(
    seed=st.integers(0, 1000), width=st.integers(0, 20), height=st.integers(0, 20),
    posed=st.lists(st.booleans(), max_size=3),
)  # fmt: skip
def test_there_and_back(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int, width: int, height: int, posed: list[bool],
) -> None:  # fmt: skip
    people = [person(seed + index, width, height, posed=has) for index, has in enumerate(posed)]
    path = tmp_path_factory.mktemp("people") / "cache.bin"
    save_people(path, people)
    loaded = load_people(path)
    assert len(loaded) == len(people)
    for one, other in zip(people, loaded, strict=True):
        assert (one.window, one.score, one.source) == (other.window, other.score, other.source)
        for name in ("box", "mask", "landmarks", "landmarks_world", "visibility"):
            before, after = getattr(one, name), getattr(other, name)
            assert (before is None) == (after is None)
            if before is not None:
                assert before.dtype == after.dtype
                np.testing.assert_array_equal(before, after)


def test_same_people_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save_people(tmp_path / name, [person(1), person(2, posed=False)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_crash_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "people.npz"
    save_people(path, [person(1)])
    before = path.read_bytes()

    def crash(file: object, **arrays: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", crash)
    with pytest.raises(OSError, match="disk full"):
        save_people(path, [person(2)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.arange(3))
    with pytest.raises(ValueError, match="remove it"):
        load_people(tmp_path / "other.npz")
    with (tmp_path / "pickle.npz").open("wb") as file:
        np.savez(file, format=np.array({"a": 1}, dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_people(tmp_path / "pickle.npz")
