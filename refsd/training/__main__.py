"""``python -m refsd.training``: make refsd-tiny from nothing, in parts that can be stopped.

    python -m refsd.training data         renders labelled people and plain composites
    python -m refsd.training autoencoder  pictures to latents and back
    python -m refsd.training reader       the text encoder learns what captions say
    python -m refsd.training denoiser     UNet and Canny ControlNet
    python -m refsd.training export       half precision, the folder that diffusers reads

    python -m refsd.training unpack       the reverse of export: train on from a finished checkpoint

What baselines need of the finished checkpoint, each after the parts above:

    python -m refsd.training conditions   skeletons, depth, normals, parts and lines of the pairs
    python -m refsd.training controlnet   a ControlNet for one of those conditions, or for holes to
                                          be filled (inpaint), which needs no pictures of its own

Every part goes on where it was stopped and leaves loss curves and sheets of samples in its folder.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from refsd.errors import SetupError
from refsd.training.conditions import CONDITIONS

if TYPE_CHECKING:
    from refsd.training.conditions import Condition
    from refsd.training.scenes import Crop

PAIRS: dict[Crop, int] = {"body": 4608, "head": 5120}
PARTS = (
    "data", "autoencoder", "reader", "denoiser", "export", "unpack", "conditions", "controlnet",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(
        prog="python -m refsd.training", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--folder", type=Path, required=True, help="for data and runs; some GB")
    parser.add_argument(
        "--pairs", type=int, help="of each crop (data); 4608 bodies and 5120 heads by default"
    )
    parser.add_argument(
        "--alike",
        type=int,
        default=2048,
        help="of each crop, besides, whose composites show some of what captions say (data)",
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (data, conditions)")
    parser.add_argument(
        "--steps", type=int, help="of training; if not given, as many as the part needs"
    )
    parser.add_argument("--out", type=Path, help="the checkpoint's folder (export, controlnet)")
    parser.add_argument("--checkpoint", type=Path, help="an exported folder (unpack)")
    parser.add_argument("--condition", choices=(*CONDITIONS, "inpaint"), help="which one "
                        "(controlnet); only this one (conditions)")  # fmt: skip
    given = parser.parse_args(arguments)
    if given.part in ("export", "controlnet") and given.out is None:
        parser.error(f"{given.part} needs --out")
    if given.part == "controlnet" and given.condition is None:
        parser.error("controlnet needs --condition")
    if given.part == "conditions" and given.condition == "inpaint":
        parser.error("inpaint has no pictures to draw: holes are made while training")
    if given.part == "unpack" and given.checkpoint is None:
        parser.error("unpack needs --checkpoint")
    try:
        _run(given)
    except SetupError as error:
        sys.exit(str(error))


def _run(given: argparse.Namespace) -> None:
    if given.part == "data":
        _data(given.folder, given.pairs, given.alike, given.workers)
    elif given.part == "autoencoder":
        from refsd.training.autoencoder import train

        shards = _shards(given.folder, given.pairs)
        train([shards["body"], shards["head"]], given.folder / "autoencoder", given.steps or 1200)
    elif given.part == "reader":
        from refsd.training.reading import STEPS
        from refsd.training.reading import train as train_reader

        train_reader(
            given.folder / "reader", given.folder / "denoiser" / "tokenizer", given.steps or STEPS
        )
    elif given.part == "denoiser":
        from refsd.training.diffusion import train as train_denoiser
        from refsd.training.reading import READ

        vae, words = given.folder / "autoencoder" / "vae", given.folder / "reader" / READ
        for path, part in ((vae, "autoencoder"), (words, "reader")):
            if not path.exists():
                sys.exit(f"{path} is missing; train it first: python -m refsd.training {part} "
                         f"--folder {given.folder}")  # fmt: skip
        train_denoiser(
            _shards(given.folder, given.pairs, alike=True),
            vae,
            words,
            given.folder / "denoiser",
            given.steps or 12000,
        )
    elif given.part == "export":
        from refsd.training.export import export

        export(given.folder, given.out)
    elif given.part == "unpack":
        from refsd.training.continuing import unpack

        steps = unpack(given.checkpoint, given.folder)
        print(f"{steps} steps are done; go on with more: python -m refsd.training denoiser "  # noqa: T201
              f"--folder {given.folder} --steps {2 * steps}")  # fmt: skip
    elif given.part == "conditions":
        _conditions(given.folder, given.pairs, given.workers, given.condition)
    else:
        from refsd.training.controls import train as train_controlnet
        from refsd.training.export import load_trained, write_half

        name = f"controlnet-{given.condition}"
        controlnet = train_controlnet(
            _shards(given.folder, given.pairs), load_trained(given.folder)[0], given.condition,
            given.folder / name, given.steps or 8000,
        )  # fmt: skip
        write_half(controlnet, given.out / name)


def _data(folder: Path, pairs: int | None, alike: int, workers: int) -> None:
    from refsd.training.data import HEIGHTS, Part, render

    for crop, height in HEIGHTS.items():
        for part in (
            Part(crop, height, pairs or PAIRS[crop]),
            Part(crop, height, alike, composite="alike"),
        ):  # fmt: skip
            for path in render(part, folder / "data", workers):
                print(path.name, flush=True)  # noqa: T201  (a command's own output)


def _conditions(folder: Path, pairs: int | None, workers: int, condition: Condition | None) -> None:
    from refsd.training.conditions import render_conditions
    from refsd.training.data import HEIGHTS, Part

    wanted = CONDITIONS if condition is None else (condition,)
    _shards(folder, pairs)  # There must be some.
    for crop, height in HEIGHTS.items():
        part = Part(crop, height, pairs or PAIRS[crop])
        for path in render_conditions(part, folder / "data", workers, wanted):
            print(path.name, flush=True)  # noqa: T201  (a command's own output)


def _shards(folder: Path, pairs: int | None, *, alike: bool = False) -> dict[str, list[Path]]:
    """The shards that are there, by crop; if wanted, first those with composites alike."""
    from refsd.training.data import HEIGHTS, Part

    found: dict[str, list[Path]] = {}
    for crop, height in HEIGHTS.items():
        plain = Part(crop, height, pairs or PAIRS[crop])
        parts = (replace(plain, composite="alike"), plain) if alike else (plain,)
        found[crop] = [
            path for part in parts for path in part.shards(folder / "data") if path.exists()
        ]
        if len(found[crop]) < 2:
            sys.exit(f"{folder / 'data'} holds no data; make some: "
                     f"python -m refsd.training data --folder {folder}")  # fmt: skip
    return found


if __name__ == "__main__":
    main()
