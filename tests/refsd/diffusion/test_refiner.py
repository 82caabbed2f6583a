"""Refinement with small random checkpoints in the layouts of SD 1.5 and SDXL, built on the spot.

Their pictures are noise; what is tested is everything around them.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from refsd.diffusion import CheckpointError, load_checkpoint, loading
from refsd.diffusion.devices import plan_for
from refsd.diffusion.random_weights import write_random_checkpoint
from refsd.diffusion.refiner import DiffusionRefiner
from refsd.prompts import Prompt
from refsd.refinement import Composite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAMILIES = ("sd15", "sdxl")
TOLERANCE = 1
"""Levels of 255 by which a crop in a batch may differ from the same crop alone."""


@pytest.fixture(scope="module", autouse=True)
def offline() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.delenv(loading.DOWNLOAD, raising=False)
        yield


@pytest.fixture(scope="module")
def refiners(tiny_checkpoint: Callable[[str, str], Path]) -> dict[str, DiffusionRefiner]:
    return {
        family: DiffusionRefiner(load_checkpoint(str(tiny_checkpoint(family, "refine"))))
        for family in FAMILIES
    }


def scene(number: int, people: int = 2) -> Composite:
    rng = np.random.default_rng(number)
    y, x = np.mgrid[0:96, 0:120]
    image = np.stack([120 + 60 * np.sin(x / 9 + number), y * 2, 90 + 40 * np.cos(y / 7)], axis=2)
    image = (image + rng.normal(0, 4, image.shape)).clip(0, 255).astype(np.uint8)
    image[30:80, 30:45] = rng.integers(0, 255, 3)
    regions = []
    for place in range(people):
        region = np.zeros(image.shape[:2], dtype=np.bool_)
        region[12:88, 18 + 40 * place : 50 + 40 * place] = True
        regions.append(region)
    words = [Prompt(f"a photo of person {number} {place}", "blurry") for place in range(people)]
    return Composite(image, regions, words, seed=number)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_seed_fixes_every_byte(family: str, refiners: dict[str, DiffusionRefiner]) -> None:
    composite = scene(1)
    once, again = (refiners[family].refine([composite])[0] for _ in range(2))
    assert np.array_equal(once.image, again.image)
    assert once.flagged == ()
    other = refiners[family].refine([replace(composite, seed=2)])[0]
    assert not np.array_equal(once.image, other.image)


@pytest.mark.parametrize("family", FAMILIES)
def test_only_regions_change(family: str, refiners: dict[str, DiffusionRefiner]) -> None:
    composite = scene(3)
    refined = refiners[family].refine([composite])[0]
    union = composite.regions[0] | composite.regions[1]
    assert np.array_equal(refined.image[~union], composite.image[~union])
    for region in composite.regions:
        assert (refined.image[region] != composite.image[region]).any(axis=1).mean() > 0.5


@pytest.mark.parametrize("family", FAMILIES)
def test_neighbours_do_not_change_a_bit(family: str, refiners: dict[str, DiffusionRefiner]) -> None:
    composites = [scene(number, people=1 + number % 2) for number in range(4)]
    together = refiners[family].refine(composites)
    backwards = refiners[family].refine(composites[::-1])[::-1]
    for composite, one, other in zip(composites, together, backwards, strict=True):
        assert np.array_equal(one.image, refiners[family].refine([composite])[0].image)
        assert np.array_equal(one.image, other.image)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_of_four_is_four_single_runs(
    family: str, tiny_checkpoint: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = load_checkpoint(str(tiny_checkpoint(family, "refine")))
    composites = [scene(number, people=1) for number in range(4)]
    images = []
    for batch in (4, 1):
        refiner = DiffusionRefiner(checkpoint)
        plan = replace(refiner._runner.plan, batch=batch)
        monkeypatch.setitem(refiner._runner.__dict__, "plan", plan)
        images.append([refined.image.astype(int) for refined in refiner.refine(composites)])
    for four, single in zip(*images, strict=True):
        assert np.abs(four - single).max() <= TOLERANCE


def test_edges_and_prompts_count(refiners: dict[str, DiffusionRefiner]) -> None:
    composite = scene(5, people=1)
    base = refiners["sd15"].refine([composite])[0].image
    other_words = replace(composite, prompts=[Prompt("a red car", "blurry")])
    assert not np.array_equal(refiners["sd15"].refine([other_words])[0].image, base)
    forbidden = replace(composite, prompts=[Prompt(composite.prompts[0].positive, "people")])
    assert not np.array_equal(refiners["sd15"].refine([forbidden])[0].image, base)
    lined = composite.image.copy()
    lined[40:44, 24:48] = 255
    assert not np.array_equal(
        refiners["sd15"].refine([replace(composite, image=lined)])[0].image, base
    )


def test_a_prompt_is_read_once(
    refiners: dict[str, DiffusionRefiner], monkeypatch: pytest.MonkeyPatch
) -> None:
    refiner = refiners["sdxl"]
    refiner.refine([scene(6)])
    read = []
    pipeline = refiner._runner._pipeline
    whole = pipeline.encode_prompt

    def watched(*words: object, **named: object) -> object:
        # The pipeline's own call hands embeddings over, and no text.
        read.extend(word for word in (*words, *named.values()) if isinstance(word, str))
        return whole(*words, **named)

    monkeypatch.setattr(pipeline, "encode_prompt", watched)
    refiner.refine([scene(6)])
    assert read == []
    refiner.refine([scene(7)])
    assert "a photo of person 7 0" in read


def test_settings_name_the_weights_and_no_path(
    refiners: dict[str, DiffusionRefiner], tiny_checkpoint: Callable[[str, str], Path]
) -> None:
    written = json.dumps(refiners["sd15"].settings())
    assert "sha256:" in written
    assert str(tiny_checkpoint("sd15", "refine").parent) not in written
    assert refiners["sd15"].name == "random-sd15"


def test_other_weights_have_another_hash(tmp_path: Path) -> None:
    hashes = []
    for seed in (0, 0, 1):
        folder = tmp_path / f"{len(hashes)}"
        write_random_checkpoint(folder, family="sd15", size="tiny", seed=seed)
        (folder / "refiner.yaml").write_text(
            "name: x\nfamily: sd15\nlicence: none\nbase: {path: .}\nsteps: 4\nguidance: 1\n"
            "sizes: [[64, 64]]\ncontrolnet: {path: controlnet}\n"
        )
        hashes.append(loading.identity(load_checkpoint(str(folder)))["base"])
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.fixture
def own(tmp_path: Path, tiny_checkpoint: Callable[[str, str], Path]) -> Path:
    """A copy of a whole checkpoint, to be spoilt."""
    return shutil.copytree(tiny_checkpoint("sd15", "refine"), tmp_path / "own")


def refused(folder: Path) -> str:
    refiner = DiffusionRefiner(load_checkpoint(str(folder)))
    with pytest.raises(CheckpointError) as caught:
        refiner.refine([scene(1, people=1)])
    return str(caught.value)


def test_pickles_are_refused(own: Path) -> None:
    weights = own / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    message = refused(own)
    assert "holds diffusion_pytorch_model.bin and no safetensors" in message
    assert "unet" in message


def test_what_is_missing_is_named(own: Path) -> None:
    (own / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    message = refused(own)
    assert "is not whole" in message
    assert "vae" in message
    (own / "model_index.json").unlink()
    assert "model_index.json is missing" in refused(own)


def test_a_missing_controlnet_is_named(own: Path) -> None:
    shutil.rmtree(own / "controlnet")
    assert "there is no folder" in refused(own)


def test_weights_of_another_kind_are_named(own: Path) -> None:
    path = own / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:2000])
    assert "cannot be loaded" in refused(own)


def test_what_is_not_here_is_told_how_to_get() -> None:
    """The hub is offline: nothing is fetched, and the message says what would have to be."""
    refiner = DiffusionRefiner(load_checkpoint("sd15"))
    with pytest.raises(CheckpointError) as caught:
        refiner.refine([scene(1, people=1)])
    message = str(caught.value)
    for word in (
        "hf download", "--revision", "safetensors", "CreativeML OpenRAIL-M", "{path: FOLDER}",
        "HUMANGENAI_DOWNLOAD=1",
    ):  # fmt: skip
        assert word in message


def test_who_is_refused_stays_a_composite_and_is_flagged(own: Path) -> None:
    write_random_checkpoint(own, family="sd15", size="tiny", safety_checker=True)
    with (own / "refiner.yaml").open("a", encoding="utf-8") as file:
        file.write("\nsafety_checker: true\n")
    composite = scene(8)
    refiner = DiffusionRefiner(load_checkpoint(str(own)))
    checker = refiner._runner._pipeline.safety_checker
    # Every concept's threshold out of reach, then met by everything.
    checker.concept_embeds_weights.data.fill_(2.0)
    checker.special_care_embeds_weights.data.fill_(2.0)
    assert refiner.refine([composite])[0].flagged == ()
    checker.concept_embeds_weights.data.fill_(-2.0)
    refined = refiner.refine([composite])[0]
    assert refined.flagged == (0, 1)
    assert np.array_equal(refined.image, composite.image)


@pytest.mark.parametrize(
    ("family", "device", "memory", "expected"),
    [
        ("sd15", "cpu", 24.0, {"dtype": "float32", "offload": False, "batch": 1}),
        ("sdxl", "cpu", 24.0, {"dtype": "bfloat16", "offload": False, "batch": 1}),
        ("sdxl", "cuda", 8.0, {"dtype": "bfloat16", "offload": True, "slicing": True}),
        ("sd15", "cuda", 24.0, {"dtype": "bfloat16", "offload": False, "slicing": False}),
        ("sdxl", "cuda", 80.0, {"offload": False, "slicing": False, "batch": 13}),
    ],
)
def test_what_runs_where(
    family: str, device: str, memory: float, expected: dict[str, object]
) -> None:
    made = plan_for(load_checkpoint(family), device, memory, "bfloat16")  # type: ignore[arg-type]
    assert expected.items() <= made.settings().items()
