"""RefSD as the paper's figure draws it: x, a, x′, m, x″, e, x̂.

=====  ==========================================  =============================
sign   what it is                                  made by
=====  ==========================================  =============================
x      the picture                                 the caller
a      the dilated masks of the people             ``refsd.masks``
x′     the picture without people                  ``refsd.removal``
m      avatars from the bank in the people's pose  ``refsd.avatars``, with ``refsd.bodies``,
                                                   ``refsd.wardrobe``, ``refsd.rendering``
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from refsd.avatars import Casting, scene_camera
from refsd.config import RefSDConfig
from refsd.people.networks import WORKERS
from refsd.people.person import PersonOutcome
from refsd.picture import Picture, Result
from refsd.prompts import Prompt, PromptConfig, for_suite, mode_suffix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.avatars import Cast, StandIn
    from refsd.compositing import Layer
    from refsd.people.person import Person
    from refsd.prompts import Scope
    from refsd.refinement import Refined, Refiner

__all__ = ["Picture", "RefSD", "RefSDConfig", "Result", "scene_camera"]


@dataclass(frozen=True, eq=False)
class _Hidden:
    """A picture whose people are hidden: ``regions`` one per person, ``a`` all of them, grey."""

    regions: Sequence[NDArray[np.bool_]]
    a: NDArray[np.bool_]
    filled: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Removed:
    """A picture without people; whose background a safety checker refused, so that it is grey."""

    x_prime: NDArray[np.uint8]
    refused: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class _Scene:
    """A picture with avatars in it, before refinement; mappings by the people's indices.

    Pictures that differ only in what is asked share all but the prompts.
    """

    cast: Cast
    regions: Sequence[NDArray[np.bool_]]
    a: NDArray[np.bool_]
    removed: _Removed
    x_second: NDArray[np.uint8]
    layers: Mapping[int, Layer]
    figures: Sequence[NDArray[np.bool_]]
    prompts: Mapping[int, Prompt] = field(default_factory=dict)


class RefSD:
    """The generator. Models are loaded when the first picture comes.

    Call it with one picture to pseudonymize whoever is found there; ``batch`` is for whoever
    brings the people along, as the benchmark does.
    """

    def __init__(self, config: RefSDConfig | None = None) -> None:
        self.config = config or RefSDConfig()
        self._casting = Casting(self.config)

    @classmethod
    def from_config(cls, refiner: str = "tiny", **settings: object) -> RefSD:
        """RefSD with a refiner, and other settings of :class:`RefSDConfig` by name.

        Args:
            refiner: see :class:`RefSDConfig`.
            settings: see :class:`RefSDConfig`.

        Raises:
            pydantic.ValidationError: a setting is unknown or has a bad value.
        """
        return cls(RefSDConfig.model_validate({"refiner": refiner, **settings}))

    @property
    def name(self) -> str:
        """What ran, as tables say it: ``refsd[none]``, ``refsd[sd15, preserve]``."""
        return f"refsd[{self._refiner.name}{mode_suffix(self.config.prompt)}]"

    @property
    def scope(self) -> Scope | None:
        """What prompts can speak of; None where nobody wrote it down.

        Without a refiner that is what the wardrobe makes, if avatars are made.
        """
        if self.config.refiner == "none" and self.config.avatar == "made":
            from refsd.wardrobe.made import scope

            return scope()
        return self._refiner.scope

    def settings(self) -> dict[str, object]:
        """All that influences a picture besides people and seed, JSON-able, without any paths."""
        plain = self.config.model_dump(
            mode="json", exclude={"refiner", "inpainter", "body_files", "bank", "avatars"}
        )
        made_with = {"refiner": {"name": self._refiner.name, **self._refiner.settings()}}
        if self.config.removal == "diffusion":
            from refsd.diffusion.inpainting import shared_inpainter

            inpainter = shared_inpainter(self.config.inpainter)
            made_with["inpainter"] = {"name": inpainter.name, **inpainter.settings()}
        return {**plain, **self._casting.settings(), **made_with}

    def __call__(
        self,
        image: NDArray[np.uint8] | Path | str,
        *,
        prompt: str | Mapping[str, str] | None = None,
        people: Sequence[Person] | None = None,
        seed: int | None = None,
        crop: bool = False,
        stages: bool = False,
    ) -> Result:
        """Pseudonymize one picture.

        Args:
            image: uint8 (H, W, 3), sRGB, or the path of a JPEG, PNG or WebP file.
            prompt: what everybody shall look like: a text, or attributes by the names of
                ``refsd.prompts``; None: as the settings say.
            people: who is in it; None: they are looked for. Whoever is not found stays.
            seed: decides who comes instead; None: chance. Whoever knows the seed and has a
                candidate's original can make the output again and compare: keep it to yourself.
            crop: the picture is a crop around one person, seen from afar.
            stages: also return the pictures in between.

        Returns:
            The picture, an outcome per person, the stages.

        Raises:
            refsd.images.ImageError: the file cannot be read as a picture.
            refsd.prompts.PromptError: the prompt contradicts itself or says unknown things.
            ValueError: the array is not an sRGB picture, or nothing would follow the prompt.
            refsd.weights.WeightsError: a model file is missing and cannot be fetched.
        """
        from refsd.images import load_image
        from refsd.people import find_people

        x = image if isinstance(image, np.ndarray) else load_image(image)
        if x.dtype != np.uint8 or x.ndim != 3 or x.shape[2] != 3:
            raise ValueError(f"expected uint8 of shape (H, W, 3), not {x.dtype} {x.shape}")
        known = find_people([x], crops=crop)[0] if people is None else people
        number = secrets.randbits(64) if seed is None else seed
        asked, own = self._asked(prompt)
        picture = Picture(x, known, number, crop, [asked] * len(known), own)
        return self.batch([picture], stages=stages)[0]

    def _asked(
        self, prompt: str | Mapping[str, str] | None
    ) -> tuple[Mapping[str, str], PromptConfig | None]:
        """What is asked of everybody, and the settings that make prompts of it."""
        if prompt is None:
            return {}, None
        if self.config.refiner == "none" and (
            isinstance(prompt, str) or self.config.avatar == "random"
        ):
            raise ValueError(
                "nothing would follow this prompt: the refiner 'none' paints nothing; choose "
                "another refiner, or avatar='made' with attributes instead of a text"
            )
        if isinstance(prompt, str):
            settings = self.config.prompt.model_dump()
            return {}, PromptConfig.model_validate({**settings, "mode": "random", "text": prompt})
        return prompt, for_suite(self.config.prompt)

    def batch(self, pictures: Sequence[Picture], *, stages: bool = False) -> list[Result]:
        """Pseudonymize a batch of pictures; none influences another.

        Args:
            pictures: any sizes, any number of people each. Those that share image, people and seed
                and differ only in what is asked cost little more than their refinement.
            stages: also return what happened in between.
        """
        from refsd.refinement import Composite

        scenes = self._scenes(pictures)
        composites = [
            Composite(
                scene.x_second,
                [scene.regions[index] for index in scene.cast.stand_ins],
                [scene.prompts[index] for index in scene.cast.stand_ins],
                picture.seed,
                scene.figures,
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

    def _scenes(self, pictures: Sequence[Picture]) -> list[_Scene]:
        """x″ of every picture, and what is asked of its refinement."""
        firsts: dict[object, int] = {}
        same = [firsts.setdefault(self._beneath(n, p), n) for n, p in enumerate(pictures)]
        distinct = [pictures[number] for number in firsts.values()]
        casts = self._casting.pose(distinct, self.scope)
        composed = dict(zip(firsts.values(), self._compose(distinct, casts), strict=True))
        return [
            replace(composed[number], prompts=self._prompts(picture, composed[number].cast))
            for picture, number in zip(pictures, same, strict=True)
        ]

    def _beneath(self, number: int, picture: Picture) -> object:
        """What a picture's x″ is made of: equal where x″ is."""
        if self.config.avatar != "random":  # avatars come as they are asked for
            return number
        return _place(picture)

    def _compose(self, pictures: Sequence[Picture], casts: Sequence[Cast]) -> list[_Scene]:
        """Everything up to x″.

        Removal is native code that needs no interpreter: threads do it while avatars are drawn
        here, as OpenGL wants one thread for itself. Results do not depend on who is first.
        """
        # People whom another avatar stands for leave the same picture behind.
        firsts: dict[object, int] = {}
        same = [
            firsts.setdefault((*_place(picture), *cast.stand_ins), number)
            for number, (picture, cast) in enumerate(zip(pictures, casts, strict=True))
        ]
        distinct = list(firsts.values())
        hidden = {number: _hide(pictures[number], casts[number]) for number in distinct}
        with ThreadPoolExecutor(WORKERS) as pool:
            # A diffusion pipeline belongs to one thread.
            each = map if self.config.removal == "diffusion" else pool.map
            emptied = each(
                self._remove,
                [pictures[number] for number in distinct],
                [casts[number] for number in distinct],
                hidden.values(),
            )
            drawn = [
                self._draw(picture, cast, hidden[number])
                for picture, cast, number in zip(pictures, casts, same, strict=True)
            ]
            removed = dict(zip(distinct, emptied, strict=True))
        return [
            self._scene(cast, hidden[number], removed[number], layers)
            for cast, number, layers in zip(casts, same, drawn, strict=True)
        ]

    def _remove(self, picture: Picture, cast: Cast, hidden: _Hidden) -> _Removed:
        """x′."""
        from refsd import masks, removal

        # Where nobody is replaced nothing is looked for behind people: all of it stays grey.
        if not cast.stand_ins:
            return _Removed(hidden.filled)
        if self.config.removal == "diffusion":
            removed = self._remove_by_diffusion(picture, cast, hidden)
        else:
            removed = _Removed(removal.remove(hidden.filled, hidden.a, self.config.removal))
        x_prime = removed.x_prime
        for index in cast.reasons:
            x_prime = masks.fill(x_prime, hidden.regions[index])
        return _Removed(x_prime, removed.refused)

    def _remove_by_diffusion(self, picture: Picture, cast: Cast, hidden: _Hidden) -> _Removed:
        from refsd.diffusion.inpainting import parts, shared_inpainter

        if hidden.a.all():
            return _Removed(hidden.filled)
        inpainter = shared_inpainter(self.config.inpainter)
        emptied = inpainter.empty(hidden.filled, hidden.a, picture.seed)
        found = parts(hidden.a) if emptied.flagged else []
        grey = [found[number] for number in emptied.flagged]
        refused = {
            index
            for index in cast.stand_ins
            if any((hidden.regions[index] & part).any() for part in grey)
        }
        return _Removed(emptied.image, frozenset(refused))

    def _draw(self, picture: Picture, cast: Cast, hidden: _Hidden) -> dict[int, Layer]:
        """m, one avatar at a time."""
        camera = scene_camera(picture.shape, crop=picture.crop)
        return {
            index: self._casting.render(
                stand_in, camera, hidden.filled, hidden.a, hidden.regions[index]
            )
            for index, stand_in in cast.stand_ins.items()
        }

    def _scene(
        self,
        cast: Cast,
        hidden: _Hidden,
        removed: _Removed,
        layers: Mapping[int, Layer],
    ) -> _Scene:
        """x″."""
        from refsd import compositing

        # In the order of ``cast.stand_ins``, as they were drawn.
        drawn = list(layers.values())
        x_second = compositing.composite(removed.x_prime, drawn)
        height, width = hidden.a.shape
        figures = compositing.figures(drawn, (height, width))
        return _Scene(cast, hidden.regions, hidden.a, removed, x_second, layers, figures)

    def _prompts(self, picture: Picture, cast: Cast) -> dict[int, Prompt]:
        return {
            index: self._prompt(picture, index, stand_in)
            for index, stand_in in cast.stand_ins.items()
        }

    def _prompt(self, picture: Picture, index: int, stand_in: StandIn) -> Prompt:
        """What refinement is asked to make of an avatar."""
        from refsd.prompts import avatar_attributes, make_prompt, view_of

        if self.config.refiner == "none":
            return Prompt()
        camera = scene_camera(picture.shape, crop=picture.crop)
        return make_prompt(
            picture.prompt or self.config.prompt,
            picture.asked(index),
            avatar_attributes(stand_in.avatar),
            seed=picture.seed,
            index=index,
            view=view_of(camera.project(stand_in.landmarks), picture.shape),
            scope=self.scope,
        )

    def _finish(self, picture: Picture, scene: _Scene, refined: Refined, stages: bool) -> Result:
        """x″ refined → x̂: what must stay is pasted back, and who was refused is masked."""
        from refsd import masks
        from refsd.refinement import REFUSED

        x, shape = picture.image, picture.shape
        replaced = list(scene.cast.stand_ins)
        reasons = dict(scene.cast.reasons)
        changed, a, shown = refined.image, scene.a, scene.a
        for index in scene.removed.refused | {replaced[place] for place in refined.flagged}:
            reasons[index] = REFUSED
            region = masks.box_region(picture.people[index], shape)
            changed, a, shown = masks.fill(changed, region), a | region, shown & ~region
        x_hat = np.where(a[..., None], changed, x)
        outcomes = [
            PersonOutcome(
                index, "masked", reason=reasons[index], situations=scene.cast.situations[index]
            )
            if index in reasons
            else self._outcome(picture, scene, index, shown)
            for index in range(len(picture.people))
        ]
        made = _stages(x, scene, x_hat) if stages else {}
        return Result(image=x_hat, people=outcomes, stages=made)

    def _outcome(
        self, picture: Picture, scene: _Scene, index: int, shown: NDArray[np.bool_]
    ) -> PersonOutcome:
        """Who was replaced; ``shown`` is where avatars can be seen."""
        from refsd.labels import new_person

        stand_in = scene.cast.stand_ins[index]
        new = new_person(
            scene.layers[index],
            [layer for other, layer in scene.layers.items() if other != index],
            landmarks=stand_in.landmarks,
            joints=stand_in.joints,
            joint_names=stand_in.joint_names,
            camera=scene_camera(picture.shape, crop=picture.crop),
            a=shown,
        )
        return PersonOutcome(
            index,
            "replaced",
            avatar=stand_in.avatar.name,
            prompt=scene.prompts[index].positive or None,
            situations=scene.cast.situations[index],
            new=new,
        )


