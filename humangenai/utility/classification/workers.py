"""Trains several classifiers at once: on processors one per core, each with a single thread.

Networks as small as these gain nothing from a second thread, and what comes out of one thread is
the same whatever else the machine does.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import TYPE_CHECKING, Self

import torch

from humangenai.utility.classification.training import predictions, said_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.utility.classification.pictures import Examples
    from humangenai.utility.classification.training import Job

MOST = 8
"""Processes; each holds a copy of the pictures."""

_LOOK = 1.0
"""Seconds between two looks at whether the parent is still there."""


class Workers:
    """Processes that train; none where there is a graphics card, which takes one after another.

    Use as a context; leaving it early gives up what nobody has begun yet.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=kind is not None)

    def predictions(
        self,
        jobs: Sequence[Job],
        test: Examples,
        folder: Path,
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[NDArray[np.int64]]:
        """What the models of several jobs say of the test pictures, in the jobs' order.

        Args:
            jobs: what to train; a job that starts from another one's weights waits for it.
            test: the pictures to be told.
            folder: for weights, states and predictions.
            advance: told of updates that are done.

        Returns:
            For each job int64 (tasks, N), as of :func:`.training.predictions`.
        """
        if torch.cuda.is_available():
            return [predictions(job, test, folder, advance) for job in jobs]
        keys = [job.key() for job in jobs]
        starts = [None if job.start is None else job.start.key() for job in jobs]
        said: dict[int, NDArray[np.int64]] = {}
        for at, job in enumerate(jobs):
            if (before := said_before(job, test, folder)) is not None:
                said[at] = before
                advance(job.recipe.updates)
        # What others wait for comes first.
        waiting = sorted(set(range(len(jobs))) - set(said), key=lambda at: keys[at] not in starts)
        running: dict[Future[NDArray[np.int64]], int] = {}
        while waiting or running:
            missing = {keys[at] for at in range(len(jobs)) if at not in said}
            for at in [at for at in waiting if starts[at] not in missing]:
                running[self._processes().submit(predictions, jobs[at], test, folder)] = at
                waiting.remove(at)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                at = running.pop(future)
                said[at] = future.result()
                advance(jobs[at].recipe.updates)
        return [said[at] for at in range(len(jobs))]

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                min(os.cpu_count() or 1, MOST),
                mp_context=get_context("spawn"),
                initializer=_begin,
                initargs=(os.getpid(),),
            )
        return self._pool


def _begin(parent: int) -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A pool whose owner was killed waits for work forever; its processes end themselves."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
