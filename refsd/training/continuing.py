"""Going on from an exported checkpoint: what it holds becomes a training run again.

Training takes hours on a processor and may have to be done in parts, on machines that keep
nothing. The exported folder is enough to go on: its weights are the averaged ones, in half
precision, and only the optimizer starts anew.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from diffusers import AutoencoderTiny, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from refsd.errors import SetupError
from refsd.training.autoencoder import save_autoencoder
from refsd.training.reading import READ
from refsd.training.text import save_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

RECORD = "training.json"
"""In an exported folder: how it was trained."""


def unpack(checkpoint: Path, folder: Path) -> int:
    """Make a training run of an exported checkpoint.

    Args:
        checkpoint: folder that ``python -m refsd.training export`` wrote.
        folder: of the run; must hold none yet, but for data.

    Returns:
        The steps that the denoiser has behind it.

    Raises:
        SetupError: there is no checkpoint, or there is a run already.
    """
    record = checkpoint / RECORD
    if not record.is_file():
        raise SetupError(f"{checkpoint} holds no {RECORD}: it was not exported by this training")
    if (folder / "denoiser").exists():
        raise SetupError(f"{folder / 'denoiser'} is a run already; name another --folder")
    steps = int(json.loads(record.read_text(encoding="utf-8"))["steps"])
    vae = AutoencoderTiny.from_pretrained(checkpoint / "vae", torch_dtype=torch.float32)
    save_autoencoder(vae, folder / "autoencoder" / "vae")
    text = CLIPTextModel.from_pretrained(checkpoint / "text_encoder").float()
    (folder / "reader").mkdir(parents=True, exist_ok=True)
    torch.save(text.state_dict(), folder / "reader" / READ)
    tokenizer = CLIPTokenizer.from_pretrained(str(checkpoint / "tokenizer"))
    save_tokenizer(tokenizer, folder / "denoiser" / "tokenizer")
    weights = {
        "unet": UNet2DConditionModel.from_pretrained(checkpoint / "unet").float().state_dict(),
        "controlnet": ControlNetModel.from_pretrained(checkpoint / "controlnet")
        .float()
        .state_dict(),
        "text_encoder": text.state_dict(),
    }
    state = {"step": steps, **weights, "average": weights}
    torch.save(state, folder / "denoiser" / "state.pt")
    return steps
