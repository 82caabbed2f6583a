"""What a run writes down.

Lines come first: one JSON line per item (:class:`ItemRecord`) and one per query and attacker
(:class:`QueryRecord`), as each finishes. Everything else in a :class:`RunRecord` can be computed
again from the lines. NaN means unscored, never zero; in JSON it is ``null``.

A field is never renamed or given another meaning: ``SCHEMA_VERSION`` grows instead, and records of
earlier versions must still load (``tests/humangenai/historic_records``).
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from humangenai.methods.method import Claim  # noqa: TC001  (pydantic needs it)
from refsd.people.person import Status  # noqa: TC001  (pydantic needs it)

SCHEMA_VERSION = 1

Number = Annotated[
    float,
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(lambda value: None if math.isnan(value) else value, when_used="json"),
]
"""A float that may be NaN; ``null`` in JSON."""

Fate = Literal["replaced", "masked", "obscured", "kept", "missed"]
"""What became of a *true* person: the status of the person found there, or nobody found: missed."""

NAIVE = "naive attackers only: not a privacy claim"


class Record(BaseModel):
    """Base of all records: immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelRecord(Record):
    """Where an avatar is seen, as COCO says it.

    Attributes:
        box: x0 y0 x1 y1 in pixels, x1 and y1 exclusive.
        outline: COCO's run lengths of the mask, of the whole picture.
        area: pixels of the mask.
        keypoints: 17 times x, y and visibility (0 outside the picture, 1 hidden, 2 seen).
    """

    box: tuple[float, float, float, float]
    outline: str
    area: int
    keypoints: tuple[float, ...]


class PoseRecord(Record):
    """How an avatar stands, against the true person in its place; NaN where there is no avatar.

    Attributes:
        mpjpe: mean distance of joints, millimetres, hips on each other.
        pa_mpjpe: the same after the best rotation, shift and scale.
        iou: intersection over union of what is seen of both.
    """

    mpjpe: Number
    pa_mpjpe: Number
    iou: Number


class PersonRecord(Record):
    """What became of one person who was found (see ``refsd.people.PersonOutcome``).

    Attributes:
        by_hand: True where a reviewer drew the person; see ``humangenai.corrections``.
    """

    index: int
    status: Status
    reason: str | None = None
    avatar: str | None = None
    prompt: str | None = None
    situations: tuple[str, ...] = ()
    label: LabelRecord | None = None
    by_hand: bool = False


class ItemRecord(Record):
    """One line of ``private/items/<method>.jsonl``: one picture under one method.

    Attributes:
        content: the content key under which the item was made; a changed picture, method setting,
            people or run key changes it, and the item is made again.
        output: the picture's path within the run folder, None where it failed or is not stored.
        output_sha256: of the stored file.
        fates: one per true person, None where the dataset has no truth.
        leaks: per true person, the share of its true pixels outside the region the method
            processed, in [0, 1]; None where the dataset has no truth.
        poses: one per true person, in the order of ``fates``; None where the dataset has no truth
            or the method makes no avatars.
        size: height and width of the picture.
        seconds: wall-clock seconds per stage.
        error: one line, where the item failed.
    """

    schema_version: int = SCHEMA_VERSION
    method: str
    key: str
    content: str
    status: Literal["done", "failed"]
    people: tuple[PersonRecord, ...] = ()
    fates: tuple[Fate, ...] | None = None
    leaks: tuple[float, ...] | None = None
    poses: tuple[PoseRecord, ...] | None = None
    size: tuple[int, int] | None = None
    output: str | None = None
    output_sha256: str | None = None
    seconds: dict[str, float] = Field(default_factory=dict)
    error: str | None = None


class QueryRecord(Record):
    """One line of ``private/scores/reid.jsonl``: one query against the whole gallery.

    Values are exact expectations under random tie-breaking; ``chance`` is the expectation under a
    uniform ranking of this query's valid gallery. Keys of both: ``R@1``, ``R@5``, ``R@10`` and
    ``mAP``.

    Attributes:
        processed: False where a true person of the query was missed, or the item failed.
    """

    schema_version: int = SCHEMA_VERSION
    method: str
    attacker: str
    key: str
    pid: int
    camid: int
    processed: bool
    values: dict[str, Number]
    chance: dict[str, Number]


