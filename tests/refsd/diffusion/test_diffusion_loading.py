"""Loading: offline, pinned, safetensors only; whatever is missing is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file

from refsd.diffusion import CheckpointError, load_checkpoint
from refsd.diffusion.devices import Plan
from refsd.diffusion.loading import identity, load_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from refsd.diffusion import Checkpoint

PLAN = Plan("cpu", "float32", offload=False, slicing=False, batch=1)


def load(checkpoint: Checkpoint) -> Any:
    return load_pipeline(checkpoint, PLAN, "refine")


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_local_folder_is_loaded_as_it_lies_there(
    family: str, tiny_checkpoint: Callable[[str, str], Path]
) -> None:
    folder = tiny_checkpoint(family, "refine")
    pipeline = load(load_checkpoint(str(folder)))
    for name in ("unet", "controlnet"):
        stored = load_file(folder / name / "diffusion_pytorch_model.safetensors")
        loaded = getattr(pipeline, name).state_dict()
        assert stored.keys() == loaded.keys()
        assert all(torch.equal(stored[key], loaded[key]) for key in stored)
    assert hasattr(pipeline, "text_encoder_2") == (family == "sdxl")


@pytest.mark.parametrize("name", ["sd15", "sdxl-lcm"])
def test_what_is_not_here_is_named_with_the_command_that_gets_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    checkpoint = load_checkpoint(name)
    with pytest.raises(CheckpointError) as error:
        load(checkpoint)
    said = str(error.value)
    command = f"hf download {checkpoint.base.repo} --revision {checkpoint.base.revision} --include"
    assert command in said
    assert "'*/*.fp16.safetensors'" in said
    assert ".bin" not in said
    assert "HUMANGENAI_DOWNLOAD=1" in said
    assert "base: {path: FOLDER}" in said


def test_a_pinned_revision_is_found_in_the_hubs_cache(
    make_checkpoint: Callable[..., Checkpoint],
    copied: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache, revision = tmp_path / "cache", "0123456789" * 4
    place = cache / "models--somebody--something" / "snapshots" / revision
    place.parent.mkdir(parents=True)
    copied.rename(place)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    source = {"repo": "somebody/something", "revision": revision}
    found = make_checkpoint(base=source)
    assert load(found).unet is not None
    assert identity(found)["base"] == f"somebody/something@{revision}"
    other = make_checkpoint(base={**source, "revision": "9876543210" * 4})
    with pytest.raises(CheckpointError, match="is not on this machine"):
        load(other)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "controlnet"])
def test_weights_that_are_missing_are_named(copied: Path, part: str) -> None:
    for file in (copied / part).glob("*.safetensors"):
        file.unlink()
    with pytest.raises(CheckpointError, match="is not whole") as error:
        load(load_checkpoint(str(copied)))
    assert str(copied / part) in str(error.value)


@pytest.mark.parametrize("part", ["unet", "controlnet"])
def test_pickles_are_refused(copied: Path, part: str) -> None:
    file = copied / part / "diffusion_pytorch_model.safetensors"
    file.rename(file.with_suffix(".bin"))
    with pytest.raises(CheckpointError, match="never loaded: get the safetensors, or convert"):
        load(load_checkpoint(str(copied)))


@pytest.mark.parametrize("part", ["unet", "controlnet"])
def test_damaged_weights_are_refused(copied: Path, part: str) -> None:
    file = copied / part / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load(load_checkpoint(str(copied)))


@pytest.mark.parametrize(("family", "other"), [("sd15", "sdxl"), ("sdxl", "sd15")])
def test_weights_of_another_family_are_refused(
    family: str,
    other: str,
    make_checkpoint: Callable[..., Checkpoint],
    tiny_checkpoint: Callable[[str, str], Path],
) -> None:
    with pytest.raises(CheckpointError, match="of another kind"):
        load(make_checkpoint(family, folder=tiny_checkpoint(other, "refine")))


def test_weights_for_inpainting_do_not_refine(
    make_checkpoint: Callable[..., Checkpoint], tiny_checkpoint: Callable[[str, str], Path]
) -> None:
    base = {"path": str(tiny_checkpoint("sd15", "inpaint"))}
    with pytest.raises(CheckpointError, match="is for inpainting"):
        load(make_checkpoint(base=base))


def test_folders_in_other_layouts_are_refused(copied: Path) -> None:
    (copied / "model_index.json").write_text("[]", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"model_index\.json: expected an object"):
        load(load_checkpoint(str(copied)))
    (copied / "model_index.json").unlink()
    with pytest.raises(CheckpointError, match=r"model_index\.json is missing"):
        load(load_checkpoint(str(copied)))


def test_code_that_comes_with_weights_is_not_run(copied: Path, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    (copied / "unet" / "mine.py").write_text(f"open({str(trace)!r}, 'w')", encoding="utf-8")
    index = copied / "model_index.json"
    named = json.loads(index.read_text(encoding="utf-8"))
    index.write_text(json.dumps({**named, "unet": ["mine", "UNet"]}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load(load_checkpoint(str(copied)))
    assert not trace.exists()


def test_a_safety_checker_that_is_asked_for_must_be_there(
    make_checkpoint: Callable[..., Checkpoint],
) -> None:
    with pytest.raises(CheckpointError, match="asks for a safety checker"):
        load(make_checkpoint(safety_checker=True))


def test_identity_is_the_contents_and_no_path(copied: Path) -> None:
    checkpoint = load_checkpoint(str(copied))
    before = identity(checkpoint)
    assert str(copied) not in json.dumps(before)
    moved = copied.rename(copied.with_name("moved"))
    assert identity(load_checkpoint(str(moved))) == before
    file = moved / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["conv_in.bias"] = weights["conv_in.bias"] + 1
    save_file(weights, file, metadata={"format": "pt"})
    after = identity(load_checkpoint(str(moved)))
    assert after["base"] != before["base"]
    assert after["controlnet"] == before["controlnet"]


def test_a_lora_is_laid_over_the_unet(
    make_checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    """Against W + (α / rank) · up · down, in the names that LCM-LoRA's files have."""
    layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    plain = load(make_checkpoint()).unet.get_submodule(layer).weight
    down, up = torch.randn(2, plain.shape[1]), torch.randn(plain.shape[0], 2)
    key = f"lora_unet_{layer.replace('.', '_')}"
    parts = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(1.0)}
    save_file({f"{key}.{name}": part for name, part in parts.items()}, tmp_path / "l.safetensors")
    checkpoint = make_checkpoint(
        lora={"path": str(tmp_path), "file": "l.safetensors"}, scheduler="LCMScheduler"
    )
    fused = load(checkpoint).unet.state_dict()
    (weight,) = [fused[name] for name in fused if name.startswith(layer) and "lora" not in name]
    torch.testing.assert_close(weight, plain + up @ down / 2)
