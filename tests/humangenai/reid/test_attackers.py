"""OSNet and the stripe histogram: what they load, what they refuse, and what must not matter."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from humangenai.errors import UserError
from humangenai.reid import load_attacker
from humangenai.reid.osnet import BATCH, OSNetEmbedder, build_osnet
from humangenai.reid.stripes import StripeHistogram

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def write_weights(folder: Path, **changes: object) -> Path:
    """Untrained weights with a record, as the training writes them."""
    torch.manual_seed(0)
    network = build_osnet("osnet_x0_25", classes=3)
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("classifier.")}
    file = folder / "osnet_test.safetensors"
    save_file(state, file)
    record = {
        "name": "test",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "trained_on": "nothing yet",
        "preprocessing": {
            "height": 64,
            "width": 32,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25],
            "normalise": True,
        },
    }
    file.with_suffix(".json").write_text(json.dumps(record | changes))
    return file


def pictures(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(20, 90, (count, 2))
    return [rng.integers(0, 256, (h, w, 3)).astype(np.uint8) for h, w in sizes]


def test_an_embedding_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    attacker = load_attacker("osnet", write_weights(tmp_path))
    images = pictures(BATCH + 5)
    together = attacker.embed(images)
    assert together.shape == (BATCH + 5, 512)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    order = np.random.default_rng(1).permutation(len(images))
    shuffled = attacker.embed([images[i] for i in order])
    np.testing.assert_array_equal(shuffled, together[order])
    alone = np.concatenate([attacker.embed([image]) for image in images[:3]])
    np.testing.assert_array_equal(alone, together[:3])
    assert len(np.unique(together, axis=0)) == len(images)


def test_weights_are_named_in_record_and_fingerprint(tmp_path: Path) -> None:
    file = write_weights(tmp_path)
    attacker = OSNetEmbedder.load(file)
    record = attacker.record()
    assert attacker.name == record.name == "OSNet[test]"
    assert record.trained_on == "nothing yet"
    assert record.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    data = json.loads(file.with_suffix(".json").read_text())
    data["preprocessing"]["height"] = 80
    file.with_suffix(".json").write_text(json.dumps(data))
    assert OSNetEmbedder.load(file).fingerprint() != attacker.fingerprint()


def test_torchreid_checkpoints_are_used_as_torchreid_uses_them(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = build_osnet("osnet_x0_25", classes=751).eval()
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    file = tmp_path / "osnet_x0_25_market1501.pth.tar"
    torch.save({"state_dict": state, "epoch": 150}, file)
    attacker = load_attacker("osnet", file)
    assert attacker.name == "OSNet[osnet_x0_25_market1501]"
    image = pictures(1)[0]
    # What torchreid's own feature extractor does: Resize((256, 128)), ToTensor, Normalize.
    from torchvision.transforms import Compose, Normalize, Resize, ToPILImage, ToTensor

    normalize = Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    transform = Compose([ToPILImage(), Resize((256, 128)), ToTensor(), normalize])
    with torch.inference_mode():
        expected = network(transform(image)[None]).numpy()
    np.testing.assert_allclose(attacker.embed([image]), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("architecture", ["osnet_x0_5", "osnet_ibn_x1_0"])
def test_the_architecture_is_told_by_the_weights(tmp_path: Path, architecture: str) -> None:
    file = tmp_path / "weights.pth"
    torch.save(build_osnet(architecture, classes=2).state_dict(), file)
    assert load_attacker("osnet", file).embed(pictures(1)).shape == (1, 512)


def test_wrong_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    file = write_weights(tmp_path, sha256="0" * 64)
    with pytest.raises(UserError, match=r"not the file that osnet_test\.json records"):
        load_attacker("osnet", file)
    file.with_suffix(".json").unlink()
    with pytest.raises(UserError, match=r"cannot read .*osnet_test\.json"):
        load_attacker("osnet", file)
    with pytest.raises(UserError, match="cannot read OSNet weights"):
        load_attacker("osnet", tmp_path / "nothing.pth")
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(UserError, match="no PyTorch file"):
        load_attacker("osnet", tmp_path / "text.pth")
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match="torchreid's OSNets"):
        load_attacker("osnet", tmp_path / "other.pth")
    state = build_osnet("osnet_x0_25", classes=2).state_dict()
    state["conv5.conv.weight"] = torch.zeros(2, 2, 1, 1)
    torch.save(state, tmp_path / "bent.pth")
    with pytest.raises(UserError, match=r"does not fit osnet_x0_25"):
        load_attacker("osnet", tmp_path / "bent.pth")
    del state["conv5.conv.weight"]
    torch.save(state, tmp_path / "short.pth")
    with pytest.raises(UserError, match=r"lacks 1 weights of osnet_x0_25: conv5.conv.weight"):
        load_attacker("osnet", tmp_path / "short.pth")


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("code ran",))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_code_of_a_checkpoint_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "evil.pth").open("wb") as stream:
        pickle.dump(Malicious(), stream)
    torch.save({"state_dict": Malicious()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(UserError, match="more than weights"):
            load_attacker("osnet", tmp_path / name)
    assert "code ran" not in capsys.readouterr().out


def test_stripes_see_colour_and_where_it_is() -> None:
    attacker = StripeHistogram()
    red_over_blue = np.zeros((120, 50, 3), dtype=np.uint8)
    red_over_blue[:60, :, 0] = 210
    red_over_blue[60:, :, 2] = 210
    darker = (red_over_blue * 0.97).astype(np.uint8)
    upside_down = red_over_blue[::-1].copy()
    green = np.zeros_like(red_over_blue)
    green[..., 1] = 210
    rows = attacker.embed([red_over_blue, darker, upside_down, green])
    assert rows.shape == (4, 6 * (12 * 4 + 8))
    assert rows.min() >= 0 and rows.max() <= 1
    near, far, other = (np.linalg.norm(rows[0] - row) for row in rows[1:])
    assert near < far
    assert near < other
    # Per stripe the values' histogram sums to one, and full saturation makes the colours' too.
    np.testing.assert_allclose((rows**2).sum(1), 12, atol=1e-3)
    mirrored = attacker.embed([red_over_blue[:, ::-1].copy()])
    np.testing.assert_allclose(mirrored[0], rows[0], atol=1e-6)


def test_a_balanced_histogram_ignores_the_colour_of_the_light() -> None:
    rng = np.random.default_rng(0)
    scene = rng.integers(40, 120, (128, 48, 3)).astype(np.uint8)
    warm = (scene * np.array([1.5, 1.0, 0.7])).astype(np.uint8)
    for balanced, low, high in ((True, 0.0, 0.2), (False, 0.5, 10.0)):
        one, other = StripeHistogram(balanced=balanced).embed([scene, warm])
        assert low <= np.linalg.norm(one - other) <= high
    black = np.zeros((50, 20, 3), dtype=np.uint8)
    assert np.isfinite(load_attacker("stripes-balanced").embed([black])).all()
    names = {load_attacker(name).fingerprint() for name in ("stripes", "stripes-balanced")}
    assert len(names) == 2


def test_unknown_attackers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'osnet'"):
        load_attacker("osnett")
    with pytest.raises(UserError, match="takes no weights"):
        load_attacker("stripes", tmp_path / "weights.pth")


def test_importing_the_room_loads_neither_torch_nor_opencv() -> None:
    code = (
        "import sys, humangenai.reid, humangenai.statistics;"
        "print([m for m in ('torch', 'cv2', 'torchreid', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_loading_osnet_loads_only_the_model_file_of_torchreid() -> None:
    code = (
        "import sys; from humangenai.reid.osnet import build_osnet; build_osnet('osnet_x0_25', 2);"
        "print([m for m in ('torchreid', 'tensorboard', 'gdown', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert (result.stdout.strip(), result.stderr) == ("[]", "")
