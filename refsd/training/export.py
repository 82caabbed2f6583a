"""From a training run to a checkpoint folder that diffusers reads, in half precision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import diffusers
import torch

from refsd.errors import SetupError
from refsd.prompts import write_scope
from refsd.training.autoencoder import save_autoencoder
from refsd.training.captions import taught
from refsd.training.continuing import RECORD
from refsd.training.data import DATA_VERSION
from refsd.training.diffusion import Trainee
from refsd.training.hardware import DEVICE
from refsd.training.text import save_tokenizer

if TYPE_CHECKING:
    from pathlib import Path


def export(folder: Path, out: Path) -> None:
    """Write the averaged weights as a Stable Diffusion folder with a ControlNet beside it.

    Args:
        folder: of ``python -m refsd.training``, with finished runs in it.
        out: new folder: ``vae``, ``unet``, ``text_encoder``, ``tokenizer``, ``scheduler`` and
            ``model_index.json``, as ``StableDiffusionPipeline`` reads them, and ``controlnet``;
            ``vocabulary.json`` says what it was taught.

    Raises:
        SetupError: a run is missing.
    """
    trainee, steps = load_trained(folder)
    write_pipeline(trainee, out)
    write_half(trainee.controlnet, out / "controlnet")
    record = {"steps": steps, "data version": DATA_VERSION}
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def load_trained(folder: Path) -> tuple[Trainee, int]:
    """The denoiser of a training run, with its averaged weights, and its steps so far.

    Args:
        folder: of ``python -m refsd.training``, with finished runs in it.

    Raises:
        SetupError: a run is missing.
    """
    state_file, vae = folder / "denoiser" / "state.pt", folder / "autoencoder" / "vae"
    for path, part in ((vae, "autoencoder"), (state_file, "denoiser")):
        if not path.exists():
            raise SetupError(
                f"{path} is missing; train it first: python -m refsd.training {part} --folder "
                f"{folder}"
            )
    state = torch.load(state_file, map_location=DEVICE, weights_only=True)
    trainee = Trainee(vae, folder / "denoiser" / "tokenizer")
    for name, model in trainee.models().items():
        model.load_state_dict(state["average"][name])
    return trainee, int(state["step"])


def write_half(model: torch.nn.Module, out: Path) -> None:
    """Write a model of diffusers or transformers in half precision; it stays so."""
    model.half().save_pretrained(out)  # type: ignore[operator]


def write_pipeline(trainee: Trainee, out: Path) -> None:
    """Write everything but ControlNets as a folder of diffusers, in half precision.

    Args:
        trainee: what was trained; its weights are halved.
        out: new folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_half(trainee.unet, out / "unet")
    write_half(trainee.text_encoder, out / "text_encoder")
    save_autoencoder(trainee.vae.half(), out / "vae")
    trainee.scheduler.save_pretrained(out / "scheduler")
    save_tokenizer(trainee.tokenizer, out / "tokenizer")
    write_scope(taught(), out)
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": diffusers.__version__,
        "feature_extractor": [None, None],
        "safety_checker": [None, None],
        "requires_safety_checker": False,
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderTiny"],
    }
    (out / "model_index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
