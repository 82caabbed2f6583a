"""What baselines need, in miniature: ControlNets for other conditions, a UNet that fills holes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors import safe_open

from refsd.diffusion import load_checkpoint
from refsd.diffusion.inpainting import CELL, DiffusionInpainter
from refsd.diffusion.running import Job, Runner
from refsd.errors import SetupError
from refsd.prompts import Prompt
from refsd.refinement import Composite
from refsd.training import __main__ as command
from refsd.training import conditions, controls, data, diffusion, inpainting
from refsd.training.__main__ import main
from refsd.training.autoencoder import DOWNSCALE, make_autoencoder
from refsd.training.batches import Pairs
from refsd.training.conditions import condition_shard, load_conditions, render_conditions
from refsd.training.controls import guide
from refsd.training.data import Part, load_shard, render
from refsd.training.export import export, load_trained, write_half, write_pipeline
from refsd.training.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = """name: trained
licence: ours
family: sd15
base: {{path: .}}
{controlnet}
scheduler: DDIMScheduler
dtype: float32
steps: 3
guidance: 2.0
sizes: [[64, 64]]
negative: ""
"""


def narrow_unet() -> UNet2DConditionModel:
    """As the trained one, quicker."""
    return UNet2DConditionModel(
        sample_size=(64, 32), in_channels=4, out_channels=4, layers_per_block=1,
        block_out_channels=(16, 32), norm_num_groups=8, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=diffusion.WIDTH,
    )  # fmt: skip


def shards_of(folder: Path) -> list[Path]:
    return Part("head", 64, pairs=8).shards(folder / "data")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs with their conditions, and a run whose denoiser has learnt nothing."""
    folder = tmp_path_factory.mktemp("training")
    with pytest.MonkeyPatch.context() as patch:
        for module in (data, conditions):
            patch.setattr(module, "SHARD", 4)
        patch.setattr(diffusion, "make_unet", narrow_unet)
        part = Part("head", 64, pairs=8)
        list(render(part, folder / "data", workers=1))
        list(render_conditions(part, folder / "data", workers=1))
        torch.manual_seed(0)
        vae = folder / "autoencoder" / "vae"
        make_autoencoder().save_pretrained(vae)
        trainee = diffusion.Trainee(vae, folder / "denoiser" / "tokenizer")
    average = {name: model.state_dict() for name, model in trainee.models().items()}
    torch.save({"average": average}, folder / "denoiser" / "state.pt")
    return folder


@pytest.fixture(autouse=True)
def in_miniature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "_BATCH", 2)
    monkeypatch.setattr(diffusion, "make_unet", narrow_unet)


class _KilledError(Exception):
    pass


def survives_a_kill(
    train: Callable[[Path, int], torch.nn.Module], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> torch.nn.Module:
    """Train three steps at once and with a kill between; both must end with the same bits."""
    whole = train(folder / "whole", 3)
    add = Loop.add

    def killed(loop: Loop, **losses: float) -> None:
        if loop.step == 2:
            raise _KilledError
        add(loop, **losses)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "is_due", lambda loop: True)
        patch.setattr(Loop, "sheet", lambda loop, rows, name: None)
        patch.setattr(Loop, "add", killed)
        for module in (controls, inpainting):
            patch.setattr(module, "_rows", lambda *_: [])
        with pytest.raises(_KilledError):
            train(folder / "parts", 3)
    resumed = train(folder / "parts", 3)
    states = [torch.load(folder / n / "state.pt", weights_only=True) for n in ("whole", "parts")]
    assert states[0]["step"] == states[1]["step"] == 3
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
        assert torch.equal(states[0]["model"][name], states[1]["model"][name]), name
    assert (folder / "whole" / "curve.png").exists()
    assert (folder / "whole" / "sheet-head-000003.png").exists()
    return whole


