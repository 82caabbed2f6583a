"""Does the prompt decide what the refined person looks like? Attribute by attribute.

Usage: python benchmarks/attribute_control.py --checkpoint refsd-tiny [--pictures 256] [--out FILE]

Composites are refined under prompts that say everything about a person drawn by chance, of a
held-out seed of the training family. Whose composites, --avatar says:

made      an avatar of the bank, made over after the prompt in the person's place and pose and flat
          light: what RefSD does as it comes
anew      somebody else in other clothes: what the refiner does alone, against what it sees

The attribute probe, which never saw these families, says what it sees. For each group of
attributes, with the same weight for every value:

control   (accuracy - chance) / (ceiling - chance), 95 % interval by resampling pictures
avatar    the same of the composites, before refinement
accuracy  how often the probe sees what was asked
ceiling   how often it sees it in renders of the very people whom the prompts describe
chance    what judging without looking scores: 1 / number of values
shuffled  the same as control, with every picture judged by another picture's prompt

A group is unscored (NaN) where the probe itself is not clearly better than chance: its ceiling's
interval must begin above chance. A group that a prompt leaves out, because CLIP reads 77 tokens
only, is not asked of that picture.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from humangenai.attribute_fidelity.accuracy import Accuracy, accuracy, resampled_accuracies
from humangenai.attribute_fidelity.data import SIZES
from humangenai.attribute_fidelity.labels import GROUPS, judged
from humangenai.attribute_fidelity.probe import Probe
from humangenai.provenance import hardware
from refsd.cache import cache_dir
from refsd.diffusion import CheckpointError, load_checkpoint
from refsd.diffusion.refiner import DiffusionRefiner
from refsd.prompts import Prompt
from refsd.prompts.wording import write_positive
from refsd.refinement import Composite
from refsd.training.captions import attributes
from refsd.training.data import Part, load_shard, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.data import Crop
    from refsd.diffusion.checkpoints import Checkpoint
    from refsd.prompts import View

Pictures = Literal["refined", "composites", "renders"]

VIEWS: Mapping[Crop, View] = {"body": "full", "head": "face"}

_SAID_BY: Mapping[str, tuple[str, ...]] = {
    "age group": ("age",), "hair length": ("hair", "hair length", "hairline"),
    "facial hair": ("facial hair", "mustache"),
}  # fmt: skip
"""Group of the probe → the vocabulary's keys that say it, where they are not of the same name."""


@dataclass(frozen=True)
class Control:
    """How far a prompt decides one group.

    Attributes:
        control: (accuracy - chance) / (ceiling - chance), with its interval.
        avatar: the same of the composites.
        shuffled: the same under another picture's prompts.
        painted: the probe's accuracy on refined pictures.
        ceiling: its accuracy on renders of what was asked.
    """

    control: tuple[float, float, float]
    avatar: tuple[float, float, float]
    shuffled: tuple[float, float, float]
    painted: Accuracy
    ceiling: Accuracy


def prompt_of(labels: Mapping[str, str], crop: Crop) -> tuple[Prompt, dict[str, str]]:
    """A prompt that says everything of a render's labels, and what the probe should then see."""
    known = attributes(labels)
    words, left_out = write_positive(known, VIEWS[crop], "")
    asked = {
        group: value
        for group, value in judged(labels, "training", crop).items()
        if not set(_SAID_BY.get(group, (group,))) & set(left_out)
    }
    return Prompt(words, attributes=known), asked


def refine(
    checkpoint: Checkpoint, composites: NDArray[np.uint8], prompts: Sequence[Prompt], seed: int
) -> NDArray[np.uint8]:
    """Whole composites, which are crops already, as the checkpoint's own settings refine them."""
    refiner = DiffusionRefiner(checkpoint.model_copy(update={"context": 0.0}))
    everywhere = np.ones(composites.shape[1:3], dtype=np.bool_)
    work = [
        Composite(image, [everywhere], [prompt], seed + number)
        for number, (image, prompt) in enumerate(zip(composites, prompts, strict=True))
    ]
    return np.stack([refined.image for refined in refiner.refine(work)])


def control(
    seen: Mapping[Pictures, Mapping[str, NDArray[np.float32]]],
    asked: Sequence[Mapping[str, str]],
    values: Mapping[str, tuple[str, ...]],
    seed: int = 0,
) -> dict[str, Control]:
    """How far prompts decide each group.

    Args:
        seen: pictures → group → (N, values), what the probe says of refined ones, of their
            composites, and of renders that show what was asked.
        asked: N mappings group → value, what prompts said; other groups were not asked.
        values: group → its values, in the order of the probabilities.
        seed: of resamples and of the shuffling.
    """
    found = {}
    for group, names in values.items():
        shown = np.array([group in row for row in asked])
        wanted = np.array([names.index(row[group]) for row in asked if group in row])
        said, before, true = (
            seen[pictures][group][shown].argmax(axis=1)
            for pictures in ("refined", "composites", "renders")
        )
        others = np.random.default_rng(seed).permutation(wanted)
        found[group] = Control(
            _share(wanted, said, true, wanted, seed), _share(wanted, before, true, wanted, seed),
            _share(others, said, true, wanted, seed),
            accuracy(wanted, said, seed=seed), accuracy(wanted, true, seed=seed),
        )  # fmt: skip
    return found


