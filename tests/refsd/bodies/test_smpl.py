"""SMPL, SMPL-H and SMPL-X, on model files made up here; no real one was ever tried."""

import numpy as np
import pytest
import smplx
import torch
from synthetic_smpl import VERTICES

from refsd.bodies import LANDMARKS, Observation, blazepose_landmarks, fit_bodies, load_body
from refsd.bodies.anatomy import anatomy_of, angle_vector
from refsd.bodies.poses import sample_pose, turned
from refsd.bodies.smpl import FLIP
from refsd.rendering import Camera

KINDS = ("smpl", "smplh", "smplx")


@pytest.fixture(scope="module", params=KINDS)
def smpl(request, smpl_files):
    return load_body(request.param, smpl_files)


def at_rest(body, shape=None):
    count = len(body.joint_names)
    return body.pose([shape or {}], np.zeros((1, count, 3), np.float32), np.zeros((1, 3), "f4"))


def test_it_is_what_the_smplx_package_makes_of_the_file(smpl, smpl_files):
    rng = np.random.default_rng(3)
    count = len(smpl.joint_names)
    rotations = rng.normal(0, 0.4, (2, count, 3)).astype(np.float32)
    places = rng.normal(0, 2, (2, 3)).astype(np.float32)
    shapes = [{}, {"height": 0.9, "gender": 0.0, "weight": 0.2}]
    ours = smpl.pose(shapes, rotations, places)

    hands = {} if smpl.name == "smpl" else {"use_pca": False, "flat_hand_mean": True}
    model = smplx.create(str(smpl_files), smpl.name, ext="npz", batch_size=2, **hands) if (
        smpl.name != "smpl"
    ) else smplx.SMPL(
        "", data_struct=smplx.utils.Struct(**np.load(smpl_files / "smpl" / "SMPL_NEUTRAL.npz")),
        batch_size=2,
    )  # fmt: skip
    parts = {"global_orient": (0, 1), "body_pose": (1, 24 if smpl.name == "smpl" else 22)}
    if smpl.name == "smplh":
        parts |= {"left_hand_pose": (22, 37), "right_hand_pose": (37, 52)}
    if smpl.name == "smplx":
        parts |= {"jaw_pose": (22, 23), "leye_pose": (23, 24), "reye_pose": (24, 25)}
        parts |= {"left_hand_pose": (25, 40), "right_hand_pose": (40, 55)}
    given = {
        name: torch.tensor((rotations * FLIP)[:, start:end].reshape(2, -1))
        for name, (start, end) in parts.items()
    }
    with torch.no_grad():
        theirs = model(betas=torch.tensor(np.stack([smpl.betas(s) for s in shapes])), **given)
    pelvis = theirs.joints.numpy()[:, :1]
    vertices = (theirs.vertices.numpy() - pelvis) * FLIP + places[:, None]
    joints = (theirs.joints.numpy() - pelvis)[:, :count] * FLIP + places[:, None]
    assert np.abs(vertices - ours.vertices).max() < 2e-6
    assert np.abs(joints - ours.joints).max() < 2e-6


def test_it_stands_before_the_camera_and_faces_it(smpl):
    bodies = at_rest(smpl)
    joints = dict(zip(smpl.joint_names, bodies.joints[0], strict=True))
    points = dict(zip(LANDMARKS, blazepose_landmarks(smpl, bodies)[0], strict=True))
    assert np.allclose(joints["pelvis"], 0)
    assert joints["head"][1] < -0.4 < 0.6 < joints["left_ankle"][1]
    assert joints["left_wrist"][0] > 0.4  # the left hand at the picture's right
    assert points["nose"][2] < joints["head"][2] - 0.05  # towards the camera
    corners = bodies.vertices[0].astype(np.float64)[smpl.faces]
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert 0.03 < volume < 0.12  # faces turn outwards


def test_landmarks_lie_where_they_belong(smpl):
    points = dict(zip(LANDMARKS, blazepose_landmarks(smpl, at_rest(smpl))[0], strict=True))
    for name, point in points.items():
        other = name.replace("left", "#").replace("right", "left").replace("#", "right")
        # Made-up vertices mirror to within their spacing.
        assert np.allclose(point, points[other] * [-1, 1, 1], atol=0.03), name
    face = ["left_eye_inner", "left_eye", "left_eye_outer"]
    across = [points[name][0] for name in face]
    assert across == sorted(across)
    assert points["left_eye"][1] < points["nose"][1] < points["mouth_left"][1]
    assert points["left_thumb"][2] < points["left_index"][2] < points["left_pinky"][2]
    assert points["left_heel"][2] > points["left_foot_index"][2]


