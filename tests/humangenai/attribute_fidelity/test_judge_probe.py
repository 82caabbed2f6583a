"""The probe behind the protocol of all judges."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest

from humangenai.attribute_fidelity.data import SIZES
from humangenai.attribute_fidelity.judges import probe as judge_probe
from humangenai.attribute_fidelity.judges.judge import Ceiling, unmeasured
from humangenai.attribute_fidelity.probe import SHIPPED, Probe
from humangenai.errors import UserError


@pytest.fixture(scope="module")
def judge() -> judge_probe.ProbeJudge:
    return judge_probe.load()


@pytest.mark.parametrize("crop", SIZES)
def test_it_says_what_the_probe_says(judge, crop) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, *SIZES[crop], 3), dtype=np.uint8)
    said, expected = judge.judge(pictures, crop), Probe.load().judge(pictures, crop)
    assert said.keys() == judge.values(crop).keys() == expected.keys()
    for key, rows in said.items():
        np.testing.assert_array_equal(rows, expected[key])
        assert rows.shape == (3, len(judge.values(crop)[key]))


@pytest.mark.parametrize("crop", SIZES)
def test_ceilings_are_those_beside_the_weights(judge, crop) -> None:
    record = json.loads((SHIPPED / f"probe_{crop}.json").read_text())
    ceilings = judge.ceilings(crop)
    assert ceilings.keys() == judge.values(crop).keys()
    for key, ceiling in ceilings.items():
        written = record["accuracy"]["training family"][key]
        assert (ceiling.value, ceiling.low, ceiling.n) == (
            written["value"], written["low"], written["n"],
        )  # fmt: skip
        assert "renders" in ceiling.measured_on


def test_the_version_is_that_of_the_weights(judge) -> None:
    digests = [
        hashlib.sha256((SHIPPED / f"probe_{crop}.safetensors").read_bytes()).hexdigest()
        for crop in ("body", "head")
    ]
    assert judge.version == f"{digests[0][:16]}-{digests[1][:16]}"


def test_an_attribute_that_was_not_measured_is_nan(tmp_path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "weights")
    record = json.loads((tmp_path / "weights/probe_head.json").read_text())
    del record["accuracy"]["training family"]["emotion"]
    (tmp_path / "weights/probe_head.json").write_text(json.dumps(record))
    ceiling = judge_probe.load(str(tmp_path / "weights")).ceilings("head")["emotion"]
    assert not ceiling.measured
    assert ceiling.chance == pytest.approx(1 / 7)


def test_weights_that_are_not_there_are_a_mistake(tmp_path) -> None:
    with pytest.raises(UserError, match="probe"):
        judge_probe.load(str(tmp_path))


def test_a_judge_is_blind_only_where_it_was_measured_to_be() -> None:
    assert Ceiling(0.55, 0.49, 0.6, 0.5, 100, "renders").blind
    assert not Ceiling(0.9, 0.8, 0.95, 0.5, 100, "renders").blind
    assert not unmeasured(0.5).blind
