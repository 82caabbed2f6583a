"""From a checkpoint's settings to a pipeline of diffusers: pinned, safetensors only, offline.

Nothing is fetched unless ``HUMANGENAI_DOWNLOAD=1`` says so: what is missing is named, with the
command that gets it. Code that comes with weights is never run.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from refsd.diffusion.checkpoints import Checkpoint, CheckpointError, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refsd.diffusion.devices import Plan

Use = Literal["refine", "inpaint"]

DOWNLOAD = "HUMANGENAI_DOWNLOAD"
"""Environment variable; ``1`` lets missing weights be fetched from the hub."""

_MODELS = ("unet", "vae", "text_encoder", "text_encoder_2", "safety_checker", "controlnet")
_PLAIN = ("*.json", "*.txt", "*.model")


def load_pipeline(checkpoint: Checkpoint, plan: Plan, use: Use) -> Any:
    """Load everything that a checkpoint needs.

    Args:
        checkpoint: its settings.
        plan: device, precision and savings.
        use: ``refine`` is image-to-image with a ControlNet, ``inpaint`` fills a hole: from noise
            with a ControlNet where the checkpoint has one, else as its UNet was made for.

    Returns:
        A pipeline of diffusers, ready to be called.

    Raises:
        CheckpointError: something is missing, unsafe or of another kind.
    """
    with quiet():
        return _load(checkpoint, plan, use)


def _load(checkpoint: Checkpoint, plan: Plan, use: Use) -> Any:
    import diffusers
    import torch

    base = locate(checkpoint, "base")
    options: dict[str, Any] = {
        "dtype": getattr(torch, plan.dtype),
        "use_safetensors": True,
        "local_files_only": True,
        "variant": checkpoint.base.variant,
    }
    parts: dict[str, Any] = {}
    if checkpoint.family == "sd15" and not checkpoint.safety_checker:
        parts |= {"safety_checker": None, "requires_safety_checker": False}
    elif checkpoint.family == "sdxl":
        parts["add_watermarker"] = False
    kind: Any = getattr(diffusers, _pipeline_name(checkpoint, use))
    if checkpoint.controlnet is None:
        if use == "refine":
            raise CheckpointError(f"the refiner {checkpoint.name!r} names no 'controlnet'")
    else:
        folder = locate(checkpoint, "controlnet")
        with _explained(checkpoint, folder):
            parts["controlnet"] = diffusers.ControlNetModel.from_pretrained(
                folder, **{**options, "variant": checkpoint.controlnet.variant}
            )
    with _explained(checkpoint, base):
        pipeline = kind.from_pretrained(base, **options, **parts)
        scheduler: Any = getattr(diffusers, checkpoint.scheduler)
        pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config)
    _check_channels(checkpoint, use, pipeline)
    if checkpoint.lora is not None:
        folder = locate(checkpoint, "lora")
        with _explained(checkpoint, folder):
            pipeline.load_lora_weights(
                folder,
                weight_name=checkpoint.lora.file,
                local_files_only=True,
                use_safetensors=True,
            )
            pipeline.fuse_lora()
    _place(pipeline, plan)
    return pipeline


def _pipeline_name(checkpoint: Checkpoint, use: Use) -> str:
    """Which of diffusers' pipelines runs a checkpoint."""
    family = {"sd15": "StableDiffusion", "sdxl": "StableDiffusionXL"}[checkpoint.family]
    if use == "refine":
        return f"{family}ControlNetImg2ImgPipeline"
    if checkpoint.controlnet is not None:
        # That for ControlNets and inpainting would ask for a picture only to look away from it.
        return f"{family}ControlNetPipeline"
    return f"{family}InpaintPipeline"


_INPAINTED = (4, 9)
"""Channels of the UNets that diffusers' pipelines for inpainting take; written into them."""


def _check_channels(checkpoint: Checkpoint, use: Use, pipeline: Any) -> None:
    """Refuse UNets that the pipeline would only stumble over with the first picture."""
    taken, channels = pipeline.unet.config.in_channels, pipeline.vae.config.latent_channels
    if checkpoint.controlnet is None:
        if taken not in _INPAINTED:
            raise CheckpointError(
                f"the UNet of {checkpoint.name!r} takes {taken} channels; without a 'controlnet' "
                "that fills holes only UNets with 4 or 9 inpaint"
            )
    elif taken != channels:
        purpose = "refinement" if use == "refine" else "a ControlNet that fills holes"
        raise CheckpointError(
            f"the base of {checkpoint.name!r} is for inpainting: its UNet takes {taken} channels; "
            f"{purpose} needs one that takes {channels}"
        )