class Score(Record):
    """One number of the table.

    Attributes:
        subset: over all queries, or over those whose people were all processed.
        value: share in [0, 1]; NaN where unscored.
        low: lower end of the 95 % interval, high its upper end.
        chance: expected value for an attacker who knows nothing.
        n: queries scored; clusters: identities resampled.
    """

    family: Literal["reid"] = "reid"
    metric: str
    attacker: str
    subset: Literal["all", "processed"]
    value: Number
    low: Number
    high: Number
    chance: Number
    n: int
    clusters: int


class Difference(Record):
    """A paired difference, ``method`` minus ``against``, on the same queries."""

    metric: str
    attacker: str
    subset: Literal["all", "processed"]
    method: str
    against: str
    value: Number
    low: Number
    high: Number
    n: int
    clusters: int


class Coverage(Record):
    """Who was processed, counted over true people where the truth is known.

    Attributes:
        truth: True if counted over true people; False if over the people that were found, so that
            nobody can be counted as missed (``missed`` is None).
        leak_mean: mean share of true person pixels outside the processed region; NaN without truth.
        leak_p95: its 95th percentile.
    """

    truth: bool
    people: int
    replaced: int
    masked: int
    obscured: int
    kept: int
    missed: int | None
    items: int
    failed_items: int
    leak_mean: Number
    leak_p95: Number


class PoseSummary(Record):
    """How well avatars keep people's poses; each a mean with the ends of its 95 % interval.

    Attributes:
        mpjpe: millimetres; see ``PoseRecord``.
        pa_mpjpe: millimetres.
        iou: share in [0, 1].
        well_placed: share of avatars with an IoU above 0.6.
        n: avatars compared; unscored: true people without an avatar; clusters: people resampled.
    """

    mpjpe: tuple[Number, Number, Number]
    pa_mpjpe: tuple[Number, Number, Number]
    iou: tuple[Number, Number, Number]
    well_placed: tuple[Number, Number, Number]
    n: int
    unscored: int
    clusters: int


class RatingSummary(Record):
    """What people answered, on the scale of the question (1 to 5).

    Attributes:
        mean: mean of all answers with the ends of its 95 % interval.
        sd: standard deviation of all answers (n − 1), as papers print it.
        per_item: mean of the items' means, with the ends of its 95 % interval.
        n: answers; items: people shown; annotators: who answered.
    """

    mean: tuple[Number, Number, Number]
    sd: Number
    per_item: tuple[Number, Number, Number]
    n: int
    items: int
    annotators: int


class RatingScore(Record):
    """How people rate one method: one ψ.

    Attributes:
        study: its name.
        symbol: e.g. ``psi_A``.
        track: what was shown.
        everyone: over all annotators; trusted: without those whose answers were flagged.
    """

    study: str
    symbol: str
    track: Literal["face", "body"]
    everyone: RatingSummary
    trusted: RatingSummary


class RatingAgreement(Record):
    """How far annotators agree on one ψ over all methods, without flagged ones.

    Attributes:
        alpha: Krippendorff's α (ordinal) with the ends of its 95 % interval.
        ac2: Gwet's AC2 (ordinal weights), likewise.
        raw: share of pairs of answers that are equal; near: at most one step apart.
        n: answers to what several annotators answered; items: people shown.
        remark: how to read α, where it misleads.
    """

    symbol: str
    track: Literal["face", "body"]
    alpha: tuple[Number, Number, Number]
    ac2: tuple[Number, Number, Number]
    raw: tuple[Number, Number, Number]
    near: tuple[Number, Number, Number]
    n: int
    items: int
    remark: str = ""


class RatingDifference(Record):
    """``method`` minus ``against`` in one ψ, without flagged annotators, paired where possible."""

    symbol: str
    track: Literal["face", "body"]
    method: str
    against: str
    value: Number
    low: Number
    high: Number
    n: int
    items: int


class PreferenceScore(Record):
    """How strongly a method is preferred (Bradley–Terry, ties as half wins), flagged left out.

    Attributes:
        strength: in log odds, the mean over the methods 0, with the ends of its 95 % interval.
        n: comparisons.
    """

    question: str
    track: Literal["face", "body"]
    method: str
    strength: tuple[Number, Number, Number]
    n: int
    items: int


