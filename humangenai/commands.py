"""What the commands of the command line do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from humangenai import config as configs
from humangenai.config import (
    UTILITY_TRACKS,
    BenchmarkConfig,
    DatasetConfig,
    MethodConfig,
    Overrides,
    RunConfig,
    UtilityConfig,
    names,
)
from humangenai.errors import UserError
from humangenai.records import RunRecord
from humangenai.runner import Finished, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

__all__ = ["Finished"]

LOG_WIDTH = 120
"""Columns of a table that is not shown on a terminal."""


@dataclass(frozen=True)
class Request:
    """What was asked for; see the options of the command line. None: nothing was said."""

    methods: tuple[str, ...] = ()
    dataset: str | None = None
    path: Path | None = None
    boxes: Path | None = None
    poses: Path | None = None
    preset: str | None = None
    tracks: tuple[str, ...] | None = None
    limit: int | None = None
    seed: int | None = None
    out: Path | None = None
    retrain: bool = False
    judges: tuple[str, ...] | None = None

    @property
    def overrides(self) -> Overrides:
        """What it says about the dataset, with whole paths: a run may be continued elsewhere."""
        return Overrides(
            path=_whole(self.path),
            boxes=_whole(self.boxes),
            poses=_whole(self.poses),
            preset=self.preset,
        )

    @property
    def only_learns(self) -> bool:
        """Whether models are trained, and nothing else is measured."""
        return bool(self.tracks) and set(self.tracks or ()) <= set(UTILITY_TRACKS)

    @property
    def source(self) -> str | None:
        """The dataset's name; a path alone means a folder."""
        return self.dataset or ("folder" if self.path else None)


@dataclass(frozen=True)
class Outputs:
    """Another tool's pictures: their folder, how they are matched, what the table calls them."""

    folder: Path | None
    manifest: Path | None
    name: str


@dataclass(frozen=True)
class Plan:
    """A run and its folder."""

    config: RunConfig
    out: Path


def evaluation(request: Request, benchmark: str | None) -> list[Plan]:
    """The runs of ``eval``: a dataset's, or those of a benchmark's parts.

    Where no benchmark is named it is ``embedded``, or that of the only track that is asked for:
    ``phi``, ``classification`` or ``detection``; of the latter two ``--preset full`` takes the
    benchmark for a graphics card, such as ``classification-full``.
    """
    if request.source is not None:
        return [_single(request, request.source)]
    sized = benchmark is None and len(request.tracks or ()) == 1 and request.only_learns
    benchmark = benchmark or _benchmark_of(request)
    if request.boxes or request.poses or (request.preset and not sized):
        raise UserError("--boxes, --poses and --preset belong to a dataset: name it by --dataset")
    request = replace(request, preset=None)
    described = configs.load("benchmarks", benchmark, BenchmarkConfig)
    root = request.out or _default_out(Path(benchmark).stem, request.methods or described.methods)
    return [
        Plan(_override(config, request), root / config.dataset.dataset)
        for config in configs.benchmark_runs(described, request.methods, request.overrides)
    ]


def _benchmark_of(request: Request) -> str:
    """The benchmark that runs where nobody names one."""
    if request.tracks is None or len(request.tracks) != 1:
        return "embedded"
    (track,) = request.tracks
    if track in UTILITY_TRACKS:
        return track if request.preset in (None, "small") else f"{track}-{request.preset}"
    return "phi" if track == "phi" else "embedded"


def generation(request: Request) -> list[Plan]:
    """The run of ``generate``: one dataset, all of its pictures."""
    if request.source is None:
        raise UserError("name the pictures: --dataset NAME, or --path DIR for a folder of yours")
    plan = _single(request, request.source)
    return [Plan(plan.config.model_copy(update={"everything": True}), plan.out)]


def again(folder: Path, request: Request) -> list[Plan]:
    """A run that was made before, to be measured (again)."""
    config = RunConfig.model_validate(_record(folder).config)
    # What `generate` made was measured by nothing: then everything that is possible.
    tracks = (config.tracks or None) if request.tracks is None else request.tracks
    update = {"tracks": tracks, "retrain": request.retrain}
    return [Plan(_judged(config.model_copy(update=update), request), folder)]


def foreign(request: Request, originals: Path | None, outputs: Outputs) -> list[Plan]:
    """The run that judges another tool's pictures."""
    if outputs.folder is None:
        raise UserError("say what to measure: a run folder, or --outputs DIR (see score --help)")
    if (originals is None) == (request.source is None):
        raise UserError("say where the originals are: --originals DIR or --dataset NAME")
    if originals is not None:
        request = replace(request, path=originals)
    name = request.source or "folder"
    options = {
        "outputs": str(_whole(outputs.folder)),
        "manifest": str(_whole(outputs.manifest)) if outputs.manifest else None,
        "name": outputs.name,
    }
    config = RunConfig(
        dataset=configs.dataset_config(name, request.overrides),
        methods=(MethodConfig(method="imported", options=options),),
    )
    place = request.overrides.path.name if request.overrides.path else Path(name).stem
    return [
        Plan(
            _override(config, request),
            request.out or _default_out(f"score-{place}", (outputs.name,)),
        )
    ]


def execute(plans: Sequence[Plan]) -> list[Finished]:
    """Do the runs, print their tables, write their reports."""
    from humangenai.progress import Bars
    from humangenai.report import render

    console = _console()
    finished = []
    for plan in plans:
        done = run(plan.config, plan.out, Bars())
        report = write_report(plan.out)
        console.print(render(done.record))
        console.print(f"report: {report}", soft_wrap=True)
        if any(method.claim != "none" for method in done.record.methods):
            console.print(f"for publication: {plan.out / 'release'}", soft_wrap=True)
        finished.append(done)
    return finished