@contextmanager
def _explained(checkpoint: Checkpoint, folder: Path) -> Iterator[None]:
    """Whatever diffusers makes of weights that it cannot use, as one clear error."""
    from safetensors import SafetensorError

    kinds = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)
    try:
        yield
    except (*kinds, SafetensorError) as error:
        problem = " ".join(str(error).split())
        raise CheckpointError(
            f"the weights of {checkpoint.name!r} in {folder} cannot be loaded: {problem}"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep diffusers and transformers from saying anything but errors.

    Their warnings quote prompts, and what a prompt says may be what a label says of somebody.
    """
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    before = [(log, log.get_verbosity()) for log in (diffusers_logging, transformers_logging)]
    bars = transformers_logging.is_progress_bar_enabled()
    for log, _ in before:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, level in before:
            log.set_verbosity(level)
        if bars:
            for log, _ in before:
                log.enable_progress_bar()


def _place(pipeline: Any, plan: Plan) -> None:
    pipeline.set_progress_bar_config(disable=True)
    if plan.slicing:
        pipeline.enable_attention_slicing()
        pipeline.vae.enable_tiling()
    if plan.offload:
        pipeline.enable_model_cpu_offload()
    else:
        pipeline.to(plan.device)


def locate(checkpoint: Checkpoint, part: Literal["base", "controlnet", "lora"]) -> Path:
    """The folder of a part of a checkpoint on this machine.

    Raises:
        CheckpointError: it is not here, not whole, or holds no safetensors; says what to do.
    """
    source: Source = getattr(checkpoint, part)
    folder = source.path if source.path is not None else _from_hub(checkpoint, part, source)
    if not folder.is_dir():
        raise CheckpointError(f"the {part} of {checkpoint.name!r}: there is no folder {folder}")
    if part == "base":
        index = folder / "model_index.json"
        if not index.is_file():
            raise CheckpointError(
                f"{folder} is not a checkpoint in diffusers' layout: model_index.json is missing"
            )
        parts = _parts(index)
        if ("text_encoder_2" in parts) != (checkpoint.family == "sdxl"):
            raise CheckpointError(
                f"{checkpoint.name!r} says 'family: {checkpoint.family}', which has "
                f"{'two text encoders' if checkpoint.family == 'sdxl' else 'one text encoder'}; "
                f"the checkpoint in {folder} is of another kind"
            )
        if checkpoint.safety_checker and "safety_checker" not in parts:
            raise CheckpointError(
                f"{checkpoint.name!r} asks for a safety checker, and {folder} has none; bring one "
                "there or set 'safety_checker: false'"
            )
        for name in parts:
            if name != "safety_checker" or checkpoint.safety_checker:
                _check_weights(folder / name, source.variant, checkpoint, part)
    elif part == "controlnet":
        _check_weights(folder, source.variant, checkpoint, part)
    elif not (source.file and (folder / source.file).is_file()):
        raise CheckpointError(
            f"the lora of {checkpoint.name!r}: {folder / str(source.file)} is missing"
        )
    return folder


def _parts(index: Path) -> list[str]:
    """The models that a checkpoint says it has."""
    try:
        named = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{index}: cannot be read: {error}") from error
    if not isinstance(named, dict):
        raise CheckpointError(f"{index}: expected an object that names the checkpoint's models")
    return [name for name in _MODELS if isinstance(named.get(name), list) and all(named[name])]


def _check_weights(folder: Path, variant: str | None, checkpoint: Checkpoint, part: str) -> None:
    ending = f".{variant}.safetensors" if variant else ".safetensors"
    if any(path.name.endswith(ending) for path in folder.glob("*.safetensors")):
        return
    others = sorted(
        path.name for path in folder.glob("*") if path.suffix in (".bin", ".ckpt", ".pt")
    )
    if others:
        raise CheckpointError(
            f"{folder} holds {others[0]} and no safetensors; files of that kind can run programs "
            "when they are read, so they are never loaded: get the safetensors, or convert them "
            "where you trust them (safetensors.torch.save_model)"
        )
    source: Source = getattr(checkpoint, part)
    advice = "" if source.repo is None else f"; {_advice(checkpoint, part, source)}"
    raise CheckpointError(
        f"the {part} of {checkpoint.name!r} is not whole: {folder} holds no *{ending}{advice}"
    )


def _from_hub(checkpoint: Checkpoint, part: str, source: Source) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    allowed = os.environ.get(DOWNLOAD) == "1"
    try:
        return Path(
            snapshot_download(
                source.repo or "",
                revision=source.revision,
                allow_patterns=_wanted(part, source),
                local_files_only=not allowed,
            )
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        raise CheckpointError(
            f"the {part} of {checkpoint.name!r} is not on this machine; "
            f"{_advice(checkpoint, part, source)}"
        ) from error


def _wanted(part: str, source: Source) -> list[str]:
    """The files of a repository that are needed; never pickles."""
    if part == "lora":
        return [str(source.file)]
    ending = f"*.{source.variant}.safetensors" if source.variant else "*.safetensors"
    if part == "controlnet":
        return [*_PLAIN, ending]
    # What lies beside the folders is the same weights in other layouts.
    return ["model_index.json", *(f"*/{pattern}" for pattern in (*_PLAIN, ending))]


def _advice(checkpoint: Checkpoint, part: str, source: Source) -> str:
    files = " ".join(f"--include '{pattern}'" for pattern in _wanted(part, source))
    return (
        f"get it ({checkpoint.licence}) with\n"
        f"    hf download {source.repo} --revision {source.revision} {files}\n"
        f"or set {DOWNLOAD}=1 to have it fetched; on a machine without the hub add "
        f"`--local-dir FOLDER` elsewhere, bring the folder, and name it in a copy of the YAML file "
        f"as '{part}: {{path: FOLDER}}'"
    )


def identity(checkpoint: Checkpoint) -> dict[str, str]:
    """What weights a checkpoint stands for: repository and revision, or the files' hash.

    No path is in it, so that it can be published.

    Raises:
        CheckpointError: weights are missing or not whole.
    """
    found = {}
    for part in ("base", "controlnet", "lora"):
        source: Source | None = getattr(checkpoint, part)
        if source is None:
            continue
        folder = locate(checkpoint, part)
        if source.path is None:
            found[part] = f"{source.repo}@{source.revision}" + (
                f" ({source.variant})" if source.variant else ""
            )
        else:
            files = sorted(folder.rglob("*.safetensors"))
            stamps = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
            found[part] = f"sha256:{_hash(folder, stamps)}"
    return found


@lru_cache(maxsize=16)
def _hash(folder: Path, stamps: tuple[tuple[Path, int, int], ...]) -> str:
    """sha256 over names and contents of weights; read again only where a file has changed."""
    whole = hashlib.sha256()
    for path, _, _ in stamps:
        whole.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
