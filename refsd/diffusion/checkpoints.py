"""Checkpoints as data: the YAML files of ``configs/refiners`` and ``configs/inpainters``.

A checkpoint says where its weights are (a model hub's repository at a pinned revision, or a local
folder) and how they are used. Nothing is loaded here; see ``refsd.diffusion.loading``.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from refsd.errors import SetupError

Folder = Literal["refiners", "inpainters"]


SHIPPED = Path(__file__).resolve().parents[1] / "checkpoints"
"""Weights that come with the package."""


class CheckpointError(SetupError):
    """A checkpoint's settings or files are missing or wrong; says which and what to do."""


class Source(BaseModel):
    """Where weights are: in this package, in a local folder, or in a repository of a model hub.

    Attributes:
        shipped: a folder of ``refsd/checkpoints``.
        repo: ``owner/name`` on the hub.
        revision: the commit, 40 hexadecimal digits; a branch may change over night.
        variant: the hub's name for weights of another precision, such as ``fp16``.
        path: a local folder, relative to the YAML file.
        file: the one file, where it is a LoRA.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shipped: str | None = Field(default=None, pattern=r"^[a-z0-9-]+(/[a-z0-9_-]+)*$")
    repo: str | None = None
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    variant: str | None = None
    path: Path | None = None
    file: str | None = Field(default=None, pattern=r"\.safetensors$")

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        if sum(place is not None for place in (self.shipped, self.repo, self.path)) != 1:
            raise ValueError("name either 'path' or 'repo'")
        if self.repo is not None and self.revision is None:
            raise ValueError(
                f"'repo: {self.repo}' needs 'revision', the commit's 40 hexadecimal digits"
            )
        return self


class Checkpoint(BaseModel):
    """A diffusion model and how it is used.

    Attributes:
        name: what tables say; a local checkpoint's own, never that of a published one.
        summary: one line.
        licence: of the weights.
        family: ``sd15`` (one text encoder) or ``sdxl`` (two).
        base: Stable Diffusion's folder: VAE, UNet, text encoders, tokenizers.
        controlnet: for refiners the Canny ControlNet; for inpainters one that fills holes, shown
            as -1 in pictures of [0, 1], or none where the UNet itself is told of holes.
        lora: distilled weights that need few steps, laid over the UNet.
        dtype: of the weights while running; ``auto``: what the device is fast at.
        scheduler: a class of diffusers.
        steps: of the scheduler, before ``strength`` takes its share of them.
        guidance: classifier-free guidance scale; 1 is none.
        strength: share of the steps that run: 1 starts from pure noise.
        conditioning_scale: how much the edges count.
        canny: lower and upper hysteresis thresholds.
        sizes: height and width, pixels, in which crops are worked on; each crop takes the size
            whose shape is nearest to its own. Multiples of 8.
        tolerance: for checkpoints that work on small crops: where colours change by less than this
            many levels of 255, what is finer than the size worked on stays as the composite has it
            (see ``refsd.diffusion.details``); None: crops are taken as they were painted.
        context: how much of the surroundings a crop has, as a share of the region's longer side.
        negative: a negative prompt instead of the one that comes with the prompt; an empty one for
            models that were never taught any.
        safety_checker: whether the base comes with one, which then judges every output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=40)
    summary: str = ""
    licence: str
    family: Literal["sd15", "sdxl"]
    base: Source
    controlnet: Source | None = None
    lora: Source | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    scheduler: Literal[
        "UniPCMultistepScheduler", "DPMSolverMultistepScheduler", "DDIMScheduler", "LCMScheduler",
        "EulerDiscreteScheduler", "DDPMScheduler",
    ] = "UniPCMultistepScheduler"  # fmt: skip
    steps: int = Field(ge=1, le=1000)
    guidance: float = Field(ge=0)
    strength: float = Field(default=1.0, gt=0, le=1)
    conditioning_scale: float = Field(default=1.0, ge=0)
    canny: tuple[int, int] = (100, 200)
    sizes: tuple[tuple[int, int], ...] = Field(min_length=1)
    tolerance: float | None = Field(default=None, gt=0)
    context: float = Field(default=0.25, ge=0)
    negative: str | None = None
    safety_checker: bool = False

    @field_validator("canny")
    @classmethod
    def _ordered(cls, canny: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= canny[0] <= canny[1]:
            raise ValueError("'canny' is a lower and an upper threshold, such as [100, 200]")
        return canny

    @field_validator("sizes")
    @classmethod
    def _of_eights(cls, sizes: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        for size in sizes:
            if any(side < 16 or side % 8 for side in size):
                raise ValueError(f"{list(size)} is not [height, width] in multiples of 8")
        return sizes

    @model_validator(mode="after")
    def _enough_steps(self) -> Checkpoint:
        if int(self.steps * self.strength) < 1:
            raise ValueError(f"strength {self.strength} leaves none of {self.steps} steps")
        return self


def checkpoint_names(folder: Folder = "refiners") -> list[str]:
    """The checkpoints that come with RefSD; ``none`` is not one of them."""
    return sorted(path.stem for path in (config_dir() / folder).glob("*.yaml"))


def load_checkpoint(name: str, folder: Folder = "refiners") -> Checkpoint:
    """Read a checkpoint's settings.

    Args:
        name: a name in ``configs/<folder>``, the path of a YAML file like those, or of a folder
            that holds one as ``refiner.yaml``.
        folder: which kind.

    Raises:
        CheckpointError: there is none, or it holds an unknown key or a bad value.
    """
    path = _path(name, folder)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise CheckpointError(f"{path}: cannot be read: {problem}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: expected keys and values, such as 'family: sd15'")
    try:
        checkpoint = Checkpoint.model_validate(data)
    except ValidationError as error:
        raise CheckpointError(f"{path}: {_first(error)}") from error
    return _beside(checkpoint, path.resolve().parent)


def config_dir() -> Path:
    """Where the YAML files are: ``refsd/_configs`` of the wheel, ``configs`` of the repository."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_configs"
    return installed if installed.is_dir() else package.parent / "configs"


def _path(name: str, folder: Folder) -> Path:
    known = checkpoint_names(folder)
    if name in known:
        return config_dir() / folder / f"{name}.yaml"
    path = Path(name).expanduser()
    if path.suffix in (".yaml", ".yml"):
        return path
    if path.is_dir():
        if (path / "refiner.yaml").is_file():
            return path / "refiner.yaml"
        raise CheckpointError(
            f"{path} holds no refiner.yaml, which says how its weights are used; copy one of "
            f"configs/{folder} there and name the folder in it ('base: {{path: .}}')"
        )
    kind = folder.removesuffix("s")
    near = difflib.get_close_matches(name, [*known, "none"], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    raise CheckpointError(
        f"unknown {kind} {name!r}; {hint} A YAML file or a folder may be named too"
    )


def _first(error: ValidationError) -> str:
    """The first mistake in one line, with the key and, for unknown keys, the nearest known one."""
    mistakes = error.errors()
    # A misspelt key is also a missing one; what was misspelt is the better hint.
    mistake = next((m for m in mistakes if m["type"] == "extra_forbidden"), mistakes[0])
    key = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        known = list((Source if len(mistake["loc"]) > 1 else Checkpoint).model_fields)
        near = difflib.get_close_matches(str(mistake["loc"][-1]), known, n=1, cutoff=0.5)
        return f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    if mistake["type"] == "missing":
        return f"the key {key!r} is missing"
    where = f"{key}: " if key else ""
    return f"{where}{mistake['msg'].removeprefix('Value error, ')}"


def _beside(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """Local paths as whole ones; they were relative to the YAML file, or to :data:`SHIPPED`."""
    whole: dict[str, Any] = {}
    for key in ("base", "controlnet", "lora"):
        source: Source | None = getattr(checkpoint, key)
        if source is not None and source.path is not None:
            place = (folder / source.path.expanduser()).resolve()
            whole[key] = source.model_copy(update={"path": place})
        elif source is not None and source.shipped is not None:
            place = SHIPPED / source.shipped
            whole[key] = source.model_copy(update={"path": place, "shipped": None})
    return checkpoint.model_copy(update=whole)
