"""How well avatars take people's poses, by situation, against rendered people whose pose is known.

Usage: python benchmarks/poses.py [--limit 12] [--crowd 60] [--plain] [--json OUT] [--sheets FOLDER]

Every situation is rendered (``pose_scenes.py``: bodies, clothes and poses that are not the avatar
bank's); people are looked for as RefSD looks for them, an avatar of the bank is posed as each of
them, and the two are compared. Everything is measured twice: with the landmarks that were found,
and with perfect ones, which separates what perception gets wrong from what the fit does.

found          share of the people whom the detector found (IoU of the masks at least 0.3)
refused        share of those found whom RefSD would rather mask than pose
IoU            of what is seen of the avatar and of the person: intersection over union of the masks
> 0.6          share of people with an IoU above 0.6
reprojection   mean distance in the picture between the avatar's landmarks and the person's (those
               inside the picture), as a share of the person's size (the longer side of the box
               around all 33 true landmarks)
MPJPE          mm: mean distance of 14 joints (hips, knees, ankles, shoulders, elbows, wrists, neck,
               head), with the middles of the hips on each other; the bodies differ in size
PA-MPJPE       the same after the best rotation, shift and scale (Procrustes; Gower 1975): pose only
named          share of people in whom the situation was recognised (refsd.situations)

Brackets are 95 % intervals by bootstrap over pictures.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image
from pose_scenes import SITUATIONS, Body, Scene, make_scene
from rich.console import Console
from rich.progress import track

from humangenai.datasets.crowd import Options
from humangenai.datasets.crowd import load as load_crowd
from humangenai.poses import JOINTS, joint_errors
from humangenai.statistics import clustered_mean
from refsd.avatars import scene_camera
from refsd.bodies import Observation, blazepose_landmarks, fit_bodies, load_body
from refsd.people import Person, find_people
from refsd.rendering import Camera, Light, make_renderer
from refsd.situations import Assessment, assess, misplaced
from refsd.wardrobe import dress
from refsd.wardrobe.matching import BuiltInBank, draw_avatar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.wardrobe import Avatar

MAX_FIT_ERROR = 0.08
"""RefSD's own (``RefSDConfig.max_fit_error``)."""
SAME_PERSON = 0.3
"""Least IoU of the masks of a person who was found and of the one in the truth."""
NAMED = {
    "back-facing": "back-facing", "seated": "seated", "crouching": "crouching", "lying": "lying",
    "overlapping": "overlapping", "64 px": "tiny", "48 px": "tiny", "32 px": "tiny",
}  # fmt: skip
"""Which of ``refsd.situations`` a rendered situation is; whatever is cut is truncated."""
MEASURES = ("found", "refused", "iou", "iou > 0.6", "reprojection", "mpjpe", "pa_mpjpe", "named")


@dataclass(frozen=True, eq=False)
class Case:
    """One person of a picture: the truth, and who was found there.

    Attributes:
        body: the truth.
        person: who was found; None: nobody.
        assessment: what RefSD makes of the person.
    """

    body: Body
    person: Person | None
    assessment: Assessment | None


@dataclass(frozen=True, eq=False)
class Fitted:
    """An avatar in a person's place: joints (J, 3) in metres, landmarks (33, 2) in pixels."""

    avatar: Avatar
    vertices: NDArray[np.float32]
    joints: NDArray[np.float32]
    pixels: NDArray[np.float32]
    error: float


def perceive(scene: Scene, *, perfect: bool) -> list[Person]:
    """The people of a picture, as RefSD finds them, or as a perfect landmark model would."""
    if not perfect:
        return find_people([scene.image])[0]
    return [_perfect(body, scene) for body in scene.bodies if body.mask.any()]


