"""Random weights have the published architectures, and say that they are random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from refsd.diffusion import random_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PUBLISHED = {
    "sd15": {
        "text_encoder": 123_060_480, "vae": 83_653_863, "unet": 859_520_964,
        "controlnet": 361_279_120,
    },
    "sdxl": {
        "text_encoder": 123_060_480, "text_encoder_2": 694_659_840, "vae": 83_653_863,
        "unet": 2_567_463_684, "controlnet": 1_251_014_160,
    },
}  # fmt: skip
"""Parameters of the published models: Stable Diffusion 1.5 and XL base 1.0, CLIP ViT-L/14's and
OpenCLIP ViT-bigG's text encoders, and the Canny ControlNets for each."""


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_full_size_is_the_published_one(family: random_weights.Family) -> None:
    found = {}
    with torch.device("meta"):
        for name, model in random_weights._models(family, "full", "refine"):
            found[name] = count(model)
            if name == "unet":
                found["controlnet"] = count(random_weights._controlnet(model, "full"))
    assert found == PUBLISHED[family]


def test_inpainting_takes_nine_channels_and_no_controlnet(
    tiny_checkpoint: Callable[[str, str], Path],
) -> None:
    from diffusers import UNet2DConditionModel

    folder = tiny_checkpoint("sd15", "inpaint")
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True)
    assert unet.config["in_channels"] == 9
    assert not (folder / "controlnet").exists()


def test_a_folder_says_that_its_weights_are_random(
    tiny_checkpoint: Callable[[str, str], Path],
) -> None:
    folder = tiny_checkpoint("sdxl", "refine")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("Random weights: not Stable Diffusion")
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".ckpt")]


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        random_weights.write_random_checkpoint(
            tmp_path / name, family="sd15", size="tiny", seed=seed
        )
    file = "unet/diffusion_pytorch_model.safetensors"
    a, b, c = ((tmp_path / name / file).read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize("text", ["a woman", "Grüße, 中", ""])
def test_the_tokenizer_reads_any_text(text: str) -> None:
    tokenizer = random_weights.make_tokenizer()
    tokens = tokenizer(text, padding="max_length", truncation=True).input_ids
    assert len(tokens) == 77
    assert tokens[0] == tokenizer.bos_token_id
    assert tokenizer.eos_token_id in tokens
    # CLIP's text encoder finds the end of a text by its end token, or, in old files, the largest.
    assert max(tokens) == tokenizer.eos_token_id


def test_the_command_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        random_weights.main(["--help"])
    assert "not for pictures" in capsys.readouterr().out
