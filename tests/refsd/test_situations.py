from dataclasses import replace

import numpy as np
import pytest

from refsd.bodies import LANDMARKS, blazepose_landmarks, load_body, sample_pose, turned
from refsd.bodies.anatomy import anatomy_of, angle_vector
from refsd.people import Person
from refsd.rendering import Camera
from refsd.situations import LEAST_COVERED, SITUATIONS, assess, coverage, misplaced

SHAPE = (640, 480)
CAMERA = Camera(fx=768, fy=768, cx=240, cy=320, width=480, height=640)
SEATED = {f"{hinge}.{side}": 88.0 for hinge in ("hip_flex", "knee") for side in "LR"}
SQUATTING = {f"hip_flex.{side}": 112.0 for side in "LR"} | {f"knee.{side}": 125.0 for side in "LR"}
FACE = [row for row, name in enumerate(LANDMARKS) if any(p in name for p in ("nose", "eye"))]
HANDS = [row for row, name in enumerate(LANDMARKS) if "index" in name or "thumb" in name]


@pytest.fixture(scope="module")
def body():
    return load_body()


def seen(body, angles=None, *, yaw=0.0, depth=3.5, shift=(0.0, 0.0), roll=0.0):
    """A person as a perfect landmark model sees them, with the mask that the body's points fill."""
    if angles is None:
        pose = sample_pose("crowd", np.random.default_rng(3), body, "wait")
    else:
        anatomy, zero = anatomy_of(body)
        pose = anatomy.rotations(angle_vector(angles)[None], np.eye(3)[None], zero)[0]
    bodies = body.pose([{}], turned(pose, yaw)[None], np.zeros((1, 3), dtype=np.float32))
    cosine, sine = np.cos(roll), np.sin(roll)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    place = np.array([*shift, depth])
    points = blazepose_landmarks(body, bodies)[0] @ turn.T
    vertices = CAMERA.project((bodies.vertices[0] @ turn.T + place).astype(np.float32))
    return person_of(
        vertices, CAMERA.project((points + place).astype(np.float32)), points
    ), vertices


def person_of(vertices, pixels, world):
    full = np.zeros(SHAPE, dtype=np.bool_)
    for x, y in np.floor(vertices).astype(int):
        full[max(0, y - 3) : max(0, y + 4), max(0, x - 3) : max(0, x + 4)] = True
    rows, columns = np.flatnonzero(full.any(axis=1)), np.flatnonzero(full.any(axis=0))
    window = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Person(
        box=np.array(window, dtype=np.float32),
        window=window,
        mask=full[window[1] : window[3], window[0] : window[2]],
        landmarks=pixels.astype(np.float32),
        landmarks_world=(world - world[[23, 24]].mean(axis=0)).astype(np.float32),
        visibility=np.ones(33, dtype=np.float32),
    )


def names(person, *others):
    return assess([person, *others], SHAPE)[0].situations


def test_a_person_in_full_view_is_in_no_situation_and_all_landmarks_count(body):
    person, _ = seen(body)
    (found,) = assess([person], SHAPE)
    assert found.situations == ()
    assert found.reason is None
    assert found.visibility.min() > 0.9


@pytest.mark.parametrize("yaw", [-45.0, 0.0, 45.0])
def test_seats_and_squats_are_told_apart(body, yaw):
    assert names(seen(body, SEATED, yaw=yaw)[0]) == ("seated",)
    assert names(seen(body, SQUATTING, yaw=yaw)[0]) == ("crouching",)


@pytest.mark.parametrize(("yaw", "away"), [(0, False), (80, False), (140, True), (180, True)])
def test_whose_back_is_seen_has_no_face(body, yaw, away):
    (found,) = assess([seen(body, yaw=yaw)[0]], SHAPE)
    assert ("back-facing" in found.situations) == away
    assert (found.visibility[FACE].max() == 0.0) == away


@pytest.mark.parametrize("roll", [-1.5, 1.5])
def test_lying(body, roll):
    assert names(seen(body, roll=roll)[0]) == ("lying",)


@pytest.mark.parametrize(
    ("side", "shift"),
    [("left", (-1.05, 0)), ("right", (1.05, 0)), ("top", (0, -0.85)), ("bottom", (0, 1.0))],
)
def test_the_edge_that_cuts_is_named(body, side, shift):
    person, _ = seen(body, shift=shift)
    (found,) = assess([person], SHAPE)
    assert found.situations == ("truncated",)
    assert list(found.cut) == [side]
    assert 0.05 < found.cut[side] < 0.9


