"""Pictures that show what refsd-tiny does: docs/pictures/tiny-*.png.

Usage: python benchmarks/tiny_sheets.py [--refiner tiny] [--out docs/pictures]

made       one person of crowd, 24 prompts: above the avatar made for each, below what became of it
prompts    one person of crowd, one avatar, 24 prompts: what the refiner does alone
poses      24 people of crowd, one prompt: above x″, below what became of it
strength   one avatar and prompt: strength from top to bottom, guidance from left to right
faces      the two portraits of the dataset `photos`, head and shoulders, under prompts

Everybody but in `faces` is rendered, before and after. Each sheet is what
comes with one seed, chosen before anything was seen; nothing is picked.
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import yaml
from rich.console import Console
from rich.progress import track

from humangenai.datasets.crowd import Options
from humangenai.datasets.crowd import load as load_crowd
from refsd import Picture, RefSD
from refsd.diffusion import load_checkpoint
from refsd.images import save_png
from refsd.people import find_people
from refsd.prompts import PromptConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.people import Person

SEED = 7
HEIGHT = 256
SUIT = PromptConfig(mode="suite", style="", body=False)

PROMPTS: tuple[Mapping[str, str], ...] = (
    {"gender": "female", "upper colour": "red", "upper garment": "jumper", "lower colour": "blue", "lower garment": "trousers"},
    {"gender": "male", "upper colour": "red", "upper garment": "jumper", "lower colour": "blue", "lower garment": "trousers"},
    {"gender": "female", "upper colour": "blue", "upper garment": "jumper", "lower colour": "red", "lower garment": "trousers"},
    {"gender": "female", "upper colour": "green", "upper garment": "dress"},
    {"gender": "female", "upper colour": "yellow", "upper garment": "raincoat", "lower colour": "black", "lower garment": "trousers"},
    {"gender": "male", "upper colour": "purple", "upper garment": "hoodie", "lower colour": "grey", "lower garment": "shorts"},
    {"gender": "male", "upper colour": "white", "upper garment": "shirt", "lower colour": "black", "lower garment": "jeans"},
    {"gender": "male", "upper colour": "black", "upper garment": "jacket", "lower colour": "brown", "lower garment": "trousers"},
    {"gender": "female", "upper colour": "orange", "upper garment": "top", "lower colour": "white", "lower garment": "skirt"},
    {"gender": "female", "upper colour": "pink", "upper garment": "blouse", "lower colour": "purple", "lower garment": "long skirt"},
    {"gender": "male", "upper colour": "green", "upper pattern": "striped", "upper garment": "shirt", "lower colour": "grey", "lower garment": "trousers"},
    {"gender": "male", "upper colour": "brown", "upper pattern": "camouflage", "upper garment": "jacket", "lower colour": "green", "lower garment": "trousers"},
    {"gender": "female", "age": "80", "hair colour": "white", "upper colour": "blue", "upper garment": "jumper"},
    {"gender": "male", "age": "80", "hair": "bald", "upper colour": "blue", "upper garment": "jumper"},
    {"gender": "female", "age": "10", "hair colour": "blond", "upper colour": "blue", "upper garment": "jumper"},
    {"gender": "male", "age": "10", "hair colour": "red", "upper colour": "blue", "upper garment": "jumper"},
    {"gender": "female", "ethnicity": "Black", "skin tone": "black", "upper colour": "white", "upper garment": "tank top"},
    {"gender": "female", "ethnicity": "East Asian", "skin tone": "beige", "upper colour": "white", "upper garment": "tank top"},
    {"gender": "female", "ethnicity": "White", "skin tone": "cold white", "upper colour": "white", "upper garment": "tank top"},
    {"gender": "female", "hair length": "long", "hair colour": "blond", "upper colour": "black", "upper garment": "top"},
    {"gender": "female", "hair length": "long", "hair colour": "black", "upper colour": "pink", "upper garment": "top"},
    {"gender": "male", "headwear": "hat", "upper colour": "grey", "upper garment": "shirt"},
    {"gender": "female", "headwear": "headscarf", "upper colour": "grey", "upper garment": "shirt"},
    {"gender": "male", "build": "heavyset", "upper colour": "yellow", "upper garment": "tank top", "lower colour": "red", "lower garment": "shorts"},
)  # fmt: skip

FACES: tuple[Mapping[str, str], ...] = (
    {"gender": "female", "emotion": "neutral"},
    {"gender": "female", "emotion": "happy"},
    {"gender": "female", "emotion": "angry"},
    {"gender": "female", "emotion": "surprised"},
    {"gender": "male", "facial hair": "full beard", "hair colour": "black"},
    {"gender": "male", "hair": "bald", "age": "70"},
    {"gender": "male", "glasses": "eyeglasses", "hair colour": "blond"},
    {"gender": "female", "ethnicity": "Black", "skin tone": "brown"},
    {"gender": "female", "ethnicity": "East Asian", "hairline": "bangs"},
    {"gender": "female", "age": "10", "hair colour": "red"},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--refiner", default="tiny")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--only", choices=["made", "prompts", "poses", "strength", "faces"])
    given = parser.parse_args()
    crowd = load_crowd(Options())
    queries = [item for item in crowd.items() if item.split == "query"]
    images = [crowd.image(item) for item in queries[:: len(queries) // 24][:24]]
    people = find_people(images, crops=True)
    sheets = {
        "made": lambda: made_sheet(given.refiner, images[0], people[0]),
        "prompts": lambda: prompts_sheet(given.refiner, images[0], people[0]),
        "poses": lambda: poses_sheet(given.refiner, images, people),
        "strength": lambda: strength_sheet(given.refiner, images[0], people[0], given.out),
        "faces": lambda: faces_sheet(given.refiner),
    }
    chosen = [given.only] if given.only else list(sheets)
    for name in track(chosen, "sheets", console=Console(stderr=True)):
        save_png(given.out / f"tiny-{name}.png", sheets[name]())


def made_sheet(
    refiner: str, image: NDArray[np.uint8], people: Sequence[Person]
) -> NDArray[np.uint8]:
    results = _refine(refiner, [(image, people, prompt) for prompt in PROMPTS])
    half = len(results) // 2
    rows = []
    for start in (0, half):
        before, after = zip(*results[start : start + half], strict=True)
        words = [*map(_short, PROMPTS[start : start + half])]
        rows += [_grid(before, half, words), _grid(after, half)]
    return np.concatenate(rows)


def prompts_sheet(
    refiner: str, image: NDArray[np.uint8], people: Sequence[Person]
) -> NDArray[np.uint8]:
    asked = [(image, people, prompt) for prompt in PROMPTS]
    results = _refine(refiner, asked, avatar="random")
    tiles = [result for _, result in results]
    return _grid([image, results[0][0], *tiles], 13, [_short({}), "avatar", *map(_short, PROMPTS)])


def poses_sheet(
    refiner: str, images: Sequence[NDArray[np.uint8]], people: Sequence[Sequence[Person]]
) -> NDArray[np.uint8]:
    results = _refine(refiner, [(i, p, PROMPTS[0]) for i, p in zip(images, people, strict=True)])
    half = len(results) // 2
    rows = [
        _grid([pair[side] for pair in results[start : start + half]], half)
        for start in (0, half)
        for side in (0, 1)
    ]
    return np.concatenate(rows)


def strength_sheet(
    refiner: str, image: NDArray[np.uint8], people: Sequence[Person], out: Path
) -> NDArray[np.uint8]:
    checkpoint = load_checkpoint(refiner)
    tiles, words = [], []
    for strength in (0.2, 0.4, 0.6, 0.8, 1.0):
        for guidance in (1.0, 2.0, 3.0, 5.0, 8.0):
            copy = checkpoint.model_copy(update={"strength": strength, "guidance": guidance})
            path = out / ".sweep.yaml"
            path.write_text(yaml.safe_dump(copy.model_dump(mode="json", exclude_none=True)))
            asked = [(image, people, PROMPTS[4])]
            tiles.append(_refine(str(path), asked, avatar="random")[0][1])
            words.append(f"strength {strength:g}, guidance {guidance:g}")
            path.unlink()
    return _grid(tiles, 5, words)


def faces_sheet(refiner: str) -> NDArray[np.uint8]:
    from humangenai.datasets.photos import Options as PhotoOptions
    from humangenai.datasets.photos import load as load_photos

    photos = load_photos(PhotoOptions())
    tiles, words = [], []
    for item in photos.items():
        image = photos.image(item)
        (people,) = find_people([image])
        results = _refine(refiner, [(image, people[:1], p) for p in FACES], crop=False)
        for side in (0, 1):
            tiles += [_head(pair[side], people[0]) for pair in results]
            words += map(_short, FACES)
    return _grid(tiles, len(FACES), words)


def _refine(
    refiner: str,
    asked: Sequence[tuple[NDArray[np.uint8], Sequence[Person], Mapping[str, str]]],
    *,
    crop: bool = True,
    avatar: Literal["made", "random"] = "made",
) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """x″ and x̂ of every picture."""
    pictures = [
        Picture(image, people, SEED, crop, [prompt] * len(people), SUIT)
        for image, people, prompt in asked
    ]
    results = RefSD.from_config(refiner, avatar=avatar).batch(pictures, stages=True)
    return [(result.stages["x_second"], result.image) for result in results]


def _head(image: NDArray[np.uint8], person: Person) -> NDArray[np.uint8]:
    """The upper part of somebody's box, square."""
    x0, y0, x1, _ = (round(value) for value in person.box)
    size = min(x1 - x0, image.shape[1] - x0, image.shape[0] - y0)
    return image[max(0, y0) : y0 + size, max(0, x0) : x0 + size]


