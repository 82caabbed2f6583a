"""The networks that find people, run on the CPU by LiteRT (formerly TensorFlow Lite)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from refsd.weights import weight_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREADS = 2


class Network:
    """A model file, loaded. Threads may share it; they take turns.

    Args:
        name: of the model file, a key of ``refsd.weights.WEIGHTS``.

    Raises:
        refsd.weights.WeightsError: the file cannot be had.
    """

    def __init__(self, name: str) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(weight_path(name)), num_threads=THREADS)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self._turn = threading.Lock()
        self.side = int(self._input["shape"][1])

    def __call__(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the network.

        Args:
            image: float32 (side, side, 3), in the range that the network was trained on.

        Returns:
            Its outputs in the order of the model file, without the batch axis.
        """
        with self._turn:
            self._interpreter.set_tensor(self._input["index"], image[np.newaxis])
            self._interpreter.invoke()
            return [
                np.asarray(self._interpreter.get_tensor(output["index"])[0], dtype=np.float32)
                for output in self._outputs
            ]


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)