def _perfect(body: Body, scene: Scene) -> Person:
    points = body.landmarks.astype(np.float64)
    pixels = scene.camera.project(body.landmarks)
    # Landmark models take the line of sight through a person for the depth axis.
    ray = points.mean(axis=0)
    across = np.cross([0.0, 1.0, 0.0], ray)
    axes = np.stack([across, np.cross(ray, across), ray])
    world = (points - points[[23, 24]].mean(axis=0)) @ (
        axes / np.linalg.norm(axes, axis=1, keepdims=True)
    ).T
    rows, columns = np.flatnonzero(body.mask.any(axis=1)), np.flatnonzero(body.mask.any(axis=0))
    x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    inside = ((pixels >= 0) & (pixels < [scene.camera.width, scene.camera.height])).all(axis=1)
    return Person(
        box=np.array([x0, y0, x1, y1], dtype=np.float32),
        window=(int(x0), int(y0), int(x1), int(y1)),
        mask=body.mask[y0:y1, x0:x1],
        landmarks=pixels.astype(np.float32),
        landmarks_world=world.astype(np.float32),
        visibility=np.where(inside, 1.0, 0.0).astype(np.float32),
    )


def cases_of(scene: Scene, people: Sequence[Person], *, plain: bool) -> list[Case]:
    """Who of those found is who in the truth: the best pairs first."""
    shape = scene.image.shape[:2]
    assessments = assess(people, shape)
    if plain:
        assessments = [
            Assessment((), {}, person.visibility, None if person.landmarks is not None else "none")
            for person in people
        ]
    pairs = sorted(
        (
            (_iou(body.mask, person.full_mask(*shape)), b, p)
            for b, body in enumerate(scene.bodies)
            for p, person in enumerate(people)
        ),
        reverse=True,
    )
    match: dict[int, int] = {}
    for iou, b, p in pairs:
        if iou >= SAME_PERSON and b not in match and p not in match.values():
            match[b] = p
    return [
        Case(body, people[match[b]], assessments[match[b]])
        if b in match
        else Case(body, None, None)
        for b, body in enumerate(scene.bodies)
    ]


def fit(scenes: Sequence[tuple[Sequence[Case], Camera]], seed: int) -> list[list[Fitted | None]]:
    """An avatar of the bank in everybody's pose, in one batch; None where there is none."""
    bank, body = BuiltInBank(512), load_body()
    fitted: list[list[Fitted | None]] = [[None] * len(cases) for cases, _ in scenes]
    places, avatars, observations = [], [], []
    for at, (cases, camera) in enumerate(scenes):
        for index, case in enumerate(cases):
            person, found = case.person, case.assessment
            if person is None or found is None or found.reason is not None:
                continue
            places.append((at, index))
            avatars.append(draw_avatar(bank, None, np.random.default_rng([seed, at, index])))
            observations.append(
                Observation(person.landmarks, person.landmarks_world, found.visibility, camera)
            )
    if not places:
        return fitted
    fits = fit_bodies(body, [avatar.shape for avatar in avatars], observations)
    landmarks = blazepose_landmarks(body, fits.bodies)
    for row, (at, index) in enumerate(places):
        person = scenes[at][0][index].person
        seen = scenes[at][1].project(fits.bodies.vertices[row])
        if not fits.errors[row] <= MAX_FIT_ERROR or misplaced(person, seen) is not None:
            continue
        fitted[at][index] = Fitted(
            avatars[row],
            fits.bodies.vertices[row],
            fits.bodies.joints[row],
            scenes[at][1].project(landmarks[row]),
            float(fits.errors[row]),
        )
    return fitted


@cache
def _renderer():
    return make_renderer("auto")


def silhouettes(fitted: Sequence[Fitted | None], camera: Camera) -> list[NDArray[np.bool_]]:
    """What is seen of each avatar, the nearest on top; empty where there is none."""
    drawn = [
        None
        if one is None
        else _renderer().render(dress(one.avatar, load_body(), one.vertices), camera, Light())
        for one in fitted
    ]
    empty = np.zeros((camera.height, camera.width), dtype=np.bool_)
    depths = [one.depth for one in drawn if one is not None]
    if not depths:
        return [empty for _ in fitted]
    nearest = np.min(depths, axis=0)
    return [
        empty if one is None else (one.rgba[..., 3] >= 128) & (one.depth <= nearest)
        for one in drawn
    ]


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 0.0


