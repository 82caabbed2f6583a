"""Poses of an external estimator: files, whose they are, and bodies that take them over."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from refsd.bodies import LANDMARKS, load_body
from refsd.bodies.anatomy import anatomy_of, angle_vector
from refsd.bodies.estimate_files import (
    EstimateError,
    find_estimates,
    read_estimates,
    with_estimates,
)
from refsd.bodies.estimates import fit_people, joint_rotations, observe
from refsd.bodies.kinematics import rotation_matrices
from refsd.bodies.model import BodyEstimate
from refsd.people import Person, load_people, save_people
from refsd.rendering import Camera

FLIP = np.diag([1.0, -1.0, -1.0])
WIDTH, HEIGHT = 640, 480
FOCAL = 5000 / 256 * WIDTH
CAMERA = Camera(fx=768, fy=768, cx=WIDTH / 2, cy=HEIGHT / 2, width=WIDTH, height=HEIGHT)
LIMBS = tuple(
    f"{bone}.{side}"
    for bone in ("upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot")
    for side in "LR"
)


@pytest.fixture(scope="module")
def smpl(smpl_files):
    return load_body("smpl", smpl_files)


def random_estimate(seed, place=(0.3, 0.1, 60.0)):
    rng = np.random.default_rng(seed)
    turns = Rotation.from_rotvec(rng.normal(0, 0.3, (24, 3))).as_matrix()
    turns[0] = turns[0] @ FLIP
    return BodyEstimate(turns.astype(np.float32), np.array(place, np.float32), FOCAL)


def hmr2(estimates, **changes):
    """HMR2's output for people of which each was seen in a crop of 200 pixels."""
    count = len(estimates)
    rotations = np.array([estimate.rotations for estimate in estimates])
    places = np.array([estimate.place for estimate in estimates], dtype=np.float64)
    center = np.array([[200.0 + 150 * index, 240.0] for index in range(count)])
    scale = 2 * FOCAL / (places[:, 2] * 200)
    off = 2 * (center - [WIDTH / 2, HEIGHT / 2]) / (scale * 200)[:, None]
    arrays = {
        "global_orient": rotations[:, :1],
        "body_pose": rotations[:, 1:],
        "betas": np.full((count, 10), 0.7),
        "pred_cam": np.concatenate([scale[:, None], places[:, :2] - off], axis=1),
        "box_center": center,
        "box_size": np.full(count, 200.0),
        "img_size": np.tile([float(WIDTH), HEIGHT], (count, 1)),
        "scaled_focal_length": np.array(FOCAL),
    }
    return {name: value for name, value in (arrays | changes).items() if value is not None}


def person(box):
    x0, y0, x1, y1 = box
    window = (int(x0), int(y0), int(x1), int(y1))
    mask = np.ones((window[3] - window[1], window[2] - window[0]), dtype=np.bool_)
    return Person(np.array(box, np.float32), window, mask)


# ---- files ----


@pytest.mark.parametrize("ending", ["npz", "json", "list"])
def test_a_place_is_read_as_the_demo_computes_it(tmp_path, ending):
    truth = [random_estimate(1), random_estimate(2, (-0.5, 0.2, 90.0))]
    arrays = hmr2(truth)
    path = tmp_path / ("01.npz" if ending == "npz" else "01.json")
    if ending == "npz":
        np.savez(path, **arrays)
    elif ending == "json":
        path.write_text(json.dumps({name: value.tolist() for name, value in arrays.items()}))
    else:
        arrays["scaled_focal_length"] = np.full(2, FOCAL)
        people = [{name: value[i].tolist() for name, value in arrays.items()} for i in (0, 1)]
        path.write_text(json.dumps(people))
    found = find_estimates(tmp_path, "01.jpg")
    assert len(found) == 2
    for one, other in zip(found, truth, strict=True):
        assert np.allclose(one.body.rotations, other.rotations, atol=1e-6)
        assert np.allclose(one.body.place, other.place, atol=1e-4)
        assert one.body.focal == pytest.approx(FOCAL)
        assert one.picture == (WIDTH, HEIGHT)


