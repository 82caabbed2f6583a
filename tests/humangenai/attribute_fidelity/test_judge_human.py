"""People's ratings of the pictures that other judges see, from an export."""

from __future__ import annotations

import pytest

from humangenai.attribute_fidelity.judges import human
from humangenai.attribute_fidelity.judges.judge import Unavailable
from humangenai.errors import UserError

ANSWERS = "item,annotator,symbol,value,is_gold,is_attention,skipped,simulated\n"
PICTURES = "item,sha256,crop,attribute,value\n"


def export(folder, answers: str, pictures: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "answers.csv").write_text(ANSWERS + answers, encoding="utf-8")
    (folder / "pictures.csv").write_text(PICTURES + pictures, encoding="utf-8")
    return str(folder)


GOOD = """i1,a,phi,5,False,False,False,False
i1,b,phi,2.0,False,False,False,False
i2,a,phi,1,False,False,False,False
i2,b,phi,,False,False,True,False
i3,a,phi,1,True,False,False,False
i4,a,psi_A,3,False,False,False,False
"""
SHOWN = """i1,aa,head,hair_color,Blonde
i2,bb,body,upper colour,red
i3,cc,head,gender,male
i4,dd,head,gender,male
i5,ee,head,gender,male
"""


def test_ratings_are_the_answers_that_count(tmp_path) -> None:
    judge = human.load(export(tmp_path / "study", GOOD, SHOWN))
    assert judge.ratings == (
        human.Rating("aa", "head", "hair colour", "blond", (5, 2)),
        human.Rating("bb", "body", "upper colour", "red", (1,)),
    )
    assert judge.recall("aa", "head") == {"hair colour": {"blond": 0.625, "other": 0.375}}
    assert judge.recall("bb", "body") == {"upper colour": {"red": 0.0, "other": 1.0}}
    assert judge.recall("aa", "body") == judge.recall("zz", "head") == {}
    assert judge.values("head") == {"hair colour": ("blond", "other")}
    assert not judge.ceilings("head")["hair colour"].measured


def test_two_items_of_one_picture_are_one_rating(tmp_path) -> None:
    twice = SHOWN.replace("i2,bb,body,upper colour,red", "i2,aa,head,hair colour,blond")
    judge = human.load(export(tmp_path / "study", GOOD, twice))
    assert judge.ratings == (human.Rating("aa", "head", "hair colour", "blond", (5, 2, 1)),)


def test_other_answers_are_another_version(tmp_path) -> None:
    first = human.load(export(tmp_path / "one", GOOD, SHOWN)).version
    assert human.load(export(tmp_path / "two", GOOD, SHOWN)).version == first
    changed = GOOD.replace("i2,a,phi,1", "i2,a,phi,2")
    assert human.load(export(tmp_path / "three", changed, SHOWN)).version != first


@pytest.mark.parametrize(
    ("answers", "pictures", "message"),
    [
        (GOOD.replace("i1,a,phi,5,False,False,False,False", "i1,a,phi,5,False,False,False,True"),
         SHOWN, "programs gave 1 of its 6 answers"),
        (GOOD.replace("phi,5", "phi,6"), SHOWN, "line 2: the answer '6'"),
        (GOOD.replace("phi,5", "phi,good"), SHOWN, "line 2: the answer 'good'"),
        (GOOD, SHOWN.replace("head,hair_color,Blonde", "face,hair_color,Blonde"), "crop 'face'"),
        (GOOD, SHOWN.replace("Blonde", "rainbow"), "line 2: unknown value"),
        (GOOD, SHOWN.replace("Blonde", "unknown"), "line 2: no value"),
        (GOOD, SHOWN.replace("bb,body,upper colour,red", "aa,head,hair colour,black"), "both"),
        (GOOD, "i9,aa,head,gender,male\n", "no answer about ϕ"),
        ("", SHOWN, "no row"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path, answers, pictures, message) -> None:
    with pytest.raises(UserError, match=message):
        human.load(export(tmp_path / "study", answers, pictures))


def test_without_an_export_nobody_has_rated(tmp_path) -> None:
    with pytest.raises(Unavailable, match="no ratings are named"):
        human.load()
    with pytest.raises(UserError, match="cannot read"):
        human.load(str(tmp_path / "nowhere"))
    folder = export(tmp_path / "study", GOOD, SHOWN)
    (tmp_path / "study" / "answers.csv").write_text("item,value\ni1,5\n")
    with pytest.raises(UserError, match="column 'annotator' is missing"):
        human.load(folder)
