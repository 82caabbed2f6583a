"""What all tests share: no skips in CI, and the record of a run that never took place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from humangenai.records import RunRecord

# In CI nothing may be skipped for a missing part: such a skip is a failure there.
NO_SKIPS = os.environ.get("HUMANGENAI_NO_SKIPS") == "1"

MAY_SKIP = ("needs a GPU",)
"""Starts of the reasons that stay skips: everything must pass on a machine without a GPU."""


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that tells the skip's reason."""
    if not NO_SKIPS or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(MAY_SKIP):
        report.outcome = "failed"
        report.longrepr = f"skipped for a missing part, which CI forbids: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Networks as small as tests' are 10 times as slow on threads that wait for busy cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def run_record() -> RunRecord:
    """The record of a run of three methods on 200 queries of 50 people; all numbers made up."""
    from humangenai.records import (
        AttackerRecord,
        Coverage,
        DatasetRecord,
        Difference,
        MethodRecord,
        RunRecord,
        Score,
    )

    chance = {"R@1": 0.031, "R@5": 0.14, "R@10": 0.25, "mAP": 0.045}
    rank1 = {"Original": 0.91, "MaskOut": 0.05, "refsd[none]": 0.06}
    coverage = {
        "Original": {"kept": 196},
        "MaskOut": {"masked": 196},
        "refsd[none]": {"replaced": 190, "masked": 6},
    }

    def scores(method: str, attacker: str) -> tuple[Score, ...]:
        scale = {"osnet": 1.0, "stripes": 0.3}[attacker]
        return tuple(
            Score(
                metric=metric,
                attacker=attacker,
                subset=subset,
                value=min(1.0, scale * rank1[method] + offset - (subset == "processed") * 0.01),
                low=max(0.0, scale * rank1[method] + offset - 0.04),
                high=min(1.0, scale * rank1[method] + offset + 0.04),
                chance=chance[metric],
                n=200 if subset == "all" else 196,
                clusters=50,
            )
            for subset in ("all", "processed")
            for metric, offset in zip(chance, (0.0, 0.04, 0.08, -0.01), strict=True)
        )

    nobody = {"replaced": 0, "masked": 0, "obscured": 0, "kept": 0}
    return RunRecord(
        humangenai_version="0.1.0",
        created="2026-11-21T05:00:00+00:00",
        git={"commit": "0" * 40, "dirty": False},
        packages={"numpy": "2.4.6"},
        hardware={"cores": 2, "gpu": None},
        config={"dataset": {"dataset": "crowd", "options": {"preset": "full"}}},
        config_hash="c" * 64,
        seed=0,
        dataset=DatasetRecord(
            name="crowd",
            rendered=True,
            crops=True,
            items=800,
            queries=200,
            gallery=600,
            identities=50,
            manifest_hash="d" * 64,
        ),
        weights={"osnet": "a" * 64},
        attackers=(
            AttackerRecord(
                name="osnet",
                trained_on="crowd train split, 480 identities",
                weights_sha256="a" * 64,
            ),
            AttackerRecord(name="stripes", trained_on="nothing"),
        ),
        methods=tuple(
            MethodRecord(
                name=name,
                claim="none" if name == "Original" else "removes",
                settings={"fill": 127},
                settings_hash="e" * 64,
                coverage=Coverage(
                    truth=True,
                    people=200,
                    missed=4,
                    items=200,
                    failed_items=0,
                    leak_mean=0.003,
                    leak_p95=0.011,
                    **{**nobody, **coverage[name]},
                ),
                seconds={"pseudonymize": 3.0},
                scores=(*scores(name, "osnet"), *scores(name, "stripes")),
            )
            for name in rank1
        ),
        differences=tuple(
            Difference(
                metric=metric,
                attacker="osnet",
                subset="all",
                method="refsd[none]",
                against="MaskOut",
                value=0.01,
                low=-0.02,
                high=0.04,
                n=200,
                clusters=50,
            )
            for metric in chance
        ),
        seconds={"finding people": 12.5, "scoring": 30.0},
    )


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Makes a folder with a random checkpoint and its refiner.yaml, once per family and task."""
    from functools import cache

    @cache
    def make(family: str, task: str) -> Path:
        from refsd.diffusion.random_weights import write_random_checkpoint

        folder = tmp_path_factory.mktemp("checkpoints") / f"{family}-{task}"
        write_random_checkpoint(folder, family=family, size="tiny", task=task)
        lines = [
            f"name: random-{family}", f"family: {family}", "licence: none, the weights are random",
            "base: {path: .}", "steps: 4", "guidance: 3.0", "sizes: [[64, 64], [64, 32]]",
        ]  # fmt: skip
        if task == "refine":
            lines += ["controlnet: {path: controlnet}", "strength: 0.6"]
        (folder / "refiner.yaml").write_text("\n".join(lines), encoding="utf-8")
        return folder

    return make
