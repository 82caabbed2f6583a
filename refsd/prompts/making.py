"""From what is asked of a person to a prompt."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from refsd.prompts.conflicts import check, check_text, fits, resolve
from refsd.prompts.drawing import draw
from refsd.prompts.prompt import Prompt, PromptError
from refsd.prompts.vocabulary import VOCABULARY, age_group, canonical
from refsd.prompts.wording import CLIP_TOKENS, STYLE, count_tokens, visible, write_negative
from refsd.prompts.wording import write_positive as write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.prompts.prompt import View
    from refsd.prompts.scope import Scope
    from refsd.wardrobe import Avatar
    from refsd.wardrobe.own import OwnAvatar

STREAM = 0x70726D74
"""Sets what a prompt draws apart from what the avatar is drawn with: 'prmt' in ASCII."""

_BODY = ("gender", "age group", "skin tone", "build", "height")
_CLOTHES = (
    "hair", "hair colour", "headwear", "upper garment", "upper colour", "upper pattern",
    "lower garment", "lower colour", "lower pattern", "shoes", "shoe colour", "bag",
)  # fmt: skip


class PromptConfig(BaseModel):
    """How people's attributes become prompts.

    Attributes:
        mode: ``random``: all is drawn by the seed. ``preserve``: what the dataset's labels say of
            the original is kept, the rest is drawn. ``suite``: exactly what is asked for, nothing
            is drawn.
        text: these words for everybody instead of attributes.
        negative: what must not be seen, instead of the default of each view.
        style: said of every picture.
        scene: where all pictures were taken, if it is known.
        body: what the avatar's body says (gender, age group, skin tone, build, height) is added
            where nothing else says it.
        clothes: ``avatar``: hair and clothes nobody asked for are those that the avatar wears, so
            that words and edges agree; ``drawn``: they are drawn.
        view: how much of each person is seen; ``auto``: as the caller says, ``full`` where it
            does not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["random", "preserve", "suite"] = "random"
    text: str | None = Field(default=None, min_length=1, max_length=1000)
    negative: str | None = Field(default=None, max_length=1000)
    style: str = Field(default=STYLE, max_length=300)
    scene: str | None = None
    body: bool = True
    clothes: Literal["avatar", "drawn"] = "avatar"
    view: Literal["auto", "face", "half", "full"] = "auto"

    @model_validator(mode="after")
    def _consistent(self) -> PromptConfig:
        if self.scene is not None:
            canonical({"scene": self.scene})
        if self.text is not None:
            if self.mode != "random":
                raise PromptError(f"'text' takes the place of mode {self.mode!r}; drop one of them")
            check_text(self.text)
            if count_tokens(self.text) > CLIP_TOKENS:
                raise PromptError(
                    f"'text' may have more than the {CLIP_TOKENS} tokens CLIP reads; shorten it"
                )
        return self


def mode_suffix(config: PromptConfig) -> str:
    """What a method's name says of its prompts, behind the refiner's name; empty for ``random``.

    >>> f"refsd[sd15{mode_suffix(PromptConfig(mode='preserve'))}]"
    'refsd[sd15, preserve]'
    >>> f"refsd[sd15{mode_suffix(PromptConfig())}]"
    'refsd[sd15]'
    """
    mode = "text" if config.text is not None else config.mode
    return "" if mode == "random" else f", {mode}"


def for_suite(config: PromptConfig) -> PromptConfig:
    """The same settings, for attributes that are asked for exactly as they are given."""
    return PromptConfig.model_validate({**config.model_dump(), "mode": "suite", "text": None})


def wanted_attributes(
    config: PromptConfig,
    given: Mapping[str, str],
    seed: int,
    index: int,
    scope: Scope | None = None,
) -> dict[str, str]:
    """What is wanted of a person before an avatar is chosen; ``draw_avatar`` can match it.

    Args:
        config: mode and whether clothes are drawn.
        given: what is asked of the person, in any spelling that the vocabulary knows.
        seed: of the picture.
        index: the person's place in the picture.
        scope: what the checkpoint was taught, if somebody wrote it down.

    Raises:
        PromptError: see :func:`make_prompt`.
    """
    return _wanted(config, given, seed, index, scope)[0]


def make_prompt(
    config: PromptConfig,
    given: Mapping[str, str],
    avatar: Mapping[str, str],
    *,
    seed: int,
    index: int,
    view: View = "full",
    scope: Scope | None = None,
) -> Prompt:
    """The prompt for one person; it depends on nobody else in the picture.

    What is asked for stands above what is drawn, and that above what the avatar says. A checkpoint
    that was taught a list of words gets those only; what it cannot say is dropped and recorded.

    Args:
        config: see :class:`PromptConfig`.
        given: what is asked of the person; empty where nothing is. Mode ``random`` takes nothing.
        avatar: what the avatar says of itself: :func:`avatar_attributes`.
        seed: of the picture.
        index: the person's place in the picture.
        view: how much of the person is seen, unless the config says it for all.
        scope: what the checkpoint was taught; None: nobody knows, and everything is said.

    Raises:
        PromptError: an attribute or value is unknown; two contradict (``suite``); a label carries
            free text (``preserve``); something is asked of mode ``random`` or beside a text.
    """
    seen: View = view if config.view == "auto" else config.view
    if config.text is not None:
        if given:
            raise PromptError("a fixed text takes no attributes; drop 'text' or the attributes")
        return Prompt(config.text, write_negative({}, seen, config.negative))
    known, drawn, dropped = _wanted(config, given, seed, index, scope)
    if config.scene is not None:
        known.setdefault("scene", config.scene)
    known = _with_avatar(known, avatar, config)
    shown = {key: known[key] for key in VOCABULARY if key in known and visible(key, seen)}
    asked = set(canonical(given)) - set(drawn)
    unseen = tuple(f"{k}: {known[k]} (a {seen} view does not show it)"
                   for k in known if k in asked and k not in shown)  # fmt: skip
    untaught: tuple[str, ...] = ()
    if scope is not None:
        shown, lost = scope.translate(shown)
        untaught = tuple(f"{key}: {known[key]} (the checkpoint was never taught it)"
                         for key in lost if key in asked)  # fmt: skip
    words, cut = write(shown, seen, config.style)
    long = tuple(f"{k}: {shown[k]} (CLIP reads {CLIP_TOKENS} tokens)" for k in cut if k in asked)
    said = {key: value for key, value in shown.items() if key not in cut}
    return Prompt(
        words,
        write_negative(said, seen, config.negative),
        said,
        frozenset(drawn) & frozenset(said),
        (*dropped, *unseen, *untaught, *long),
    )