def _share(
    asked: NDArray[np.int64], said: NDArray[np.int64], true: NDArray[np.int64],
    wanted: NDArray[np.int64], seed: int,
) -> tuple[float, float, float]:  # fmt: skip
    """(accuracy - chance) / (ceiling - chance) and its interval; NaN where nothing is judged."""
    ceiling = accuracy(wanted, true, seed=seed)
    if not ceiling.low > ceiling.chance:
        return (float("nan"),) * 3
    # The same pictures are drawn for accuracy and ceiling, which both move with who is hard to see.
    above = resampled_accuracies(asked, said, seed=seed) - ceiling.chance
    room = resampled_accuracies(wanted, true, seed=seed) - ceiling.chance
    low, high = np.percentile(above / np.maximum(room, 1e-9), [2.5, 97.5])
    value = (accuracy(asked, said, seed=seed).value - ceiling.chance) / (
        ceiling.value - ceiling.chance
    )
    return float(value), float(low), float(high)


def main() -> None:
    """Print a table for each crop, and write figures and a sheet of pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--checkpoint", required=True, help="name or folder of a refiner")
    parser.add_argument("--avatar", choices=("made", "anew"), default="made", help="see above")
    parser.add_argument("--crop", choices=list(GROUPS), action="append", help="both by default")
    parser.add_argument("--pictures", type=int, default=512, help="of each crop")
    parser.add_argument("--seed", type=int, default=7, help="of the data; never trained on")
    parser.add_argument("--data", type=Path, help="folder for the renders (default: the cache)")
    parser.add_argument("--strength", type=float, help="instead of the checkpoint's own")
    parser.add_argument("--guidance", type=float, help="instead of the checkpoint's own")
    parser.add_argument("--out", type=Path, help="JSON file; sheets of pictures go beside it")
    given = parser.parse_args()
    if given.seed == 0:
        parser.error("--seed 0 is what refsd-tiny was trained on; take another")
    changed = {name: value for name, value in
               (("strength", given.strength), ("guidance", given.guidance)) if value}  # fmt: skip
    checkpoint = load_checkpoint(given.checkpoint).model_copy(update=changed)
    folder = given.data or cache_dir() / "attribute-control"
    record: dict[str, Any] = {
        "checkpoint": checkpoint.name, "strength": checkpoint.strength, "steps": checkpoint.steps,
        "guidance": checkpoint.guidance, "avatar": given.avatar, "seed": given.seed,
        "hardware": hardware(),
    }  # fmt: skip
    for crop in given.crop or GROUPS:
        height = height_of(checkpoint, crop)
        part = Part(crop, height, given.pictures, given.seed, composite=given.avatar)
        rows, sheet, prompts = measure(checkpoint, part, folder)
        print_table(crop, rows)
        record[crop] = {group: _plain(asdict(row)) for group, row in rows.items()}
        if given.out is not None:
            _save_sheet(given.out.with_name(f"{given.out.stem}-{crop}.png"), sheet)
            record[f"{crop} prompts"] = prompts
    if given.out is not None:
        given.out.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    """What JSON can hold: unscored is null."""
    if isinstance(value, dict):
        return {key: _plain(some) for key, some in value.items()}
    if isinstance(value, tuple):
        return [_plain(some) for some in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def height_of(checkpoint: Checkpoint, crop: Crop) -> int:
    """The height in which a checkpoint works on crops of this shape.

    Raises:
        CheckpointError: it works on other shapes only.
    """
    shape = SIZES[crop][0] / SIZES[crop][1]
    fitting = [height for height, width in checkpoint.sizes if height / width == shape]
    if not fitting:
        raise CheckpointError(f"{checkpoint.name!r} has no size for the crop {crop!r}")
    return fitting[0]


def measure(
    checkpoint: Checkpoint, part: Part, folder: Path
) -> tuple[dict[str, Control], NDArray[np.uint8], list[str]]:
    """Refine, judge, score.

    Returns:
        The rows; a sheet of composites (above), refined pictures, and renders of what was asked
        (below); and the sheet's prompts.
    """
    crop = part.crop
    shards = [load_shard(path) for path in render(part, folder, workers=1)]
    composites = np.concatenate([shard.composite for shard in shards])[: part.pairs]
    targets = np.concatenate([shard.target for shard in shards])[: part.pairs]
    labels = [row for shard in shards for row in shard.labels][: part.pairs]
    prompts, asked = zip(*(prompt_of(row, crop) for row in labels), strict=True)
    painted = refine(checkpoint, composites, prompts, part.seed)
    probe = Probe.load()
    seen: dict[Pictures, Mapping[str, NDArray[np.float32]]] = {
        "refined": probe.judge(painted, crop), "composites": probe.judge(composites, crop),
        "renders": probe.judge(targets, crop),
    }  # fmt: skip
    rows = control(seen, asked, probe.values[crop])
    few = slice(0, 12)
    sheet = np.concatenate(
        [np.concatenate(list(some[few]), axis=1) for some in (composites, painted, targets)]
    )
    return rows, sheet, [prompt.positive for prompt in prompts[few]]


def print_table(crop: str, rows: Mapping[str, Control]) -> None:
    print(f"\n{crop:15} {'control':>22} {'avatar':>22} {'shuffled':>22} {'accuracy':>9} "
          f"{'ceiling':>8} {'chance':>7} {'n':>5}")  # fmt: skip
    for group, row in rows.items():
        share, avatar, shuffled = (
            f"{value:6.2f} [{low:5.2f}, {high:5.2f}]"
            for value, low, high in (row.control, row.avatar, row.shuffled)
        )
        print(f"{group:15} {share:>22} {avatar:>22} {shuffled:>22} {row.painted.value:9.2f} "
              f"{row.ceiling.value:8.2f} {row.ceiling.chance:7.2f} {row.ceiling.n:5}")  # fmt: skip


def _save_sheet(path: Path, sheet: NDArray[np.uint8]) -> None:
    import cv2

    large = cv2.resize(sheet, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(path), large[..., ::-1])


if __name__ == "__main__":
    main()
