"""The leaderboard's pages: Markdown, CSV and HTML, the same bytes from the same records."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

from humangenai.attribute_fidelity import published as published_phi
from humangenai.config import digest
from humangenai.human_ratings import published
from humangenai.records import NAIVE
from humangenai.report.fidelity import SUITES, fidelity_tables, measured, without_repeats
from humangenai.report.tables import (
    METRICS,
    SUBSETS,
    SYMBOLS,
    TRACKS,
    UNSCORED,
    Cell,
    Table,
    agreement_table,
    attackers,
    coverage_table,
    markdown,
    ratings_table,
    reid_table,
    scores_of,
)
from humangenai.report.templates import environment
from humangenai.report.utility import compared_tables, utility_of
from humangenai.store import atomic_write
from humangenai.utility import published as published_utility
from leaderboards.papers import FOLDER as REPORTED
from leaderboards.papers import Reported, load_reported
from leaderboards.results import FOLDER as RESULTS
from leaderboards.results import (
    Board,
    boards,
    rank_ranges,
    run_records,
    utility_way,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from humangenai.attribute_fidelity.published import PublishedSuite
    from humangenai.records import Ends, MethodRecord, PairScore, PhiScore, RunRecord

TITLE = "HumanGenAI leaderboard"
RANKS = (
    "rank: the ranks that a method may have by R@1 over all queries, given the 95 % intervals; 1 "
    "is the most private. Overlapping intervals share ranks"
)
SECTION = ("<!-- results: begin -->", "<!-- results: end -->")
UNRATED = "ψ: nobody has rated these pictures yet"
COLUMNS = (
    *("kind", "dataset", "manifest_hash", "attacker", "method", "settings_hash"),
    *("queries", "metric", "percent", "low", "high", "chance", "n", "rank_low", "rank_high"),
    *("people", "replaced", "masked", "obscured", "kept", "missed", "source"),
    # What people say, on scales of 1 to 5.
    *("study", "track", "annotators", "points", "points_low", "points_high", "points_sd"),
    # ϕ: of which suite, group or prompt, by whom; shares in percent as above.
    *("suite_version", "part", "name", "judge", "judge_version"),
    *("floor", "ceiling", "unjudgeable", "unjudged", "reading_error"),
    # Downstream utility: what was trained, and on which pictures; `originals` is what R is. Only
    # rows of the same track, preset, training_hash and model_hash are comparable.
    *("model", "training", "preset", "originals", "training_hash", "model_hash", "seeds"),
    "missing",
)


def build(
    runs: Sequence[Path] = (),
    out: Path | None = None,
    results: Path = RESULTS,
    reported: Path = REPORTED,
) -> list[Path]:
    """Write ``leaderboard.md``, ``leaderboard.csv`` and ``index.html``.

    Args:
        runs: run folders (or folders of run folders, or record files) beside the committed ones;
            where both measured the same of a method on the same data, the run counts.
        out: folder to write to, made where it is missing; ``build/leaderboard`` if None.
        results: folder of committed records.
        reported: folder of tables copied from papers.

    Returns:
        The files' paths.

    Raises:
        UserError: a record or table is wrong.
    """
    records = validate(results)
    records += [record for run in runs for record in run_records(run)]
    compared = boards(records)
    papers = load_reported(reported)
    folder = out or Path("build") / "leaderboard"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "leaderboard.md": _markdown(compared, papers),
        "leaderboard.csv": _csv(compared, papers),
        "index.html": _html(compared, papers),
    }
    for name, text in pages.items():
        atomic_write(folder / name, text.encode())
    return [folder / name for name in pages]


def board_tables(board: Board) -> list[Table]:
    """A board's tables: re-identification by each attacker, ϕ, utility, and what people say.

    Who was processed, where no attacker has tried.
    """
    record = board.record
    made = [_ranked(board, attacker) for attacker in attackers(record)] or [coverage_table(record)]
    for comparable in _by_suites_and_judges(record):
        made += fidelity_tables(comparable, wide=True)
    for comparable in _by_trainings(record):
        made += compared_tables(comparable, wide=True)
    for study in record.studies:
        made += [ratings_table(record.methods, study), agreement_table(study)]
    return [table for table in made if table.rows]


def _by_suites_and_judges(record: RunRecord) -> list[RunRecord]:
    """The record once per way in which ϕ was measured: other lists or judges, other tables."""
    ways: dict[str, list[MethodRecord]] = {}
    for method, phi in measured(record):
        way = str((sorted(phi.suites.items()), sorted(phi.judges.items())))
        ways.setdefault(way, []).append(method)
    return [record.model_copy(update={"methods": tuple(methods)}) for methods in ways.values()]


def _by_trainings(record: RunRecord) -> list[RunRecord]:
    """The record once per way in which utility was measured, with that utility alone."""
    ways: dict[tuple[object, ...], list[MethodRecord]] = {}
    for method, utility in utility_of(record):
        alone = method.model_copy(update={"utility": (utility,)})
        ways.setdefault(utility_way(utility), []).append(alone)
    return [record.model_copy(update={"methods": tuple(methods)}) for methods in ways.values()]


def _ranked(board: Board, attacker: str) -> Table:
    """The scores, with the ranks that each method may have."""
    table = reid_table(board.record, attacker, wide=True)
    ranks = _ranks(board, attacker)
    rows = tuple(
        (row[0], Cell(_range(ranks[row[0].value]) if row[0].value in ranks else ""), *row[1:])
        for row in table.rows
    )
    columns = (table.columns[0], "rank", *table.columns[1:])
    return Table(table.title, columns, rows, f"{table.note}; {RANKS}")


def _ranks(board: Board, attacker: str) -> dict[str, tuple[int, int]]:
    names = (method.name for method in board.record.methods)
    return dict(zip(names, rank_ranges(board.record, attacker), strict=True))


def _range(rank: tuple[int, int]) -> str:
    low, high = rank
    if low == 0:
        return UNSCORED
    return str(low) if low == high else f"{low}–{high}"


def _measured_with(board: Board) -> str:
    record = board.record
    commit = str(record.git.get("commit", "unknown"))[:12]
    changed = " with uncommitted changes" if record.git.get("dirty") else ""
    data = record.dataset
    pictures = f"{data.queries} queries, gallery of {data.gallery}, {data.identities} identities"
    if not data.queries:  # models learned, and nothing else was measured
        pictures = f"{data.items} pictures to learn from"
    return (
        f"{pictures}; "
        f"manifest {data.manifest_hash[:12]}; humangenai {record.humangenai_version}, "
        f"commit {commit}{changed}"
        + (f"; {board.runs} runs" if board.runs > 1 else "")
        + ("; people corrected by hand" if record.review and record.review.corrected else "")
    )


def _rated_or_not(board: Board) -> str:
    return _measured_with(board) + ("" if board.record.studies else f". {UNRATED}")


def reported_table(paper: Reported) -> Table:
    """A paper's rows, as printed; without intervals, chance or coverage, as papers give none."""
    return Table(
        title=f"{paper.dataset}: {paper.protocol}",
        columns=("method", *METRICS, "remark"),
        rows=tuple(
            (
                Cell(row.method),
                *(_printed(row.values.get(metric)) for metric in METRICS),
                Cell(row.note),
            )
            for row in paper.rows
        ),
    )


