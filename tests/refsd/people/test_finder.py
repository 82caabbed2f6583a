"""Finding people in public-domain photographs that scikit-image and matplotlib carry."""

import subprocess
import sys
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from refsd.people import Person, find_people, people_from_boxes

NOSE = 0
SHOULDERS = [12, 11]


@pytest.fixture(scope="module")
def astronaut() -> NDArray[np.uint8]:
    return np.asarray(skimage.data.astronaut(), dtype=np.uint8)


@pytest.fixture(scope="module")
def hopper() -> NDArray[np.uint8]:
    path = Path(mpl.__file__).parent / "mpl-data/sample_data/grace_hopper.jpg"
    return np.asarray(cv2.imread(str(path))[..., ::-1], dtype=np.uint8)


def nose(person: Person) -> NDArray[np.float32]:
    assert person.landmarks is not None
    return person.landmarks[NOSE]


def check(person: Person, shape: tuple[int, ...]) -> None:
    """What every consumer may rely on."""
    height, width = shape[:2]
    x0, y0, x1, y1 = person.window
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    assert person.mask.shape == (y1 - y0, x1 - x0)
    assert person.mask.dtype == np.bool_
    assert person.mask.any()
    left, top, right, bottom = person.box
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert 0 <= person.score <= 1
    poses = (person.landmarks, person.landmarks_world, person.visibility)
    if person.landmarks is None:
        assert all(value is None for value in poses)
    else:
        assert [value.shape for value in poses if value is not None] == [(33, 2), (33, 3), (33,)]
        assert all(value.dtype == np.float32 for value in poses if value is not None)


def test_one_woman_with_her_pose(astronaut: NDArray[np.uint8]) -> None:
    (people,) = find_people([astronaut])
    person = people[0]
    check(person, astronaut.shape)
    np.testing.assert_allclose(nose(person), (220, 125), atol=12)  # seen by eye
    mask = person.full_mask(512, 512)
    # Seen by eye: hair, face, both upper arms and the suit are hers; the shuttle is not.
    for x, y in ((225, 40), (220, 120), (100, 330), (320, 300), (200, 480)):
        assert mask[y, x], (x, y)
    assert not mask[:240, 400:440].any()
    assert person.landmarks_world is not None
    # x right, y down: her left shoulder is to the right, her nose above her hips.
    right, left = person.landmarks_world[SHOULDERS]
    assert 0.2 < left[0] - right[0] < 0.6
    assert person.landmarks_world[NOSE, 1] < -0.4


def test_several_sizes_in_one_picture(
    astronaut: NDArray[np.uint8], hopper: NDArray[np.uint8]
) -> None:
    """Three portraits side by side, one of them small: each gets a person, none twice."""
    picture = np.full((600, 1300, 3), 90, dtype=np.uint8)
    picture[:512, :512] = astronaut
    picture[:, 560:1072] = hopper[:600]
    picture[300:500, 1090:1290] = cv2.resize(astronaut, (200, 200), interpolation=cv2.INTER_AREA)
    (people,) = find_people([picture])
    for person in people:
        check(person, picture.shape)
    for x, y in ((220, 125), (560 + 266, 228), (1090 + 86, 300 + 49)):
        # A nose may be counted once only.
        near = [p for p in people if p.landmarks is not None and np.hypot(*(nose(p) - (x, y))) < 25]
        assert len(near) == 1, (x, y)


def test_a_large_photo_gives_the_same_people(astronaut: NDArray[np.uint8]) -> None:
    """Large photos are shrunk for the search; what is found is in pixels of the photo."""
    large = np.asarray(cv2.resize(astronaut, (4096, 4096), interpolation=cv2.INTER_CUBIC))
    one, other = find_people([large, astronaut])
    check(one[0], large.shape)
    np.testing.assert_allclose(nose(one[0]) / 8, nose(other[0]), atol=8)
    shrunk = one[0].full_mask(4096, 4096)[4::8, 4::8]
    mask = other[0].full_mask(512, 512)
    assert (shrunk & mask).sum() > 0.8 * (shrunk | mask).sum()


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180])
def test_lying_and_upside_down(astronaut: NDArray[np.uint8], turn: int) -> None:
    turned = np.asarray(cv2.rotate(astronaut, turn), dtype=np.uint8)
    (people,) = find_people([turned])
    covered = np.zeros((512, 512), dtype=np.bool_)
    for person in people:
        check(person, turned.shape)
        covered |= person.full_mask(512, 512)
    upright = find_people([astronaut])[0][0].full_mask(512, 512).astype(np.uint8)
    expected = cv2.rotate(upright, turn).astype(np.bool_)
    assert covered[expected].mean() > 0.8


