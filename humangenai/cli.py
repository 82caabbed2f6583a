"""The command line. Every command is a few lines that call one function.

Only Typer and Rich are loaded here: ``--help`` must answer at once. What a command needs is
imported inside it.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from humangenai import __version__
from humangenai.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from annotator_ui.simulation import Kind as AnnotatorKind
    from humangenai.commands import Finished

app = typer.Typer(
    name="humangenai",
    help="Which method may I publish my images with, and what does it cost me?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
leaderboard = typer.Typer(help="Compare methods over many runs.", no_args_is_help=True)
app.add_typer(leaderboard, name="leaderboard")
study = typer.Typer(help="Have people rate methods (ψ) in a browser.", no_args_is_help=True)
app.add_typer(study, name="study")

# One definition per option, so that it means the same in every command.
MethodOption = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        "-m",
        help="Method name or YAML file; may be given several times.",
        show_default=False,
    ),
]
DatasetOption = Annotated[
    str | None,
    typer.Option("--dataset", "-d", help="Dataset name or YAML file.", show_default=False),
]
PathOption = Annotated[
    Path | None,
    typer.Option(
        "--path",
        help="Where the dataset's files are; alone it means --dataset folder.",
        show_default=False,
        readable=False,  # not Typer's to check: the dataset says it in one line
    ),
]
BoxesOption = Annotated[
    Path | None,
    typer.Option(
        "--boxes",
        help="Your own boxes, masks or ids for a folder's pictures: CSV or COCO JSON.",
        show_default=False,
        readable=False,
    ),
]
PosesOption = Annotated[
    Path | None,
    typer.Option(
        "--poses",
        help="A folder of an external estimator's poses (4D-Humans) for a folder's pictures.",
        show_default=False,
        readable=False,
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="The dataset's size: small or full. With --track classification or detection alone "
        "also that of the models: full is for a graphics card.",
        show_default=False,
    ),
]
TrackOption = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        help="What to measure (see `list metrics`) or none; by default all that is possible.",
        show_default=False,
    ),
]
JudgeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--judge",
        help="Who judges attribute fidelity (--track phi): NAME or NAME:WEIGHTS (see `list "
        "judges`); by default everybody who can. May be repeated.",
        show_default=False,
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help="Only the first so many pictures (queries, where the dataset has a gallery).",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        help="Fixes all randomness, for benchmarks. Without it the key is random and stays in "
        "private/: do that for what you publish.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The run folder. [default: runs/…]", show_default=False),
]
KeepGoingOption = Annotated[
    bool, typer.Option("--keep-going", help="Exit with 0 even if some pictures failed.")
]
StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="HUMANGENAI_DATABASE",
        help="URL of a database, e.g. postgresql://USER@HOST/NAME. [default: SQLite in studies/]",
        show_default=False,
    ),
]
RetrainOption = Annotated[
    bool,
    typer.Option("--retrain", help="Train the attackers again instead of using shipped weights."),
]


class Kind(StrEnum):
    """What can be listed."""

    methods = "methods"
    datasets = "datasets"
    metrics = "metrics"
    judges = "judges"
    refiners = "refiners"
    inpainters = "inpainters"


def main() -> None:
    """Run the command line: mistakes of the user are one line on standard error, exit code 2."""
    try:
        app()
    except KeyboardInterrupt:
        _fail("stopped; what is finished is kept: give the same command again to go on", 130)
    except UserError as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 2)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("refsd", "humangenai"):
            raise  # a fault of ours: the traceback helps to mend it
        _fail(str(error), 2)


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    raise SystemExit(code)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command(name="eval")
def evaluate(  # noqa: PLR0917
    method: MethodOption = None,
    dataset: DatasetOption = None,
    path: PathOption = None,
    boxes: BoxesOption = None,
    poses: PosesOption = None,
    preset: PresetOption = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            "-b",
            help="Benchmark name or YAML file. [default: embedded; for --track phi, "
            "classification or detection alone the one of that name]",
            show_default=False,
        ),
    ] = None,
    track: TrackOption = None,
    judge: JudgeOption = None,
    limit: LimitOption = None,
    seed: SeedOption = None,
    out: OutOption = None,
    keep_going: KeepGoingOption = False,
    retrain: RetrainOption = False,
) -> None:
    """Pseudonymize, measure and report.

    Without **--dataset** a benchmark runs. The default one, *embedded*, compares your methods with
    all baselines on rendered people (crowd), then runs your methods on real photos. With
    **--dataset** only the methods you name run, on that dataset.

    Giving a command again continues where it stopped, and does nothing twice.

    Examples:
    - `humangenai eval --method refsd` – RefSD and all baselines, nothing else needed

    - `humangenai eval --method refsd --dataset folder --path ~/photos` – your own photos

    - `humangenai eval -m maskout -m refsd -d market1501 --path ~/Market-1501-v15.09.15`

    - `humangenai eval --method refsd --track phi` – does the new person look as prompted?

    - `humangenai eval --method refsd --track classification` – are models that learn from its
    pictures still good? (`--preset full` for a graphics card)

    - `humangenai eval -m refsd --track classification -d rafdb --path ~/RAF-DB --preset full`
    """
    from humangenai.commands import Request, evaluation, execute

    request = Request(
        methods=tuple(method or ()),
        dataset=dataset,
        path=path,
        boxes=boxes,
        poses=poses,
        preset=preset,
        tracks=_tracks(track),
        limit=limit,
        seed=seed,
        out=out,
        retrain=retrain,
        judges=tuple(judge) if judge else None,
    )
    _end(execute(evaluation(request, benchmark)), keep_going)


@app.command()
def generate(  # noqa: PLR0917
    method: MethodOption = None,
    dataset: DatasetOption = None,
    path: PathOption = None,
    boxes: BoxesOption = None,
    poses: PosesOption = None,
    preset: PresetOption = None,
    limit: LimitOption = None,
    seed: SeedOption = None,
    out: OutOption = None,
    keep_going: KeepGoingOption = False,
) -> None:
    """Pseudonymize every picture of a dataset, for publication; measure nothing.

    What may be published is in the run folder's `release/`; `private/` holds the way back.

    Example: `humangenai generate --method refsd --dataset folder --path ~/photos`
    """
    from humangenai.commands import Request, execute, generation

    request = Request(
        methods=tuple(method or ()),
        dataset=dataset,
        path=path,
        boxes=boxes,
        poses=poses,
        preset=preset,
        tracks=(),
        limit=limit,
        seed=seed,
        out=out,
    )
    _end(execute(generation(request)), keep_going)


@app.command()
def score(  # noqa: PLR0917
    run: Annotated[
        Path | None,
        typer.Argument(help="A run folder to measure again.", show_default=False),
    ] = None,
    originals: Annotated[
        Path | None,
        typer.Option("--originals", help="Folder of original pictures.", show_default=False),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            "--outputs",
            help="Folder of another tool's pictures of the same names.",
            show_default=False,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            help="CSV with the columns original and output, for tools that rename.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="What the table calls the other tool.")
    ] = "imported",
    dataset: DatasetOption = None,
    path: PathOption = None,
    boxes: BoxesOption = None,
    preset: PresetOption = None,
    track: TrackOption = None,
    judge: JudgeOption = None,
    limit: LimitOption = None,
    seed: SeedOption = None,
    out: OutOption = None,
    keep_going: KeepGoingOption = False,
    retrain: RetrainOption = False,
) -> None:
    """Measure what was made before: a run of this suite, or the pictures of any other tool.

    Where the originals have person and camera ids, re-identification is measured. Otherwise the
    table says who was found and changed, and that the rest is unscored.

    Examples:
    - `humangenai score --originals photos/ --outputs made-by-some-tool/`

    - `humangenai score --dataset market1501 --path ~/Market-1501-v15.09.15 --outputs blurred/`

    - `humangenai score runs/photos-refsd`
    """
    from humangenai.commands import Outputs, Request, again, execute, foreign

    request = Request(
        dataset=dataset,
        path=path,
        boxes=boxes,
        preset=preset,
        tracks=_tracks(track),
        limit=limit,
        seed=seed,
        out=out,
        retrain=retrain,
        judges=tuple(judge) if judge else None,
    )
    if run is not None:
        plans = again(run, request)
    else:
        plans = foreign(request, originals, Outputs(outputs, manifest, name))
    _end(execute(plans), keep_going)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
) -> None:
    """Write the HTML report of a run again, from what the run wrote down.

    Example: `humangenai report runs/photos-refsd`
    """
    from humangenai.commands import write_report

    typer.echo(write_report(run))


@app.command(name="verify-release")
def verify_release(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            min=1,
            help="Make so many pictures per method again. [default: 32]",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Make all pictures again, not only a sample.")
    ] = False,
) -> None:
    """Check a run's `release/` before you publish it.

    Makes pictures again with noise under the masks, compares what must be the original's, and
    looks for metadata, names and keys. Exit code 0: every check passed; 1: one failed, or could
    not be done. What each check proves, and what not, is in docs/verify-release.md.

    Example: `humangenai verify-release runs/photos-refsd --all`
    """
    from humangenai.commands import verify

    if not verify(run, sample, everything):
        raise SystemExit(1)


@app.command()
def review(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    apply: Annotated[
        bool,
        typer.Option("--apply", help="Make what was corrected again, instead of opening the page."),
    ] = False,
    port: Annotated[int, typer.Option("--port", help="Where the page is served.")] = 8502,
    keep_going: KeepGoingOption = False,
) -> None:
    """Look at a run's people before you publish it: add who was missed, correct masks.

    The page is served to this machine only; the printed link opens it. Then **--apply** makes the
    corrected pictures again, with all methods of the run, and nothing else.

    Examples:
    - `humangenai review runs/photos-refsd`

    - `humangenai review runs/photos-refsd --apply`
    """
    if apply:
        from humangenai.commands import apply_review

        finished = apply_review(run)
        if finished is None:
            typer.echo("all corrections are in the run already")
        else:
            _end([finished], keep_going)
        return
    from annotator_ui.review.serving import serve

    raise SystemExit(serve(run, port, typer.echo))


@app.command(name="list")
def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
) -> None:
    """List what can be chosen by name.

    Example: `humangenai list methods`
    """
    from humangenai.commands import listing

    for name, summary in listing(kind.value):
        typer.echo(f"{name:<14} {summary}")


@app.command()
def doctor() -> None:
    """Show what is installed, which weights are present, where each missing one can be had."""
    from humangenai.doctor import examine

    for line in examine():
        typer.echo(line)


@leaderboard.command(name="build")
def leaderboard_build(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders to add to the committed results.", show_default=False),
    ] = None,
    out: OutOption = None,
) -> None:
    """Write the leaderboard as Markdown, CSV and HTML from run records.

    Example: `humangenai leaderboard build runs/embedded-refsd/crowd --out site/`
    """
    from humangenai.commands import build_leaderboard

    for path in build_leaderboard(runs or [], out):
        typer.echo(path)


@study.command(name="create")
def study_create(
    config: Annotated[Path, typer.Argument(help="The study's YAML file.", show_default=False)],
    database: DatabaseOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="The study's folder. [default: studies/NAME]"),
    ] = None,
) -> None:
    """Make a study from finished runs: draw people, write blinded pictures, fill the database.

    Example: `humangenai study create configs/studies/example.yaml`
    """
    from annotator_ui.commands import create

    _say(create(config, database, folder))


@study.command(name="link")
def study_link(  # noqa: PLR0917
    name: StudyArgument,
    annotator: Annotated[
        str, typer.Option("--annotator", "-a", help="Who gets the link; a pseudonym will do.")
    ],
    admin: Annotated[
        bool, typer.Option("--admin", help="Someone who sees everything and rates nothing.")
    ] = False,
    identity: Annotated[
        str | None,
        typer.Option("--identity", help="E-mail address at your OIDC provider, if you use one."),
    ] = None,
    address: Annotated[
        str, typer.Option("--address", help="Where the app is reached.")
    ] = "http://localhost:8501",
    days: Annotated[float, typer.Option("--days", help="Until the link expires.", min=0)] = 60,
    database: DatabaseOption = None,
) -> None:
    """Print a personal link; whoever has it answers as that annotator.

    Example: `humangenai study link example --annotator ada`
    """
    from annotator_ui.commands import link

    typer.echo(
        link(
            name,
            database,
            annotator,
            admin=admin,
            identity=identity,
            address=address,
            days=days,
        )
    )


@study.command(name="status")
def study_status(name: StudyArgument, database: DatabaseOption = None) -> None:
    """Show how far a study is, per method and annotator.

    Example: `humangenai study status example`
    """
    from annotator_ui.commands import status

    _say(status(name, database))


@study.command(name="agreement")
def study_agreement(name: StudyArgument, database: DatabaseOption = None) -> None:
    """Show scores and agreement so far, and who answered carelessly.

    Example: `humangenai study agreement example`
    """
    from annotator_ui.commands import agreement

    _say(agreement(name, database))


@study.command(name="export")
def study_export(
    name: StudyArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder. [default: STUDY-answers]")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Write all answers as CSV, Parquet and JSON, and what each column means.

    Example: `humangenai study export example --out answers/`
    """
    from annotator_ui.commands import export_answers

    _say(str(path) for path in export_answers(name, database, out))


