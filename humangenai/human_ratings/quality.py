"""Who answered carelessly: gold items, attention checks, time, and straight-lining.

Every sign is tested against what a careful annotator would do, so that few careful ones are
flagged by accident:

- *Checks*: gold items (answers known, one step off is fine) and attention checks (the answer is
  asked for). Careful people slip on :data:`SLIP` of them. So many failures that fewer than
  :data:`FALSE_ALARMS` of careful people would have them are a flag.
- *Time*: half of the answers were quicker than the study's minimum.
- *Nothing in common*: answers that go up and down as much as other people's, but not with them, in
  a study where annotators usually do go together. Whoever rates nearly everything alike is not
  flagged for it, as small differences are noise.
- *Straight-lining*: a run of equal answers to one question that is too long to be chance, even for
  somebody who likes that answer much more than the others do.

How much answers vary (entropy) is shown beside everybody else's, and flags nobody.

A flag is a reason to look, and to score without that annotator too; nothing is deleted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom, norm

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

SLIP = 0.1
"""Share of checks that careful annotators fail; above it, answers are taken for careless."""

FALSE_ALARMS = 0.02
"""Share of careful annotators whom a sign may flag."""

GOLD_STEPS = 1
"""How far from a gold item's answer is still right."""

FEWEST = 10
"""Answers to a question before time and straight-lining are judged."""


@dataclass(frozen=True)
class Quality:
    """What is known about one annotator's care; shares and seconds are NaN where nothing is.

    Attributes:
        annotator: their id.
        answers: answers given, of all kinds.
        gold: share of gold items that are answered right, and how many there were.
        attention: share of attention checks passed, and how many there were.
        seconds: median time for an answer.
        in_common: correlation of the answers with the means of everybody else's answers to the same
            items, in [-1, 1].
        longest_run: most equal answers in a row to one question.
        entropy: of the answers to a question, in bits, averaged over questions; others: the same
            of everybody else.
        skipped: share of items skipped.
        reasons: why the annotator is flagged, in words; empty: not flagged.
    """

    annotator: str
    answers: int
    gold: tuple[float, int]
    attention: tuple[float, int]
    seconds: float
    in_common: float
    longest_run: int
    entropy: float
    others: float
    skipped: float
    reasons: tuple[str, ...]


def flags(answers: pd.DataFrame, minimum_seconds: float = 0.0) -> list[Quality]:
    """How carefully everyone answered, the flagged ones first.

    Args:
        answers: columns ``annotator``, ``item``, ``question``, ``value``, ``seconds``, ``created``,
            ``is_gold``, ``gold_value``, ``is_attention`` and ``skipped``; one row per annotator,
            item and question. Attention checks have their answer in ``gold_value``.
        minimum_seconds: in which nobody can have looked at the pictures.

    Returns:
        One entry per annotator.
    """
    if answers.empty:
        return []
    shares, common = _Shares.of(answers), _InCommon.of(answers)
    found = [
        _judge(str(annotator), rows.sort_values("created"), shares, common, minimum_seconds)
        for annotator, rows in answers.groupby("annotator", sort=True)
    ]
    return sorted(found, key=lambda quality: (not quality.reasons, quality.annotator))


def flagged(answers: pd.DataFrame, minimum_seconds: float = 0.0) -> frozenset[str]:
    """The annotators whom :func:`flags` gives a reason to leave out."""
    return frozenset(
        quality.annotator for quality in flags(answers, minimum_seconds) if quality.reasons
    )


def quality_table(found: list[Quality]) -> pd.DataFrame:
    """The same as a table: one row per annotator, reasons joined by semicolons."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "annotator": one.annotator,
                "flagged": bool(one.reasons),
                "reasons": "; ".join(one.reasons),
                "answers": one.answers,
                "gold_accuracy": one.gold[0],
                "gold_items": one.gold[1],
                "attention_passed": one.attention[0],
                "attention_checks": one.attention[1],
                "median_seconds": one.seconds,
                "in_common": one.in_common,
                "longest_run": one.longest_run,
                "entropy_bits": one.entropy,
                "others_entropy_bits": one.others,
                "skipped": one.skipped,
            }
            for one in found
        ],
        columns=[
            *("annotator", "flagged", "reasons", "answers", "gold_accuracy", "gold_items"),
            *("attention_passed", "attention_checks", "median_seconds", "in_common"),
            *("longest_run", "entropy_bits", "others_entropy_bits", "skipped"),
        ],
    )


@dataclass(frozen=True)
class _Shares:
    """How often everyone gave each answer to each question.

    Attributes:
        counts: question → annotator → counts of the answers 1 to 5, float64 (5,).
    """

    counts: dict[str, dict[str, NDArray[np.float64]]]

    @classmethod
    def of(cls, answers: pd.DataFrame) -> _Shares:
        counts: dict[str, dict[str, NDArray[np.float64]]] = {}
        for (question, annotator), rows in _rated(answers).groupby(["question", "annotator"]):
            values = rows["value"].to_numpy(dtype=np.int64)
            counts.setdefault(str(question), {})[str(annotator)] = np.bincount(
                values - 1, minlength=5
            ).astype(np.float64)
        return cls(counts)

    def others(self, question: str, annotator: str) -> NDArray[np.float64] | None:
        """Counts of everybody else's answers; None without any."""
        rest = [found for name, found in self.counts[question].items() if name != annotator]
        return np.sum(rest, axis=0) if rest else None