class StudyRecord(Record):
    """One finished study: people who rated a run's pictures. Holds nothing about any one of them.

    Attributes:
        answers: of all annotators, without gold items, attention checks and skipped items.
        flagged: annotators whose answers were flagged.
        simulated: True where a program answered; no run takes such a study, no leaderboard either.
    """

    name: str
    track: Literal["face", "body"]
    annotators: int
    flagged: int
    answers: int
    skipped: int
    simulated: bool = False
    agreement: tuple[RatingAgreement, ...] = ()
    differences: tuple[RatingDifference, ...] = ()
    preferences: tuple[PreferenceScore, ...] = ()


Suite = Literal["phi_A", "phi_B", "phi_C", "phi_D"]
Ends = tuple[Number, Number, Number]
"""A value with the ends of its 95 % interval."""

Part = Literal["suite", "group", "prompt"]
"""What a row of ϕ is about: a whole suite, one of its groups, or one prompt (or pair)."""


class CeilingRecord(Record):
    """How often a judge is right about one attribute where the truth is known.

    Attributes:
        crop: of the pictures.
        attribute: key of the vocabulary.
        value: mean recall over the attribute's values with the ends of its 95 % interval; NaN where
            nobody measured it.
        chance: what judging without looking scores.
        n: labelled pictures; measured_on: which.
    """

    crop: Literal["head", "body"]
    attribute: str
    value: Ends
    chance: Number
    n: int
    measured_on: str


class JudgeRecord(Record):
    """Who says what a picture shows.

    Attributes:
        version: changes with everything that changes what the judge says.
        licence: of its weights.
        ceilings: its own accuracy, per crop and attribute.
        missing: why it could not judge, in one line; None: it could. Its scores are NaN then.
    """

    name: str
    version: str
    licence: str
    ceilings: tuple[CeilingRecord, ...] = ()
    missing: str | None = None


class SuiteRecord(Record):
    """Which list of prompts was asked, in which version.

    Attributes:
        prompts: on the list; for ``phi_C`` pairs.
    """

    suite: Suite
    version: int
    prompts: int


class PhiCoverage(Record):
    """What became of a suite's prompts, counted before any judge looks.

    Attributes:
        name: of the group; empty for the whole suite.
        prompts: on the list; out_of_scope: those of them that the checkpoint was never taught;
            asked: those of which pictures were asked for.
        pictures: that were asked for; the others count what became of them.
    """

    suite: Suite
    part: Part
    name: str
    prompts: int
    out_of_scope: int
    asked: int
    pictures: int
    replaced: int
    masked: int
    failed: int


class PhiScore(Record):
    """How often one judge finds what was asked for: ϕ_A, ϕ_B and ϕ_D.

    A question is one attribute of one picture's prompt; the judge is asked for its likeliest value.

    Attributes:
        part: whether this is a suite, one of its groups (for ϕ_A a level), or one prompt.
        name: of the group or prompt; empty for the whole suite.
        group: the group, also of a prompt; empty for the whole suite.
        judge: its name.
        top1: share of questions in which the judge's likeliest value is the one asked for.
        probability: mean calibrated probability of the value asked for.
        ece: expected calibration error of the judge on these pictures, the prompt taken for the
            truth, in [0, 1]; NaN for single prompts, which have too few pictures.
        chance: what a judge scores who guesses evenly among its values.
        floor: expected top-1 if the suite's prompts were shuffled over its pictures; NaN where the
            judge looked for the values only in pictures that should show them.
        ceiling: mean accuracy of the judge on labelled pictures of the attributes asked for.
        n: questions that the judge answered; people: source people they are about.
        unjudgeable: questions about values that the judge cannot tell (or is known not to see).
        unjudged: questions that it could have answered and did not: no picture, no face found, or
            the judge is missing.
        rank: lowest and highest place among the prompts of its group that the intervals allow, 1 is
            the best; None where it is no prompt or has no score.
    """

    suite: Suite
    part: Part
    name: str
    group: str
    judge: str
    top1: Ends
    probability: Ends
    ece: Number
    chance: Number
    floor: Number
    ceiling: Ends
    n: int
    people: int
    unjudgeable: int
    unjudged: int
    rank: tuple[int, int] | None = None


class LevelDifference(Record):
    """ϕ_A: what more detail costs, on attributes that both levels ask for.

    Attributes:
        level: e.g. ``complex``; against: e.g. ``simple``.
        value: top-1 of ``level`` minus that of ``against``: same subject, source person, seed and
            attribute.
        n: attributes compared; people: source people.
    """

    judge: str
    level: str
    against: str
    value: Ends
    n: int
    people: int


