"""Frames of a small video made here; OpenCV's own where Debian's package put it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import refsd.people
from humangenai.datasets.pedestrians import VIDEO, Options, load
from humangenai.errors import UserError
from refsd.people import Person

LENGTH = 23


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 frames; frame n is (10 n, 5 n, 200) all over."""
    path = tmp_path_factory.mktemp("video") / "street.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    for number in range(LENGTH):
        rgb = np.full((64, 96, 3), (10 * number, 5 * number, 200), dtype=np.uint8)
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def test_frames_are_spread_evenly_and_are_the_ones_they_are_named_after(video: Path) -> None:
    dataset = load(Options(path=video, frames=5))
    assert [item.key for item in dataset.items()] == [
        "frame_0000", "frame_0004", "frame_0009", "frame_0013", "frame_0018",
    ]  # fmt: skip
    for item in dataset.items():
        number = int(item.key.removeprefix("frame_"))
        colour = dataset.image(item).reshape(-1, 3).mean(axis=0)
        assert np.abs(colour - (10 * number, 5 * number, 200)).max() < 4


def test_order_of_asking_does_not_matter(video: Path) -> None:
    dataset = load(Options(path=video, frames=6))
    forward = [dataset.image(item) for item in dataset.items()]
    backward = [dataset.image(item) for item in reversed(dataset.items())]
    for one, other in zip(forward, reversed(backward), strict=True):
        np.testing.assert_array_equal(one, other)


def test_callers_may_paint_on_a_frame(video: Path) -> None:
    dataset = load(Options(path=video, frames=2))
    item = dataset.items()[1]
    before = dataset.image(item).copy()
    dataset.image(item)[:] = 0
    np.testing.assert_array_equal(dataset.image(item), before)


def test_never_more_frames_than_there_are(video: Path) -> None:
    assert len(load(Options(path=video, frames=1000)).items()) == LENGTH


def test_manifest_depends_on_video_and_frames(video: Path) -> None:
    five, six = (load(Options(path=video, frames=n)).manifest_hash() for n in (5, 6))
    assert five != six
    assert load(Options(path=video, frames=5)).manifest_hash() == five


def test_crops_are_cut_around_the_people_that_are_found(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A person in the middle, and one at the edge, whose margin is cut.
    boxes = [(40.0, 20.0, 50.0, 40.0), (86.0, 0.0, 96.0, 30.0)]
    found = [
        Person(np.array(box, np.float32), (0, 0, 1, 1), np.ones((1, 1), np.bool_)) for box in boxes
    ]
    monkeypatch.setattr(
        refsd.people, "find_people", lambda images, *, crops: [found for _ in images], raising=False
    )
    dataset = load(Options(path=video, frames=2, crops=True))
    assert dataset.crops
    assert [item.key for item in dataset.items()] == [
        "frame_0000/person_00",
        "frame_0000/person_01",
        "frame_0011/person_00",
        "frame_0011/person_01",
    ]
    shapes = [dataset.image(item).shape for item in dataset.items()]
    assert shapes == [(25, 15, 3), (34, 13, 3)] * 2
    assert abs(dataset.image(dataset.items()[2])[..., 0].mean() - 110) < 4


def test_missing_video_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("humangenai.datasets.pedestrians.VIDEO", tmp_path / "vtest.avi")
    with pytest.raises(UserError, match="apt-get install opencv-doc"):
        load(Options())
    with pytest.raises(UserError, match="check --path"):
        load(Options(path=tmp_path / "other.avi"))
    (tmp_path / "text.avi").write_text("not a video")
    with pytest.raises(UserError, match="not a video that OpenCV can decode"):
        load(Options(path=tmp_path / "text.avi"))


@pytest.mark.skipif(not VIDEO.is_file(), reason="Debian's opencv-doc is not installed")
def test_opencvs_video() -> None:
    dataset = load(Options())
    assert len(dataset.items()) == 20
    assert dataset.items()[1].key == "frame_0039"
    assert dataset.image(dataset.items()[-1]).shape == (576, 768, 3)
