"""Learning is real: what can be seen is learned, what cannot be seen is not, and nothing is lost.

Pictures are drawn here in no time: a disc or a square (the task ``shape``) in a colour of two
(the task ``colour``) on noise. Margins are stated beside each assertion; all of it is fixed by
seeds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from humangenai.errors import UserError
from humangenai.utility.classification.network import Classifier
from humangenai.utility.classification.pictures import Examples, cut
from humangenai.utility.classification.recipes import Recipe, choose_recipes
from humangenai.utility.classification.training import Job, augment, predictions, train

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 24
RECIPE = Recipe(
    "Small", "resnet10t", SIZE, 60, 16, 4e-3,
    options={"channels": (8, 16, 32, 64), "stem_width": 8},
)  # fmt: skip


pytestmark = pytest.mark.usefixtures("one_thread")


def draw(number: int, seed: int) -> Examples:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (number, 2))
    pictures = rng.integers(90, 160, (number, SIZE, SIZE, 3))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for picture, (shape, colour) in zip(pictures, labels, strict=True):
        y, x = rng.uniform(9, 15, 2)
        away = np.maximum(abs(rows - y), abs(columns - x))
        inside = np.hypot(rows - y, columns - x) < 7 if shape else (away < 7) & (away > 3)
        picture[inside, 0 if colour else 2] += 90
    return Examples(pictures.clip(0, 255).astype(np.uint8), labels.astype(np.int64))


def job(examples: Examples, seed: int = 0, start: Job | None = None) -> Job:
    return Job(RECIPE, (2, 2), examples, examples.content_hash(), seed, start)


def accuracies(said: NDArray[np.int64], test: Examples) -> list[float]:
    return [float((row == true).mean()) for row, true in zip(said, test.labels.T, strict=True)]


def test_what_can_be_seen_is_learned_and_shuffled_labels_give_chance(tmp_path: Path) -> None:
    learn, test = draw(160, 1), draw(120, 2)
    # Chance is 0.5 for both; stated before: at least 0.75 for the shape, 0.9 for the colour.
    shape, colour = accuracies(predictions(job(learn), test, tmp_path), test)
    assert shape > 0.75
    assert colour > 0.9
    # By lot, a few more labels go with the truth than against it, and a network that sees shape and
    # colour makes much of that: single shares were between 0.06 and 1 in 24 lots. So each lot
    # stands beside its opposite, in which as many go the other way. Means of such pairs had a
    # standard deviation of 0.064 in 12 pairs, so that of three has 0.04: 0.15 is four of those.
    shares = []
    for lot in range(3):
        dealt = learn.labels[np.random.default_rng(lot).permutation(len(learn))]
        for labels in (dealt, 1 - dealt):
            mixed = Examples(learn.pictures, labels)
            shares += accuracies(predictions(job(mixed), test, tmp_path), test)
    assert abs(np.mean(shares) - 0.5) < 0.15


def test_a_useful_synthetic_set_helps_where_originals_tell_too_little(tmp_path: Path) -> None:
    few, synthetic, test = draw(12, 4), draw(160, 5), draw(120, 6)
    few.labels[:, 0] = -1  # nobody says which shape the originals show
    alone = predictions(job(few), test, tmp_path)
    both = predictions(job(synthetic.joined(few)), test, tmp_path)
    # Stated before: S+R is better than R by 0.1 in what S alone has labels for.
    assert accuracies(both, test)[0] > accuracies(alone, test)[0] + 0.1
    after = predictions(job(few, start=job(synthetic)), test, tmp_path)
    assert (after != alone).any()  # S→R began elsewhere than R


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[2])
from test_utility_classification_training import draw, job
from humangenai.utility.classification.training import train
done = 0
def advance(updates):
    global done
    done += updates
    if done == 40:
        os.kill(os.getpid(), signal.SIGKILL)
train(job(draw(48, 7)), Path(sys.argv[1]), advance)
"""


def test_a_killed_training_ends_with_the_same_numbers(tmp_path: Path) -> None:
    folder, here = tmp_path / "killed", os.path.dirname(__file__)  # noqa: PTH120
    died = subprocess.run([sys.executable, "-c", KILLED, str(folder), here], check=False)
    assert died.returncode == -signal.SIGKILL
    assert [path.suffix for path in folder.iterdir()] == [".state"]  # of update 25, whole
    told: list[int] = []
    again = train(job(draw(48, 7)), folder, told.append)
    assert told[0] == 25
    assert sum(told) == RECIPE.updates
    straight = train(job(draw(48, 7)), tmp_path / "straight")
    one, other = (torch.load(path, weights_only=True) for path in (again, straight))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [path.suffix for path in folder.iterdir()] == [".weights"]


def test_what_was_said_before_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, test = draw(20, 8), draw(10, 9)
    first = predictions(job(learn), test, tmp_path)
    monkeypatch.setattr("humangenai.utility.classification.training.train", None)
    assert (predictions(job(learn), test, tmp_path) == first).all()
    with pytest.raises(TypeError):  # another seed is another training
        predictions(job(learn, seed=1), test, tmp_path)


def test_keys_change_with_all_that_weights_depend_on() -> None:
    one, other = draw(4, 1), draw(4, 2)
    jobs = [job(one), job(other), job(one, seed=1), job(one, start=job(other))]
    jobs.append(Job(choose_recipes("small")[0], (2, 2), one, one.content_hash(), 0))
    assert len({each.key() for each in jobs}) == len(jobs)


def test_unlabelled_pictures_teach_only_what_they_are_labelled_for(tmp_path: Path) -> None:
    learn = draw(16, 1)
    learn.labels[:, 0] = -1
    assert train(job(learn), tmp_path).is_file()


def test_augmentation_keeps_size_and_range() -> None:
    images = torch.rand(4, 3, 8, 8)
    turned = augment(images, torch.Generator().manual_seed(0))
    assert turned.shape == images.shape
    assert 0 <= float(turned.min()) <= float(turned.max()) <= 1
    assert torch.equal(turned, augment(images, torch.Generator().manual_seed(0)))
    assert not torch.equal(turned, augment(images, torch.Generator().manual_seed(1)))


def test_windows_are_cut_alike_and_edges_repeated() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (cut(image, (0, 0, 4, 4), 4) == image).all()
    assert (cut(image, (-4, 0, 0, 4), 4)[:, :, 0] == image[:, :1, 0]).all()


def test_small_says_why_large_models_are_not_trained(tmp_path: Path) -> None:
    resnet, tiny, base = choose_recipes("small")
    assert resnet.missing is None
    assert tiny.missing is None
    assert base.missing is not None
    with pytest.raises(UserError, match="unknown model 'vit_tiy'; did you mean 'vit_tiny'"):
        choose_recipes("small", ["vit_tiy"])
    with pytest.raises(UserError, match="there is no such file"):
        choose_recipes("small", [f"vit_tiny:{tmp_path / 'none.safetensors'}"])


def test_weights_to_start_from_are_the_models_own(tmp_path: Path) -> None:
    network = Classifier(RECIPE, (2, 3))
    torch.save(network.state_dict(), tmp_path / "own.pt")
    (other,) = choose_recipes("small", [f"vit_tiny:{tmp_path / 'own.pt'}"])
    assert str(tmp_path) not in str(other.settings())
    with pytest.raises(UserError, match=r"of the [0-9]+ tensors of this model"):
        Classifier(other, (2, 3))
    started = Recipe(**{**vars(RECIPE), "weights": str(tmp_path / "own.pt")})
    again = Classifier(started, (4,))
    for name, value in again.trunk.state_dict().items():
        assert torch.equal(value, network.trunk.state_dict()[name])