class PhiDifference(Record):
    """This method minus another in one suite, by one judge.

    Attributes:
        against: the other method.
        value: difference of top-1, or of the forced choice on pictures of one person and seed, over
            what both were asked for; same prompt, source person and seed.
        n: questions or pairs compared; people: source people.
    """

    suite: Suite
    judge: str
    against: str
    value: Ends
    n: int
    people: int


class PairScore(Record):
    """ϕ_C: whether the change from one value to a close one shows.

    Attributes:
        part: whether this is the suite, a group or one pair.
        name: of the group or pair; empty for the suite. group: also of a pair.
        same: two-alternative forced choice on pictures of one person and seed; chance is 0.5.
        different: the same on pictures of two different people.
        ceiling: the same on labelled pictures of different people; NaN where not measured.
        floor: what shuffled sides score.
        shift: how much the judge's probabilities move from one value to the other on pictures of
            one person and seed, in [-1, 1].
        true_shift: the same between labelled pictures; NaN where not measured.
        ratio: shift over true shift; 1 where pictures differ as true ones do.
        n: pairs of one person and seed; n_different: of different people; people: source people.
        unjudgeable: pairs of pictures whose two values are one to the judge, or unknown to it.
        unjudged: pairs of which a picture is missing or was not judged.
        rank: as in ``PhiScore``, by ``different``.
    """

    suite: Suite = "phi_C"
    part: Part
    name: str
    group: str
    judge: str
    same: Ends
    different: Ends
    ceiling: Number
    floor: Number
    shift: Ends
    true_shift: Number
    ratio: Ends
    n: int
    n_different: int
    people: int
    unjudgeable: int
    unjudged: int
    rank: tuple[int, int] | None = None


class GroupScore(Record):
    """Fairness: one demographic group against all others of the same attribute.

    Attributes:
        whose: the demographics of the prompt, or of the person who was replaced.
        attribute: e.g. ``ethnicity``; value: e.g. ``White``.
        judge: empty for coverage, which needs none.
        score: top-1 fidelity, or the share of pictures that were made (coverage).
        gap: this group minus all others together.
        n: questions or pictures; people: source people.
    """

    whose: Literal["prompted", "original"]
    attribute: str
    value: str
    measure: Literal["fidelity", "coverage"]
    judge: str
    score: Ends
    gap: Ends
    n: int
    people: int


class LeakScore(Record):
    """Whether the original's attribute can be read off the new person.

    Attributes:
        attribute: e.g. ``gender``; empty for all together.
        asked: ``otherwise``: the prompt asks for another value than the original has;
            ``nothing``: the prompt does not speak of it.
        accuracy: how often the judge names the original's value; each person and attribute counts
            once, however many pictures show it.
        chance: how often pictures of the same prompt value are taken to show that label, whoever
            stood there.
        lift: accuracy minus chance; above 0 the original leaks.
        n: pictures; people: source people.
    """

    judge: str
    attribute: str
    asked: Literal["otherwise", "nothing"]
    accuracy: Ends
    chance: Number
    lift: Ends
    n: int
    people: int


class JudgeAgreement(Record):
    """How far two judges, or a judge and people, agree on the same pictures.

    Attributes:
        one, other: judges' names; ``people`` for annotators.
        spearman: rank correlation of how clearly a picture shows what was asked for (the
            probability of the value asked for, or the mean rating), ranked within each attribute.
        by_prompt: the same of the prompts' means.
        alpha: Krippendorff's α (nominal) of shown or not shown.
        n: questions that both answered; prompts: that they belong to; people: source people.
    """

    suite: Suite
    one: str
    other: str
    spearman: Ends
    by_prompt: Number
    alpha: Ends
    n: int
    prompts: int
    people: int


class PhiRating(Record):
    """What people say of a suite, group or prompt, on the question's scale of 1 to 5.

    Attributes:
        part, name, group: as in ``PhiScore``.
        study: version of the judge ``human``, which the export of the study gives.
        mean: of all answers with the ends of its 95 % interval; sd: their standard deviation.
        n: answers; items: attributes of pictures that were rated; people: source people of theirs.
    """

    suite: Suite
    part: Part
    name: str
    group: str
    study: str
    mean: Ends
    sd: Number
    n: int
    items: int
    people: int


