"""Zero-shot classification, against open_clip used directly on a small model made on the spot."""

from __future__ import annotations

import json
import socket

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from humangenai.attribute_fidelity.judges import clip
from humangenai.attribute_fidelity.judges.judge import Unavailable
from humangenai.errors import UserError

CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
SHAPES = {"head": (48, 48), "body": (64, 32)}


def make_model(folder, seed: int = 0):
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    weights = open_clip.model.CLIP(**CONFIG).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in weights.items()},
              folder / "open_clip_model.safetensors")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("clip") / "small")


@pytest.fixture(scope="module")
def judge(folder):
    return clip.load(str(folder))


def noise(crop: str, count: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, *SHAPES[crop], 3), dtype=np.uint8)


@pytest.mark.parametrize("crop", SHAPES)
def test_logits_are_those_of_open_clip_used_directly(folder, judge, crop) -> None:
    model, _, preprocess = open_clip.create_model_and_transforms(
        f"local-dir:{folder}", image_resize_mode="longest"
    )
    model.eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    pictures = noise(crop)
    said = judge.logits(pictures, crop)
    with torch.no_grad():
        seen = model.encode_image(torch.stack([preprocess(Image.fromarray(p)) for p in pictures]))
        seen /= seen.norm(dim=-1, keepdim=True)
        for key, values in judge.values(crop).items():
            classes = []
            for value in values:
                texts = model.encode_text(tokenizer(list(clip.texts_of(key, value, crop))))
                texts /= texts.norm(dim=-1, keepdim=True)
                mean = texts.mean(dim=0)
                classes.append(mean / mean.norm())
            expected = model.logit_scale.exp() * seen @ torch.stack(classes).T
            np.testing.assert_allclose(said[key], expected.numpy(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("crop", SHAPES)
def test_probabilities_are_a_softmax_of_the_logits(judge, crop) -> None:
    pictures = noise(crop)
    scores, said = judge.logits(pictures, crop), judge.judge(pictures, crop)
    for key, rows in said.items():
        powers = np.exp(scores[key].astype(np.float64))
        np.testing.assert_allclose(rows, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)


def test_a_picture_is_judged_alike_in_any_company(judge) -> None:
    pictures = noise("head", 40)
    together, alone = judge.judge(pictures, "head"), judge.judge(pictures[37:38], "head")
    for key, rows in together.items():
        np.testing.assert_allclose(rows[37], alone[key][0], atol=1e-5)
    assert all(len(rows) == 0 for rows in judge.judge(pictures[:0], "head").values())


def test_heads_and_feet_are_not_cut_off(judge) -> None:
    plain = np.full((1, 64, 32, 3), 128, dtype=np.uint8)
    shod = plain.copy()
    shod[:, -8:] = (255, 0, 0)
    assert not np.allclose(
        judge.logits(plain, "body")["shoe colour"], judge.logits(shod, "body")["shoe colour"]
    )


def test_a_local_folder_needs_no_network(folder, judge, monkeypatch) -> None:
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    said = clip.load(str(folder)).judge(noise("head"), "head")
    for key, rows in judge.judge(noise("head"), "head").items():
        np.testing.assert_array_equal(said[key], rows)


def test_the_version_is_that_of_weights_and_words(folder, judge, tmp_path, monkeypatch) -> None:
    assert clip.load(str(folder)).version == judge.version
    other = clip.load(str(make_model(tmp_path / "other", seed=1))).version
    weights, words = judge.version.split("-")
    assert other.split("-")[0] != weights
    assert other.split("-")[1] == words
    monkeypatch.setitem(clip.TEMPLATES, "head", ("a {}drawing of {}",))
    reworded = clip.load(str(folder)).version
    assert reworded.split("-")[0] == weights
    assert reworded.split("-")[1] != words


def test_the_licence_is_that_of_the_model_card(folder, judge, tmp_path) -> None:
    assert judge.licence == "not stated in the folder"
    stated = make_model(tmp_path / "stated")
    (stated / "README.md").write_text("---\nlicense: mit\ntags: [clip]\n---\n# A model\n")
    assert clip.load(str(stated)).licence == "mit (model card)"


def test_its_ceilings_are_unknown_until_measured(judge, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HUMANGENAI_CACHE", str(tmp_path))
    ceilings = judge.ceilings("head")
    assert ceilings.keys() == judge.values("head").keys()
    assert not any(ceiling.measured for ceiling in ceilings.values())


class Surprise:
    """What a pickle runs when it is loaded carelessly."""

    def __reduce__(self):
        return (print, ("loaded",))


def test_a_file_that_would_run_something_is_refused(tmp_path, capfd) -> None:
    folder = make_model(tmp_path / "pickled")
    (folder / "open_clip_model.safetensors").unlink()
    torch.save({"state_dict": Surprise()}, folder / "open_clip_pytorch_model.bin")
    with pytest.raises(UserError, match="loaded safely"):
        clip.load(str(folder))
    assert "loaded" not in capfd.readouterr().out


def test_what_is_wrong_with_the_weights_is_said(tmp_path) -> None:
    with pytest.raises(Unavailable, match="no weights are named"):
        clip.load()
    with pytest.raises(UserError, match="there is no folder"):
        clip.load(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="open_clip_config"):
        clip.load(str(tmp_path))
    with pytest.raises(UserError, match="did you mean 'ViT-B-32/laion2b_s34b_b79k'"):
        clip.load("ViT-B-32/laion2b_s34b_b79")
    empty = make_model(tmp_path / "empty")
    (empty / "open_clip_model.safetensors").unlink()
    with pytest.raises(UserError, match="no weights"):
        clip.load(str(empty))
    (empty / "open_clip_model.safetensors").write_bytes(b"half a file")
    with pytest.raises(UserError, match="no weights"):
        clip.load(str(empty))
    hub = make_model(tmp_path / "hub")
    config = json.loads((hub / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["hf_model_name"] = "somebody/roberta"
    (hub / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="only on a hub"):
        clip.load(str(hub))


def test_weights_that_cannot_be_fetched_are_missing_not_wrong(monkeypatch) -> None:
    def refuse(*args, **kwargs):
        raise RuntimeError("no hub\nand a long story")

    monkeypatch.setattr(open_clip, "create_model", refuse)
    with pytest.raises(Unavailable, match=r"no hub$"):
        clip.load("ViT-B-32/laion2b_s34b_b79k")


def test_all_words_fit_the_text_encoder(judge) -> None:
    tokenizer = open_clip.SimpleTokenizer(context_length=200)
    for crop in SHAPES:
        texts = {
            text
            for key, values in judge.values(crop).items()
            for value in values
            for text in clip.texts_of(key, value, crop)
        }
        assert int((tokenizer(sorted(texts)) != 0).sum(dim=1).max()) <= 77


@pytest.mark.parametrize("crop", SHAPES)
def test_values_of_one_attribute_are_said_in_different_words(judge, crop) -> None:
    for key, values in judge.values(crop).items():
        assert len({clip.texts_of(key, value, crop) for value in values}) == len(values), key
