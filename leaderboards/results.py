"""Measured records: where they lie, whether they are right, and who can be compared with whom.

Only records that were measured in the same way share a board: the same pictures (manifest hash),
queries and gallery, the same attackers with the same weights, and the same corrections by hand, if
any. So runs that trained models and nothing else, which have no queries, have boards of their own.

Where several records of a board hold the same method with the same settings, its row is the last
one's, together with what only earlier ones measured: ϕ, ratings of another study, utility that was
measured in another way or of other trainings. What was measured again is replaced. Committed
records may not say the same thing twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from humangenai.config import digest
from humangenai.errors import UserError
from humangenai.records import SCHEMA_VERSION, RunRecord
from humangenai.report.tables import scores_of
from humangenai.store import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from humangenai.records import MethodRecord, UtilityRecord

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Board:
    """Methods that can be compared with each other.

    Attributes:
        record: the first run's, with the methods of all runs that belong here; differences are
            left out, as they compare methods within one run.
        runs: how many runs it was made of.
    """

    record: RunRecord
    runs: int


def result_path(record: RunRecord) -> Path:
    """Where a record lies below ``results/``; the name follows from the content.

    ``<dataset>-<manifest hash>/<config hash>.json``, both hashes cut to 12 digits.
    """
    data = record.dataset
    folder = f"{slug(data.name)}-{data.manifest_hash[:12]}"
    return Path(folder) / f"{record.config_hash[:12]}.json"


def read_record(path: Path) -> RunRecord:
    """One record.

    Raises:
        UserError: it cannot be read, is not a record that this version knows, or holds ratings by
            programs.
    """
    try:
        record = RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path} is not a run record: {where}: {first['msg']}") from error
    for study in record.studies:
        if study.simulated:
            raise UserError(
                f"{path}: the answers of study '{study.name}' are simulated; a leaderboard takes "
                "what people say only"
            )
    return record


def run_records(folder: Path) -> list[RunRecord]:
    """The records of a run folder, of a folder of run folders, or of one JSON file.

    Raises:
        UserError: there is none.
    """
    if folder.is_file():
        return [read_record(folder)]
    paths = sorted(folder.glob("release/record.json")) or sorted(
        folder.glob("*/release/record.json")
    )
    if not paths:
        raise UserError(f"{folder}: no finished run there (release/record.json is missing)")
    return [read_record(path) for path in paths]


def validate(folder: Path = FOLDER) -> list[RunRecord]:
    """Read all records below ``folder`` and check them.

    Returns:
        The records, in the order of their paths.

    Raises:
        UserError: one cannot be read, is from another schema, incomplete, holds private facts, has
            another name than its content asks for, or says again what another one says.
    """
    records = []
    seen: dict[tuple[object, ...], Path] = {}
    for path in sorted(folder.rglob("*.json")):
        record = read_record(path)
        problem = _problem(record, path.relative_to(folder))
        if problem:
            raise UserError(f"{path}: {problem}")
        for method in record.methods:
            for part in _parts(method):
                key = (*_board_key(record), method.name, method.settings_hash, *part)
                if key in seen:
                    raise UserError(
                        f"{path}: {part[0]} of '{method.name}' is already in {seen[key]}"
                    )
                seen[key] = path
        records.append(record)
    return records


def utility_way(utility: UtilityRecord) -> tuple[object, ...]:
    """How utility was measured; scores are comparable only where it was measured in the same way.

    That is the track, the preset, the originals with their labels that were learned from, what was
    tested, and all that the training of each model depends on beside pictures and seed. A model
    that one run could not train makes it another way, as a missing judge does for ϕ. Which
    trainings there were, and how many of each, does not change what a score means.
    """
    models = sorted(
        (model.name, digest(model.settings) if model.missing is None else "")
        for model in utility.models
    )
    learned = utility.originals, utility.training_hash
    return utility.track, utility.preset, *learned, utility.tested, utility.tasks, tuple(models)


def _utility_part(utility: UtilityRecord) -> tuple[object, ...]:
    """What is measured again where this is equal: a way, and the trainings."""
    return *utility_way(utility), tuple(sorted({score.training for score in utility.scores}))


def _parts(method: MethodRecord) -> list[tuple[object, ...]]:
    """What was measured of a method, a name first; what became of people, where nothing was."""
    parts: list[tuple[object, ...]] = []
    if method.scores:
        parts.append(("re-identification",))
    if method.phi is not None:
        parts.append(("ϕ",))
    parts += [_utility_part(utility) for utility in method.utility]
    return parts or [("coverage",)]


def _problem(record: RunRecord, path: Path) -> str | None:
    """What is wrong with a record that wants to be published; None: nothing."""
    if record.schema_version > SCHEMA_VERSION:
        return f"schema version {record.schema_version} is newer than {SCHEMA_VERSION}"
    if not record.complete:
        return "the run was not complete; finish it first"
    if path != result_path(record):
        return f"by its content it must be named {result_path(record).as_posix()}"
    if record.seed is not None or "seed" in record.config:
        return "it is private/run.json, which holds seed and paths; publish release/record.json"
    return None


def boards(records: Iterable[RunRecord]) -> list[Board]:
    """Put records together that can be compared; what a later one measured again is replaced.

    Returns:
        Boards ordered by dataset, then by size.
    """
    groups: dict[tuple[object, ...], list[RunRecord]] = {}
    for record in records:
        groups.setdefault(_board_key(record), []).append(record)
    made = [_board(group) for group in groups.values()]
    return sorted(
        made,
        key=lambda board: (
            board.record.dataset.name,
            -board.record.dataset.queries,
            board.record.dataset.manifest_hash,
            str(_board_key(board.record)),
        ),
    )


def _board_key(record: RunRecord) -> tuple[object, ...]:
    data = record.dataset
    who = sorted((attacker.name, attacker.weights_sha256 or "") for attacker in record.attackers)
    # Whoever had people added by hand misses fewer than whoever had not.
    by_hand = record.review.model_dump_json() if record.review and record.review.corrected else ""
    # Without queries, the items are the pictures that models learned from.
    sizes = data.items, data.queries, data.gallery
    return data.name, data.manifest_hash, *sizes, tuple(who), by_hand


def _board(records: Sequence[RunRecord]) -> Board:
    methods: dict[tuple[str, str], MethodRecord] = {}
    for method in (method for record in records for method in record.methods):
        key = method.name, method.settings_hash
        methods[key] = _together(methods[key], method) if key in methods else method
    names = Counter(name for name, _ in methods)
    rows = tuple(
        # Two settings under one name: the settings' hash tells them apart.
        method
        if names[name] == 1
        else method.model_copy(update={"name": f"{name} ({settings[:6]})"})
        for (name, settings), method in methods.items()
    )
    studies = {study.name: study for record in records for study in record.studies}
    shared = {"methods": rows, "differences": (), "studies": tuple(studies.values())}
    return Board(records[0].model_copy(update=shared), len(records))


def _together(earlier: MethodRecord, later: MethodRecord) -> MethodRecord:
    """The later row, with what only the earlier one measured.

    Scores and coverage are the later one's: both rows have them from the same attackers.
    """
    studies = {score.study for score in later.ratings}
    ratings = [score for score in earlier.ratings if score.study not in studies]
    utility = {_utility_part(one): one for one in (*earlier.utility, *later.utility)}
    return later.model_copy(
        update={
            "phi": earlier.phi if later.phi is None else later.phi,
            "ratings": (*ratings, *later.ratings),
            "utility": tuple(utility.values()),
        }
    )


def rank_ranges(record: RunRecord, attacker: str, metric: str = "R@1") -> list[tuple[int, int]]:
    """The ranks that each method may have, given the 95 % intervals; 1 is the most private.

    A method is surely better than another only where its whole interval lies below the other's. So
    ranges are wide where intervals overlap; paired differences within one run may tell more.

    Returns:
        Lowest and highest possible rank per method of ``record``, over all queries; (1, number of
        scored methods) spans everything. Methods without a score get (0, 0).
    """
    found = [scores_of(method, attacker, "all").get(metric) for method in record.methods]
    scored = [score for score in found if score is not None and score.low <= score.high]
    ranges = []
    for score in found:
        if score is None or not score.low <= score.high:
            ranges.append((0, 0))
            continue
        better = sum(other.high < score.low for other in scored)
        worse = sum(other.low > score.high for other in scored)
        ranges.append((1 + better, len(scored) - worse))
    return ranges
