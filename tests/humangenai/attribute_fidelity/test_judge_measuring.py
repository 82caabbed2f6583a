"""Judges are tried on renders whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from humangenai.attribute_fidelity.data import SIZES, Labelled
from humangenai.attribute_fidelity.judges import clip, measuring
from humangenai.attribute_fidelity.judges.measuring import (
    ceilings_of,
    labelled,
    measured,
    truth,
    try_on,
)
from humangenai.attribute_fidelity.labels import GROUPS, judged
from refsd.training.people import sample_person


@pytest.mark.parametrize("crop", SIZES)
def test_the_truth_in_the_probes_words_is_what_it_was_trained_on(crop) -> None:
    for number in range(300):
        labels = sample_person(np.random.default_rng(number), "training").labels
        assert truth(GROUPS[crop], labels, "training", crop) == judged(labels, "training", crop)


def test_the_truth_is_as_fine_as_the_judge() -> None:
    labels = {
        "gender": "female", "age": "60", "skin tone": "warm white", "emotion": "sad",
        "hair length": "long", "hair colour": "grey", "upper garment": "raincoat",
    }  # fmt: skip
    shown = truth(clip.values_of("head"), labels, "training", "head")
    assert shown["age"] == "60"
    assert shown["age group"] == "middle-aged"
    assert shown["skin tone"] == "warm white"
    assert shown["facial hair"] == "clean-shaven"
    hidden = truth(clip.values_of("head"), {**labels, "headwear": "bowler"}, "training", "head")
    assert not {"hair length", "hair colour"} & hidden.keys()
    assert hidden["headwear"] == "hat"


class Reader:
    """Reads the picture's number, and knows the labels of that number or guesses."""

    licence = "none"

    def __init__(self, labels, knows: float, name: str = "reader") -> None:
        self.name, self.version = name, "1"
        self._truths = [truth(self.values("head"), row, "training", "head") for row in labels]
        self._rng, self._knows = np.random.default_rng(0), knows
        self.shown = 0

    def values(self, crop):
        return GROUPS["head"]

    def ceilings(self, crop):
        return measured(self, crop)

    def judge(self, pictures, crop):
        self.shown += len(pictures)
        numbers = pictures[:, 0, 0, 0].astype(int) * 256 + pictures[:, 0, 0, 1]
        found = {}
        for key, values in self.values(crop).items():
            rows = self._rng.random((len(pictures), len(values)))
            for place, number in enumerate(numbers):
                if self._rng.random() < self._knows and key in self._truths[number]:
                    rows[place, values.index(self._truths[number][key])] = 2
            found[key] = (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)
        return found


@pytest.fixture(scope="module")
def data() -> Labelled:
    count = 400
    pictures = np.zeros((count, 4, 4, 3), dtype=np.uint8)
    pictures[:, 0, 0, 0], pictures[:, 0, 0, 1] = np.divmod(np.arange(count), 256)
    labels = [sample_person(np.random.default_rng(n), "training").labels for n in range(count)]
    return Labelled(pictures, labels)


def test_who_knows_is_right_and_who_guesses_is_at_chance(data) -> None:
    knows, guesses = (
        ceilings_of(GROUPS["head"], try_on(Reader(data.labels, share), data, "head"))
        for share in (1.0, 0.0)
    )
    for key, ceiling in knows.items():
        assert (ceiling.value, ceiling.low, ceiling.blind) == (1, 1, False), key
    blind = [ceiling.blind for ceiling in guesses.values()]
    # Two-sided 95 % intervals: now and then a guesser looks as if it saw.
    assert sum(blind) >= len(blind) - 2
    assert all(abs(c.value - c.chance) < 0.2 for c in guesses.values())


def test_what_a_judge_says_nothing_of_does_not_count(data) -> None:
    tried = [
        ({"gender": "male"}, {}),
        ({"gender": "female"}, {"gender": {"female": 0.9, "male": 0.1}}),
        ({"gender": "male"}, {"gender": {"female": 0.6, "male": 0.4}}),
    ]
    ceiling = ceilings_of({"gender": ("female", "male")}, tried)["gender"]
    assert (ceiling.value, ceiling.n) == (0.5, 2)
    assert not ceilings_of({"gender": ("female", "male")}, tried[:2])["gender"].measured


def test_a_judge_is_tried_once(data, tmp_path, monkeypatch) -> None:
    from humangenai.attribute_fidelity import data as renders

    monkeypatch.setenv("HUMANGENAI_CACHE", str(tmp_path))
    monkeypatch.setattr(renders, "render", lambda wanted, folder: [folder / "shard"])
    monkeypatch.setattr(renders, "load", lambda shards: data)
    judge = Reader(data.labels, 1.0)
    assert not judge.ceilings("head")["gender"].measured
    tried = labelled(judge, "head", 400)
    assert labelled(judge, "head", 400) == tried
    assert judge.shown == 400
    assert judge.ceilings("head")["gender"].value == 1
    assert measured(Reader(data.labels, 1.0, "another"), "head")["gender"].n == 0
    (next((tmp_path / "judges").glob("reader-1-head.json"))).write_text("{half")
    assert len(labelled(judge, "head", 400)) == judge.shown - 400 == 400


def test_the_command_names_what_is_wrong(capsys) -> None:
    with pytest.raises(SystemExit):
        measuring.main(["clip"])
    assert "no weights are named" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        measuring.main(["prob"])
    assert "did you mean 'probe'" in capsys.readouterr().err
