from itertools import combinations

import numpy as np
import pytest

from refsd.bodies import blazepose_landmarks, pose_kinds, sample_pose, turned
from refsd.bodies.anatomy import HINGES, anatomy_of, angle_vector, mirror
from refsd.bodies.landmarks import LANDMARKS
from refsd.bodies.poses import _KINDS

FAMILIES = ("crowd", "training", "probe", "bank")
ALL = [(family, kind) for family in FAMILIES for kind in pose_kinds(family)]


def posed(body, rotations):
    return body.pose([{}], rotations[None], np.zeros((1, 3), np.float32))


def test_families_share_no_kind_and_no_function():
    for one, other in combinations(FAMILIES, 2):
        assert not set(pose_kinds(one)) & set(pose_kinds(other))
        assert not {make for _, make in _KINDS[one].values()} & {
            make for _, make in _KINDS[other].values()
        }


@pytest.mark.parametrize(("family", "kind"), ALL)
def test_poses_are_believable(body, family, kind):
    names = body.joint_names
    for seed in range(4):
        rotations = sample_pose(family, np.random.default_rng(seed), body, kind)
        assert rotations.dtype == np.float32 and np.isfinite(rotations).all()
        bodies = posed(body, rotations)
        joints = dict(zip(names, bodies.joints[0], strict=True))
        low = bodies.vertices[0, :, 1].max()
        for side in "LR":
            # Knees bend forwards, elbows backwards of the line between their ends: a straight
            # limb is the limit.
            hip, knee, ankle = (
                joints[f"{bone}.{side}"] for bone in ("upperleg01", "lowerleg01", "foot")
            )
            forward = np.array([0.0, 0.0, -1.0])
            along = (ankle - hip) / np.linalg.norm(ankle - hip)
            aside = (knee - hip) - ((knee - hip) @ along) * along
            assert aside @ forward > -0.02, "a knee bends backwards"
        # A person stands on at least one foot, and upright.
        assert min(low - joints[f"foot.{side}"][1] for side in "LR") < 0.2
        assert joints["head"][1] < joints["root"][1] - 0.25


@pytest.mark.parametrize("family", FAMILIES)
def test_the_root_stays_without_yaw(body, family):
    for seed in range(10):
        root = sample_pose(family, np.random.default_rng(seed), body)[0]
        assert abs(root[1]) < 1e-6 and abs(root[2]) < 1e-6


def test_same_state_same_pose_and_kinds_vary(body):
    draws = [sample_pose("crowd", np.random.default_rng(seed), body) for seed in (0, 0, 1)]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_turned_shows_the_back_and_the_sides(body):
    straight = sample_pose("bank", np.random.default_rng(0), body, "upright")

    def towards(degrees):
        bodies = posed(body, turned(straight, degrees))
        points = blazepose_landmarks(body, bodies)[0]
        ears = [LANDMARKS.index("left_ear"), LANDMARKS.index("right_ear")]
        ahead = points[0] - points[ears].mean(axis=0)
        return ahead / np.linalg.norm(ahead)

    assert towards(0)[2] < -0.9
    assert towards(90)[0] > 0.9
    assert towards(180)[2] > 0.9


def test_mirrored_angles_mirror_the_body(body):
    anatomy, zero = anatomy_of(body)
    angles = {"shoulder_flex.L": 70.0, "knee.R": 50.0, "spine_turn": 20.0, "neck_side": 10.0}

    def joints(degrees):
        pose = anatomy.rotations(angle_vector(degrees)[None], np.eye(3)[None], zero)[0]
        return dict(zip(body.joint_names, posed(body, pose).joints[0], strict=True))

    one, other = joints(angles), joints(mirror(angles))
    for name in ("wrist.L", "foot.R", "head", "upperarm01.L"):
        swap = {"L": "R", "R": "L"}
        opposite = f"{name[:-1]}{swap[name[-1]]}" if "." in name else name
        assert np.allclose(one[name], other[opposite] * [-1, 1, 1], atol=0.01), name


def test_anatomical_zero_is_straight_and_vertical(body):
    anatomy, zero = anatomy_of(body)
    pose = anatomy.rotations(np.zeros((1, len(HINGES))), np.eye(3)[None], zero)[0]
    joints = dict(zip(body.joint_names, posed(body, pose).joints[0], strict=True))
    for side in "LR":
        for start, end in (
            ("upperarm01", "lowerarm01"),
            ("lowerarm01", "wrist"),
            ("upperleg01", "lowerleg01"),
            ("lowerleg01", "foot"),
        ):
            bone = joints[f"{end}.{side}"] - joints[f"{start}.{side}"]
            assert bone[1] / np.linalg.norm(bone) > 0.99, (start, end)


def test_limits_hold_whatever_is_asked():
    angles = np.degrees(angle_vector({"knee.L": -30.0, "elbow.R": 400.0}))
    by_name = dict(zip([hinge.name for hinge in HINGES], angles, strict=True))
    assert by_name["knee.L"] == pytest.approx(1) and by_name["elbow.R"] == pytest.approx(145)


def test_unknown_names_are_refused(body):
    with pytest.raises(ValueError, match="family"):
        pose_kinds("circus")
    with pytest.raises(ValueError, match="akimbo"):
        sample_pose("crowd", np.random.default_rng(0), body, "akimbo")