def test_betas_give_the_height_and_weight_that_a_shape_names(smpl):
    tall, short = ({"gender": 0.0, "height": height} for height in (0.7, 0.3))
    heights = [np.ptp(smpl.rest_vertices(shape)[:, 1]) for shape in (tall, short)]
    assert heights[0] == pytest.approx(1.72 + 0.07 / 0.12 * 0.2, abs=0.01)
    assert heights[1] == pytest.approx(1.72 - 0.07 / 0.12 * 0.2, abs=0.01)
    light, heavy = (smpl.rest_vertices({"weight": weight}) for weight in (0.3, 0.7))
    assert np.ptp(heavy[:, 2]) > np.ptp(light[:, 2]) + 0.01
    assert np.abs(smpl.betas({"height": 1.0, "weight": 0.0})).max() <= 3.0
    assert not np.array_equal(smpl.betas({"muscle": 0.2}), smpl.betas({"muscle": 0.8}))


@pytest.mark.parametrize(("shape", "message"), [({"tall": 1.0}, "tall"), ({"age": 2.0}, "age")])
def test_bad_shapes_are_named(smpl, shape, message):
    with pytest.raises(ValueError, match=message):
        smpl.betas(shape)


def test_neighbours_do_not_change_a_body(smpl):
    rng = np.random.default_rng(1)
    rotations = rng.normal(0, 0.3, (3, len(smpl.joint_names), 3)).astype(np.float32)
    places = rng.normal(0, 1, (3, 3)).astype(np.float32)
    together = smpl.pose([{}, {}, {}], rotations, places)
    alone = smpl.pose([{}], rotations[1:2], places[1:2])
    assert np.array_equal(together.vertices[1], alone.vertices[0])


def test_wrong_batch_sizes_are_refused(smpl):
    with pytest.raises(ValueError, match="2 shapes"):
        smpl.pose([{}, {}], np.zeros((1, 24, 3), np.float32), np.zeros((2, 3), np.float32))


def test_in_the_anatomical_zero_the_limbs_hang_straight_down(smpl):
    anatomy, zero = anatomy_of(smpl)
    straight = np.zeros((1, len(angle_vector({}))))
    rotations = anatomy.rotations(straight, np.eye(3)[None], zero)
    bodies = smpl.pose([{}], rotations, np.zeros((1, 3), np.float32))
    joints = dict(zip(smpl.joint_names, bodies.joints[0], strict=True))
    for upper, lower in (("shoulder", "wrist"), ("hip", "ankle")):
        limb = joints[f"left_{lower}"] - joints[f"left_{upper}"]
        assert limb[1] / np.linalg.norm(limb) > np.cos(np.radians(4))
    points = dict(zip(LANDMARKS, blazepose_landmarks(smpl, bodies)[0], strict=True))
    # Palms face the thighs: thumbs are in front.
    assert points["left_thumb"][2] < points["left_pinky"][2] - 0.03


def test_a_body_is_fitted_to_its_own_landmarks(smpl):
    camera = Camera(fx=900, fy=900, cx=320, cy=320, width=640, height=640)
    observations, truth = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        pose = turned(sample_pose("crowd", rng, smpl), rng.uniform(0, 360))
        bodies = smpl.pose([{}], pose[None], np.array([[0, 0, 4]], np.float32))
        points = blazepose_landmarks(smpl, bodies)[0]
        pixels = (points[:, :2] / points[:, 2:] * 900 + 320).astype(np.float32)
        world = points - points[23:25].mean(axis=0)
        observations.append(Observation(pixels, world, np.ones(33, np.float32), camera))
        truth.append(bodies.joints[0])
    fits = fit_bodies(smpl, [{}] * 6, observations)
    found, truth = fits.bodies.joints[:, :22], np.array(truth)[:, :22]
    away = np.linalg.norm((found - found[:, :1]) - (truth - truth[:, :1]), axis=-1)
    assert fits.errors.max() < 0.006
    assert away.mean() < 0.012


def test_arrays_are_what_the_protocol_says(smpl):
    assert smpl.faces.dtype == smpl.uv_faces.dtype == np.int32
    assert smpl.faces.shape == smpl.uv_faces.shape
    assert smpl.skin_weights.shape == (VERTICES[smpl.name], len(smpl.joint_names))
    assert np.allclose(smpl.skin_weights.sum(axis=1), 1, atol=1e-5)
    assert smpl.uv.min() >= 0
    assert smpl.uv.max() <= 1
    assert all(parent < index for index, parent in enumerate(smpl.parents))
    assert smpl.own_uv == (smpl.name == "smplx")