def test_a_place_in_the_whole_picture_counts_before_one_in_the_crop(tmp_path):
    place = np.array([[0.1, 0.2, 40.0]])
    np.savez(tmp_path / "x.npz", **hmr2([random_estimate(1)], pred_cam_t_full=place))
    found = read_estimates(tmp_path / "x.npz")[0]
    assert np.allclose(found.body.place, place)


def test_files_are_found_by_the_pictures_name(tmp_path):
    (tmp_path / "street").mkdir()
    for name in ("01_0", "01_10", "01_2", "01_x", "011", "02.jpg"):
        estimate = random_estimate(len(name), (0, 0, 50 + len(name)))
        np.savez(tmp_path / "street" / f"{name}.npz", **hmr2([estimate]))
    assert len(find_estimates(tmp_path, "street/01.jpg")) == 3
    depths = [found.body.place[2] for found in find_estimates(tmp_path, "street/01.jpg")]
    assert depths == pytest.approx([54, 54, 55], abs=0.01)  # 0, 2, 10: in order
    assert len(find_estimates(tmp_path, "street/02.jpg")) == 1
    assert find_estimates(tmp_path, "street/03.jpg") == []
    assert find_estimates(tmp_path, "elsewhere/03.jpg") == []
    np.savez(tmp_path / "street" / "02.npz", **hmr2([random_estimate(0)]))
    with pytest.raises(EstimateError, match="keep one"):
        find_estimates(tmp_path, "street/02.jpg")


def test_a_persons_shape_is_not_read(tmp_path):
    arrays = hmr2([random_estimate(1)])
    np.savez(tmp_path / "a.npz", **arrays)
    np.savez(tmp_path / "b.npz", **(arrays | {"betas": np.full((1, 10), -3.0)}))
    a, b = (read_estimates(tmp_path / f"{name}.npz")[0].body for name in "ab")
    assert set(vars(a)) == {"rotations", "place", "focal"}
    assert np.array_equal(a.rotations, b.rotations)
    assert np.array_equal(a.place, b.place)


def test_pickles_are_refused_with_the_lines_that_convert_them(tmp_path):
    (tmp_path / "01.pkl").write_bytes(b"")
    with pytest.raises(EstimateError, match=r"(?s)never from pickles.*np\.savez"):
        find_estimates(tmp_path, "01.jpg")
    np.savez(tmp_path / "02.npz", body_pose=np.array([None], dtype=object))
    with pytest.raises(EstimateError, match=r"02\.npz: cannot be read as plain arrays"):
        find_estimates(tmp_path, "02.jpg")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"body_pose": None}, "'body_pose' is missing"),
        ({"body_pose": np.zeros((1, 23, 3, 3))}, "rotation matrices"),
        ({"body_pose": np.zeros((1, 69))}, r"body_pose is float64 \(1, 69\)"),
        ({"pred_cam": None}, "'pred_cam' is missing"),
        ({"pred_cam": np.array([[-1.0, 0, 0]])}, "above 0"),
        ({"pred_cam": np.array([[np.nan, 0, 0]])}, "not finite"),
        ({"pred_cam_t_full": np.array([[0.0, 0, -2]])}, "behind the camera"),
        ({"scaled_focal_length": np.array(0.0)}, "focal length"),
        (
            {"box_center": None, "pred_cam_t_full": np.array([[0.0, 0, 9]])},
            "where people are",
        ),
        (
            {"scaled_focal_length": None, "img_size": None},
            "neither scaled_focal_length nor img_size",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, changes, message):
    path = tmp_path / "poses.npz"
    np.savez(path, **hmr2([random_estimate(1)], **changes))
    with pytest.raises(EstimateError, match=message) as caught:
        read_estimates(path)
    assert "poses.npz" in str(caught.value)


# ---- whose they are ----


def test_poses_go_to_the_people_whose_crops_they_were_estimated_on(tmp_path):
    np.savez(tmp_path / "01.npz", **hmr2([random_estimate(1), random_estimate(2)]))
    first, second = find_estimates(tmp_path, "01.jpg")
    left, right, other = person((150, 150, 250, 330)), person((300, 150, 400, 330)), person(
        (560, 200, 580, 240)
    )  # fmt: skip
    people = with_estimates([right, other, left], [first, second], (HEIGHT, WIDTH, 3))
    assert people[0].estimate is second.body
    assert people[1].estimate is None
    assert people[2].estimate is first.body
    assert people[0].box is right.box


