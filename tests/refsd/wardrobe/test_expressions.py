"""Emotions as facial actions: they move the face, and nothing but the face."""

from __future__ import annotations

import numpy as np
import pytest

from refsd.bodies import load_body
from refsd.bodies.anny import ACTIONS
from refsd.wardrobe.expressions import EMOTIONS, expression


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotion_moves_the_face_and_nothing_else(emotion: str) -> None:
    body = load_body()
    actions = expression(emotion)
    assert set(actions) <= set(ACTIONS)
    moved = np.linalg.norm(body.rest_vertices(actions) - body.rest_vertices({}), axis=1)
    head = body.skin_weights[:, body.joint_names.index("head")]
    face = np.isin(
        body.skin_weights.argmax(axis=1),
        [i for i, name in enumerate(body.joint_names) if _of_head(body, i)],
    )
    assert head.max() > 0.9
    assert (moved[~face] < 0.004).all()
    if emotion == "neutral":
        assert (moved == 0).all()
    else:
        assert 0.003 < moved.max() < 0.06  # metres
    np.testing.assert_array_equal(body.rest_joints(actions), body.rest_joints({}))


def _of_head(body: object, joint: int) -> bool:
    """Whether a joint is the head, the neck, or hangs on them."""
    names, parents = body.joint_names, body.parents  # type: ignore[attr-defined]
    while joint >= 0:
        if names[joint].startswith(("neck", "head")):
            return True
        joint = int(parents[joint])
    return False


def test_emotions_differ_from_each_other() -> None:
    body = load_body()
    faces = [body.rest_vertices(expression(emotion)) for emotion in EMOTIONS]
    for index, one in enumerate(faces):
        for other in faces[:index]:
            assert np.linalg.norm(one - other, axis=1).max() > 0.003


def test_half_an_expression_moves_half_as_far() -> None:
    body = load_body()
    rest = body.rest_vertices({})
    whole = body.rest_vertices(expression("angry")) - rest
    half = body.rest_vertices(expression("angry", 0.5)) - rest
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)


def test_wrong_names_and_strengths_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown emotion 'bored'"):
        expression("bored")
    with pytest.raises(ValueError, match=r"'jawOpen' is 1\.2"):
        load_body().rest_vertices({"jawOpen": 1.2})
    with pytest.raises(ValueError, match="unknown phenotype 'jawopen'"):
        load_body().rest_vertices({"jawopen": 0.2})
