"""Checkpoints with random weights, in the folder layout of diffusers: for tests and for timing.

They have the published architectures, so memory and time are the real ones, and their pictures are
noise. Nothing here is Stable Diffusion: the README in each folder says so.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import CLIPTokenizer

Family = Literal["sd15", "sdxl"]
Size = Literal["tiny", "full"]
Use = Literal["refine", "inpaint"]

BEGIN, END = "<|startoftext|>", "<|endoftext|>"

README = """Random weights: not Stable Diffusion, and of no use for pictures.

The architecture is that of {family} ({size}). Made by `python -m refsd.diffusion.random_weights`
to measure time and memory without a download, and to test loading.
"""


def write_random_checkpoint(
    folder: Path,
    *,
    family: Family,
    size: Size,
    task: Use = "refine",
    seed: int = 0,
    dtype: str = "float32",
    safety_checker: bool = False,
) -> Path:
    """Write a whole checkpoint, safetensors, part by part, so that one part is in memory at a time.

    Args:
        folder: where to; made where it is missing.
        family: whose architecture.
        size: ``full`` is the published one (SD 1.5: 5.7 GB with its ControlNet in single precision;
            SDXL: 9.4 GB in half), ``tiny`` has the same kinds of layers, few and narrow.
        task: ``refine`` comes with a ControlNet in ``controlnet/``; ``inpaint`` has a UNet of nine
            input channels and none.
        seed: of the weights.
        dtype: of the weights, a name of torch's.
        safety_checker: also a safety checker with its feature extractor (tiny ones).

    Returns:
        The folder.
    """
    import torch
    from diffusers import DDIMScheduler
    from diffusers import __version__ as diffusers_version

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    index: dict[str, Any] = {}
    try:
        for name, model in _models(family, size, task):
            model.save_pretrained(folder / name)
            index[name] = [type(model).__module__.partition(".")[0], type(model).__name__]
            if name == "unet" and task == "refine":
                _controlnet(model, size).save_pretrained(folder / "controlnet")
            del model
        if safety_checker:
            index |= _write_safety_checker(folder)
    finally:
        torch.set_default_dtype(before)
    tokenizer = make_tokenizer()
    for name in ("tokenizer", "tokenizer_2")[: 2 if family == "sdxl" else 1]:
        tokenizer.save_pretrained(folder / name)
        index[name] = ["transformers", "CLIPTokenizer"]
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
        set_alpha_to_one=False, steps_offset=1,
    )  # fmt: skip
    scheduler.save_pretrained(folder / "scheduler")
    index["scheduler"] = ["diffusers", "DDIMScheduler"]
    pipeline = "StableDiffusionXLPipeline" if family == "sdxl" else "StableDiffusionPipeline"
    (folder / "model_index.json").write_text(
        json.dumps(
            {"_class_name": pipeline, "_diffusers_version": diffusers_version, **index}, indent=1
        ),
        encoding="utf-8",
    )
    (folder / "README.md").write_text(README.format(family=family, size=size), encoding="utf-8")
    return folder


def make_tokenizer() -> CLIPTokenizer:
    """A tokenizer in CLIP's layout that reads single bytes, made without any vocabulary file."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), BEGIN, END]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocabulary, [], model_max_length=77)


def _models(family: Family, size: Size, task: Use) -> Iterator[tuple[str, Any]]:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    full = size == "full"
    yield "text_encoder", _text_encoder(768 if full else 32, 12 if full else 2, projected=False)
    if family == "sdxl":
        yield (
            "text_encoder_2",
            _text_encoder(1280 if full else 32, 32 if full else 2, projected=True),
        )
    blocks = (128, 256, 512, 512) if full else (16, 16, 32, 32)
    yield (
        "vae",
        AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=blocks,
            layers_per_block=2 if full else 1,
            latent_channels=4,
            norm_num_groups=32 if full else 8,
            sample_size=(1024 if family == "sdxl" else 512) if full else 64,
            scaling_factor=0.13025 if family == "sdxl" else 0.18215,
        ),
    )
    yield (
        "unet",
        UNet2DConditionModel(
            in_channels=9 if task == "inpaint" else 4,
            out_channels=4,
            **(_SDXL if family == "sdxl" else _SD15)[size],
        ),
    )


_SD15: dict[Size, dict[str, Any]] = {
    "full": {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "tiny": {
        "sample_size": 8,
        "cross_attention_dim": 32,
        "attention_head_dim": 4,
        "layers_per_block": 1,
        "block_out_channels": (16, 32),
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "norm_num_groups": 8,
    },
}
_SDXL: dict[Size, dict[str, Any]] = {
    "full": {
        "sample_size": 128,
        "cross_attention_dim": 768 + 1280,
        "attention_head_dim": [5, 10, 20],
        "transformer_layers_per_block": [1, 2, 10],
        "layers_per_block": 2,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        # The pooled text and six numbers about size and crop.
        "projection_class_embeddings_input_dim": 1280 + 6 * 256,
    },
    "tiny": {
        "sample_size": 8,
        "cross_attention_dim": 32 + 32,
        "attention_head_dim": [2, 4],
        "transformer_layers_per_block": [1, 2],
        "layers_per_block": 1,
        "block_out_channels": (16, 32),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 32 + 6 * 8,
        "norm_num_groups": 8,
    },
}


def _controlnet(unet: Any, size: Size) -> Any:
    from diffusers import ControlNetModel

    channels = (16, 32, 96, 256) if size == "full" else (8, 8, 16, 16)
    return ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=channels)


def _text_encoder(width: int, layers: int, *, projected: bool) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    tokenizer = make_tokenizer()
    config = CLIPTextConfig(
        vocab_size=49408 if width >= 768 else len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=max(2, width // 64),
        max_position_embeddings=77,
        hidden_act="gelu" if projected else "quick_gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def _write_safety_checker(folder: Path) -> dict[str, list[str]]:
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    config = CLIPConfig(
        vision_config={
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 32, "patch_size": 16, "projection_dim": 16,
        },
        projection_dim=16,
    )  # fmt: skip
    StableDiffusionSafetyChecker(config).save_pretrained(folder / "safety_checker")
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(
        folder / "feature_extractor"
    )
    return {
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
    }


def main(arguments: list[str] | None = None) -> None:
    """``python -m refsd.diffusion.random_weights``."""
    parser = argparse.ArgumentParser(
        prog="python -m refsd.diffusion.random_weights",
        description="Write a checkpoint with random weights: for timing, not for pictures.",
    )
    parser.add_argument("--family", choices=get_args(Family), required=True)
    parser.add_argument("--size", choices=get_args(Size), default="full")
    parser.add_argument("--task", choices=get_args(Use), default="refine")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="a folder; up to 10 GB")
    given = parser.parse_args(arguments)
    write_random_checkpoint(
        given.out, family=given.family, size=given.size, task=given.task, seed=given.seed,
        dtype=given.dtype,
    )  # fmt: skip


if __name__ == "__main__":
    main()
