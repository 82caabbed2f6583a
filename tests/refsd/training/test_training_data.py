"""Training data: labels are what is drawn, seeds decide, a stop costs nothing that was finished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from refsd.rendering import make_renderer
from refsd.training import data
from refsd.training.data import Part, load_shard, render
from refsd.training.looks import LOOKS
from refsd.training.people import dressed_anew, sample_person
from refsd.training.pictures import sample_pair, sample_picture
from refsd.wardrobe.families import FAMILIES

if TYPE_CHECKING:
    from refsd.wardrobe import Family


def people(count: int, family: Family = "training") -> list:
    return [sample_person(np.random.default_rng([7, n]), family) for n in range(count)]


@pytest.mark.parametrize("family", LOOKS)
def test_everything_worn_is_of_the_family(family) -> None:
    lists = FAMILIES[family]
    for person in people(100, family):
        other = dressed_anew(np.random.default_rng(8), person)
        assert person.avatar.family == other.family == family
        look = person.avatar.look
        assert look.upper.cut in lists.uppers
        assert look.lower.cut in lists.lowers
        assert look.hair in lists.hair
        assert look.shoe in lists.shoes
        assert look.upper.pattern in lists.upper_patterns


def test_families_share_names_and_no_values() -> None:
    training, probe = LOOKS["training"], LOOKS["probe"]
    for table in ("colours", "skins", "hair_colours"):
        one, other = getattr(training, table), getattr(probe, table)
        assert list(one) == list(other)
        assert not set(one.values()) & set(other.values())
    for family, looks in LOOKS.items():
        assert set(looks.hair) == set(FAMILIES[family].hair)
        assert set(looks.patterns) == set(FAMILIES[family].upper_patterns)
    with pytest.raises(ValueError, match="no labelled looks of family 'bank'"):
        sample_person(np.random.default_rng(0), "bank")


@pytest.mark.parametrize("family", LOOKS)
def test_labels_say_what_was_drawn(family) -> None:
    for person in people(100, family):
        labels, look = person.labels, person.avatar.look
        assert (person.avatar.shape["gender"] > 0.5) == (labels["gender"] == "female")
        assert bool(look.hat) == ("headwear" in labels)
        assert bool(look.glasses) == ("eyewear" in labels)
        assert (labels.get("facial hair", "no beard") in ("no beard", "stubble")) == (
            not look.beard
        )
        drawn = np.asarray(look.upper.colour)
        prototype = np.asarray(LOOKS[family].colours[labels["upper colour"]])
        assert np.linalg.norm(drawn - prototype) < 0.45


def test_no_label_goes_with_gender() -> None:
    """Nothing but beards: nobody may learn from this data who wears or feels what."""
    everyone = people(1500)
    women = [p for p in everyone if p.labels["gender"] == "female"]
    men = [p for p in everyone if p.labels["gender"] == "male"]
    assert 0.45 < len(women) / len(everyone) < 0.55
    for name, value in (
        ("upper garment", "dress"), ("hair length", "long"), ("emotion", "happy"),
        ("make-up", "heavy"), ("earrings", "yes"), ("lower garment", "skirt"),
    ):  # fmt: skip
        shares = [np.mean([p.labels.get(name) == value for p in some]) for some in (women, men)]
        assert abs(shares[0] - shares[1]) < 0.06, name


def test_a_picture_alone_is_of_its_family_and_repeats() -> None:
    renderer = make_renderer("numpy")
    one, labels = sample_picture(np.random.default_rng(5), renderer, "body", 64, "probe")
    other, again = sample_picture(np.random.default_rng(5), renderer, "body", 64, "probe")
    assert one.shape == (64, 32, 3)
    assert np.array_equal(one, other)
    assert labels == again
    assert Part("body", 64, 4, family="probe").shards(Path()) != Part("body", 64, 4).shards(Path())


@pytest.mark.parametrize(("crop", "shape"), [("body", (64, 32, 3)), ("head", (48, 48, 3))])
def test_a_pair_shares_place_and_pose_and_nothing_else(crop, shape) -> None:
    renderer = make_renderer("numpy")
    pair = sample_pair(np.random.default_rng(5), renderer, crop, shape[0])
    again = sample_pair(np.random.default_rng(5), renderer, crop, shape[0])
    assert pair.target.shape == pair.composite.shape == shape
    assert np.array_equal(pair.target, again.target)
    assert np.array_equal(pair.composite, again.composite)
    assert 0.1 < pair.mask.mean() < 0.9
    inside = np.abs(pair.target.astype(int) - pair.composite)[pair.mask].mean()
    assert inside > 10


def test_shards_are_made_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "SHARD", 2)
    part = Part("head", 32, pairs=4)
    paths = list(render(part, tmp_path, workers=1))
    assert [path.exists() for path in paths] == [True, True]
    first = paths[0].read_bytes()
    paths[1].unlink()
    assert list(render(part, tmp_path, workers=1)) == paths
    assert paths[0].read_bytes() == first
    shard = load_shard(paths[1])
    assert shard.target.shape == shard.composite.shape == (2, 32, 32, 3)
    assert shard.mask.shape == (2, 32, 32)
    assert len(shard.labels) == 2
    assert not list(tmp_path.glob(".part*"))