def published_ratings_table(track: str) -> Table:
    """What the paper's annotators said, as printed."""
    rows = [row for row in published.PUBLISHED if row.track == track]
    symbols = list(rows[0].ratings)
    return Table(
        title=f"{TRACKS[track]}: {published.PROTOCOL}",
        columns=("method", *(SYMBOLS[symbol] for symbol in symbols)),
        rows=tuple(
            (
                Cell(row.method),
                *(
                    Cell(f"{row.ratings[symbol].mean:.1f} ± {row.ratings[symbol].sd:.1f}")
                    for symbol in symbols
                ),
            )
            for row in rows
        ),
    )


def published_phi_table(suite: PublishedSuite) -> Table:
    """What the paper's annotators said of prompts or pairs, as read off its plots."""
    whole = published_phi.load_published()
    groups = suite.groups()
    return Table(
        title=f"{SUITES[suite.suite]}: {suite.question} {whole.scale}; read to about "
        f"{whole.reading_error:.2f}",
        columns=("group", "prompt", "mean", "sd"),
        rows=without_repeats(
            (
                Cell(groups[row.name]),
                Cell(row.name),
                Cell(f"{row.mean:.2f}"),
                Cell(UNSCORED if math.isnan(row.sd) else f"{row.sd:.2f}"),
            )
            for row in suite.rows
        ),
    )