def _place(picture: Picture) -> tuple[object, ...]:
    """Equal for pictures that differ only in what is asked."""
    return id(picture.image), *map(id, picture.people), picture.seed, picture.crop


def _hide(picture: Picture, cast: Cast) -> _Hidden:
    """The picture with everybody in grey: their regions, or their boxes where nobody comes."""
    from refsd import masks

    regions = [
        (masks.region if index in cast.stand_ins else masks.box_region)(person, picture.shape)
        for index, person in enumerate(picture.people)
    ]
    a = np.zeros(picture.shape, dtype=np.bool_)
    for region in regions:
        a |= region
    return _Hidden(regions, a, masks.fill(picture.image, a))


def _stages(
    x: NDArray[np.uint8], scene: _Scene, x_hat: NDArray[np.uint8]
) -> dict[str, NDArray[np.uint8]]:
    """The pictures of the paper's figure, by the names of its signs."""
    from refsd import compositing
    from refsd.refinement import canny

    layers = list(scene.layers.values())
    return {
        "x": x,
        "a": np.repeat(np.where(scene.a, 255, 0).astype(np.uint8)[..., None], 3, axis=2),
        "x_prime": scene.removed.x_prime,
        "m": compositing.composite(np.full_like(x, 255), layers, match=False),
        "x_second": scene.x_second,
        "e": canny(scene.x_second),
        "x_hat": x_hat,
    }
