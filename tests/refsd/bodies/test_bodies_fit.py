from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from refsd.bodies import (
    LANDMARKS,
    Observation,
    blazepose_landmarks,
    fit_bodies,
    sample_pose,
    turned,
)
from refsd.bodies.anatomy import HINGES, anatomy_of, angle_vector
from refsd.bodies.fit import _Problem
from refsd.rendering import Camera

CAMERA = Camera(fx=900, fy=900, cx=320, cy=240, width=640, height=480)
LEGS = [index for index, name in enumerate(LANDMARKS) if index >= 25]
ENDS = [LANDMARKS.index(n) for n in ("nose", "left_heel", "right_heel", "left_foot_index")]


def shapes_of(rng, count):
    return [
        {
            "gender": float(rng.random()),
            "age": float(rng.uniform(0.6, 1)),
            "height": float(rng.uniform(0.3, 0.8)),
            "weight": float(rng.uniform(0.3, 0.8)),
        }
        for _ in range(count)
    ]


def observe(bodies, points, rng, noise=0.0, camera=CAMERA):
    """What a landmark model would see, through a camera; noise in metres."""
    observations = []
    for index in range(len(points)):
        p = points[index].astype(np.float64)
        pixels = project(p) + rng.normal(0, 1, (33, 2)) * noise * camera.fx / p[:, 2].mean()
        ray = np.append((pixels.mean(0) - [camera.cx, camera.cy]) / camera.fx, 1.0)
        look = Rotation.align_vectors([[0, 0, 1]], [ray / np.linalg.norm(ray)])[0]
        world = look.apply(p - p[[23, 24]].mean(axis=0)) + rng.normal(0, 1, (33, 3)) * 2 * noise
        observations.append(
            Observation(
                landmarks=pixels.astype(np.float32),
                landmarks_world=world.astype(np.float32),
                visibility=np.ones(33, np.float32),
                camera=camera,
            )
        )
    return observations


def project(points):
    return points[..., :2] / points[..., 2:] * CAMERA.fx + [CAMERA.cx, CAMERA.cy]


def people(body, count, seed, yaw=None, kind=None):
    rng = np.random.default_rng(seed)
    shapes = shapes_of(rng, count)
    rotations = np.array(
        [
            turned(
                sample_pose("crowd", rng, body, kind),
                float(rng.uniform(0, 360)) if yaw is None else yaw,
            )
            for _ in range(count)
        ]
    )
    depth = rng.uniform(4, 10, count)
    places = np.stack([rng.uniform(-0.25, 0.25, count) * depth, 0 * depth, depth], axis=1)
    bodies = body.pose(shapes, rotations, places.astype(np.float32))
    return shapes, bodies, blazepose_landmarks(body, bodies), rng


def angles_of(body, fits):
    """Angles are not part of a fit, so they are read off its joints: the bend of knees, elbows."""
    place = {name: index for index, name in enumerate(body.joint_names)}
    return {
        f"{name}.{side}": fits.bodies.joints[:, [place[f"{bone}.{side}"] for bone in bones]]
        for side in "LR"
        for name, bones in (
            ("knee", ("upperleg01", "lowerleg01", "foot")),
            ("elbow", ("upperarm01", "lowerarm01", "wrist")),
        )
    }


def test_derivatives_are_exact(body):
    shapes, bodies, points, rng = people(body, 4, 0)
    problem = _Problem(body, shapes, observe(bodies, points, rng, 0.02))
    state = problem.start()
    depth = state.place[:, 2].copy()
    jacobian = problem._jacobian(state, *problem._landmarks(state), depth)
    for column in rng.choice(jacobian.shape[2], 20, replace=False):
        step = np.zeros((4, jacobian.shape[2]))
        step[:, column] = 1e-6
        ahead, behind = (state.moved(sign * step, problem._free) for sign in (1, -1))
        numeric = (
            problem._residuals(ahead, problem._landmarks(ahead)[0], depth)
            - problem._residuals(behind, problem._landmarks(behind)[0], depth)
        ) / 2e-6
        inside = np.ones(4, np.bool_)
        if column >= 6:
            angle = state.angles[:, problem._free[column - 6]]
            low, high = (limit[column - 6] for limit in problem._limits)
            inside = (angle > low + 1e-5) & (angle < high - 1e-5)
        assert np.allclose(jacobian[inside, :, column], numeric[inside], atol=1e-5, rtol=1e-5)


