"""RefSD as the paper's figure draws it: x, a, x′, m, x″, e, x̂.

=====  ==========================================  =============================
sign   what it is                                  made by
=====  ==========================================  =============================
x      the picture                                 the caller
a      the dilated masks of the people             ``refsd.masks``
x′     the picture without people                  ``refsd.removal``
m      avatars from the bank in the people's pose  ``refsd.bodies``, ``refsd.wardrobe``,
                                                   ``refsd.rendering``
x″     x′ ⊕ m                                      ``refsd.compositing``
e      Canny(x″), never Canny(x)                   ``refsd.refinement``
x̂      x″ refined under e and a prompt             ``refsd.refinement``
=====  ==========================================  =============================

Two rules hold whatever the settings. *No pixel under a dilated mask reaches the output*: the masks
are filled before any stage sees the picture. *No pixel outside them changes*: the input is pasted
back bit for bit at the end. A person who cannot be replaced is masked, box and all, and the
outcome says why.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from refsd.people.person import Person, PersonOutcome
from refsd.prompts import Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.bodies import Observation
    from refsd.compositing import Layer
    from refsd.refinement import Refined, Refiner
    from refsd.rendering import Camera
    from refsd.wardrobe import Avatar


class RefSDConfig(BaseModel):
    """Settings of RefSD; everything that influences a picture besides people and seed.

    Attributes:
        refiner: which checkpoint refines x″; ``none`` leaves the composite as it is.
        removal: which engine makes x′.
        body: which body model the avatars are posed with.
        renderer: ``auto`` takes OpenGL where an EGL context can be made, NumPy elsewhere.
        bank: how many avatars people are drawn from.
        max_fit_error: a body whose landmarks are off by more than this share of the person's
            height does not stand for the person: the person is masked instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    refiner: Literal["none"] = "none"
    removal: Literal["auto", "patchmatch", "opencv"] = "auto"
    body: Literal["anny"] = "anny"
    renderer: Literal["auto", "moderngl", "numpy"] = "auto"
    bank: int = Field(default=512, ge=1)
    max_fit_error: float = Field(default=0.08, gt=0)


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture to work on.

    Attributes:
        image: uint8 (H, W, 3), sRGB.
        people: who is in it.
        seed: decides which avatars come; never derive it from pixels.
        crop: True where the picture is a crop around one person, seen from afar.
        attributes: what is asked of each person, by the names of ``refsd.prompts``; nothing: all
            is drawn by the seed. One mapping per person, or none at all.
    """

    image: NDArray[np.uint8]
    people: Sequence[Person]
    seed: int
    crop: bool = False
    attributes: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """What became of one picture.

    Attributes:
        image: uint8 (H, W, 3), x̂.
        people: an outcome per person, in order.
        stages: ``x``, ``a``, ``x_prime``, ``m``, ``x_second``, ``e``, ``x_hat`` as uint8
            (H, W, 3), where asked for.
    """

    image: NDArray[np.uint8]
    people: Sequence[PersonOutcome]
    stages: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Replacement:
    """An avatar that will stand for a person."""

    avatar: Avatar
    vertices: NDArray[np.float32]
    joints: NDArray[np.float32]
    joint_names: tuple[str, ...]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Scene:
    """A picture with avatars in it, before refinement; ``layers`` by the person's index."""

    regions: Sequence[NDArray[np.bool_]]
    a: NDArray[np.bool_]
    x_prime: NDArray[np.uint8]
    layers: Mapping[int, Layer]
    x_second: NDArray[np.uint8]
    replacements: dict[int, _Replacement]
    reasons: dict[int, str]