@study.command(name="close")
def study_close(name: StudyArgument, database: DatabaseOption = None) -> None:
    """Close a study: its links open nothing that can be answered any more.

    Example: `humangenai study close example`
    """
    from annotator_ui.commands import close

    close(name, database)
    typer.echo(f"study {name} is closed")


@study.command(name="record")
def study_record(
    name: StudyArgument,
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", help="Run folder; repeat. [default: where the study found them]"),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Write a closed study's scores into the records and reports of the runs it shows.

    Example: `humangenai study record example`
    """
    from annotator_ui.commands import record

    _say(f"{folder}: scores recorded" for folder in record(name, database, run or []))


@study.command(name="simulate")
def study_simulate(  # noqa: PLR0917
    name: StudyArgument,
    careful: Annotated[int, typer.Option("--careful", help="They look.", min=0)] = 10,
    lazy: Annotated[int, typer.Option("--lazy", help="They mostly repeat.", min=0)] = 1,
    straight: Annotated[int, typer.Option("--straight", help="One answer only.", min=0)] = 1,
    random: Annotated[int, typer.Option("--random", help="They click anything.", min=0)] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of what they do.")] = 0,
    database: DatabaseOption = None,
) -> None:
    """Let programs do a study, to try it out; their answers are marked and are never evidence.

    Example: `humangenai study simulate example --careful 5 --random 2`
    """
    from annotator_ui.commands import simulate

    kinds: dict[AnnotatorKind, int] = {
        "careful": careful,
        "lazy": lazy,
        "straight": straight,
        "random": random,
    }
    _say(simulate(name, database, kinds, seed))


@app.command()
def annotate(
    name: Annotated[str, typer.Option("--study", "-s", help="Name of a study.")],
    database: DatabaseOption = None,
    port: Annotated[int, typer.Option("--port", help="Where to listen.")] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for other machines.")
    ] = "127.0.0.1",
) -> None:
    """Run the annotators' web app until it is stopped.

    Example: `humangenai annotate --study example`
    """
    from annotator_ui.commands import annotate as run_app

    raise SystemExit(run_app(name, database, port, host))


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _tracks(names: list[str] | None) -> tuple[str, ...] | None:
    """What was asked for; None where nothing was said, () for ``none``."""
    if not names:
        return None
    return tuple(name for name in names if name != "none")


def _end(finished: list[Finished], keep_going: bool) -> None:
    """Say how many pictures failed, and exit accordingly."""
    failures = [failure for part in finished for failure in part.failures]
    if not failures:
        return
    for failure in failures[:5]:
        sys.stderr.write(f"failed: {failure.method}: {failure.key}: {failure.error}\n")
    done = sum(
        method.coverage.items - method.coverage.failed_items
        for part in finished
        for method in part.record.methods
    )
    sys.stderr.write(
        f"error: {len(failures)} pictures failed, {done} are done"
        + (" (all failures are in the report)\n" if len(failures) > 5 else "\n")
    )
    if not keep_going or not done:
        raise SystemExit(2)
