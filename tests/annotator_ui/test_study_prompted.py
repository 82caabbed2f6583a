"""Studies of ϕ: people rate the pictures that the track ϕ has made, and the judge reads it."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sample_study import admin, answer_all, ready

from annotator_ui.commands import export_answers
from annotator_ui.desk import Desk
from annotator_ui.making import make_study
from annotator_ui.pictures import GROUND, SIZE
from annotator_ui.study import open_study
from humangenai.attribute_fidelity.judges import human
from humangenai.attribute_fidelity.lines import Generated
from humangenai.config import DatasetConfig, RunConfig, method_config
from humangenai.errors import UserError
from humangenai.human_ratings.study import StudyConfig
from humangenai.runner import run
from refsd.images import encode_png, load_image

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGINS = str(Path(__file__).parents[1] / "humangenai" / "plugins")
METHODS = ("maskout", "pixelate")
ASKED = {"Red": {"upper colour": "red"}, "Old": {"age group": "elderly", "hair": "bald"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of two methods, with eight drawn pictures for ϕ of each; only read."""
    sys.path.insert(0, PLUGINS)
    out = tmp_path_factory.mktemp("runs") / "run"
    config = RunConfig(
        dataset=DatasetConfig(dataset="tinycrowd", options={"people": 2, "splits": False}),
        methods=tuple(method_config(name) for name in METHODS),
        tracks=(),
        seed=1,
    )
    assert not run(config, out).failures
    rng = np.random.default_rng(0)
    for method in METHODS:
        lines = [_line(out, method, place, rng) for place in product(ASKED, (0, 1), (0, 1))]
        path = out / "private" / "phi" / "items" / f"{method}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line.model_dump_json() + "\n" for line in lines))
    yield out
    sys.path.remove(PLUGINS)
    sys.modules.pop("tinycrowd", None)


def _line(
    out: Path, method: str, place: tuple[str, int, int], rng: np.random.Generator
) -> Generated:
    """Draw a picture; its line."""
    prompt, person, draw = place
    data = encode_png(rng.integers(0, 200, (64, 32, 3), dtype=np.uint8))
    picture = Path("private") / "phi" / "pictures" / method / f"{prompt}-{person}-{draw}.png"
    (out / picture).parent.mkdir(parents=True, exist_ok=True)
    (out / picture).write_bytes(data)
    return Generated(
        suite="phi_B",
        suite_version=1,
        prompt=prompt,
        group="look",
        attributes=ASKED[prompt],
        source=f"query/{person}",
        person=0,
        draw=draw,
        crop="body",
        status="replaced",
        original={},
        picture=picture.as_posix(),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def config(folder: Path, wanted: int = 6) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "phi",
            "title": "ϕ",
            "runs": [{"run": folder}],
            "track": "body",
            "questions": ["phi"],
            "items_per_method": wanted,
            "gold": {"share": 0.1, "automatic": 1},
            "attention_checks": {"share": 0.1, "automatic": 1},
        }
    )


def test_people_rate_what_was_prompted_and_the_judge_reads_it(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    made = make_study(config(folder), url, tmp_path)
    assert made.items == {"MaskOut": 6, "Pixelate": 6}
    desk = Desk(open_study(url, "phi"))
    pictures = admin(desk).pictures()
    assert tuple(pictures.columns) == human.COLUMNS
    assert len(pictures) == 12
    assert Counter(admin(desk).items()["role"]) == {
        "rated": 12, "gold": 1, "attention": 1, "training": 1
    }  # fmt: skip
    ada = ready(desk, "ada")
    said = {}
    while (item := desk.next_item(ada)) is not None:
        value = 1 + len(said) % 5
        answer_all(desk, ada, item, value)
        if item.id in set(pictures["item"]):
            _check(desk, ada, item.id, pictures.set_index("item").loc[item.id].to_dict(), folder)
            said[item.id] = value

    export_answers("phi", url, tmp_path / "out")
    judge = human.load(str(tmp_path / "out"))
    assert sum(len(rating.answers) for rating in judge.ratings) == len(said) == 12
    for row in pictures.to_dict("records"):
        shares = judge.recall(row["sha256"], "body")[row["attribute"]]
        assert shares[row["value"]] == pytest.approx((said[row["item"]] - 1) / 4)


def _check(desk: Desk, ada: str, item_id: str, row: dict[str, str], folder: Path) -> None:
    """The item asks about the attribute, and shows the picture as it was made, in the middle."""
    item = desk.item(ada, item_id)
    assert item.questions[0].text.endswith(f"{row['value']} ({row['attribute']})?")
    assert row["sha256"] not in repr(item)
    shown = load_image(desk.image(ada, item.images[0]))
    height, width = SIZE["body"]
    assert shown.shape == (height, width, 3)
    (original,) = (
        load_image(path)
        for path in (folder / "private" / "phi" / "pictures").rglob("*.png")
        if hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
    )
    inside = shown[:, 80:400]  # 64 x 32 enlarged to 640 x 320
    assert (shown[:, :50] == GROUND).all()  # nearer, enlarging has blurred the edge
    assert np.abs(inside[5::10, 5::10].astype(int) - original).mean() < 20


def test_all_methods_show_the_same_people_and_prompts(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    make_study(config(folder, 5), url, tmp_path)
    items = admin(Desk(open_study(url, "phi"))).items().query("role == 'rated'")
    asked = items.groupby("method").apply(
        lambda rows: sorted(zip(rows["source"], rows["prompt"], strict=True))
    )
    assert asked["MaskOut"] == asked["Pixelate"]


def test_what_cannot_be_made_is_one_line(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    with pytest.raises(UserError, match="9 are wanted, but MaskOut, Pixelate made 8 pictures"):
        make_study(config(folder, 9), url, tmp_path)
    path = next((folder / "private" / "phi" / "pictures" / "maskout").iterdir())
    before = path.read_bytes()
    path.write_bytes(encode_png(np.zeros((64, 32, 3), np.uint8)))
    try:
        with pytest.raises(UserError, match="was changed since it was made"):
            make_study(config(folder, 8), url, tmp_path)
    finally:
        path.write_bytes(before)