def published_classification_table() -> Table:
    """The paper's accuracies, in its own layout: both models in one cell."""
    rows = published_utility.CLASSIFICATION
    tasks = tuple(dict.fromkeys(row.task for row in rows))
    percents = {(row.training, row.task, row.model): row.percent for row in rows}
    models = published_utility.CLASSIFIERS
    return Table(
        title=f"RAF-DB, accuracy of {' / '.join(models)}. {published_utility.PROTOCOL}",
        columns=("training", *tasks),
        rows=tuple(
            (
                Cell(training),
                *(
                    Cell(" / ".join(f"{percents[training, task, model]:.1f}" for model in models))
                    for task in tasks
                ),
            )
            for training in published_utility.TRAININGS
        ),
    )


def published_detection_table() -> Table:
    """The paper's mAP of detectors; the row that it does not print is empty."""
    rows = published_utility.DETECTION
    metrics = tuple(dict.fromkeys(row.metric for row in rows))
    percents = {(row.training, row.metric): row.percent for row in rows}
    return Table(
        title=f"OpenImages, {rows[0].task}, {published_utility.DETECTOR}. "
        f"{published_utility.PROTOCOL}",
        columns=("training", *metrics),
        rows=tuple(
            (
                Cell(training),
                *(_printed(percents.get((training, metric))) for metric in metrics),
            )
            for training in published_utility.TRAININGS
        ),
    )


def _published_utility_tables() -> list[Table]:
    return [published_classification_table(), published_detection_table()]


def _printed(value: float | None) -> Cell:
    return Cell(UNSCORED if value is None or math.isnan(value) else f"{value:.1f}")


def _markdown(compared: Sequence[Board], papers: Sequence[Reported]) -> str:
    parts = [f"# {TITLE}", "", f"**{NAIVE}**", "", "## Measured", ""]
    if not compared:
        parts += ["Nothing measured yet.", ""]
    for board in compared:
        for table in board_tables(board):
            parts += [markdown(table), ""]
        parts += [_rated_or_not(board) + ".", ""]
    for paper in papers:
        parts += [f"## {paper.title}", "", f"{paper.paper}. <{paper.url}>", ""]
        parts += [markdown(reported_table(paper)), ""]
        parts += [*(f"- {note}" for note in paper.notes), ""]
    parts += [f"## {published.TITLE}", "", f"{published.PAPER}. <{published.URL}>", ""]
    parts += [text for track in TRACKS for text in (markdown(published_ratings_table(track)), "")]
    parts += [*(f"- {note}" for note in published.NOTES), ""]
    phi = published_phi.load_published()
    parts += [f"## {published_phi.TITLE}", "", f"{phi.paper}. <{phi.url}>", ""]
    parts += [text for suite in phi.suites for text in (markdown(published_phi_table(suite)), "")]
    parts += [*(f"- {note}" for note in published_phi.NOTES), ""]
    parts += [f"## {published_utility.TITLE}", ""]
    parts += [f"{published_utility.PAPER}. <{published_utility.URL}>", ""]
    parts += [text for table in _published_utility_tables() for text in (markdown(table), "")]
    parts += [*(f"- {note}" for note in published_utility.NOTES), ""]
    return "\n".join(parts).rstrip() + "\n"


def readme_section(compared: Sequence[Board]) -> str:
    """The README's section of results: re-identification, from committed records only."""
    attacked = [board for board in compared if attackers(board.record)]
    if not attacked:
        return "No record is committed yet; `make bench` measures."
    parts = ["Made by `make bench`; `scripts/add_result.py` copied the figures from its record."]
    for board in attacked:
        tables = [reid_table(board.record, name) for name in attackers(board.record)]
        parts += [markdown(table).rstrip() for table in tables]
        parts.append(_measured_with(board) + ".")
    return "\n\n".join(parts)