class PhiRecord(Record):
    """ϕ of one method: everything but the pictures.

    Attributes:
        suites: the lists of prompts that were asked → their versions.
        judges: who was asked → their versions, empty for a judge that is missing. Only scores of
            the same suites and judges, in the same versions, are comparable.
    """

    suites: dict[Suite, int] = Field(default_factory=dict)
    judges: dict[str, str] = Field(default_factory=dict)
    coverage: tuple[PhiCoverage, ...] = ()
    scores: tuple[PhiScore, ...] = ()
    levels: tuple[LevelDifference, ...] = ()
    pairs: tuple[PairScore, ...] = ()
    differences: tuple[PhiDifference, ...] = ()
    fairness: tuple[GroupScore, ...] = ()
    leakage: tuple[LeakScore, ...] = ()
    agreement: tuple[JudgeAgreement, ...] = ()
    ratings: tuple[PhiRating, ...] = ()


UtilityTrack = Literal["classification", "detection"]

Training = Literal["S", "R", "S+R", "S→R"]
"""What models learned from: synthetic (pseudonymized) pictures, originals, both together, synthetic
ones first and originals afterwards."""


class UtilityModel(Record):
    """A model that was trained, or could not be.

    Attributes:
        name: e.g. ``resnet10t``; settings: all that its training depends on beside the pictures.
        parameters: how many are trained; 0 where it was not built.
        missing: why it was not trained, in one line; None: it was. Its scores are NaN then.
    """

    name: str
    settings: dict[str, object] = Field(default_factory=dict)
    parameters: int = 0
    missing: str | None = None


class UtilityScore(Record):
    """One cell: how good models of one kind are, tested on originals of other people.

    Attributes:
        training: what they learned from.
        model: name of a ``UtilityModel``.
        task: what is told apart (``emotion``), or what is found (``person``, ``all classes``).
        metric: e.g. ``accuracy``, ``macro-F1``, ``mAP@[.5:.95]``.
        value: mean over trainings with the ends of its 95 % interval over test people and
            trainings.
        per_seed: each training's own.
        chance: what knowing nothing scores; NaN where that is not defined.
        n: test pictures that count; clusters: people (or pictures) that are resampled.
        seeds: trainings.
    """

    training: Training
    model: str
    task: str
    metric: str
    value: Ends
    per_seed: tuple[Number, ...] = ()
    chance: Number
    n: int
    clusters: int
    seeds: int


class UtilityDifference(Record):
    """``training`` minus ``against`` of the same model, paired by test picture and training.

    Attributes:
        against: usually ``R``.
        value: with the ends of its 95 % interval: if that holds 0, it is within noise.
        p: two-sided; NaN where nobody can know.
    """

    training: Training
    against: Training
    model: str
    task: str
    metric: str
    value: Ends
    p: Number
    n: int
    clusters: int
    seeds: int


class UtilityConfusion(Record):
    """Which classes are taken for which.

    Attributes:
        classes: their names.
        counts: test pictures by true class (rows) and predicted class, mean over trainings.
        unlabelled: test pictures without a label for the task, which are left out.
    """

    training: Training
    model: str
    task: str
    classes: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    unlabelled: int = 0


class UtilityGap(Record):
    """How far groups of test people are apart in one cell.

    Attributes:
        by: the label that groups people, e.g. ``ethnicity``.
        groups: group → its score with the ends of its 95 % interval; sizes: test pictures of each.
        best, worst: of the groups that are large enough; None with fewer than two of them.
        gap: best minus worst; never 0, since the extremes are picked: compare it with by_chance,
            the mean gap if people were put into groups by lot, and p, how often that is as large.
    """

    training: Training
    model: str
    task: str
    metric: str
    by: str
    groups: dict[str, Ends]
    sizes: dict[str, int]
    best: str | None
    worst: str | None
    gap: Ends
    by_chance: Number
    p: Number


class UtilityAgreement(Record):
    """How often a judge sees in S what its labels say.

    Attributes:
        judge: who looks at the synthetic pictures; version: of the judge.
        value: mean recall over the task's classes that the judge knows, with the ends of its 95 %
            interval; ceiling: the same on the originals.
        chance: what judging without looking scores.
        n: pictures; unjudged: those that the judge has no word for, or says nothing about.
    """

    judge: str
    version: str
    task: str
    value: Ends
    ceiling: Ends
    chance: Number
    n: int
    unjudged: int


