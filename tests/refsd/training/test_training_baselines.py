"""What baselines need, in miniature: ControlNets for other conditions, and one that fills holes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from safetensors import safe_open

from refsd.diffusion import load_checkpoint
from refsd.diffusion.inpainting import CELL, EMPTY, DiffusionInpainter
from refsd.diffusion.running import Job, Runner
from refsd.errors import SetupError
from refsd.prompts import Prompt
from refsd.refinement import Composite
from refsd.training import conditions, controls, data, diffusion, inpainting, lessons
from refsd.training.__main__ import main
from refsd.training.autoencoder import DOWNSCALE, LATENT_CHANNELS
from refsd.training.batches import Pairs, to_images
from refsd.training.conditions import condition_shard, load_conditions, render_conditions
from refsd.training.data import Part, load_shard, render
from refsd.training.export import export, load_trained, write_half
from refsd.training.lessons import guide, show_holes
from refsd.training.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = """name: trained
licence: ours
family: sd15
base: {{path: .}}
controlnet: {{path: {controlnet}}}
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
        sample_size=(32, 16), in_channels=LATENT_CHANNELS, out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=(16, 32), norm_num_groups=8, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=diffusion.WIDTH,
    )  # fmt: skip


def narrow_autoencoder() -> AutoencoderTiny:
    """As the trained one, quicker; its latents are as large."""
    return AutoencoderTiny(
        encoder_block_out_channels=(16,) * 3, decoder_block_out_channels=(16,) * 3,
        num_encoder_blocks=(1, 1, 1), num_decoder_blocks=(1, 1, 1),
        latent_channels=LATENT_CHANNELS,
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
        narrow_autoencoder().save_pretrained(vae)
        trainee = diffusion.Trainee(vae, folder / "denoiser" / "tokenizer")
    average = {name: model.state_dict() for name, model in trainee.models().items()}
    torch.save({"step": 7, "average": average}, folder / "denoiser" / "state.pt")
    return folder


@pytest.fixture(autouse=True)
def in_miniature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "_BATCH", 2)
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
        for part in (lessons.Conditioned, lessons.Holed):
            patch.setattr(part, "rows", lambda *_: [])
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
    before, _ = load_trained(trained)

    def train(folder: Path, steps: int) -> torch.nn.Module:
        trainee, _ = load_trained(trained)
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
    settings.write_text(SETTINGS.format(controlnet="controlnet-depth"))
    runner = Runner(load_checkpoint(str(settings.parent)), "refine")
    picture = Pairs(shards).composite[0]
    depth = load_conditions(condition_shard(shards[0], "depth"))[0]
    painted = runner.paint([Job(picture, depth, Prompt("a woman"), seed=1)])[0]
    assert painted is not None
    assert painted.shape == (64, 64, 3)


def test_a_new_controlnet_changes_nothing(trained: Path) -> None:
    trainee, _ = load_trained(trained)
    trainee.controlnet = diffusion.make_controlnet(trainee.unet)
    generator = torch.Generator().manual_seed(3)
    side = 64 // DOWNSCALE
    noisy = torch.randn((1, LATENT_CHANNELS, side, side), generator=generator)
    shown = torch.rand((1, 3, 64, 64), generator=generator)
    times, words = torch.tensor([400]), trainee.embed(["a man"])
    with torch.no_grad():
        guided = trainee.velocity(noisy, times, words, shown)
        alone = trainee.unet(noisy, times, words).sample
        without = trainee.velocity(noisy, times, words, None)
    torch.testing.assert_close(guided, alone)
    assert torch.equal(without, alone)


def test_mirrored_conditions_are_those_of_the_mirrored_scene() -> None:
    picture = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    picture[0, :, 0] = (255, 128, 40)  # The left edge faces right.
    there = guide(picture, "normal", mirrored=True)[0, :, 0, 7] * 255
    torch.testing.assert_close(there, torch.tensor([0.0, 128.0, 40.0]))
    twice = guide(picture, "depth", mirrored=True).flip(3)
    torch.testing.assert_close(twice, guide(picture, "depth", mirrored=False))


