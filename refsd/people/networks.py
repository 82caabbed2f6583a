"""The networks that find people, run on the CPU by LiteRT (formerly TensorFlow Lite)."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from refsd.weights import weight_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

Given = TypeVar("Given")
Made = TypeVar("Made")

WORKERS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
"""Networks are small: many at once, on one thread each, are faster than one at a time on many, and
far faster where other programs want the processor too. Results do not depend on the number."""


class Network:
    """A model file, loaded once per worker. Threads may share it.

    Args:
        name: of the model file, a key of ``refsd.weights.WEIGHTS``.

    Raises:
        refsd.weights.WeightsError: the file cannot be had.
    """

    def __init__(self, name: str) -> None:
        from ai_edge_litert.interpreter import Interpreter

        path = str(weight_path(name))
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(WORKERS):
            interpreter = Interpreter(model_path=path, num_threads=1)
            interpreter.allocate_tensors()
            self._idle.put(interpreter)
        self._input = interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in interpreter.get_output_details()]
        self.side = int(interpreter.get_input_details()[0]["shape"][1])

    def __call__(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the network.

        Args:
            image: float32 (side, side, 3), in the range that the network was trained on.

        Returns:
            Its outputs in the order of the model file, without the batch axis.
        """
        interpreter = self._idle.get()
        try:
            interpreter.set_tensor(self._input, image[np.newaxis])
            interpreter.invoke()
            return [
                np.asarray(interpreter.get_tensor(output)[0], dtype=np.float32)
                for output in self._outputs
            ]
        finally:
            self._idle.put(interpreter)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="people")


def at_once(work: Callable[[Given], Made], things: Iterable[Given]) -> list[Made]:
    """Do the same to many things, as many at once as there are workers.

    Args:
        work: what to do; must not call this function itself, or all workers may wait for workers.
        things: what to do it to.

    Returns:
        The results, in order.
    """
    return list(_pool().map(work, things))


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)