def replace_section(text: str, section: str) -> str:
    """A page with its section of results replaced.

    Raises:
        ValueError: the page lacks the marks of the section.
    """
    before, begin, rest = text.partition(SECTION[0])
    _, end, after = rest.partition(SECTION[1])
    if not (begin and end):
        raise ValueError(f"the marks {SECTION[0]} and {SECTION[1]} are missing")
    return f"{before}{begin}\n{section}\n{end}{after}"


def _html(compared: Sequence[Board], papers: Sequence[Reported]) -> str:
    phi = published_phi.load_published()
    template = environment(Path(__file__).parent).get_template("leaderboard.html.j2")
    return template.render(
        title=TITLE,
        naive=NAIVE,
        boards=[
            (board.record.dataset.name, board_tables(board), _rated_or_not(board))
            for board in compared
        ],
        papers=[
            *(
                (paper.title, paper.paper, paper.url, [reported_table(paper)], paper.notes)
                for paper in papers
            ),
            (
                published.TITLE,
                published.PAPER,
                published.URL,
                [published_ratings_table(track) for track in TRACKS],
                published.NOTES,
            ),
            (
                published_phi.TITLE,
                phi.paper,
                phi.url,
                [published_phi_table(suite) for suite in phi.suites],
                published_phi.NOTES,
            ),
            (
                published_utility.TITLE,
                published_utility.PAPER,
                published_utility.URL,
                _published_utility_tables(),
                published_utility.NOTES,
            ),
        ],
    )