class UtilityMeasure(Record):
    """What is measured of one method's training pictures without training anything.

    Attributes:
        name: e.g. ``recall of the people finder``.
        value: with the ends of its 95 % interval; NaN where it is unscored.
        originals: the same of the originals, to compare it with; NaN where there is no such thing.
        better: which end is the better one.
        n: people or pictures that count; unscored: those that could not be scored; clusters: what
            the interval resamples or is taken over.
        remark: how to read it, or why it is unscored.
    """

    name: str
    value: Ends
    originals: Ends
    better: Literal["higher", "lower"]
    n: int
    unscored: int
    clusters: int
    remark: str = ""


class UtilityRecord(Record):
    """What models that learned from one method's pictures are good for; R is the same for all.

    Attributes:
        originals: how R is called: ``rendered originals`` or ``originals``.
        preset: ``small`` or ``full``.
        tasks: in the order of tables.
        synthetic: pictures in S; learned: originals in R; tested: originals of other people.
        left_out: training pictures that are not in S, since nobody was found or the method failed.
        masked: people of S who are masked, not replaced.
        training_hash: sha256 over the training originals and their labels.
        also: what is measured of S without training.
    """

    track: UtilityTrack
    originals: str
    preset: Literal["small", "full"]
    tasks: tuple[str, ...]
    synthetic: int
    learned: int
    tested: int
    left_out: int
    masked: int
    training_hash: str
    models: tuple[UtilityModel, ...] = ()
    scores: tuple[UtilityScore, ...] = ()
    differences: tuple[UtilityDifference, ...] = ()
    confusions: tuple[UtilityConfusion, ...] = ()
    gaps: tuple[UtilityGap, ...] = ()
    agreement: tuple[UtilityAgreement, ...] = ()
    also: tuple[UtilityMeasure, ...] = ()
    notes: tuple[str, ...] = ()


class ReviewRecord(Record):
    """What a reviewer did to the people of a run's pictures, before any method saw them.

    Attributes:
        reviewed: pictures that were looked at; corrected: those where something was wrong.
        added: people whom nobody had found; removed: what is no person; redrawn: new masks.
    """

    reviewed: int
    corrected: int
    added: int
    removed: int
    redrawn: int


class MethodRecord(Record):
    """One method in one run: one row of the leaderboard.

    Attributes:
        utility: one record per track that trained models on its pictures.
    """

    name: str
    claim: Claim
    settings: dict[str, object]
    settings_hash: str
    coverage: Coverage
    seconds: dict[str, float]
    scores: tuple[Score, ...] = ()
    poses: PoseSummary | None = None
    ratings: tuple[RatingScore, ...] = ()
    phi: PhiRecord | None = None
    utility: tuple[UtilityRecord, ...] = ()


class DatasetRecord(Record):
    """What was measured on."""

    name: str
    rendered: bool
    crops: bool
    items: int
    queries: int
    gallery: int
    identities: int
    manifest_hash: str


class AttackerRecord(Record):
    """Who tried to find people again.

    Attributes:
        trained_on: e.g. ``crowd train split, 480 identities``; ``nothing`` for a fixed descriptor.
        weights_sha256: None for a fixed descriptor.
    """

    name: str
    trained_on: str
    weights_sha256: str | None = None


class RunRecord(Record):
    """``run.json``: everything about a run that is not about one item.

    Attributes:
        seed: None when the run's key was random.
        weights: name of every model file that was used → sha256.
        suites: the lists of prompts that ϕ was asked with; judges: who looked at the pictures.
        review: what was corrected by hand; None where nobody has reviewed the run.
        notes: what a reader must know to read the tables right.
        complete: False while items are missing (``--limit`` does not make a run incomplete).
    """

    schema_version: int = SCHEMA_VERSION
    humangenai_version: str
    created: str
    git: dict[str, object]
    packages: dict[str, str]
    hardware: dict[str, object]
    config: dict[str, object]
    config_hash: str
    seed: int | None
    dataset: DatasetRecord
    weights: dict[str, str]
    attackers: tuple[AttackerRecord, ...] = ()
    methods: tuple[MethodRecord, ...]
    differences: tuple[Difference, ...] = ()
    studies: tuple[StudyRecord, ...] = ()
    suites: tuple[SuiteRecord, ...] = ()
    judges: tuple[JudgeRecord, ...] = ()
    review: ReviewRecord | None = None
    seconds: dict[str, float] = Field(default_factory=dict)
    notes: tuple[str, ...] = (NAIVE,)
    complete: bool = True
