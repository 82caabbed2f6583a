"""What all training loops share: a state that survives a stop, a log, a curve, sheets."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from refsd.images import save_png
from refsd.training.hardware import DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Loop:
    """One training run in a folder: ``state.pt``, ``log.csv``, ``curve.png``, ``sheet-*.png``.

    Args:
        folder: where everything is written; a run found there goes on.
        steps: when to stop.
        save_every: steps between two states.

    Attributes:
        step: steps done.
    """

    def __init__(self, folder: Path, steps: int, save_every: int = 250) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.steps = steps
        self.step = 0
        self._save_every = save_every
        self._losses: dict[str, list[float]] = {}
        self._began = time.perf_counter()
        self._begun_at = 0

    def resume(self) -> dict[str, Any] | None:
        """The state of the last stop; None where the run is new."""
        path = self.folder / "state.pt"
        if not path.exists():
            return None
        state: dict[str, Any] = torch.load(path, map_location=DEVICE, weights_only=True)
        self.step = self._begun_at = int(state["step"])
        return state

    def save_after(self, state: dict[str, Any]) -> None:
        """Write the state as it is after this step, whole or not at all."""
        draft = self.folder / ".state.part"
        torch.save({"step": self.step + 1, **state}, draft)
        draft.replace(self.folder / "state.pt")

    def numbers(self) -> Iterator[int]:
        """The steps that are left."""
        while self.step < self.steps:
            yield self.step
            self.step += 1

    def is_due(self) -> bool:
        """Whether this step ends with a state and a sheet."""
        return (self.step + 1) % self._save_every == 0 or self.step + 1 == self.steps

    def add(self, **losses: float) -> None:
        """Note a step's losses; every 50 steps their means go to the log and the screen."""
        for name, value in losses.items():
            self._losses.setdefault(name, []).append(value)
        if (self.step + 1) % 50 and self.step + 1 != self.steps:
            return
        means = {name: float(np.mean(values)) for name, values in self._losses.items()}
        self._losses.clear()
        path = self.folder / "log.csv"
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(["step", *means])
            writer.writerow([self.step + 1, *(f"{value:.5f}" for value in means.values())])
        done = self.step + 1 - self._begun_at
        left = (time.perf_counter() - self._began) / done * (self.steps - self.step - 1)
        shown = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
        print(  # noqa: T201  (a training command reports its progress)
            f"step {self.step + 1} of {self.steps}: {shown}; {left / 60:.0f} min left", flush=True
        )
        self._draw_curve(path)

    def _draw_curve(self, log: Path) -> None:
        from matplotlib.figure import Figure

        with log.open() as file:
            rows = list(csv.reader(file))
        values = np.array(rows[1:], dtype=np.float64)
        figure = Figure(figsize=(6, 4))
        axes = figure.add_subplot()
        for column, name in enumerate(rows[0][1:], start=1):
            axes.plot(values[:, 0], values[:, column], label=name)
        axes.set_xlabel("step")
        axes.set_yscale("log")
        axes.legend()
        figure.savefig(self.folder / "curve.png", dpi=100, metadata={"Software": None})

    def sheet(self, rows: Sequence[NDArray[np.uint8]], name: str) -> None:
        """Write rows of pictures, uint8 (N, H, W, 3) each, as one sheet."""
        picture = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
        save_png(self.folder / f"sheet-{name}-{self.step + 1:06d}.png", picture)