class RefSD:
    """The generator. Models are loaded when the first picture comes.

    Call it with one picture to pseudonymize whoever is found there; ``batch`` is for whoever
    brings the people along, as the benchmark does.
    """

    def __init__(self, config: RefSDConfig | None = None) -> None:
        self.config = config or RefSDConfig()

    @classmethod
    def from_config(cls, refiner: str = "none", **settings: object) -> RefSD:
        """RefSD with a refiner, and other settings of :class:`RefSDConfig` by name.

        Args:
            refiner: name of a checkpoint in ``configs/refiners``, path of a YAML file like those,
                or of a folder that holds one as ``refiner.yaml``.
            settings: see :class:`RefSDConfig`.

        Raises:
            pydantic.ValidationError: a setting is unknown or has a bad value.
        """
        return cls(RefSDConfig.model_validate({"refiner": refiner, **settings}))

    @property
    def renderer_name(self) -> str:
        """The renderer that ``auto`` stands for on this machine."""
        from refsd.rendering import make_renderer

        return make_renderer(self.config.renderer).name

    def __call__(
        self,
        image: NDArray[np.uint8] | Path | str,
        *,
        people: Sequence[Person] | None = None,
        seed: int | None = None,
        crop: bool = False,
        stages: bool = False,
    ) -> Result:
        """Pseudonymize one picture.

        Args:
            image: uint8 (H, W, 3), sRGB, or the path of a JPEG, PNG or WebP file.
            people: who is in it; None: they are looked for. Whoever is not found stays.
            seed: decides who comes instead; None: chance. Whoever knows the seed and has a
                candidate's original can make the output again and compare: keep it to yourself.
            crop: the picture is a crop around one person, seen from afar.
            stages: also return the pictures in between.

        Returns:
            The picture, an outcome per person, the stages.

        Raises:
            refsd.images.ImageError: the file cannot be read as a picture.
            ValueError: the array is not an sRGB picture.
            refsd.weights.WeightsError: a model file is missing and cannot be fetched.
        """
        from refsd.images import load_image
        from refsd.people import find_people

        x = image if isinstance(image, np.ndarray) else load_image(image)
        if x.dtype != np.uint8 or x.ndim != 3 or x.shape[2] != 3:
            raise ValueError(f"expected uint8 of shape (H, W, 3), not {x.dtype} {x.shape}")
        known = find_people([x], crops=crop)[0] if people is None else people
        number = secrets.randbits(64) if seed is None else seed
        return self.batch([Picture(x, known, number, crop)], stages=stages)[0]

    def batch(self, pictures: Sequence[Picture], *, stages: bool = False) -> list[Result]:
        """Pseudonymize a batch of pictures; none influences another.

        Args:
            pictures: any sizes, any number of people each.
            stages: also return what happened in between.
        """
        from refsd.refinement import Composite

        replacements, reasons = self._pose_avatars(pictures)
        scenes = [
            self._compose(picture, replaced, reason)
            for picture, replaced, reason in zip(pictures, replacements, reasons, strict=True)
        ]
        composites = [
            Composite(
                scene.x_second,
                [scene.regions[index] for index in scene.replacements],
                [Prompt() for _ in scene.replacements],
                picture.seed,
            )
            for picture, scene in zip(pictures, scenes, strict=True)
        ]
        return [
            self._finish(picture, scene, refined, stages)
            for picture, scene, refined in zip(
                pictures, scenes, self._refiner.refine(composites), strict=True
            )
        ]

    @cached_property
    def _refiner(self) -> Refiner:
        from refsd.refinement import make_refiner

        return make_refiner(self.config.refiner)

    def _compose(
        self,
        picture: Picture,
        replacements: Mapping[int, _Replacement],
        reasons: Mapping[int, str],
    ) -> _Scene:
        """Everything up to x″."""
        from refsd import compositing, masks, removal

        x, people = picture.image, picture.people
        shape = (x.shape[0], x.shape[1])
        regions = [
            (masks.region if index in replacements else masks.box_region)(person, shape)
            for index, person in enumerate(people)
        ]
        a = np.zeros(shape, dtype=np.bool_)
        for region in regions:
            a |= region
        filled = masks.fill(x, a)
        # Where nobody is replaced nothing is looked for behind people: all of it stays grey.
        x_prime = removal.remove(filled, a, self.config.removal) if replacements else filled
        for index in reasons:
            x_prime = masks.fill(x_prime, regions[index])
        camera = scene_camera(shape, crop=picture.crop)
        layers = {
            index: self._render(replacement, camera, filled, a, regions[index])
            for index, replacement in replacements.items()
        }
        x_second = compositing.composite(x_prime, list(layers.values()))
        return _Scene(regions, a, x_prime, layers, x_second, dict(replacements), dict(reasons))

    def _finish(self, picture: Picture, scene: _Scene, refined: Refined, stages: bool) -> Result:
        """x″ refined → x̂: what must stay is pasted back, and who was refused is masked."""
        from refsd import masks
        from refsd.labels import new_person

        x = picture.image
        shape = (x.shape[0], x.shape[1])
        replaced = list(scene.replacements)
        reasons = scene.reasons | {
            replaced[place]: "the safety checker refused what was made" for place in refined.flagged
        }
        changed, a = refined.image, scene.a
        for place in refined.flagged:
            region = masks.box_region(picture.people[replaced[place]], shape)
            changed, a = masks.fill(changed, region), a | region
        x_hat = np.where(a[..., None], changed, x)
        camera = scene_camera(shape, crop=picture.crop)
        outcomes = []
        for index in range(len(picture.people)):
            if index in reasons:
                outcomes.append(PersonOutcome(index, "masked", reason=reasons[index]))
                continue
            replacement = scene.replacements[index]
            others = [layer for other, layer in scene.layers.items() if other != index]
            new = new_person(
                scene.layers[index],
                others,
                landmarks=replacement.landmarks,
                joints=replacement.joints,
                joint_names=replacement.joint_names,
                camera=camera,
                a=scene.a,
            )
            outcomes.append(
                PersonOutcome(index, "replaced", avatar=replacement.avatar.name, new=new)
            )
        made = self._stages(x, scene, x_hat) if stages else {}
        return Result(image=x_hat, people=outcomes, stages=made)

    def _stages(
        self, x: NDArray[np.uint8], scene: _Scene, x_hat: NDArray[np.uint8]
    ) -> dict[str, NDArray[np.uint8]]:
        from refsd import compositing
        from refsd.refinement import canny

        layers = list(scene.layers.values())
        return {
            "x": x,
            "a": np.repeat(np.where(scene.a, 255, 0).astype(np.uint8)[..., None], 3, axis=2),
            "x_prime": scene.x_prime,
            "m": compositing.composite(np.full_like(x, 255), layers, match=False),
            "x_second": scene.x_second,
            "e": canny(scene.x_second),
            "x_hat": x_hat,
        }

    def _pose_avatars(
        self, pictures: Sequence[Picture]
    ) -> tuple[list[dict[int, _Replacement]], list[dict[int, str]]]:
        """Draw an avatar for every person with a pose and fit it, all people in one batch."""
        from refsd.bodies.anny import load_body
        from refsd.bodies.fit import fit_bodies
        from refsd.bodies.landmarks import blazepose_landmarks

        replacements: list[dict[int, _Replacement]] = [{} for _ in pictures]
        reasons: list[dict[int, str]] = [{} for _ in pictures]
        wanted: list[tuple[int, int, Avatar]] = []
        observations: list[Observation] = []
        for at, picture in enumerate(pictures):
            camera = scene_camera(picture.image.shape, crop=picture.crop)
            for index, person in enumerate(picture.people):
                observation = _observe(person, camera)
                if observation is None:
                    reasons[at][index] = "no pose was found"
                else:
                    wanted.append((at, index, self._draw(picture.seed, index)))
                    observations.append(observation)
        if not wanted:
            return replacements, reasons
        body = load_body()
        fits = fit_bodies(body, [avatar.shape for _, _, avatar in wanted], observations)
        landmarks = blazepose_landmarks(body, fits.bodies)
        for row, (at, index, avatar) in enumerate(wanted):
            error = fits.errors[row]
            if np.isnan(error):
                reasons[at][index] = "nothing of the pose was seen in the picture"
            elif error > self.config.max_fit_error:
                reasons[at][index] = f"no body fits the pose (off by {error:.0%} of the height)"
            else:
                replacements[at][index] = _Replacement(
                    avatar, fits.bodies.vertices[row], fits.bodies.joints[row], body.joint_names,
                    landmarks[row],
                )  # fmt: skip
        return replacements, reasons

    def _draw(self, seed: int, index: int) -> Avatar:
        from refsd.wardrobe import bank_avatar

        rng = np.random.default_rng([seed, index])
        return bank_avatar(int(rng.integers(self.config.bank)))

    def _render(
        self,
        replacement: _Replacement,
        camera: Camera,
        filled: NDArray[np.uint8],
        a: NDArray[np.bool_],
        region: NDArray[np.bool_],
    ) -> Layer:
        """Draw one avatar where its region is, in the light around it."""
        from refsd import compositing
        from refsd.bodies.anny import load_body
        from refsd.rendering import make_renderer
        from refsd.wardrobe import dress

        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        window = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        light = compositing.estimate_light(filled, a, window)
        meshes = dress(replacement.avatar, load_body(), replacement.vertices)
        renderer = make_renderer(self.config.renderer)
        rendering = renderer.render(meshes, camera.window(*window), light)
        return compositing.Layer(rendering, window, region)


def _observe(person: Person, camera: Camera) -> Observation | None:
    """What is known of a person's pose; None where that is not enough to pose a body."""
    from refsd.bodies import Observation

    if person.landmarks is None or person.landmarks_world is None or person.visibility is None:
        return None
    return Observation(person.landmarks, person.landmarks_world, person.visibility, camera)


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