def measure_case(
    case: Case, fitted: Fitted | None, mask: NDArray[np.bool_], camera: Camera, named: str | None
) -> dict[str, float]:  # fmt: skip
    """Every measure of one person; NaN for what there is not."""
    result = dict.fromkeys(MEASURES, float("nan"))
    result["found"] = float(case.person is not None)
    if case.person is None or case.assessment is None:
        return result
    if named is not None:
        result["named"] = float(named in case.assessment.situations)
    result["refused"] = float(fitted is None)
    if fitted is None:
        return result
    result["iou"] = _iou(mask, case.body.mask)
    result["iou > 0.6"] = float(result["iou"] > 0.6)
    true = camera.project(case.body.landmarks)
    inside = ((true >= 0) & (true < [camera.width, camera.height])).all(axis=1)
    if inside.any():
        away = np.linalg.norm(fitted.pixels - true, axis=1)[inside].mean()
        result["reprojection"] = float(away / np.ptp(true, axis=0).max())
    joint_names = load_body().joint_names
    rows = [joint_names.index(joint) for joint in JOINTS]
    errors = joint_errors(
        1000 * fitted.joints[rows].astype(np.float64),
        1000 * case.body.joints[rows].astype(np.float64),
    )
    result["mpjpe"], result["pa_mpjpe"] = errors
    return result


def measure(
    scenes: Sequence[tuple[Scene, Sequence[Person]]], name: str, *, plain: bool, crop: bool = False
) -> tuple[list[dict[str, float]], list[int]]:
    """All people of one situation, and the numbers of the pictures that they are in."""
    named = "truncated" if name.startswith("cut") else NAMED.get(name)
    cases = [cases_of(scene, people, plain=plain) for scene, people in scenes]
    cameras = [scene_camera(scene.image.shape, crop=crop) for scene, _ in scenes]
    fitted = fit(list(zip(cases, cameras, strict=True)), seed=0)
    results, pictures = [], []
    for at, (scene, _) in enumerate(scenes):
        masks = silhouettes(fitted[at], cameras[at])
        for case, one, mask in zip(cases[at], fitted[at], masks, strict=True):
            results.append(measure_case(case, one, mask, scene.camera, named))
            pictures.append(at)
    return results, pictures