def apply_review(folder: Path) -> Finished | None:
    """Make a run's corrected pictures again, print its tables, write its report.

    Returns:
        The run; None where all corrections are in it already.

    Raises:
        UserError: the folder holds no finished run, or nobody has reviewed it.
    """
    from humangenai.review import is_pending, run_config

    if not is_pending(folder):
        return None
    return execute([Plan(run_config(folder), folder)])[0]


def write_report(folder: Path) -> Path:
    """Write the HTML report of a run.

    Raises:
        UserError: the folder holds no finished run.
    """
    from humangenai import report

    _record(folder)
    return report.write_report(folder)


def verify(folder: Path, sample: int | None, everything: bool) -> bool:
    """Check a run's release and print the verdict; True if it passed.

    Raises:
        UserError: the folder holds no finished run, or both a sample and everything is asked for.
    """
    from humangenai.progress import Bars
    from humangenai.verification import SAMPLE, render, verify_release

    if everything and sample is not None:
        raise UserError("give --sample or --all, not both")
    number = None if everything else sample or SAMPLE
    verification = verify_release(folder, number, Bars())
    _console().print(render(verification))
    return verification.verdict == "passed"


def listing(kind: str) -> list[tuple[str, str]]:
    """Names of one kind (methods, datasets, metrics, judges, refiners, …), with one line each."""
    from humangenai.registry import DATASETS, JUDGES, METHODS, METRICS

    if kind == "metrics":
        entries = METRICS.entries()
    elif kind == "judges":
        entries = JUDGES.entries()
    elif kind == "refiners":
        return _checkpoints("refiners")
    elif kind == "inpainters":
        return _checkpoints("inpainters")
    else:
        entries = DATASETS.entries() if kind == "datasets" else METHODS.entries()
    lines = {name: entry.summary for name, entry in entries.items()}
    if kind == "methods":
        lines |= {n: configs.load("methods", n, MethodConfig).summary for n in names("methods")}
    if kind == "datasets":
        lines |= {n: configs.load("datasets", n, DatasetConfig).summary for n in names("datasets")}
    return sorted(lines.items())


def _checkpoints(folder: Literal["refiners", "inpainters"]) -> list[tuple[str, str]]:
    from refsd.diffusion import checkpoint_names, load_checkpoint

    none = [("none", "no diffusion: the composited avatar is the result")]
    return [
        *(none if folder == "refiners" else []),
        *((name, load_checkpoint(name, folder).summary) for name in checkpoint_names(folder)),
    ]


def build_leaderboard(runs: Sequence[Path], out: Path | None) -> list[Path]:
    """Write the leaderboard, from the committed results and from ``runs``."""
    import leaderboards

    return leaderboards.build(runs, out)


def _console() -> Console:
    """Where tables are shown; in a file or a log nothing needs to be cut off."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=LOG_WIDTH)


def _single(request: Request, dataset: str) -> Plan:
    """One run on one dataset."""
    from humangenai.registry import DATASETS

    if not request.methods:
        raise UserError("name at least one --method (see `humangenai list methods`)")
    overrides, utility = request.overrides, UtilityConfig()
    methods = tuple(configs.method_config(name) for name in request.methods)
    if request.only_learns:
        # The size of the models, and of the dataset where it comes in several.
        size: dict[str, object] = {"preset": request.preset} if request.preset else {}
        if request.tracks == ("detection",):
            size["modes"] = ("random",)  # boxes are no words to prompt with
        utility = configs.validate(UtilityConfig, size, "--preset")
        name = configs.dataset_config(dataset, Overrides()).dataset
        if "preset" not in DATASETS.load(name).Options.model_fields:
            overrides = replace(overrides, preset=None)
    config = RunConfig(
        dataset=configs.dataset_config(dataset, overrides), methods=methods, utility=utility
    )
    path = overrides.path
    parts = [Path(dataset).stem, request.preset, path.name if path else None]
    out = request.out or _default_out("-".join(filter(None, parts)), request.methods)
    return Plan(_override(config, request), out)


def _whole(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().resolve()


def _override(config: RunConfig, request: Request) -> RunConfig:
    """Put what the command line says above what the files say."""
    said = {
        name: getattr(request, name)
        for name in ("tracks", "limit", "seed")
        if getattr(request, name) is not None
    }
    if request.tracks == ("phi",):
        said["only_sources"] = True
    config = _judged(config.model_copy(update={**said, "retrain": request.retrain}), request)
    if not config.learns:
        return config
    methods = configs.in_modes(config.methods, config.utility.modes)
    return config.model_copy(update={"methods": methods})


def _judged(config: RunConfig, request: Request) -> RunConfig:
    """With the judges that the command line names, if it names any."""
    if request.judges is None:
        return config
    phi = config.phi.model_copy(update={"judges": request.judges})
    return config.model_copy(update={"phi": phi})


def _default_out(name: str, methods: Sequence[str]) -> Path:
    return Path("runs") / f"{name}-{'+'.join(Path(method).stem for method in methods)}"


def _record(folder: Path) -> RunRecord:
    path = folder / "private" / "run.json"
    try:
        return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{folder} holds no finished run: {path} is missing") from error
    except ValueError as error:
        raise UserError(f"{path} is not the record of a run") from error