def make_prompts(
    config: PromptConfig,
    given: Sequence[Mapping[str, str]],
    avatars: Sequence[Mapping[str, str]],
    seed: int,
    views: Sequence[View] = (),
) -> list[Prompt]:
    """A prompt for everybody in a picture; see :func:`make_prompt`.

    Args:
        config: see :class:`PromptConfig`.
        given: what is asked of each person, or nothing at all.
        avatars: what each avatar says of itself.
        seed: of the picture.
        views: how much is seen of each person; none: all of everybody.
    """
    asked = given or [{}] * len(avatars)
    seen = views or ["full"] * len(avatars)
    return [
        make_prompt(config, some, avatar, seed=seed, index=index, view=view)
        for index, (some, avatar, view) in enumerate(zip(asked, avatars, seen, strict=True))
    ]


def avatar_attributes(avatar: Avatar | OwnAvatar) -> dict[str, str]:
    """What an avatar says of itself, in the vocabulary's words: its labels and its body's build.

    Build and height come from the shape's phenotypes ``weight``, ``muscle`` and ``height``, where
    they leave the middle third; they say nothing of anybody else, shapes come from the bank.
    """
    labels: dict[str, str] = {}
    for key, value in avatar.attributes.items():
        with suppress(PromptError):  # a wardrobe may know words that no prompt needs
            labels |= canonical({key: value})
    shape = avatar.shape
    build = _third(shape.get("weight", 0.5), "slim", "heavyset")
    if build is None and shape.get("muscle", 0.5) > 2 / 3:
        build = "muscular"
    height = _third(shape.get("height", 0.5), "short", "tall")
    body = {"build": build or "average", "height": height or "average"}
    return {**body, **labels}


def view_of(landmarks: NDArray[np.float32], shape: tuple[int, int]) -> View:
    """How much of a person a picture shows.

    Args:
        landmarks: float32 (33, 2), BlazePose's landmarks of the avatar in pixels.
        shape: (height, width) of the picture.

    Returns:
        ``full`` if a knee lies inside, ``half`` if a hip does, else ``face``.
    """
    height, width = shape
    inside = (landmarks >= 0).all(axis=1) & (landmarks[:, 0] < width) & (landmarks[:, 1] < height)
    if inside[[25, 26]].any():
        return "full"
    return "half" if inside[[23, 24]].any() else "face"


def _wanted(
    config: PromptConfig,
    given: Mapping[str, str],
    seed: int,
    index: int,
    scope: Scope | None,
) -> tuple[dict[str, str], set[str], tuple[str, ...]]:
    """What is asked for and drawn, which keys were drawn, and what was dropped."""
    if config.text is not None:
        return {}, set(), ()
    if config.mode == "random" and given:
        raise PromptError(
            f"prompt mode 'random' draws all attributes, but {', '.join(given)} was asked for; "
            "choose mode 'suite' or 'preserve'"
        )
    known = canonical(given, free=config.mode == "suite")
    if config.mode == "suite":
        check(known)
        return known, set(), ()
    known, dropped = resolve(known)
    if "age" in known:
        # A number of years says more of a person than the users of a dataset need.
        known["age group"] = age_group(int(known.pop("age")))
    rng = np.random.default_rng([seed, index, STREAM])
    drawn = draw(known, rng, clothes=config.clothes == "drawn", scope=scope)
    return {**known, **drawn}, set(drawn), dropped


def _with_avatar(
    known: dict[str, str], avatar: Mapping[str, str], config: PromptConfig
) -> dict[str, str]:
    """Add what the avatar says and nothing else contradicts."""
    dressed = config.clothes == "avatar" and config.mode != "suite"
    keys = (*(_BODY if config.body else ()), *(_CLOTHES if dressed else ()))
    worn = canonical(avatar)
    together = dict(known)
    for key in keys:
        implied = (key == "age group" and "age" in known) or (
            key == "skin tone" and "ethnicity" in known
        )
        if key in worn and key not in together and not implied and fits(together, key, worn[key]):
            together[key] = worn[key]
    return together


def _third(value: float, low: str, high: str) -> str | None:
    """The name of an outer third of [0, 1]; None in the middle."""
    if value < 1 / 3:
        return low
    return high if value > 2 / 3 else None