def test_own_shape_without_noise_is_found_again(body):
    shapes, bodies, points, rng = people(body, 12, 1)
    fits = fit_bodies(body, shapes, observe(bodies, points, rng))
    away = np.linalg.norm(fits.bodies.joints - bodies.joints, axis=2)
    assert away.mean() < 0.03
    assert fits.errors.max() < 0.006


def test_another_shape_stands_where_the_person_stood(body):
    _, bodies, points, rng = people(body, 12, 2)
    fits = fit_bodies(body, shapes_of(rng, 12), observe(bodies, points, rng, 0.012))
    found = blazepose_landmarks(body, fits.bodies)
    metres = np.linalg.norm(project(found) - project(points), axis=2) * points[..., 2] / CAMERA.fx
    assert metres[:, ENDS].mean() < 0.025
    assert metres.mean() < 0.03
    height = np.ptp(project(found)[..., 1], axis=1) / np.ptp(project(points)[..., 1], axis=1)
    assert np.abs(height - 1).max() < 0.05


@pytest.mark.parametrize("yaw", [0.0, 90.0, 180.0, 270.0])
def test_people_face_where_they_faced(body, yaw):
    shapes, bodies, points, rng = people(body, 6, 3, yaw, "walk")
    fits = fit_bodies(body, shapes, observe(bodies, points, rng, 0.012))
    roots = Rotation.from_rotvec(fits.rotations[:, 0])
    ahead = roots.apply([0.0, 0.0, -1.0])
    expected = [np.sin(np.radians(yaw)), 0.0, -np.cos(np.radians(yaw))]
    assert (ahead @ expected).min() > 0.9


def test_bits_do_not_depend_on_neighbours_or_repetition(body):
    shapes, bodies, points, rng = people(body, 7, 4)
    observations = observe(bodies, points, rng, 0.015)
    together = fit_bodies(body, shapes, observations)
    again = fit_bodies(body, shapes, observations)
    assert np.array_equal(together.rotations, again.rotations)
    for chosen in ([5], [1, 5], [5, 6, 0]):
        part = fit_bodies(body, [shapes[i] for i in chosen], [observations[i] for i in chosen])
        at = chosen.index(5)
        assert np.array_equal(together.rotations[5], part.rotations[at])
        assert np.array_equal(together.translations[5], part.translations[at])
        assert np.array_equal(together.bodies.vertices[5], part.bodies.vertices[at])


def test_unseen_legs_hang_as_usual(body):
    shapes, bodies, points, rng = people(body, 6, 5, kind="wait")
    observations = []
    for seen in observe(bodies, points, rng, 0.012):
        visibility, pixels, world = (
            seen.visibility.copy(),
            seen.landmarks.copy(),
            seen.landmarks_world.copy(),
        )
        visibility[LEGS] = 0.01
        pixels[LEGS] += rng.normal(0, 60, (len(LEGS), 2)).astype(np.float32)
        world[LEGS] = rng.normal(0, 0.3, (len(LEGS), 3))
        observations.append(
            replace(seen, visibility=visibility, landmarks=pixels, landmarks_world=world)
        )
    fits = fit_bodies(body, shapes, observations)
    assert np.isfinite(fits.bodies.vertices).all()
    assert np.abs(fits.translations[:, 2] / bodies.joints[:, 0, 2] - 1).max() < 0.15
    for side in "LR":
        hip, _, ankle = np.moveaxis(angles_of(body, fits)[f"knee.{side}"], 1, 0)
        assert ((ankle - hip)[:, 1] / np.linalg.norm(ankle - hip, axis=1)).min() > 0.8


