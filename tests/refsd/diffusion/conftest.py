"""Tiny checkpoints with random weights, made once, and pictures to refine; no network."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from refsd.diffusion import Checkpoint
    from refsd.refinement import Composite


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reaches for the network fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("something reached for the network")

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HUMANGENAI_DOWNLOAD", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of SD 1.5's shape with a safety checker."""
    from refsd.diffusion.random_weights import write_random_checkpoint

    folder = tmp_path_factory.mktemp("guarded")
    return write_random_checkpoint(folder, family="sd15", size="tiny", safety_checker=True)


@pytest.fixture
def make_checkpoint(
    tiny_checkpoint: Callable[[str, str], Path], tmp_path: Path
) -> Callable[..., Checkpoint]:
    """Makes settings of a tiny checkpoint; keywords replace single settings."""
    from refsd.diffusion import load_checkpoint

    def make(family: str = "sd15", folder: Path | None = None, **settings: Any) -> Checkpoint:
        weights = folder or tiny_checkpoint(family, "refine")
        data = {
            "name": f"random-{family}", "family": family, "licence": "none",
            "base": {"path": str(weights)}, "controlnet": {"path": str(weights / "controlnet")},
            "steps": 4, "guidance": 3.0, "strength": 0.6, "sizes": [[64, 64], [64, 32]],
            **settings,
        }  # fmt: skip
        file = tmp_path / "settings.yaml"
        file.write_text(yaml.safe_dump(data), encoding="utf-8")
        return load_checkpoint(str(file))

    return make


@pytest.fixture
def copied(tiny_checkpoint: Callable[[str, str], Path], tmp_path: Path) -> Path:
    """A checkpoint of SD 1.5's shape, with its refiner.yaml, that a test may break."""
    return shutil.copytree(tiny_checkpoint("sd15", "refine"), tmp_path / "copied")


@pytest.fixture
def make_composite() -> Callable[..., Composite]:
    """Makes a picture of 96 × 160 with people who stand side by side, each with a prompt."""
    from refsd.prompts import Prompt
    from refsd.refinement import Composite

    def make(people: int = 1, seed: int = 3) -> Composite:
        rows, columns = np.mgrid[0:96, 0:160]
        stripes = 100 + 50 * np.sin((columns + seed) / 5) + 40 * np.cos(rows / 9)
        image = np.stack([stripes, rows * 2, 255 - stripes], axis=2).clip(0, 255).astype(np.uint8)
        regions = [
            ((columns - 20 - 38 * number) / 14) ** 2 + ((rows - 50) / 38) ** 2 <= 1
            for number in range(people)
        ]
        prompts = [Prompt(f"person {number}", "blurry") for number in range(people)]
        return Composite(image, regions, prompts, seed)

    return make
