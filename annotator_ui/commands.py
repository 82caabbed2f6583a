"""What ``humangenai study`` and ``humangenai annotate`` do, apart from reading the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from humangenai.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annotator_ui.desk import Role
    from annotator_ui.simulation import Kind
    from annotator_ui.storing import Made
    from annotator_ui.study import Study

STUDIES = Path("studies")
"""Where studies are kept unless something else is said; it holds originals, so git ignores it."""


def database_url(name: str, url: str | None) -> str:
    """The database of a study: the one that was named, else a SQLite file in the study's folder."""
    if url:
        return url
    return f"sqlite:///{STUDIES / name / 'study.db'}"


def find_study(name: str, url: str | None) -> Study:
    """A study, its tables brought up to date.

    Raises:
        UserError: there is no such study, or no such database.
    """
    from annotator_ui.database import sqlite_file
    from annotator_ui.migrations import upgrade
    from annotator_ui.study import open_study

    whole = database_url(name, url)
    file = sqlite_file(whole)
    if file is not None and not file.is_file():  # SQLite would make an empty one
        raise UserError(
            f"there is no study '{name}': {file} is missing; make it with humangenai study create, "
            "name its --database, or change to the folder where it was made"
        )
    upgrade(whole)
    return open_study(whole, name)


def create(path: Path, url: str | None, folder: Path | None) -> list[str]:
    """Make a study.

    Args:
        path: the study's YAML file.
        url: of the database; None: SQLite in the folder.
        folder: of the study; None: ``studies/NAME``.

    Returns:
        What was made, line by line.

    Raises:
        UserError: see :func:`annotator_ui.making.make_study`.
    """
    from annotator_ui.making import make_study
    from humangenai.human_ratings.study import load_study
    from humangenai.store import writing

    config = load_study(path)
    folder = folder or STUDIES / config.name
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    made: Made = make_study(config, url or f"sqlite:///{folder / 'study.db'}", folder)
    name = config.name
    return [
        f"study {name} in {folder}",
        *(f"{method}: {items} items" for method, items in made.items.items()),
        f"{made.checks} checks, {made.training} training examples, {made.pictures} pictures",
        f"for every annotator: humangenai study link {name} --annotator NAME",
        f"then: humangenai annotate --study {name}",
    ]


def status(name: str, url: str | None) -> list[str]:
    """How far a study is, line by line."""
    from annotator_ui.admin_desk import AdminDesk

    study = find_study(name, url)
    config, desk = study.config, AdminDesk(study)
    methods, annotators, overview = desk.methods(), desk.annotators(), desk.overview()
    lines = [f"study {config.name}: {config.title} ({config.track}, {study.state()})", ""]
    lines.append(f"{'method':<24}{'items':>7}{'answered':>10}{'wanted':>8}")
    lines += [
        f"{row.method:<24}{row.items:>7}{row.done:>10}{row.wanted:>8}"
        for row in methods.itertuples()
    ]
    lines += ["", f"{'annotator':<24}{'state':<12}{'done':>6}{'skipped':>9}"]
    sums = overview.groupby("annotator")[["done", "skipped"]].sum()
    sums = sums.reindex(annotators["annotator"], fill_value=0)
    for row, done, skipped in zip(
        annotators.itertuples(), sums["done"], sums["skipped"], strict=True
    ):
        if row.role == "admin":
            lines.append(f"{row.name:<24}admin")
            continue
        mark = "  simulated" if row.simulated else ""
        lines.append(f"{row.name:<24}{row.state:<12}{done:>6}{skipped:>9}{mark}")
    return lines


def link(
    name: str,
    url: str | None,
    annotator: str,
    *,
    admin: bool,
    identity: str | None,
    address: str,
    days: float,
) -> str:
    """A personal link; adds the annotator where the study does not know the name yet.

    Args:
        name: of the study.
        url: of the database.
        annotator: a name, or anything else that tells annotators apart.
        admin: whether a new one may see everything.
        identity: what an OIDC provider calls a new one.
        address: where the app is reached.
        days: until the link expires.

    Raises:
        UserError: there is no such study, or the annotator is there in another role.
    """
    from annotator_ui.admin_desk import AdminDesk
    from annotator_ui.desk import Desk

    study = find_study(name, url)
    desk = AdminDesk(study)
    role: Role = "admin" if admin else "annotator"
    known = desk.annotators()
    found = known[known["name"] == annotator]
    if found.empty:
        annotator_id = desk.add_annotator(annotator, role, identity=identity)
    else:
        annotator_id = str(found["annotator"].iloc[0])
        if found["role"].iloc[0] != role:
            raise UserError(
                f"'{annotator}' is {found['role'].iloc[0]} in study {name}; take another name"
            )
    token = Desk(study).token(annotator_id, days)
    return f"{address.rstrip('/')}/?{urlencode({'token': token})}"


