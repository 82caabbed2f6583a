import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from refsd.bodies import LANDMARKS, blazepose_landmarks, load_body
from refsd.bodies.anny import PHENOTYPES
from refsd.bodies.kinematics import rotation_matrices


def rest(body, shape=None):
    return body.pose(
        [shape or {}],
        np.zeros((1, len(body.joint_names), 3), np.float32),
        np.zeros((1, 3), np.float32),
    )


def joint(body, bodies, name):
    return bodies.joints[0, body.joint_names.index(name)]


def test_it_stands_before_the_camera_and_faces_it(body):
    bodies = rest(body)
    assert np.allclose(joint(body, bodies, "root"), 0)
    assert joint(body, bodies, "head")[1] < -0.4  # the head is up, towards -y
    assert joint(body, bodies, "foot.L")[1] > 0.6
    assert joint(body, bodies, "wrist.L")[0] > 0.2  # the left hand at the picture's right
    nose = blazepose_landmarks(body, bodies)[0, LANDMARKS.index("nose")]
    assert nose[2] < joint(body, bodies, "head")[2] - 0.05  # towards the camera


def test_faces_turn_outwards(body):
    corners = rest(body).vertices[0].astype(np.float64)[body.faces]
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert 0.03 < volume < 0.12  # litres of a person, with the right sign


def test_arrays_are_what_the_protocol_says(body):
    assert body.faces.dtype == body.uv_faces.dtype == np.int32
    assert body.faces.shape == body.uv_faces.shape
    assert body.faces.max() < len(body.skin_weights)
    assert body.uv_faces.max() < len(body.uv)
    assert body.uv.min() >= 0 and body.uv.max() <= 1
    assert np.allclose(body.skin_weights.sum(axis=1), 1, atol=1e-5)
    assert all(parent < index for index, parent in enumerate(body.parents))
    assert np.allclose(body.keypoint_weights.sum(axis=1), 1, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=len(PHENOTYPES), max_size=len(PHENOTYPES)))
def test_blend_weights_are_annys(values):
    import torch
    from anny.models.phenotype import make_phenotype_anchors, phenotype_blendshape_weights

    body = load_body()
    shape = dict(zip(PHENOTYPES, values, strict=True))
    mask = np.zeros((len(body._arrays["shape_terms"]), 26))
    from anny.models.model_data import PHENOTYPE_VARIATIONS

    terms = [term for variations in PHENOTYPE_VARIATIONS.values() for term in variations]
    mask[:, [terms.index(term) for term in body._terms]] = body._arrays["shape_terms"]
    theirs = phenotype_blendshape_weights(
        torch.tensor([values], dtype=torch.float64),
        list(PHENOTYPES),
        make_phenotype_anchors(torch.float64),
        torch.tensor(mask),
        extrapolate=False,
    )
    assert np.allclose(body._blend_weights(shape), theirs[0].numpy(), atol=1e-6)


def test_skinning_is_annys(body):
    import torch
    from anny.skinning.skinning import dense_linear_blend_skinning

    rng = np.random.default_rng(0)
    rotations = rng.normal(0, 0.3, (1, len(body.joint_names), 3)).astype(np.float32)
    vertices, joints = body.rest_vertices({"gender": 1.0}), body.rest_joints({"gender": 1.0})
    transforms = [np.eye(4)] * len(joints)
    for index, parent in enumerate(body.parents):
        about = np.eye(4)
        about[:3, :3] = Rotation.from_rotvec(rotations[0, index]).as_matrix()
        about[:3, 3] = joints[index] - about[:3, :3] @ joints[index]
        transforms[index] = about if parent < 0 else transforms[parent] @ about
    theirs = dense_linear_blend_skinning(
        torch.tensor(vertices[None], dtype=torch.float64),
        torch.tensor(body.skin_weights, dtype=torch.float64),
        torch.tensor(np.array(transforms)[None]),
    )
    ours = body.pose([{"gender": 1.0}], rotations, np.zeros((1, 3), np.float32))
    assert np.allclose(ours.vertices, theirs.numpy(), atol=1e-5)


def test_the_root_turns_and_places_the_whole_body(body):
    rotations = np.zeros((1, len(body.joint_names), 3), np.float32)
    rotations[0, 0] = 0.3, -1.0, 0.2
    place = np.array([[1.0, 2.0, 7.0]], np.float32)
    turned = body.pose([{}], rotations, place).vertices[0]
    expected = Rotation.from_rotvec(rotations[0, 0]).apply(rest(body).vertices[0]) + place
    assert np.allclose(turned, expected, atol=1e-5)


def test_shapes_do_what_their_names_say(body):
    def size(shape):
        return np.ptp(body.rest_vertices(shape)[:, 1])

    assert size({"height": 0.9}) > size({"height": 0.1}) + 0.1
    assert size({"age": 0.33}) < size({"age": 0.7}) - 0.2
    assert not np.array_equal(body.rest_vertices({"african": 1.0}), body.rest_vertices({}))


def test_neighbours_do_not_change_a_body(body):
    rng = np.random.default_rng(1)
    rotations = rng.normal(0, 0.3, (5, len(body.joint_names), 3)).astype(np.float32)
    places = rng.normal(0, 1, (5, 3)).astype(np.float32)
    shapes = [{"weight": float(w)} for w in rng.random(5)]
    together = body.pose(shapes, rotations, places)
    alone = body.pose(shapes[3:4], rotations[3:4], places[3:4])
    assert np.array_equal(together.vertices[3], alone.vertices[0])


@pytest.mark.parametrize(
    ("shape", "message"), [({"tall": 1.0}, "tall"), ({"age": 1.2}, "age"), ({"age": np.nan}, "age")]
)
def test_bad_shapes_are_named(body, shape, message):
    with pytest.raises(ValueError, match=message):
        body.rest_vertices(shape)


def test_wrong_batch_sizes_are_refused(body):
    with pytest.raises(ValueError, match="2 shapes"):
        body.pose([{}, {}], np.zeros((1, 104, 3), np.float32), np.zeros((2, 3), np.float32))


def test_unknown_body_is_refused():
    with pytest.raises(ValueError, match="did you mean 'anny'"):
        load_body("any")


def test_landmarks_mirror_and_lie_at_the_body(body):
    bodies = rest(body)
    points = blazepose_landmarks(body, bodies)[0]
    for index, name in enumerate(LANDMARKS):
        other = name.replace("left", "#").replace("right", "left").replace("#", "right")
        mirrored = points[LANDMARKS.index(other)] * [-1, 1, 1]
        assert np.allclose(points[index], mirrored, atol=0.003), name
        # Joints lie within the flesh, the hips deepest.
        nearest = np.linalg.norm(bodies.vertices[0] - points[index], axis=1).min()
        assert nearest < 0.09, name
    height = {name: points[index, 1] for index, name in enumerate(LANDMARKS)}
    assert (
        height["left_eye"]
        < height["nose"]
        < height["mouth_left"]
        < height["left_shoulder"]
        < height["left_hip"]
        < height["left_knee"]
        < height["left_ankle"]
        < height["left_heel"]
    )


@given(st.lists(st.floats(-4, 4), min_size=3, max_size=3))
def test_rotation_matrices_are_scipys(vector):
    assert np.allclose(
        rotation_matrices(np.array(vector)), Rotation.from_rotvec(vector).as_matrix(), atol=1e-7
    )


def test_importing_the_room_is_cheap():
    import subprocess
    import sys

    code = "import refsd.bodies, sys; print({'torch', 'anny', 'cv2', 'scipy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