def _csv(compared: Sequence[Board], papers: Sequence[Reported]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    rows = (
        *_measured_rows(compared),
        *_rated_rows(compared),
        *_phi_rows(compared),
        *_utility_rows(compared),
        *_reported_rows(papers),
        *_published_rating_rows(),
        *_published_phi_rows(),
        *_published_utility_rows(),
    )
    for row in rows:
        writer.writerow({key: _plain(value) for key, value in row.items()})
    return buffer.getvalue()


def _plain(value: object) -> object:
    """A value that no spreadsheet takes for a formula; what is unscored stays empty."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return f"'{value}"
    return value


def _shared(board: Board, method: MethodRecord) -> dict[str, object]:
    """What all rows of a measured method say."""
    return {
        "kind": "measured",
        "dataset": board.record.dataset.name,
        "manifest_hash": board.record.dataset.manifest_hash,
        "method": method.name,
        "settings_hash": method.settings_hash,
        "source": f"commit {board.record.git.get('commit', 'unknown')}",
    }


def _measured_rows(compared: Iterable[Board]) -> Iterable[dict[str, object]]:
    for board in compared:
        for attacker in attackers(board.record):
            ranks = _ranks(board, attacker)
            for method in board.record.methods:
                shared = {**_shared(board, method), "attacker": attacker, **_counts(method)}
                for subset in SUBSETS:
                    for metric, score in scores_of(method, attacker, subset).items():
                        ranked = metric == "R@1" and subset == "all" and ranks[method.name][0]
                        low, high = ranks[method.name] if ranked else (None, None)
                        yield {
                            **shared,
                            "queries": subset,
                            "metric": metric,
                            "percent": 100 * score.value,
                            "low": 100 * score.low,
                            "high": 100 * score.high,
                            "chance": 100 * score.chance,
                            "n": score.n,
                            "rank_low": low,
                            "rank_high": high,
                        }


def _rated_rows(compared: Iterable[Board]) -> Iterable[dict[str, object]]:
    for board in compared:
        for method in board.record.methods:
            for score in method.ratings:
                summaries = {"all": score.everyone, "trusted": score.trusted}
                for whom, summary in summaries.items():
                    value, low, high = summary.mean
                    yield {
                        **_shared(board, method),
                        "metric": score.symbol,
                        "n": summary.n,
                        "study": score.study,
                        "track": score.track,
                        "annotators": f"{whom} ({summary.annotators})",
                        "points": value,
                        "points_low": low,
                        "points_high": high,
                        "points_sd": summary.sd,
                    }


def _phi_rows(compared: Iterable[Board]) -> Iterable[dict[str, object]]:
    for board in compared:
        for method, phi in measured(board.record):
            shared = _shared(board, method)
            for score in phi.scores:
                row = _phi_row(score, "top-1", score.top1, score.n)
                yield {
                    **shared,
                    **row,
                    "suite_version": phi.suites.get(score.suite),
                    "judge_version": phi.judges.get(score.judge),
                    "chance": 100 * score.chance,
                    "ceiling": 100 * score.ceiling[0],
                }
            for pair in phi.pairs:
                ways = (
                    ("one person", pair.same, pair.n),
                    ("two people", pair.different, pair.n_different),
                )
                for way, value, n in ways:
                    yield {
                        **shared,
                        **_phi_row(pair, way, value, n),
                        "suite_version": phi.suites.get(pair.suite),
                        "judge_version": phi.judges.get(pair.judge),
                        "chance": 50.0,
                        "ceiling": 100 * pair.ceiling,
                    }


def _phi_row(score: PhiScore | PairScore, way: str, value: Ends, n: int) -> dict[str, object]:
    return {
        "metric": f"{score.suite} {way}",
        "percent": 100 * value[0],
        "low": 100 * value[1],
        "high": 100 * value[2],
        "n": n,
        "part": score.part,
        "name": score.name,
        "judge": score.judge,
        "floor": 100 * score.floor,
        "unjudgeable": score.unjudgeable,
        "unjudged": score.unjudged,
    }


def _utility_rows(compared: Iterable[Board]) -> Iterable[dict[str, object]]:
    """A row per score; why models are missing stands where their scores are empty."""
    for board in compared:
        for method, utility in utility_of(board.record):
            models = {model.name: model for model in utility.models}
            for score in utility.scores:
                model = models[score.model]
                value, low, high = score.value
                yield {
                    **_shared(board, method),
                    "metric": score.metric,
                    "percent": 100 * value,
                    "low": 100 * low,
                    "high": 100 * high,
                    "chance": 100 * score.chance,
                    "n": score.n,
                    "track": utility.track,
                    "name": score.task,
                    "model": score.model,
                    "training": score.training,
                    "preset": utility.preset,
                    "originals": utility.originals,
                    "training_hash": utility.training_hash,
                    "model_hash": "" if model.missing is not None else digest(model.settings),
                    "seeds": score.seeds,
                    "missing": model.missing,
                }


def _published_phi_rows() -> Iterable[dict[str, object]]:
    phi = published_phi.load_published()
    for suite in phi.suites:
        for row in suite.rows:
            yield {
                "kind": "reported by the paper",
                "method": phi.method,
                "metric": f"{suite.suite} people",
                "source": phi.url,
                "part": "prompt",
                "name": row.name,
                "judge": "people",
                "points": row.mean,
                "points_sd": row.sd,
                "reading_error": phi.reading_error,
            }


def _counts(method: MethodRecord) -> dict[str, object]:
    names = ("people", "replaced", "masked", "obscured", "kept", "missed")
    return method.coverage.model_dump(include=set(names))


def _reported_rows(papers: Iterable[Reported]) -> Iterable[dict[str, object]]:
    for paper in papers:
        for row in paper.rows:
            for metric, value in row.values.items():
                yield {
                    "kind": "reported by the paper",
                    "dataset": paper.dataset,
                    "attacker": "the paper's",
                    "method": row.method,
                    "metric": metric,
                    "percent": value,
                    "source": paper.url,
                }


def _published_rating_rows() -> Iterable[dict[str, object]]:
    for row in published.PUBLISHED:
        for symbol, rating in row.ratings.items():
            yield {
                "kind": "reported by the paper",
                "method": row.method,
                "metric": symbol,
                "source": published.URL,
                "track": row.track,
                "points": rating.mean,
                "points_sd": rating.sd,
            }


def _published_utility_rows() -> Iterable[dict[str, object]]:
    for row in (*published_utility.CLASSIFICATION, *published_utility.DETECTION):
        yield {
            "kind": "reported by the paper",
            "dataset": row.dataset,
            "method": published_utility.METHOD,
            "metric": row.metric,
            "percent": row.percent,
            "source": published_utility.URL,
            "name": row.task,
            "model": row.model,
            "training": row.training,
        }