def export_answers(name: str, url: str | None, out: Path | None) -> list[Path]:
    """Write a study's answers to files; see :func:`annotator_ui.exporting.export`."""
    from annotator_ui.admin_desk import AdminDesk
    from annotator_ui.exporting import export

    desk = AdminDesk(find_study(name, url))
    return export(desk.answers(), desk.pictures(), out or Path(f"{name}-answers"))


def agreement(name: str, url: str | None) -> list[str]:
    """Scores and agreement of a study so far, with and without flagged annotators.

    Raises:
        UserError: there is no such study, or nobody has answered.
    """
    from rich.console import Console

    from annotator_ui.admin_desk import AdminDesk
    from annotator_ui.summaries import SIMULATED, summary_tables
    from humangenai.report.tables import render_tables

    desk = AdminDesk(find_study(name, url))
    answers = desk.answers()
    qualities = desk.flagged()
    flagged = {quality.annotator: quality.reasons for quality in qualities if quality.reasons}
    names = desk.annotators().set_index("annotator")["name"]
    console = Console()
    with console.capture() as shown:
        console.print(render_tables(summary_tables(answers, tuple(flagged))))
    return [
        *([SIMULATED] if answers["simulated"].any() else []),
        *shown.get().splitlines(),
        "",
        f"{len(flagged)} of {len(qualities)} annotators flagged",
        *(f"  {names[annotator]}: {'; '.join(why)}" for annotator, why in flagged.items()),
    ]


def close(name: str, url: str | None) -> None:
    """Close a study: nothing can be answered any more."""
    from annotator_ui.admin_desk import AdminDesk

    AdminDesk(find_study(name, url)).close()


def simulate(name: str, url: str | None, kinds: Mapping[Kind, int], seed: int) -> list[str]:
    """Let programs do a study, and tell what was planted; see :mod:`annotator_ui.simulation`."""
    from annotator_ui.simulation import simulate as run

    find_study(name, url)  # makes new tables where they are missing
    made = run(database_url(name, url), name, kinds, seed=seed)
    return [
        f"{made.answers} answers of {len(made.kinds)} simulated annotators: "
        + ", ".join(f"{number} {kind}" for kind, number in kinds.items()),
        "planted means: " + ", ".join(f"{name} {mean:g}" for name, mean in made.means.items()),
        f"what the study finds: humangenai study agreement {name}",
    ]


def record(name: str, url: str | None, runs: Sequence[Path]) -> list[Path]:
    """Write a closed study's scores into the records of the runs that it shows.

    Args:
        name: of the study.
        url: of the database.
        runs: run folders; empty: where they were when the study was made.

    Returns:
        The runs' folders.

    Raises:
        UserError: the study is open, programs answered it, nobody did, or a run is not there.
    """
    from annotator_ui.admin_desk import AdminDesk
    from humangenai.human_ratings.recording import record_study

    study = find_study(name, url)
    if study.state() != "closed":
        raise UserError(f"study '{name}' is open; first: humangenai study close {name}")
    desk = AdminDesk(study)
    answers = desk.answers()
    flagged = [quality.annotator for quality in desk.flagged() if quality.reasons]
    folders = list(runs) or [source.run for source in study.config.runs]
    for folder in folders:
        record_study(folder, answers, flagged)
    return folders


def annotate(name: str, url: str | None, port: int, host: str) -> int:
    """Run the app until it is stopped.

    Args:
        name: of the study.
        url: of the database.
        port: to listen on.
        host: address to listen on.

    Returns:
        The exit status of the app.

    Raises:
        UserError: there is no such study.
    """
    from annotator_ui.serving import serve

    find_study(name, url)  # says what is wrong before a browser opens
    return serve(name, database_url(name, url), port, host)