def test_boxes_count_before_crops(tmp_path):
    boxes = np.array([[300.0, 150, 400, 330], [0, 0, 20, 20]])
    arrays = hmr2([random_estimate(1), random_estimate(2)], boxes=boxes)
    np.savez(tmp_path / "01.npz", **arrays)
    found = find_estimates(tmp_path, "01.jpg")
    people = [person((150, 150, 250, 330)), person((305, 155, 400, 330))]
    assigned = with_estimates(people, found, (HEIGHT, WIDTH, 3))
    assert assigned[0].estimate is None
    assert assigned[1].estimate is found[0].body
    assert with_estimates([], found, (HEIGHT, WIDTH, 3)) == []


def test_a_picture_of_another_size_is_refused(tmp_path):
    np.savez(tmp_path / "01.npz", **hmr2([random_estimate(1)]))
    with pytest.raises(EstimateError, match="640 x 480"):
        with_estimates([], find_estimates(tmp_path, "01.jpg"), (WIDTH, HEIGHT, 3))


def test_people_keep_their_pose_in_files(tmp_path):
    from dataclasses import replace

    from humangenai.store import people_hash

    plain = person((1, 2, 30, 40))
    posed = replace(plain, estimate=random_estimate(5))
    save_people(tmp_path / "people", [plain, posed])
    first, second = load_people(tmp_path / "people")
    assert first.estimate is None
    assert np.array_equal(second.estimate.rotations, posed.estimate.rotations)
    assert np.array_equal(second.estimate.place, posed.estimate.place)
    assert second.estimate.focal == FOCAL
    assert people_hash([posed]) == people_hash([second]) != people_hash([plain])
    assert people_hash([replace(plain, estimate=random_estimate(6))]) != people_hash([posed])


# ---- bodies ----


def test_smpl_takes_over_rotations_and_place_as_they_are(smpl):
    """The smplx package, posed and placed as HMR2's demo does it, gives the same vertices."""
    import torch
    from smplx.lbs import lbs

    estimate = random_estimate(3)
    camera = Camera(FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT)
    fits = fit_people(smpl, [{}], [observe(estimate, smpl, camera)], [estimate])
    template, *rest = smpl._tensors
    with torch.no_grad():
        posed, _ = lbs(
            torch.tensor(smpl.betas({})[None]),
            torch.tensor(estimate.rotations[None].reshape(1, -1, 9)),
            template,
            *rest,
            pose2rot=False,
        )
    assert np.abs(posed.numpy()[0] + estimate.place - fits.bodies.vertices[0]).max() < 1e-4
    assert fits.errors[0] < 1e-4


def test_in_another_camera_the_same_pixels_are_seen(smpl):
    estimate = random_estimate(4, (1.2, -0.4, 50.0))
    fits = fit_people(smpl, [{}], [observe(estimate, smpl, CAMERA)], [estimate])
    assert fits.errors[0] < 0.02  # a nearer camera has more perspective
    pelvis = fits.bodies.joints[0, 0]
    place = estimate.place + smpl.pelvis({})
    pixel = pelvis[:2] / pelvis[2] * CAMERA.fx
    height = 1.7 / place[2] * FOCAL
    assert np.allclose(pixel, place[:2] / place[2] * FOCAL, atol=0.03 * height)
    assert pelvis[2] == pytest.approx(place[2] * CAMERA.fx / FOCAL, rel=0.03)


def test_who_is_cut_by_the_edge_shows_the_same_side(smpl, body):
    """Only the upper half is seen: it, not the hidden pelvis, faces the camera as before."""
    facing = np.tile(np.eye(3), (24, 1, 1))
    facing[0] = FLIP
    estimate = BodyEstimate(facing.astype(np.float32), np.array([0, 0.9, 25], "f4"), FOCAL)
    for model in (smpl, body):
        observation = observe(estimate, model, CAMERA)
        points = observation.landmarks
        assert 0 < points[0, 1] < points[11, 1] < HEIGHT < points[25, 1]
        fits = fit_people(model, [{}], [observation], [estimate])
        # The root leans with the line of sight to what is seen, which is not the pelvis's.
        lean = Rotation.from_rotvec(fits.rotations[0, 0]).magnitude()
        seen = points[(points[:, 1] < HEIGHT) & (points[:, 1] >= 0), 1].mean()
        assert lean < np.arctan2(seen - HEIGHT / 2 + 60, CAMERA.fy)


