"""Avatars in people's places: who comes, how they stand, how they look from the camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from refsd.situations import assess, misplaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.bodies import BodyModel, Observation
    from refsd.compositing import Layer
    from refsd.config import RefSDConfig
    from refsd.people.person import Person
    from refsd.picture import Picture
    from refsd.prompts import Scope
    from refsd.rendering import Camera, Renderer
    from refsd.situations import Assessment
    from refsd.wardrobe import Avatar
    from refsd.wardrobe.matching import Bank
    from refsd.wardrobe.own import OwnAvatar


@dataclass(frozen=True, eq=False)
class StandIn:
    """An avatar in a person's pose.

    Attributes:
        avatar: who.
        vertices: float32 (V, 3), metres, camera coordinates.
        joints: float32 (J, 3), metres, camera coordinates.
        joint_names: J names.
        landmarks: float32 (33, 3), BlazePose's, metres, camera coordinates.
    """

    avatar: Avatar | OwnAvatar
    vertices: NDArray[np.float32]
    joints: NDArray[np.float32]
    joint_names: tuple[str, ...]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Cast:
    """Who stands for the people of one picture.

    Attributes:
        stand_ins: avatars by the people's indices.
        reasons: why people have none, by their indices.
        situations: what makes poses hard to see, per person; see ``refsd.situations``.
    """

    stand_ins: dict[int, StandIn] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    situations: list[tuple[str, ...]] = field(default_factory=list)


class Casting:
    """Finds avatars for people and poses them. Models are loaded when the first picture comes."""

    def __init__(self, config: RefSDConfig) -> None:
        self._config = config

    @cached_property
    def body(self) -> BodyModel:
        """The body model that all avatars share."""
        from refsd.bodies import load_body

        return load_body(self._config.body, self._config.body_files)

    @cached_property
    def bank(self) -> Bank:
        """Whom avatars are drawn from."""
        from refsd.wardrobe.matching import BuiltInBank
        from refsd.wardrobe.own import load_bank

        if self._config.avatars is not None:
            return load_bank(self._config.avatars, self._config.body)
        return BuiltInBank(self._config.bank)

    @cached_property
    def renderer(self) -> Renderer:
        """What draws avatars."""
        from refsd.rendering import make_renderer

        return make_renderer(self._config.renderer)

    def settings(self) -> dict[str, object]:
        """What a record says of all this: the renderer that ``auto`` stands for, and the bank."""
        made = {"avatar": "matched"} if self._config.avatar == "made" and self._own else {}
        return {"renderer": self.renderer.name, **made, **self.bank.settings()}

    @property
    def _own(self) -> bool:
        """Whether avatars are the user's, as they are."""
        return self._config.avatars is not None

    def pose(self, pictures: Sequence[Picture], scope: Scope | None = None) -> list[Cast]:
        """Draw an avatar for every person with a pose and fit it, all people in one batch.

        Args:
            pictures: any number of people each.
            scope: what the prompts that avatars are matched to can speak of; None: everything.
        """
        from refsd.bodies.estimates import fit_people
        from refsd.bodies.landmarks import blazepose_landmarks

        casts = [Cast() for _ in pictures]
        places: list[tuple[int, int]] = []
        avatars: list[Avatar | OwnAvatar] = []
        observations: list[Observation] = []
        for at, picture in enumerate(pictures):
            camera = scene_camera(picture.shape, crop=picture.crop)
            for index, known in enumerate(assess(picture.people, picture.shape)):
                casts[at].situations.append(known.situations)
                if known.reason is not None:
                    casts[at].reasons[index] = known.reason
                    continue
                places.append((at, index))
                avatars.append(self._draw(picture, index, scope))
                observations.append(self._observe(picture.people[index], known, camera))
        if not places:
            return casts
        shapes = [avatar.shape for avatar in avatars]
        estimates = [pictures[at].people[index].estimate for at, index in places]
        fits = fit_people(self.body, shapes, observations, estimates)
        landmarks = blazepose_landmarks(self.body, fits.bodies)
        for row, (at, index) in enumerate(places):
            seen = observations[row].camera.project(fits.bodies.vertices[row])
            reason = self._refused(float(fits.errors[row])) or misplaced(
                pictures[at].people[index], seen
            )
            if reason is not None:
                casts[at].reasons[index] = reason
                continue
            casts[at].stand_ins[index] = StandIn(
                avatars[row],
                fits.bodies.vertices[row],
                fits.bodies.joints[row],
                self.body.joint_names,
                landmarks[row],
            )
        return casts

    def render(
        self,
        stand_in: StandIn,
        camera: Camera,
        filled: NDArray[np.uint8],
        a: NDArray[np.bool_],
        region: NDArray[np.bool_],
    ) -> Layer:
        """Draw one avatar where its region is, in the light around it.

        Args:
            stand_in: who, in which pose.
            camera: of the whole picture.
            filled: uint8 (H, W, 3), the picture without what is under ``a``.
            a: bool (H, W), all regions.
            region: bool (H, W), this person's.
        """
        from refsd import compositing, masks
        from refsd.wardrobe.own import dress_any

        window = masks.bounds(region)
        assert window is not None  # noqa: S101  (a region holds at least its box)
        light = compositing.estimate_light(filled, a, window)
        height = float(np.ptp(camera.project(stand_in.vertices)[:, 1]))
        meshes = dress_any(stand_in.avatar, self.body, stand_in.vertices, height)
        rendering = self.renderer.render(meshes, camera.window(*window), light)
        return compositing.Layer(rendering, window, region)

    def _draw(self, picture: Picture, index: int, scope: Scope | None) -> Avatar | OwnAvatar:
        from refsd.prompts import wanted_attributes
        from refsd.wardrobe.avatar import Avatar
        from refsd.wardrobe.made import make_over
        from refsd.wardrobe.matching import draw_avatar

        rng = np.random.default_rng([picture.seed, index])
        if self._config.avatar == "random":
            return draw_avatar(self.bank, None, rng)
        prompt = picture.prompt or self._config.prompt
        wanted = wanted_attributes(prompt, picture.asked(index), picture.seed, index, scope)
        if self._config.avatar == "matched" or self._own:
            return draw_avatar(self.bank, wanted, rng)
        # Of whom no gender is asked anybody can be made; hair and clothes go loosely with it.
        base = draw_avatar(self.bank, {k: wanted[k] for k in ("gender",) if k in wanted}, rng)
        assert isinstance(base, Avatar)  # noqa: S101  (only the built-in bank is made over)
        return make_over(base, wanted, rng)

    def _observe(self, person: Person, known: Assessment, camera: Camera) -> Observation:
        """What is known of a person's pose."""
        from refsd.bodies import Observation
        from refsd.bodies.estimates import observe

        if person.estimate is not None:
            return observe(person.estimate, self.body, camera)
        # Whoever has no landmarks has a reason not to be posed, and is not asked for here.
        assert person.landmarks is not None  # noqa: S101
        assert person.landmarks_world is not None  # noqa: S101
        assert known.visibility is not None  # noqa: S101
        return Observation(person.landmarks, person.landmarks_world, known.visibility, camera)

    def _refused(self, error: float) -> str | None:
        """Why a fit is not good enough."""
        if np.isnan(error):
            return "nothing of the pose was seen in the picture"
        if error > self._config.max_fit_error:
            return f"no body fits the pose (off by {error:.0%} of the height)"
        return None


def scene_camera(shape: tuple[int, ...], *, crop: bool) -> Camera:
    """The camera we assume: nobody tells us the real one.

    A photo: focal length 1.2 times its longer side, 45° across. A re-ID crop: cut out of the
    middle of a picture taken from afar, 10 times its height, nearly without perspective.

    Args:
        shape: (height, width, …) in pixels.
        crop: whether the picture is a crop around one person.
    """
    from refsd.rendering import Camera

    height, width = shape[0], shape[1]
    focal = 10.0 * height if crop else 1.2 * max(height, width)
    return Camera(fx=focal, fy=focal, cx=width / 2, cy=height / 2, width=width, height=height)
