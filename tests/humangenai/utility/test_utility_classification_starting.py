"""What ViT-Tiny starts from: what is shipped is what its record says; training resumes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from humangenai.attribute_fidelity.data import SIZES, Labelled
from humangenai.attribute_fidelity.labels import GROUPS
from humangenai.utility.classification import starting
from humangenai.utility.classification.network import Classifier
from humangenai.utility.classification.recipes import SMALL_VIT, STARTING

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("one_thread")


def heads(number: int) -> Labelled:
    """Women are red here, men are blue; nothing else is known of them."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 100, (number, *SIZES["head"], 3), dtype=np.uint8)
    labels = []
    for place, picture in enumerate(pictures):
        picture[..., 2 * (place % 2)] += 120
        labels.append({"gender": ("female", "male")[place % 2]})
    return Labelled(pictures, labels)


def test_what_is_shipped_is_what_its_record_says() -> None:
    record = json.loads(STARTING.with_suffix(".json").read_text())
    assert hashlib.sha256(STARTING.read_bytes()).hexdigest() == record["sha256"]
    assert (record["architecture"], record["options"]) == (
        SMALL_VIT.architecture,
        dict(SMALL_VIT.options),
    )
    recalls = record["mean_recall_on_held_out_renders"]
    # It has learned to see: well above chance where the probe itself is.
    assert recalls["gender"] > 0.6
    assert recalls["hair colour"] > 2 / len(GROUPS["head"]["hair colour"])


def test_a_classifier_of_other_tasks_starts_from_it() -> None:
    network = Classifier(SMALL_VIT, (2, 3))
    shipped = load_file(STARTING)
    own = network.trunk.state_dict()
    assert own.keys() == shipped.keys()
    assert all(torch.equal(own[name], value.float()) for name, value in shipped.items())
    settings = SMALL_VIT.settings()
    assert settings["weights"] == f"sha256 {hashlib.sha256(STARTING.read_bytes()).hexdigest()}"


def test_training_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "BATCH", 16)
    data = heads(32)
    straight = starting.fit(data, tmp_path / "straight", 12)
    monkeypatch.setattr(starting.Loop, "is_due", lambda self: (self.step + 1) % 4 == 0)

    class StoppedError(Exception):
        pass

    def stop(self: object, **losses: float) -> None:
        if self.step == 9:  # type: ignore[attr-defined]
            raise StoppedError

    with monkeypatch.context() as stopping:
        stopping.setattr(starting.Loop, "add", stop)
        with pytest.raises(StoppedError):
            starting.fit(data, tmp_path / "stopped", 12)
    again = starting.fit(data, tmp_path / "stopped", 12)
    one, other = straight.state_dict(), again.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    # Of groups that nobody is labelled for nothing is said.
    found = starting.accuracies(straight, data)
    assert found["gender"] > 0.9
    assert np.isnan(found["emotion"])