def test_a_taller_avatar_is_as_tall_in_the_picture(smpl):
    estimate = BodyEstimate(
        np.array([FLIP] + [np.eye(3)] * 23, np.float32), np.array([0, 0, 60], np.float32), FOCAL
    )
    heights = []
    for shape in ({"height": 0.3}, {"height": 0.8}):
        fits = fit_people(smpl, [shape], [observe(estimate, smpl, CAMERA)], [estimate])
        vertices = fits.bodies.vertices[0]
        heights.append(np.ptp(vertices[:, 1] / vertices[:, 2]) * CAMERA.fy)
    assert heights[0] == pytest.approx(heights[1], rel=0.02)


def test_anny_stands_as_the_estimate_says(smpl, body):
    """The same joint angles on both bodies: what SMPL's rotations make of anny must agree."""
    rng = np.random.default_rng(0)
    joints = [body.joint_names.index(name) for name in LIMBS]
    away = []
    for _ in range(12):
        angles = angle_vector(
            {
                **{f"elbow.{side}": rng.uniform(5, 120) for side in "LR"},
                **{f"knee.{side}": rng.uniform(5, 100) for side in "LR"},
                **{f"hip_flex.{side}": rng.uniform(-20, 90) for side in "LR"},
                **{f"shoulder_abduct.{side}": rng.uniform(0, 90) for side in "LR"},
                **{f"shoulder_flex.{side}": rng.uniform(-30, 90) for side in "LR"},
                "spine_bend": rng.uniform(-10, 40),
            }
        )[None]
        root = rotation_matrices(np.array([[0.2, rng.uniform(-3, 3), 0.1]]))
        truth, zero = anatomy_of(body)
        theirs, their_zero = anatomy_of(smpl)
        local = rotation_matrices(theirs.rotations(angles, root, their_zero)[0])
        given = np.array([local[0] @ FLIP] + [FLIP @ turn @ FLIP for turn in local[1:]])
        estimate = BodyEstimate(given.astype(np.float32), np.zeros(3, np.float32), FOCAL)
        poses = np.array([truth.rotations(angles, root, zero)[0], joint_rotations(body, estimate)])
        expected, made = body.pose([{}, {}], poses, np.zeros((2, 3), np.float32)).joints[:, joints]
        away.append(np.linalg.norm(expected - made, axis=1))
    assert np.mean(away) < 0.025  # metres; what differs is how the two bodies stand at rest
    assert np.max(away) < 0.08


def test_who_has_no_estimate_is_fitted_as_ever(body):
    from refsd.bodies import fit_bodies

    estimate = random_estimate(8)
    observation = observe(estimate, body, CAMERA)
    mixed = fit_people(body, [{}, {}], [observation, observation], [estimate, None])
    alone = fit_bodies(body, [{}], [observation])
    assert np.array_equal(mixed.bodies.vertices[1], alone.bodies.vertices[0])
    assert mixed.errors[1] == alone.errors[0]
    assert mixed.errors[0] < 0.03
    assert np.array_equal(mixed.rotations[0, 1:], joint_rotations(body, estimate)[1:])
    with pytest.raises(ValueError, match="1 shapes"):
        fit_people(body, [{}], [observation], [])


def test_an_upright_pose_is_observed_upright(body):
    upright = np.tile(np.eye(3), (24, 1, 1))
    upright[0] = FLIP  # facing the camera, on one's feet
    estimate = BodyEstimate(upright.astype(np.float32), np.array([0, 0, 60], np.float32), FOCAL)
    seen = observe(estimate, body, CAMERA)
    points = dict(zip(LANDMARKS, seen.landmarks_world, strict=True))
    assert points["nose"][1] < points["left_hip"][1] < points["left_ankle"][1]
    assert points["left_wrist"][0] > 0.4 > -0.4 > points["right_wrist"][0]  # a T-pose
    assert points["nose"][2] < points["left_ear"][2]
    assert np.ptp(seen.landmarks[:, 1]) == pytest.approx(FOCAL * 1.65 / 60, rel=0.1)
