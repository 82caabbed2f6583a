"""The whole way with a body of the SMPL family, and with the poses of an external estimator."""

import numpy as np
import pytest

from refsd import RefSD
from refsd.bodies.model import BodyEstimate
from refsd.people import Person
from refsd.picture import Picture

WIDTH, HEIGHT = 240, 320
FOCAL = 5000 / 256 * HEIGHT


def standing_person():
    """Somebody upright in the picture's middle, seen by an estimator only."""
    mask = np.zeros((260, 120), np.bool_)
    mask[:, 30:90] = True
    mask[40:80] = True  # the arms of a T-pose
    turns = np.tile(np.eye(3), (24, 1, 1))
    turns[0] = np.diag([1.0, -1.0, -1.0])
    # Some 1.7 metres are 250 pixels high; the model's pelvis is where its file has it.
    place = np.array([0.0, 0.25, 1.7 * FOCAL / 250], np.float32)
    return Person(
        np.array([60, 30, 180, 290], np.float32),
        (60, 30, 180, 290),
        mask,
        source="dataset",
        estimate=BodyEstimate(turns.astype(np.float32), place, FOCAL),
    )


@pytest.mark.parametrize("kind", ["anny", "smpl", "smplx"])
def test_who_has_an_estimate_only_is_replaced(kind, smpl_files):
    settings = {} if kind == "anny" else {"body_files": smpl_files}
    refsd = RefSD.from_config("none", body=kind, renderer="numpy", **settings)
    image = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    person = standing_person()
    made = refsd.batch([Picture(image, [person], seed=5)])[0]
    (outcome,) = made.people
    assert outcome.status == "replaced", outcome.reason
    inside = person.full_mask(HEIGHT, WIDTH)
    assert (made.image != image)[inside].mean() > 0.9
    # The pelvis is where the estimate says, and the head is above it.
    joints = dict(zip(outcome.new.joint_names, outcome.new.joints, strict=True))
    pelvis = joints["root" if kind == "anny" else "pelvis"]
    assert abs(pelvis[0]) < 0.02
    assert joints["head"][1] < pelvis[1] - 0.4
    # An arm of the T-pose points to the picture's right.
    wrist = joints["wrist.L" if kind == "anny" else "left_wrist"]
    assert wrist[0] > 0.5


def test_without_estimate_and_landmarks_nobody_is_posed(smpl_files):
    from dataclasses import replace

    refsd = RefSD.from_config("none", body="smpl", body_files=smpl_files, renderer="numpy")
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    person = replace(standing_person(), estimate=None)
    (outcome,) = refsd.batch([Picture(image, [person], seed=5)])[0].people
    assert outcome.status == "masked"
    assert outcome.reason == "no pose was found"