def test_a_controlnet_goes_on_after_a_kill_and_guides(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = shards_of(trained)
    before = load_trained(trained)

    def train(folder: Path, steps: int) -> torch.nn.Module:
        trainee = load_trained(trained)
        model = controls.train({"head": shards}, trainee, "depth", folder, steps)
        for name in ("unet", "text_encoder"):
            kept = before.models()[name].state_dict()
            for key, value in trainee.models()[name].state_dict().items():
                assert torch.equal(kept[key], value), key
        return model

    model = survives_a_kill(train, tmp_path, monkeypatch)
    zero = model.controlnet_mid_block.weight
    assert zero.abs().max() > 0
    export(trained, tmp_path / "checkpoint")
    write_half(model, tmp_path / "checkpoint" / "controlnet-depth")
    settings = tmp_path / "checkpoint" / "refiner.yaml"
    settings.write_text(SETTINGS.format(controlnet="controlnet: {path: controlnet-depth}"))
    runner = Runner(load_checkpoint(str(settings.parent)), "refine")
    picture = Pairs(shards).composite[0]
    depth = load_conditions(condition_shard(shards[0], "depth"))[0]
    painted = runner.paint([Job(picture, depth, Prompt("a woman"), seed=1)])[0]
    assert painted is not None
    assert painted.shape == (64, 64, 3)


def test_a_new_controlnet_changes_nothing(trained: Path) -> None:
    trainee = load_trained(trained)
    trainee.controlnet = diffusion.make_controlnet(trainee.unet)
    generator = torch.Generator().manual_seed(3)
    side = 64 // DOWNSCALE
    noisy = torch.randn((1, 4, side, side), generator=generator)
    shown = torch.rand((1, 3, 64, 64), generator=generator)
    times, words = torch.tensor([400]), trainee.embed(["a man"])
    with torch.no_grad():
        guided = trainee.velocity(noisy, times, words, shown)
        alone = trainee.unet(noisy, times, words).sample
    torch.testing.assert_close(guided, alone)


def test_mirrored_conditions_are_those_of_the_mirrored_scene() -> None:
    picture = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    picture[0, :, 0] = (255, 128, 40)  # The left edge faces right.
    there = guide(picture, "normal", mirrored=True)[0, :, 0, 7] * 255
    torch.testing.assert_close(there, torch.tensor([0.0, 128.0, 40.0]))
    twice = guide(picture, "depth", mirrored=True).flip(3)
    torch.testing.assert_close(twice, guide(picture, "depth", mirrored=False))


def test_an_inpainting_unet_starts_as_the_one_it_was_made_of(trained: Path) -> None:
    unet = load_trained(trained).unet
    wide = inpainting.make_inpainting_unet(unet)
    assert (wide.config["in_channels"], wide.config["out_channels"]) == (9, 4)
    noisy, told = torch.randn(1, 4, 16, 16), torch.randn(1, 5, 16, 16)
    times, words = torch.tensor([700]), torch.randn(1, 77, diffusion.WIDTH)
    with torch.no_grad():
        one = unet(noisy, times, words).sample
        other = wide(torch.cat([noisy, told], dim=1), times, words).sample
    torch.testing.assert_close(one, other)


def test_an_inpainter_goes_on_after_a_kill_and_fills_holes(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = shards_of(trained)

    def train(folder: Path, steps: int) -> torch.nn.Module:
        return inpainting.train({"head": shards}, load_trained(trained), folder, steps)

    trainee = load_trained(trained)
    trainee.unet = survives_a_kill(train, tmp_path, monkeypatch)  # type: ignore[assignment]
    assert trainee.unet.conv_in.weight[:, 4:].abs().max() > 0
    out = tmp_path / "checkpoint"
    write_pipeline(trainee, out, "StableDiffusionInpaintPipeline")
    (out / "refiner.yaml").write_text(SETTINGS.format(controlnet=""))
    inpainter = DiffusionInpainter(load_checkpoint(str(out), "inpainters"))
    image = Pairs(shards).target[0]
    region = np.zeros((64, 64), dtype=np.bool_)
    region[16:50, 20:44] = True
    filled = inpainter.inpaint([Composite(image, [region], [Prompt("a happy man")], seed=1)])[0]
    assert np.array_equal(filled.image[~region], image[~region])
    assert (filled.image[region] != image[region]).mean() > 0.5
    emptied = inpainter.empty(image, region, seed=1)
    assert np.array_equal(emptied.image[~region], image[~region])


def test_training_tells_the_unet_what_the_pipeline_tells_it(trained: Path) -> None:
    """The mask and the masked picture, in the order and size that diffusers uses."""
    from diffusers import StableDiffusionInpaintPipeline

    trainee = load_trained(trained)
    trainee.unet = inpainting.make_inpainting_unet(trainee.unet)
    seen: list[torch.Tensor] = []
    trainee.unet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pipeline = StableDiffusionInpaintPipeline(
        trainee.vae, trainee.text_encoder, trainee.tokenizer, trainee.unet, trainee.scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    picture = Pairs(shards_of(trained)).target[:1]
    holes = inpainting.sample_hole(
        np.random.default_rng(4), load_shard(shards_of(trained)[0]).mask[0]
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline(
        prompt_embeds=trainee.embed(["a man"]).detach(), guidance_scale=1.0, strength=1.0,
        image=torch.from_numpy(picture).permute(0, 3, 1, 2) / 255, height=64, width=64,
        mask_image=torch.from_numpy(holes)[None, None].float(), num_inference_steps=2,
        output_type="latent", generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    _, told = inpainting._encode(trainee, picture, holes[None])
    assert torch.equal(seen[0][:, 4:5], told[:, :1])
    torch.testing.assert_close(seen[0][:, 5:], told[:, 1:], atol=0.05, rtol=0.05)


def test_holes_are_whole_cells_of_all_kinds() -> None:
    person = np.zeros((128, 64), dtype=np.bool_)
    person[20:120, 20:45] = True
    holes = [inpainting.sample_hole(np.random.default_rng(n), person) for n in range(200)]
    for some in holes:
        assert some.shape == person.shape
        assert some.any()
        cells = some.reshape(16, CELL, 8, CELL)
        assert np.array_equal(cells.all(axis=(1, 3)), cells.any(axis=(1, 3)))
    covered = np.mean([bool(some[person].all()) for some in holes])
    assert 0.4 < covered < 0.75
    assert 0.2 < np.mean([some.mean() for some in holes]) < 0.7
    nobody = np.zeros_like(person)
    assert all(inpainting.sample_hole(np.random.default_rng(n), nobody).any() for n in range(20))


def test_commands_say_what_they_lack(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["controlnet", "--folder", str(trained), "--out", str(tmp_path)])
    assert "controlnet needs --condition" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="training autoencoder --folder"):
        main(["inpainting", "--folder", str(tmp_path), "--out", str(tmp_path)])
    with pytest.raises(SetupError, match="training denoiser --folder"):
        (tmp_path / "autoencoder" / "vae").mkdir(parents=True)
        load_trained(tmp_path)
    with pytest.raises(SetupError, match=r"training conditions --folder .* --condition normal"):
        controls.read_conditions([tmp_path / "data" / "v1-x.safetensors"], "normal")


def test_the_commands_end_in_folders_of_diffusers(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "HEIGHTS", {"head": 64})
    for module in (data, conditions):
        monkeypatch.setattr(module, "SHARD", 4)
    shared = ["--folder", str(trained), "--pairs", "8"]
    main(["conditions", *shared, "--workers", "1", "--condition", "openpose"])
    training = [*shared, "--steps", "1", "--out"]
    main(["controlnet", *training, str(tmp_path), "--condition", "openpose"])
    main(["inpainting", *training, str(tmp_path / "inpainting")])
    config = json.loads((tmp_path / "controlnet-openpose" / "config.json").read_text())
    assert config["_class_name"] == "ControlNetModel"
    index = json.loads((tmp_path / "inpainting" / "model_index.json").read_text())
    assert index["_class_name"] == "StableDiffusionInpaintPipeline"
    for weights in tmp_path.rglob("*.safetensors"):
        with safe_open(weights, framework="pt") as file:
            assert {file.get_tensor(name).dtype for name in file.keys()} <= {  # noqa: SIM118
                torch.float16, torch.int64,
            }  # fmt: skip
    assert (trained / "controlnet-openpose" / "log.csv").exists()
    assert (trained / "inpainting" / "log.csv").exists()