def test_same_picture_same_people(astronaut: NDArray[np.uint8]) -> None:
    one, other = (find_people([astronaut])[0] for _ in range(2))
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        assert first.window == second.window
        np.testing.assert_array_equal(first.mask, second.mask)
        np.testing.assert_array_equal(nose(first), nose(second))


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (37, 5), (130, 119)])
def test_tiny_pictures(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for person in find_people([image])[0]:
        check(person, shape)
    (person,) = find_people([image], crops=True)[0]
    check(person, shape)


def test_crops_always_have_one_person(astronaut: NDArray[np.uint8]) -> None:
    nobody = np.full((256, 128, 3), 127, dtype=np.uint8)
    crop = np.asarray(cv2.resize(astronaut[:, 30:380], (128, 187)), dtype=np.uint8)
    (found,), (fallback,) = find_people([crop, nobody], crops=True)
    check(found, crop.shape)
    assert found.source == "landmarks"
    assert fallback.source == "whole crop"
    assert fallback.landmarks is None
    assert fallback.window == (0, 0, 128, 256)
    assert fallback.mask.all()


def test_boxes_of_others(astronaut: NDArray[np.uint8]) -> None:
    boxes = np.array([[40, 0, 400, 512], [450, 300, 530, 400]], dtype=np.float32)
    her, corner = people_from_boxes(astronaut, boxes)
    check(her, astronaut.shape)
    check(corner, astronaut.shape)
    assert her.source == corner.source == "dataset"
    assert her.score == 1
    np.testing.assert_allclose(nose(her), (220, 125), atol=12)
    assert 0.5 < her.mask.mean() < 0.95
    np.testing.assert_array_equal(corner.box, (450, 300, 512, 400))
    assert corner.landmarks is None
    assert corner.mask.all(), "without a pose the whole box is the mask"


def test_masks_of_others_are_kept(astronaut: NDArray[np.uint8]) -> None:
    mask = np.zeros((512, 512), dtype=np.bool_)
    mask[100:400, 150:300] = np.random.default_rng(0).random((300, 150)) < 0.9
    box = np.array([[40, 0, 400, 512]], dtype=np.float32)
    (person,) = people_from_boxes(astronaut, box, [mask])
    np.testing.assert_array_equal(person.full_mask(512, 512), mask)


def test_bad_boxes_are_refused(astronaut: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="no pixel of a picture of 512 x 512"):
        people_from_boxes(astronaut, np.array([[600, 0, 700, 90]], dtype=np.float32))
    with pytest.raises(ValueError, match="mask"):
        people_from_boxes(
            astronaut,
            np.array([[0, 0, 70, 90]], dtype=np.float32),
            [np.ones((90, 70), dtype=np.bool_)],
        )


def test_face_without_a_body(astronaut: NDArray[np.uint8]) -> None:
    """A face that fills the picture, as in a passport photo, is somebody too."""
    face = np.ascontiguousarray(astronaut[60:190, 160:290])
    (people,) = find_people([face])
    assert people
    covered = np.zeros(face.shape[:2], dtype=np.bool_)
    for person in people:
        check(person, face.shape)
        covered |= person.full_mask(*face.shape[:2])
    assert covered[30:100, 30:100].mean() > 0.95


def test_importing_the_room_loads_no_network() -> None:
    code = (
        "import sys, refsd.people, refsd.weights\n"
        "print([m for m in ('cv2', 'torch', 'ai_edge_litert') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
