"""``python -m refsd.wardrobe.own``: what to paint on, an example, and what was painted."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import yaml

from refsd.bodies.anny import load_body
from refsd.images import save_png
from refsd.wardrobe.bank import bank_avatar
from refsd.wardrobe.own.folder import FILE, OwnAvatarError, load_bank
from refsd.wardrobe.own.template import show, uv_template
from refsd.wardrobe.painting import body_texture


def write_example(folder: Path, size: int = 1024) -> None:
    """Write an avatar that ``load_bank`` reads: one of the bank, its clothes as paint only.

    Args:
        folder: gets the subfolder ``example``.
        size: pixels of the texture's side.
    """
    model = bank_avatar(4)
    place = folder / "example"
    place.mkdir(parents=True, exist_ok=True)
    texture = body_texture(model.look, model.family, load_body(), model.shape["age"], size)
    save_png(place / "texture.png", np.ascontiguousarray(texture[..., :3]))
    said = {
        "name": "example",
        "body": "anny",
        "shape": {name: round(value, 2) for name, value in model.shape.items()},
        "texture": "texture.png",
        "licence": "CC0-1.0",
        "source": "painted by refsd.wardrobe",
        "attributes": {key: value for key, value in model.attributes.items() if value != "none"},
    }
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
    (place / FILE).write_text(text, encoding="utf-8")


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m refsd.wardrobe.own", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--template", type=Path, metavar="PNG", help="Anny's UV layout, to paint on")
    what.add_argument(
        "--example", type=Path, metavar="FOLDER", help="write an avatar to start from"
    )
    what.add_argument("--show", type=Path, metavar="FOLDER", help="draw a folder's avatars")
    parser.add_argument("--out", type=Path, metavar="PNG", help="where --show draws to")
    parser.add_argument("--size", type=int, default=2048, help="pixels of the template's side")
    chosen = parser.parse_args()
    if chosen.show is not None and chosen.out is None:
        parser.error("--show needs --out, the PNG file to write")
    if chosen.template is not None:
        save_png(chosen.template, uv_template(load_body(), chosen.size))
    elif chosen.example is not None:
        write_example(chosen.example)
    else:
        try:
            bank = load_bank(chosen.show)
        except OwnAvatarError as error:
            sys.exit(f"error: {error}")
        rows = [show(bank.avatar(number), load_body()) for number in range(len(bank))]
        save_png(chosen.out, np.concatenate(rows, axis=0))


if __name__ == "__main__":
    main()
