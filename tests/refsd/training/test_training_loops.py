"""The whole training in miniature: it goes on where it stopped, and its checkpoint refines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from refsd.diffusion import load_checkpoint
from refsd.diffusion.refiner import DiffusionRefiner
from refsd.errors import SetupError
from refsd.prompts import Prompt
from refsd.refinement import Composite
from refsd.training import autoencoder, batches, data, diffusion, reading
from refsd.training.batches import Pairs, to_images, to_tensor
from refsd.training.captions import caption, taught
from refsd.training.continuing import unpack
from refsd.training.data import Part, render
from refsd.training.export import export
from refsd.training.people import sample_person
from refsd.training.text import make_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """name: trained
licence: ours
family: sd15
base: {path: .}
controlnet: {path: controlnet}
scheduler: DDIMScheduler
steps: 4
guidance: 2.0
strength: 0.7
sizes: [[64, 64]]
negative: ""
"""


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "SHARD", 16)
        folder = tmp_path_factory.mktemp("data")
        return list(render(Part("head", 64, pairs=32), folder, workers=1))


def test_pictures_survive_the_way_to_tensors_and_back(shards: list[Path]) -> None:
    images = Pairs(shards).target[:4]
    assert np.array_equal(to_images(to_tensor(images)), images)
    tensor = to_tensor(images)
    assert tensor.shape == (4, 3, 64, 64)
    assert -1 <= float(tensor.min()) < float(tensor.max()) <= 1


def test_an_epoch_sees_everything_once(shards: list[Path]) -> None:
    pairs = Pairs(shards)
    seen = np.concatenate([pairs.draw(step, 8) for step in range(4)])
    assert sorted(seen) == list(range(32))
    assert not np.array_equal(pairs.draw(0, 8), pairs.draw(4, 8))
    assert np.array_equal(pairs.draw(3, 8), pairs.draw(3, 8))


def test_captions_say_what_is_seen_and_their_words_are_known() -> None:
    tokenizer = make_tokenizer()
    for number in range(60):
        rng = np.random.default_rng(number)
        words = caption(sample_person(rng).labels, "face" if number % 2 else "full", rng)
        ids = tokenizer(words).input_ids
        assert len(ids) <= 77
        # Every word is one token: nothing is spelt out.
        tokens = tokenizer.convert_ids_to_tokens(ids)[1:-1]
        assert all(token.endswith("</w>") for token in tokens)
    assert tokenizer("A Happy man").input_ids == tokenizer("a happy man").input_ids


def test_examples_for_reading_hold_what_their_captions_say() -> None:
    asked = reading.questions()
    captions, wanted = reading.examples(np.random.default_rng(3), asked, count=64)
    for words, row in zip(captions, wanted.tolist(), strict=True):
        said = {
            key: values[place - 1]
            for (key, values), place in zip(asked.items(), row, strict=True)
            if place
        }
        assert bool(words) == bool(said)
        for key in ("upper colour", "shoes", "facial hair"):
            assert said.get(key, "") in words
        if words.startswith("a close-up"):
            assert "shoes" not in said
    assert wanted.shape == (64, len(asked))


def test_reading_is_learnt_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder, tokenizer = tmp_path / "reader", tmp_path / "tokenizer"
    reading.train(folder, tokenizer, steps=2)
    assert torch.load(folder / "state.pt", weights_only=True)["step"] == 2
    reading.train(folder, tokenizer, steps=16)
    rows = (folder / "log.csv").read_text().splitlines()
    before, after = (float(row.split(",")[1]) for row in (rows[1], rows[-1]))
    assert after < 0.95 * before


def test_places_where_pictures_differ_count_more() -> None:
    same = torch.zeros(1, 2, 4, 12, 8)
    other = same.clone()
    other[:, 0, :, 2:4, 2:4] = 1
    counted = diffusion.weights(same, other)
    assert counted.shape == (1, 2, 1, 12, 8)
    torch.testing.assert_close(counted.mean((3, 4)), torch.ones(1, 2, 1))
    assert counted[0, 0, 0, 3, 3] == 4 * counted[0, 0, 0, 11, 7]
    torch.testing.assert_close(counted[0, 1], torch.ones(1, 12, 8))


@pytest.mark.parametrize("time", [1, 500, 999])
def test_the_velocity_leads_to_the_target_whatever_was_made_noisy(time: int) -> None:
    scheduler = diffusion.make_scheduler()
    target, seen, noise = torch.randn(3, 2, 4, 8, 8, dtype=torch.float64)
    times = torch.full((2,), time)
    noisy, velocity = diffusion.noised(scheduler, seen, target, noise, times)
    scheduler.set_timesteps(1000)
    predicted = scheduler.step(velocity, time, noisy).pred_original_sample
    torch.testing.assert_close(predicted, target, atol=1e-5, rtol=0)
    torch.testing.assert_close(noisy, scheduler.add_noise(seen, noise, times))


def test_an_error_of_the_clean_picture_counts_at_most_twice_where_a_composite_was_seen() -> None:
    scheduler = diffusion.make_scheduler()
    times = torch.tensor([1, 200, 500, 900])
    share = torch.ones(4, 1, 1, 1)
    counted = diffusion._bounded(scheduler, times, share)
    noisy, right, wrong = torch.randn(3, 4, 2, 4, 4)
    kept = scheduler.alphas_cumprod[times].view(-1, 1, 1, 1)
    clean = [kept.sqrt() * noisy - (1 - kept).sqrt() * v for v in (right, wrong)]
    of_velocity = counted * (right - wrong) ** 2
    of_picture = (clean[0] - clean[1]) ** 2
    assert (of_velocity <= 2.001 * of_picture + 1e-6).all()
    assert (counted[:2] < 1).all()
    assert (counted[3] == 1).all()
    # Where only the target was seen nothing is changed.
    assert (diffusion._bounded(scheduler, times, 0 * share) == 1).all()


def test_training_goes_on_where_it_stopped_and_what_it_exports_refines(
    shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert batches.HELD_OUT == 1
    autoencoder.train([shards], tmp_path / "autoencoder", steps=2)
    first = torch.load(tmp_path / "autoencoder" / "state.pt", weights_only=True)
    vae = autoencoder.train([shards], tmp_path / "autoencoder", steps=3)
    second = torch.load(tmp_path / "autoencoder" / "state.pt", weights_only=True)
    assert (first["step"], second["step"]) == (2, 3)
    reading.train(tmp_path / "reader", tmp_path / "denoiser" / "tokenizer", steps=1)
    words = tmp_path / "reader" / reading.READ
    diffusion.train({"head": shards}, vae, words, tmp_path / "denoiser", steps=2)
    assert "step 2 of 2: denoising" in capsys.readouterr().out
    sheets = sorted(path.name for path in (tmp_path / "denoiser").glob("*.png"))
    assert sheets == ["curve.png", "sheet-head-000002.png"]
    export(tmp_path, tmp_path / "checkpoint")
    kept = torch.load(words, weights_only=True)
    shipped = load_file(tmp_path / "checkpoint" / "text_encoder" / "model.safetensors")
    assert all(torch.equal(kept[name].half(), value) for name, value in shipped.items())
    weights = list((tmp_path / "checkpoint").rglob("*.safetensors"))
    assert sum(path.stat().st_size for path in weights) < 60e6
    (tmp_path / "checkpoint" / "refiner.yaml").write_text(SETTINGS)
    image = Pairs(shards).composite[0]
    region = np.zeros(image.shape[:2], dtype=np.bool_)
    region[8:60, 8:56] = True
    refiner = DiffusionRefiner(load_checkpoint(str(tmp_path / "checkpoint")))
    refined = refiner.refine([Composite(image, [region], [Prompt("a happy woman")], seed=1)])[0]
    assert refiner.scope == taught()
    assert np.array_equal(refined.image[~region], image[~region])
    assert (refined.image[region] != image[region]).mean() > 0.5
    # Elsewhere, the exported folder is a run again.
    assert unpack(tmp_path / "checkpoint", tmp_path / "elsewhere") == 2
    with pytest.raises(SetupError, match="is a run already"):
        unpack(tmp_path / "checkpoint", tmp_path / "elsewhere")
    diffusion.train(
        {"head": shards}, tmp_path / "elsewhere" / "autoencoder" / "vae",
        tmp_path / "elsewhere" / "reader" / reading.READ, tmp_path / "elsewhere" / "denoiser",
        steps=3,
    )  # fmt: skip
    assert "step 3 of 3: denoising" in capsys.readouterr().out
    before, after = (
        torch.load(tmp_path / some / "denoiser" / "state.pt", weights_only=True)
        for some in (".", "elsewhere")
    )
    assert after["step"] == 3
    for name in ("unet", "controlnet"):
        moved = {k: (after[name][k] - v).abs().max() for k, v in before["average"][name].items()}
        assert 0 < max(moved.values()) < 0.05


def test_what_was_not_exported_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"holds no training\.json"):
        unpack(tmp_path, tmp_path / "run")
