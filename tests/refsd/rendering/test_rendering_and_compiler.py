"""OpenGL first, torch's compiler second, in one process: both bring an LLVM."""

from __future__ import annotations

import subprocess
import sys

_BOTH = """
from refsd.rendering import Camera, Light, make_renderer
renderer = make_renderer("auto")
renderer.render([], Camera(9, 9, 4, 4, 8, 8), Light())
import torch
torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())
print(renderer.name)
"""


def test_a_training_can_follow_a_rendering() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BOTH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() in ("moderngl", "numpy")