def measure_crowd(count: int) -> tuple[list[dict[str, float]], list[int]]:
    """Queries of crowd, spread evenly; their cameras are not known, so nothing is projected."""
    crowd = load_crowd(Options())
    queries = [item for item in crowd.items() if item.split == "query"]
    chosen = queries[:: max(1, len(queries) // count)][:count]
    scenes = []
    for item in track(chosen, "crowd", console=Console(stderr=True)):
        image, (truth,) = crowd.image(item), crowd.truth(item)
        blind = np.full((33, 3), np.nan, dtype=np.float32)
        body = Body(truth.mask, truth.joints, blind)
        camera = scene_camera(image.shape, crop=True)
        scenes.append((Scene(image, [body], camera), find_people([image], crops=True)[0]))
    results, _ = measure(scenes, "crowd", plain=False, crop=True)
    return results, [item.pid for item in chosen]


def row_of(
    name: str, how: str, results: Sequence[dict[str, float]], clusters: Sequence[int]
) -> dict[str, object]:
    """A line of the table: every measure with its interval."""
    row: dict[str, object] = {"situation": name, "landmarks": how, "n": len(results)}
    for measure_name in MEASURES:
        estimate = clustered_mean([one[measure_name] for one in results], clusters)
        row[measure_name] = [estimate.value, estimate.low, estimate.high, estimate.n]
    return row


def markdown(rows: Sequence[dict[str, object]]) -> str:
    """The table, percentages and millimetres, intervals in brackets."""
    scale = dict.fromkeys(MEASURES, 100.0) | {"mpjpe": 1.0, "pa_mpjpe": 1.0}
    heads = [
        "situation", "landmarks", "n", "found %", "refused %", "IoU %", "> 0.6 %",
        "reprojection %", "MPJPE mm", "PA-MPJPE mm", "named %",
    ]  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---|---|" + "--:|" * (len(heads) - 2)]
    for row in rows:
        cells = [str(row["situation"]), str(row["landmarks"]), str(row["n"])]
        for name in MEASURES:
            value, low, high, _ = row[name]
            digits = 1 if name == "reprojection" else 0
            if np.isnan(value):
                cells.append("–")
            elif np.isnan(low):
                cells.append(f"{scale[name] * value:.{digits}f}")
            else:
                value, low, high = (scale[name] * x for x in (value, low, high))
                cells.append(f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def sheet(scenes: Sequence[tuple[Scene, Sequence[Person]]]) -> NDArray[np.uint8]:
    """The first pictures: original, what was found, what RefSD makes of it; two in a row."""
    from refsd.pipeline import Picture, RefSD

    cells, refsd = [], RefSD.from_config("none")
    for at, (scene, people) in enumerate(scenes):
        height, width = scene.image.shape[:2]
        seen = scene.image.copy()
        for person in people:
            outline, _ = cv2.findContours(
                person.full_mask(height, width).astype(np.uint8),
                cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE,
            )  # fmt: skip
            cv2.drawContours(seen, outline, -1, (255, 0, 255), max(1, height // 300))
            if person.landmarks is not None:
                for x, y in person.landmarks:
                    cv2.circle(seen, (round(x), round(y)), max(1, height // 200), (0, 255, 0), -1)
        result = refsd.batch([Picture(scene.image, people, seed=at)])[0]
        cells.append(np.hstack([scene.image, seen, result.image]))
        size = (round(cells[-1].shape[1] * 300 / height), 300)
        cells[-1] = cv2.resize(cells[-1], size, interpolation=cv2.INTER_AREA)
    rows = [np.hstack(cells[at : at + 2]) for at in range(0, len(cells) - 1, 2)]
    return np.vstack(rows)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--limit", type=int, default=12, help="pictures per situation")
    parser.add_argument("--crowd", type=int, default=60, help="queries of crowd; 0: none")
    parser.add_argument("--plain", action="store_true", help="without refsd.situations")
    parser.add_argument("--only", choices=list(SITUATIONS), action="append", help="situation")
    parser.add_argument("--json", type=Path, help="also write the table there")
    parser.add_argument("--sheets", type=Path, help="also write a contact sheet per situation")
    chosen = parser.parse_args()
    rows = []
    for name in chosen.only or SITUATIONS:
        scenes = [
            make_scene(name, number, load_body(), _renderer())
            for number in track(range(chosen.limit), name, console=Console(stderr=True))
        ]
        for how in ("found", "perfect"):
            looked = [(scene, perceive(scene, perfect=how == "perfect")) for scene in scenes]
            results, pictures = measure(looked, name, plain=chosen.plain)
            rows.append(row_of(name, how, results, pictures))
            if chosen.sheets and how == "found":
                chosen.sheets.mkdir(parents=True, exist_ok=True)
                stem = name.replace(",", "").replace(" ", "-")
                picture = Image.fromarray(sheet(looked[:4])).quantize(256)
                picture.save(chosen.sheets / f"poses-{stem}.png", optimize=True)
    if chosen.crowd:
        rows.append(row_of("crowd", "found", *measure_crowd(chosen.crowd)))
    print(markdown(rows))
    if chosen.json:
        # NaN is no JSON: what was not measured is null.
        text = json.dumps(rows, indent=1).replace("NaN", "null")
        chosen.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