def _short(prompt: Mapping[str, str]) -> str:
    return ", ".join(prompt.values()) or "original"


def _grid(
    tiles: Sequence[NDArray[np.uint8]], columns: int, words: Sequence[str] = ()
) -> NDArray[np.uint8]:
    """Tiles of one height in rows, each with words above."""
    labelled = []
    for number, tile in enumerate(tiles):
        width = round(HEIGHT * tile.shape[1] / tile.shape[0])
        large = np.asarray(cv2.resize(tile, (width, HEIGHT), interpolation=cv2.INTER_CUBIC))
        labelled.append(np.concatenate([_label(words[number], width), large]) if words else large)
    blank = np.full_like(labelled[0], 255)
    labelled += [blank] * (-len(labelled) % columns)
    return np.concatenate(
        [
            np.concatenate(labelled[start : start + columns], axis=1)
            for start in range(0, len(labelled), columns)
        ]
    )


def _label(text: str, width: int) -> NDArray[np.uint8]:
    """Words, wrapped, black on white."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=11)
    picture = Image.new("RGB", (width, 58), "white")
    draw = ImageDraw.Draw(picture)
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) > width - 6 and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    draw.multiline_text((3, 1), "\n".join(lines[:5]), fill="black", font=font, spacing=1)
    return np.asarray(picture, dtype=np.uint8)


if __name__ == "__main__":
    main()
