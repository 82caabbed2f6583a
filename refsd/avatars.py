"""Avatars in people's places: who comes, how they stand, how they look from the camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.bodies import BodyModel, Observation
    from refsd.compositing import Layer
    from refsd.config import RefSDConfig
    from refsd.people.person import Person
    from refsd.picture import Picture
    from refsd.rendering import Camera, Renderer
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
        return {"renderer": self.renderer.name, **self.bank.settings()}

    def pose(
        self, pictures: Sequence[Picture]
    ) -> tuple[list[dict[int, StandIn]], list[dict[int, str]]]:
        """Draw an avatar for every person with a pose and fit it, all people in one batch.

        Returns:
            Per picture the avatars, and the reasons why people have none, by the people's indices.
        """
        from refsd.bodies.estimates import fit_people
        from refsd.bodies.landmarks import blazepose_landmarks

        stand_ins: list[dict[int, StandIn]] = [{} for _ in pictures]
        reasons: list[dict[int, str]] = [{} for _ in pictures]
        places: list[tuple[int, int]] = []
        avatars: list[Avatar | OwnAvatar] = []
        observations: list[Observation] = []
        for at, picture in enumerate(pictures):
            camera = scene_camera(picture.shape, crop=picture.crop)
            for index, person in enumerate(picture.people):
                observation = self._observe(person, camera)
                if observation is None:
                    reasons[at][index] = "no pose was found"
                else:
                    places.append((at, index))
                    avatars.append(self._draw(picture, index))
                    observations.append(observation)
        if not places:
            return stand_ins, reasons
        shapes = [avatar.shape for avatar in avatars]
        estimates = [pictures[at].people[index].estimate for at, index in places]
        fits = fit_people(self.body, shapes, observations, estimates)
        landmarks = blazepose_landmarks(self.body, fits.bodies)
        for row, (at, index) in enumerate(places):
            reason = self._refused(float(fits.errors[row]))
            if reason is not None:
                reasons[at][index] = reason
            else:
                stand_ins[at][index] = StandIn(
                    avatars[row],
                    fits.bodies.vertices[row],
                    fits.bodies.joints[row],
                    self.body.joint_names,
                    landmarks[row],
                )
        return stand_ins, reasons

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
        meshes = dress_any(stand_in.avatar, self.body, stand_in.vertices)
        rendering = self.renderer.render(meshes, camera.window(*window), light)
        return compositing.Layer(rendering, window, region)

    def _draw(self, picture: Picture, index: int) -> Avatar | OwnAvatar:
        from refsd.prompts import wanted_attributes
        from refsd.wardrobe.matching import draw_avatar

        wanted = None
        if self._config.avatar == "matched":
            prompt = picture.prompt or self._config.prompt
            wanted = wanted_attributes(prompt, picture.asked(index), picture.seed, index)
        return draw_avatar(self.bank, wanted, np.random.default_rng([picture.seed, index]))

    def _observe(self, person: Person, camera: Camera) -> Observation | None:
        """What is known of a person's pose; None where that is not enough to pose a body."""
        from refsd.bodies import Observation
        from refsd.bodies.estimates import observe

        if person.estimate is not None:
            return observe(person.estimate, self.body, camera)
        if person.landmarks is None or person.landmarks_world is None or person.visibility is None:
            return None
        return Observation(person.landmarks, person.landmarks_world, person.visibility, camera)

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