def test_a_controlnet_that_fills_holes_goes_on_after_a_kill_and_fills_them(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = shards_of(trained)

    def train(folder: Path, steps: int) -> torch.nn.Module:
        trainee, _ = load_trained(trained)
        return controls.train({"head": shards}, trainee, "inpaint", folder, steps)

    model = survives_a_kill(train, tmp_path, monkeypatch)
    assert model.controlnet_mid_block.weight.abs().max() > 0
    out = tmp_path / "checkpoint"
    export(trained, out)
    write_half(model, out / "controlnet-inpaint")
    (out / "refiner.yaml").write_text(SETTINGS.format(controlnet="controlnet-inpaint"))
    inpainter = DiffusionInpainter(load_checkpoint(str(out), "inpainters"))
    image = Pairs(shards).target[0]
    region = np.zeros((64, 64), dtype=np.bool_)
    region[16:50, 20:44] = True
    filled = inpainter.inpaint([Composite(image, [region], [Prompt("a happy man")], seed=1)])[0]
    assert np.array_equal(filled.image[~region], image[~region])
    assert (filled.image[region] != image[region]).mean() > 0.5
    emptied = inpainter.empty(image, region, seed=1)
    assert np.array_equal(emptied.image[~region], image[~region])
    noise = np.random.default_rng(2).integers(0, 256, image.shape, dtype=np.uint8)
    hidden = np.where(region[..., None], noise, image)
    assert np.array_equal(inpainter.empty(hidden, region, seed=1).image, emptied.image)


def test_training_tells_the_controlnet_what_the_pipeline_tells_it(
    trained: Path, tmp_path: Path
) -> None:
    """The picture with its hole, the words, and what the denoiser makes of both."""
    trainee, steps = load_trained(trained)
    assert steps == 7
    for name, value in trainee.controlnet.named_parameters():
        if name.startswith("controlnet_"):  # some are zero in new ones
            torch.nn.init.normal_(value, std=0.1)
    export(trained, tmp_path)
    write_half(trainee.controlnet, tmp_path / "controlnet-inpaint")
    (tmp_path / "refiner.yaml").write_text(SETTINGS.format(controlnet="controlnet-inpaint"))
    runner = Runner(load_checkpoint(str(tmp_path), "inpainters"), "inpaint")
    pipeline = runner._pipeline
    shown: list[dict[str, torch.Tensor]] = []
    told: list[tuple[torch.Tensor, torch.Tensor]] = []
    made: list[torch.Tensor] = []
    pipeline.controlnet.register_forward_pre_hook(
        lambda _, __, names: shown.append(names), with_kwargs=True
    )
    pipeline.unet.register_forward_pre_hook(lambda _, given: told.append(given))
    pipeline.unet.register_forward_hook(lambda _, __, result: made.append(result[0]))
    picture = Pairs(shards_of(trained)).target[0]
    hole = inpainting.sample_hole(
        np.random.default_rng(4), load_shard(shards_of(trained)[0]).mask[0]
    )
    mask = np.repeat(np.where(hole, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
    runner.paint([Job(picture, mask, Prompt("a man"), seed=1)])
    condition, words = shown[0]["controlnet_cond"], shown[0]["encoder_hidden_states"]
    expected = show_holes(picture[None], hole[None]).expand_as(condition)
    assert expected.min() == -1
    torch.testing.assert_close(condition, expected)
    half = len(words) // 2  # Without words, and with them.
    for embedded, said in ((words[0], ""), (words[half], "a man")):
        with torch.no_grad():
            torch.testing.assert_close(
                embedded, load_trained(trained)[0].embed([said])[0], atol=0.02, rtol=0.02
            )
    noisy, time = told[0]
    trainee.unet, trainee.controlnet = pipeline.unet, pipeline.controlnet
    with torch.no_grad():
        velocity = trainee.velocity(noisy, time, words, expected)
        other = trainee.velocity(noisy, time, words, expected.flip(2))
    torch.testing.assert_close(velocity, made[0])
    assert (velocity - other).abs().max() > 1e-3


def test_a_lesson_with_holes_shows_what_shall_come_out(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mirrored and empty pictures too: where there is no hole, all that comes out is shown."""
    monkeypatch.setattr(lessons, "NOBODY", 0.5)
    monkeypatch.setattr(lessons, "sample_hole", lambda _, person: np.zeros_like(person))
    trainee, _ = load_trained(trained)
    part = lessons.Holed(shards_of(trained), "face", trainee)
    nobody = 0
    for turn in range(8):
        lesson = part.draw(trainee.scheduler, turn, np.random.default_rng(turn))
        assert lesson.shown.min() >= 0
        kept = trainee.scheduler.alphas_cumprod[lesson.times].view(-1, 1, 1, 1)
        target = kept.sqrt() * lesson.noisy - (1 - kept).sqrt() * lesson.wanted
        pictures = to_images(lesson.shown * 2 - 1)
        expected = diffusion.encode(trainee.vae, pictures)[:, 0]
        torch.testing.assert_close(target, expected, atol=0.05, rtol=0.05)
        for words, shown in zip(lesson.captions, pictures, strict=True):
            known = [np.array_equal(shown, some) for some in part.pairs.target] + [
                np.array_equal(shown[:, ::-1], some) for some in part.pairs.target
            ]
            assert any(known) == (words != EMPTY.positive)
            nobody += not any(known)
    assert 0 < nobody < 16


def test_a_lesson_hides_whole_cells(trained: Path) -> None:
    trainee, _ = load_trained(trained)
    part = lessons.Holed(shards_of(trained), "face", trainee)
    lesson = part.draw(trainee.scheduler, 0, np.random.default_rng(0))
    hidden = lesson.shown == -1
    assert hidden.any(dim=(1, 2, 3)).all()
    assert (lesson.shown[~hidden] >= 0).all()
    cells = hidden.unfold(2, CELL, CELL).unfold(3, CELL, CELL).flatten(4)
    assert torch.equal(cells.all(dim=4), cells.any(dim=4))


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
    inpaint = ["--folder", str(tmp_path), "--out", str(tmp_path), "--condition", "inpaint"]
    with pytest.raises(SystemExit, match="2"):
        main(["conditions", *inpaint])
    assert "holes are made while training" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="training data --folder"):
        main(["controlnet", *inpaint])
    with pytest.raises(SetupError, match="training autoencoder --folder"):
        load_trained(tmp_path)
    with pytest.raises(SetupError, match="training denoiser --folder"):
        (tmp_path / "autoencoder" / "vae").mkdir(parents=True)
        load_trained(tmp_path)
    with pytest.raises(SetupError, match=r"training conditions --folder .* --condition normal"):
        lessons.read_conditions([tmp_path / "data" / "v1-x.safetensors"], "normal")


def test_the_commands_end_in_folders_of_diffusers(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "HEIGHTS", {"head": 64})
    for module in (data, conditions):
        monkeypatch.setattr(module, "SHARD", 4)
    shared = ["--folder", str(trained), "--pairs", "8"]
    main(["conditions", *shared, "--workers", "1", "--condition", "openpose"])
    training = [*shared, "--steps", "1", "--out"]
    for condition in ("openpose", "inpaint"):
        main(["controlnet", *training, str(tmp_path), "--condition", condition])
        config = json.loads((tmp_path / f"controlnet-{condition}" / "config.json").read_text())
        assert config["_class_name"] == "ControlNetModel"
        assert config["in_channels"] == LATENT_CHANNELS
        assert (trained / f"controlnet-{condition}" / "log.csv").exists()
    for weights in tmp_path.rglob("*.safetensors"):
        with safe_open(weights, framework="pt") as file:
            assert {file.get_tensor(name).dtype for name in file.keys()} <= {  # noqa: SIM118
                torch.float16, torch.int64,
            }  # fmt: skip
