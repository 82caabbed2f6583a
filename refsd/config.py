"""What of RefSD can be chosen."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (pydantic needs it)
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from refsd.prompts import PromptConfig


class RefSDConfig(BaseModel):
    """Settings of RefSD; everything that influences a picture besides people and seed.

    Attributes:
        refiner: which checkpoint refines x″: a name in ``configs/refiners``, the path of a YAML
            file like those, or of a folder that holds one as ``refiner.yaml``. ``tiny`` comes
            with RefSD; ``none`` leaves the composite as it is.
        removal: which engine makes x′; see ``refsd.removal``.
        inpainter: checkpoint of the removal ``diffusion``: a name in ``configs/inpainters``, or
            a path as for ``refiner``.
        body: which body model the avatars are posed with.
        body_files: where the user's licensed files of the SMPL family are; none for anny.
        renderer: ``auto`` takes OpenGL where an EGL context can be made, NumPy elsewhere.
        bank: how many avatars of the built-in bank people are drawn from.
        avatars: a folder of your own avatars, instead of the built-in bank; see
            ``refsd.wardrobe.own``.
        avatar: ``made``: somebody of the bank, made over to look as is asked for; ``matched``:
            somebody of the bank who looks about so; ``random``: anybody, as in the paper. Avatars
            of your own cannot be made over and are matched.
        prompt: how people's attributes become prompts.
        max_fit_error: a body whose landmarks are off by more than this share of the person's
            height does not stand for the person: the person is masked instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    refiner: str = "tiny"
    removal: Literal["auto", "patchmatch", "opencv", "diffusion"] = "auto"
    inpainter: str = "sd15"
    body: Literal["anny", "smpl", "smplh", "smplx"] = "anny"
    body_files: Path | None = None
    renderer: Literal["auto", "moderngl", "numpy"] = "auto"
    bank: int = Field(default=512, ge=1)
    avatars: Path | None = None
    avatar: Literal["made", "matched", "random"] = "made"
    prompt: PromptConfig = PromptConfig()
    max_fit_error: float = Field(default=0.08, gt=0)