def _rated(answers: pd.DataFrame) -> pd.DataFrame:
    """Answers about pictures: no checks, nothing skipped."""
    aside = (answers["is_gold"] | answers["is_attention"] | answers["skipped"]).astype(bool)
    return answers[~aside & answers["value"].notna()]


def _judge(
    annotator: str,
    rows: pd.DataFrame,
    shares: _Shares,
    common: _InCommon,
    minimum_seconds: float,
) -> Quality:
    given = rows[rows["value"].notna() & ~rows["skipped"].astype(bool)]
    attention_check = given["is_attention"].astype(bool)
    gold_item = given["is_gold"].astype(bool) & ~attention_check
    wrong_gold, n_gold = _failed(given[gold_item], GOLD_STEPS)
    wrong_attention, n_attention = _failed(given[attention_check], 0)
    seconds = float(given["seconds"].median()) if len(given) else math.nan
    runs = _Runs.of(annotator, _rated(rows), shares)
    reasons = [
        *_too_many_failures(wrong_gold, n_gold, wrong_attention, n_attention),
        *_too_quick(seconds, len(given), minimum_seconds),
        *common.reasons(annotator),
        *runs.reasons,
    ]
    return Quality(
        annotator=annotator,
        answers=len(given),
        gold=(1 - wrong_gold / n_gold if n_gold else math.nan, n_gold),
        attention=(1 - wrong_attention / n_attention if n_attention else math.nan, n_attention),
        seconds=seconds,
        in_common=common.correlations.get(annotator, (math.nan, 0))[0],
        longest_run=runs.longest,
        entropy=runs.entropy,
        others=runs.others,
        skipped=float(rows["skipped"].astype(bool).mean()),
        reasons=tuple(reasons),
    )


def _failed(known: pd.DataFrame, steps: int) -> tuple[int, int]:
    """Items of which half of the answers or more are further off than so many steps; and all items.

    Items are counted, not answers: who misjudges a picture does so in all questions about it.
    """
    wrong = (known["value"] - known["gold_value"]).abs() > steps
    shares = wrong[known["gold_value"].notna()].groupby(known["item"]).mean()
    return int((shares >= 0.5).sum()), len(shares)


def _too_many_failures(
    wrong_gold: int, n_gold: int, wrong_attention: int, n_attention: int
) -> list[str]:
    """Gold items and attention checks together, and the latter alone: nobody should fail many."""
    wrong, n = wrong_gold + wrong_attention, n_gold + n_attention
    # The chance that a careful annotator fails as many or more.
    if not n or binom.sf(wrong - 1, n, SLIP) >= FALSE_ALARMS:
        return []
    parts = [
        f"{wrong_some} of {n_some} {kind}"
        for wrong_some, n_some, kind in (
            (wrong_gold, n_gold, "gold items wrong"),
            (wrong_attention, n_attention, "attention checks failed"),
        )
        if wrong_some
    ]
    return [", ".join(parts)]


def _too_quick(seconds: float, answers: int, minimum_seconds: float) -> list[str]:
    if answers < FEWEST or not seconds < minimum_seconds:
        return []
    return [f"half of the answers took less than {seconds:.1f} s (minimum {minimum_seconds:g} s)"]


