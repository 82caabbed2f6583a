"""From a training run to a checkpoint folder that diffusers reads, in half precision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch

from refsd.prompts import write_scope
from refsd.training.captions import taught
from refsd.training.diffusion import Trainee
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
    """
    state = torch.load(folder / "denoiser" / "state.pt", weights_only=True)
    trainee = Trainee(folder / "autoencoder" / "vae", folder / "denoiser" / "tokenizer")
    out.mkdir(parents=True, exist_ok=True)
    for name, model in trainee.models().items():
        model.load_state_dict(state["average"][name])
        model.half().save_pretrained(out / name)  # type: ignore[operator]
    trainee.vae.half().save_pretrained(out / "vae")
    trainee.scheduler.save_pretrained(out / "scheduler")
    save_tokenizer(trainee.tokenizer, out / "tokenizer")
    write_scope(taught(), out)
    index = {
        "_class_name": "StableDiffusionPipeline",
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
