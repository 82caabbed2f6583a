"""The paper's ϕ values: all that its plots show, and nothing else."""

from __future__ import annotations

import math
from statistics import mean

import pytest

from humangenai.attribute_fidelity.published import load_published
from humangenai.attribute_fidelity.suites import load_suite


@pytest.mark.parametrize("name", ["phi_B", "phi_C"])
def test_every_entry_of_the_suite_has_its_value(name: str) -> None:
    entries = [entry.name for entry in load_suite(name).entries()]  # type: ignore[arg-type]
    assert list(load_published().means(name)) == entries


def test_group_means_are_those_of_the_values() -> None:
    """The plot's own lines: a check of what was read, within its error."""
    published = load_published()
    suite = published.suites[0]
    for group, line in suite.group_means.items():
        of_group = [row.mean for row in suite.rows if suite.groups()[row.name] == group]
        assert mean(of_group) == pytest.approx(line, abs=published.reading_error)


def test_the_lowest_pairs_are_those_that_the_plot_names() -> None:
    suite = load_published().suites[1]
    lowest: dict[str, float] = {}
    for row in suite.rows:
        group = suite.groups()[row.name]
        lowest[group] = min(lowest.get(group, 5.0), row.mean)
    means = load_published().means("phi_C")
    for name in ("German → British", "60 → 70", "Disgusted → Sad", "Cold white → White"):
        assert means[name].mean == lowest[suite.groups()[name]]


def test_what_was_not_read_is_missing_not_made_up() -> None:
    published = load_published()
    unread = [name for name, row in published.means("phi_B").items() if math.isnan(row.sd)]
    assert len(unread) == 31
    assert not any(math.isnan(row.sd) for row in published.means("phi_C").values())
    assert published.means("phi_A") == published.means("phi_D") == {}