@dataclass(frozen=True)
class _InCommon:
    """How each annotator's answers go with everybody else's.

    Attributes:
        correlations: annotator → Pearson's r with the others' means, and over how many items; only
            annotators of whom it can be computed.
        spreads: annotator → standard deviation of the answers, about each question's mean.
    """

    correlations: dict[str, tuple[float, int]]
    spreads: dict[str, float]

    @classmethod
    def of(cls, answers: pd.DataFrame) -> _InCommon:
        rated = _rated(answers)
        # About each question's mean, or annotators would seem to agree where questions differ.
        values = rated["value"] - rated.groupby("question")["value"].transform("mean")
        same = [rated["item"], rated["question"]]
        n = values.groupby(same).transform("size")
        others = (values.groupby(same).transform("sum") - values) / (n - 1).where(n > 1)
        table = rated[["annotator", "item"]].assign(own=values, others=others).dropna()
        correlations, spreads = {}, {}
        for name, rows in table.groupby("annotator"):
            annotator, items, spread = str(name), rows["item"].nunique(), rows["own"].std()
            if items >= FEWEST and spread > 0 and rows["others"].std() > 0:
                r = float(np.corrcoef(rows["own"], rows["others"])[0, 1])
                correlations[annotator], spreads[annotator] = (r, items), float(spread)
        return cls(correlations, spreads)

    def reasons(self, annotator: str) -> list[str]:
        """A flag where r is no more than chance gives, and surely below what is usual here.

        Both by Fisher's transformation: artanh r is about normal with variance 1 / (n − 3).
        """
        if annotator not in self.correlations:
            return []
        r, items = self.correlations[annotator]
        rest = [other for name, (other, _) in self.correlations.items() if name != annotator]
        if not rest or abs(r) >= 1:
            return []
        if self.spreads[annotator] < np.median(list(self.spreads.values())):
            return []
        usual = float(np.median(rest))
        sure = norm.isf(FALSE_ALARMS) / math.sqrt(items - 3)
        own = math.atanh(r)
        if own >= sure or own >= math.atanh(min(usual, 0.999)) - sure:
            return []
        return [f"answers have nothing in common with the others' (r {r:.2f}, usual {usual:.2f})"]


@dataclass(frozen=True)
class _Runs:
    """How much one annotator's answers vary."""

    longest: int
    entropy: float
    others: float
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, annotator: str, rated: pd.DataFrame, shares: _Shares) -> _Runs:
        longest, entropies, others_entropies, reasons = 0, [], [], []
        questions = rated.groupby("question", sort=True)
        for question, rows in questions:
            values = rows["value"].to_numpy(dtype=np.int64)
            run, answer = longest_run(values)
            longest = max(longest, run)
            others = shares.others(str(question), annotator)
            entropies.append(entropy(shares.counts[str(question)][annotator]))
            if others is None:
                continue
            others_entropies.append(entropy(others))
            if len(values) >= FEWEST:
                # Somebody may like an answer more than the others do: halfway to always.
                liking = (1 + others[answer - 1] / others.sum()) / 2
                chance = FALSE_ALARMS / questions.ngroups
                if run >= unlikely_run(len(values), liking, chance):
                    reasons.append(f"{run} times {answer} in a row to {question}")
        return cls(
            longest,
            float(np.mean(entropies)) if entropies else math.nan,
            float(np.mean(others_entropies)) if others_entropies else math.nan,
            tuple(reasons),
        )


def longest_run(values: NDArray[np.int64]) -> tuple[int, int]:
    """Length and value of the longest run of equal values.

    >>> longest_run(np.array([3, 4, 4, 4, 2, 2]))
    (3, 4)
    """
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(np.r_[starts, values.size])
    at = int(lengths.argmax())
    return int(lengths[at]), int(values[starts[at]])


def unlikely_run(n: int, share: float, chance: float) -> float:
    """The run length that at most ``chance`` of annotators reach in ``n`` independent answers.

    A run of L starts at each answer with probability (1 − p) p^L, so that about n (1 − p) p^L are
    expected (Feller, *An Introduction to Probability Theory*, vol. 1, XIII.7).

    Args:
        n: answers.
        share: p, the probability of that answer.
        chance: in (0, 1).

    Returns:
        The shortest such length; infinite where the answer is always given.

    >>> round(unlikely_run(100, 0.5, 0.01), 1)
    12.3
    """
    if share >= 1:
        return math.inf
    return max(math.log(chance / (n * (1 - share))) / math.log(share), 1.0)


def entropy(counts: NDArray[np.float64]) -> float:
    """Shannon entropy of counted answers, in bits: 0 where all are equal, log2(5) at most.

    >>> entropy(np.array([4.0, 4.0, 0.0, 0.0, 0.0]))
    1.0
    """
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0