def test_nothing_but_noise_still_gives_a_body(body):
    rng = np.random.default_rng(6)
    noise = [
        Observation(
            landmarks=rng.uniform(0, 500, (33, 2)).astype(np.float32),
            landmarks_world=rng.normal(0, 0.5, (33, 3)).astype(np.float32),
            visibility=rng.random(33).astype(np.float32),
            camera=CAMERA,
        )
        for _ in range(8)
    ]
    same = [replace(noise[0], landmarks=np.full((33, 2), 7, np.float32))]
    fits = fit_bodies(body, [{}] * 9, noise + same)
    assert np.isfinite(fits.bodies.vertices).all()
    assert (fits.translations[:, 2] > 0.2).all()
    anatomy, zero = anatomy_of(body)
    straight = anatomy.rotations(angle_vector({"knee.L": 1.0})[None], np.eye(3)[None], zero)
    place = body.joint_names.index("lowerleg01.L")
    bends = Rotation.from_rotvec(fits.rotations[:, place]) * (
        Rotation.from_rotvec(straight[0, place]).inv()
    )
    # About the knee's axis, relative to the straight leg: only backwards of the shin.
    assert (bends.as_rotvec()[:, 0] > -1e-3).all()


def test_nothing_visible_has_no_error(body):
    shapes, bodies, points, rng = people(body, 1, 7)
    blind = replace(observe(bodies, points, rng)[0], visibility=np.zeros(33, np.float32))
    assert np.isnan(fit_bodies(body, shapes, [blind]).errors).all()


def test_without_world_landmarks_the_picture_still_says_something(body):
    shapes, bodies, points, rng = people(body, 1, 9, 0.0)
    flat = replace(observe(bodies, points, rng)[0], landmarks_world=np.zeros((33, 3), np.float32))
    fits = fit_bodies(body, shapes, [flat])
    turn = Rotation.from_rotvec(fits.rotations[0, 0]).as_matrix()
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-5)
    assert turn[0, 0] > 0.8 and turn[1, 1] > 0.8  # upright, facing the camera


def test_landmarks_guessed_outside_the_picture_count_little(body):
    shapes, bodies, points, rng = people(body, 4, 10, 0.0, "wait")
    seen = observe(bodies, points, rng, 0.01)
    # The picture ends below the hips; the legs below it are guessed, surely and wrongly.
    guessed = []
    for observation in seen:
        pixels, world = observation.landmarks.copy(), observation.landmarks_world.copy()
        cut = int(pixels[[23, 24], 1].max()) + 5
        pixels[LEGS, 1] = np.maximum(pixels[LEGS, 1], cut + 150)
        world[LEGS, 2] -= 0.5
        guessed.append(
            replace(
                observation,
                landmarks=pixels,
                landmarks_world=world,
                camera=replace(CAMERA, height=cut),
            )
        )
    fits, expected = fit_bodies(body, shapes, guessed), fit_bodies(body, shapes, seen)
    heads = [body.joint_names.index(name) for name in ("head", "upperarm01.L", "upperarm01.R")]
    found, true = (project(f.bodies.joints[:, heads]) for f in (fits, expected))
    metres = np.linalg.norm(found - true, axis=2) * bodies.joints[:, :1, 2] / CAMERA.fx
    assert metres.max() < 0.06


def test_empty_batch(body):
    fits = fit_bodies(body, [], [])
    assert fits.bodies.vertices.shape == (0, len(body.skin_weights), 3)
    assert fits.errors.shape == (0,)


def test_bad_observations_are_refused(body):
    shapes, bodies, points, rng = people(body, 1, 8)
    seen = observe(bodies, points, rng)
    with pytest.raises(ValueError, match="2 shapes"):
        fit_bodies(body, shapes * 2, seen)
    broken = seen[0].landmarks.copy()
    broken[4] = np.nan
    with pytest.raises(ValueError, match="observation 0: landmarks"):
        fit_bodies(body, shapes, [replace(seen[0], landmarks=broken)])


def test_free_hinges_have_room_for_the_usual():
    for hinge in HINGES:
        assert hinge.low <= hinge.usual <= hinge.high, hinge.name