def test_hands_invented_before_the_chest_do_not_count(body):
    person, _ = seen(body, shift=(0, 0.8), depth=1.5)
    elbow, wrist = LANDMARKS.index("left_elbow"), LANDMARKS.index("left_wrist")
    invented = person.landmarks.copy()
    invented[elbow, 1] = SHAPE[0] + 20
    invented[wrist] = (240, SHAPE[0] - 20)
    found = assess([replace(person, landmarks=invented)], SHAPE)[0]
    assert found.visibility[wrist] < 0.2
    invented[elbow, 1] = SHAPE[0] - 10
    found = assess([replace(person, landmarks=invented)], SHAPE)[0]
    assert found.visibility[wrist] > 0.9


def test_feet_at_the_lower_edge_are_no_cut(body):
    person, _ = seen(body)
    down = SHAPE[0] - person.window[3]
    moved = replace(
        person,
        window=tuple(v + (down if i % 2 else 0) for i, v in enumerate(person.window)),
        box=person.box + np.float32([0, down, 0, down]),
        landmarks=person.landmarks + np.float32([0, down]),
    )
    assert names(moved) == ()


def test_hands_of_tiny_people_do_not_count(body):
    (found,) = assess([seen(body, depth=20.0)[0]], SHAPE)
    assert found.situations == ("tiny",)
    assert found.visibility[HANDS].max() == 0.0
    assert found.visibility[[0, 11, 12, 23, 24, 27, 28]].min() > 0.5


def test_neighbours_overlap_and_distant_people_do_not(body):
    near, _ = seen(body, shift=(-0.15, 0))
    behind, _ = seen(body, shift=(0.15, 0), depth=4.2)
    far, _ = seen(body, shift=(1.4, 0), depth=6)
    assert names(near, behind) == ("overlapping",)
    assert names(near, far) == ()


def test_a_landmark_on_somebody_else_counts_less(body):
    near, _ = seen(body, shift=(-0.2, 0))
    other, _ = seen(body, shift=(0.2, 0))
    stolen = near.landmarks.copy()
    stolen[16] = other.landmarks[15]
    found = assess([replace(near, landmarks=stolen), other], SHAPE)[0]
    assert found.visibility[16] < 0.2
    assert assess([near, other], SHAPE)[0].visibility[16] > 0.5


def test_a_landmark_off_the_mask_counts_less(body):
    person, _ = seen(body)
    moved = person.landmarks.copy()
    moved[15] = (20, 30)
    found = assess([replace(person, landmarks=moved)], SHAPE)[0]
    assert found.visibility[15] < 0.2
    assert np.delete(found.visibility, 15).min() > 0.9


def test_without_a_pose_or_a_trunk_there_is_a_reason(body):
    person, _ = seen(body)
    bare = replace(person, landmarks=None, landmarks_world=None, visibility=None)
    assert assess([bare], SHAPE)[0].reason == "no pose was found"
    blind = replace(person, visibility=np.zeros(33, dtype=np.float32))
    assert "trunk" in assess([blind], SHAPE)[0].reason


def test_coverage_shows_a_small_figure_inside_a_large_one(body):
    person, vertices = seen(body)
    assert coverage(person, vertices) > 0.9
    assert misplaced(person, vertices) is None
    middle = vertices.mean(axis=0)
    assert coverage(person, 0.4 * (vertices - middle) + middle) < LEAST_COVERED
    assert "covers only" in misplaced(person, vertices + np.float32([1000, 0]))


def test_a_box_for_a_mask_says_nothing_of_coverage(body):
    person, vertices = seen(body)
    box = replace(person, mask=np.ones_like(person.mask))
    assert misplaced(box, vertices[:10]) is None
    assert misplaced(replace(person, mask=np.zeros_like(person.mask)), vertices) is None


def test_nobody():
    assert assess([], SHAPE) == []


def test_names_come_in_the_documented_order(body):
    person, _ = seen(body, yaw=180, depth=20)
    found = names(person)
    assert set(found) == {"back-facing", "tiny"}
    assert list(found) == [name for name in SITUATIONS if name in found]
