"""Trainings at once give what they give one after another, and nobody outlives who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from test_utility_classification_training import draw, job

from humangenai.utility.classification.training import predictions
from humangenai.utility.classification.workers import Workers

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.skipif(torch.cuda.is_available(), reason="graphics cards take one after another")
def test_at_once_or_one_after_another_is_the_same(tmp_path: Path) -> None:
    learn, other, test = draw(32, 1), draw(32, 2), draw(16, 3)
    first = job(learn)
    # What starts from another one's weights comes first here, and waits for them.
    jobs = [job(other, start=first), first, job(other, seed=1)]
    told: list[int] = []
    with Workers() as workers:
        said = workers.predictions(jobs, test, tmp_path / "at-once", told.append)
    assert told == [60, 60, 60]
    alone = [predictions(one, test, tmp_path / "alone") for one in jobs]
    assert all((one == two).all() for one, two in zip(said, alone, strict=True))
    assert len(list((tmp_path / "at-once").glob("*.weights"))) == 3
    assert not np.array_equal(said[0], said[2])


def test_what_fails_in_a_process_is_told(tmp_path: Path) -> None:
    nothing, test = draw(0, 1), draw(4, 2)
    with pytest.raises(ValueError, match="no picture"), Workers() as workers:
        workers.predictions([job(nothing)], test, tmp_path)


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_utility_classification_training import draw, job
from humangenai.utility.classification.workers import Workers
if __name__ == "__main__":
    with Workers() as workers:
        workers.predictions([job(draw(16, 1))], draw(4, 2), Path(sys.argv[2]))
        print(*workers._pool._processes, flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="graphics cards take one after another")
def test_processes_end_with_whoever_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    here = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, script, here, tmp_path / "states"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as owner:  # fmt: skip
        assert owner.stdout is not None
        processes = [int(one) for one in owner.stdout.readline().split()]
        assert processes
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        deadline = time.monotonic() + 60
        while any(_runs(one) for one in processes):
            assert time.monotonic() < deadline, processes
            time.sleep(0.1)


def _runs(process: int) -> bool:
    with suppress(OSError):
        # A zombie has ended; nobody here may have to wait for it.
        return "(zombie)" not in Path(f"/proc/{process}/status").read_text()
    return False
