"""Avatars made for prompts, to be looked at: ``python benchmarks/made_avatars.py [FILE]``.

Writes the sheet of docs/prompts.md: sixteen prompts, somebody else of the bank made over for each,
whole and from near, in flat light.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from refsd.bodies import load_body
from refsd.bodies.poses import sample_pose
from refsd.images import save_png
from refsd.rendering import make_renderer
from refsd.training.scenes import FLAT, View, frame, to_camera
from refsd.wardrobe import bank_avatar, dress
from refsd.wardrobe.made import make_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from refsd.rendering import Renderer
    from refsd.training.scenes import Crop
    from refsd.wardrobe import Avatar

HEIGHTS: Mapping[Crop, int] = {"body": 256, "head": 128}
ROWS = 2
GREY = 168

PROMPTS: tuple[Mapping[str, str], ...] = (
    {"gender": "female", "age": "70", "ethnicity": "Black"},
    {"gender": "male", "facial hair": "full beard", "glasses": "eyeglasses"},
    {"gender": "male", "hair": "bald", "emotion": "happy"},
    {"hair length": "long", "hair texture": "wavy", "hair colour": "blond", "emotion": "surprised"},
    {"headwear": "sun hat", "upper garment": "dress", "upper colour": "yellow",
     "upper pattern": "dotted"},
    {"headwear": "beanie", "upper garment": "parka", "upper colour": "red"},
    {"headwear": "headscarf", "lower garment": "long skirt", "lower colour": "purple"},
    {"upper garment": "jumper", "upper colour": "green", "upper pattern": "camouflage"},
    {"upper colour": "blue", "upper pattern": "argyle", "glasses": "sunglasses"},
    {"upper garment": "tank top", "upper pattern": "zigzag", "lower garment": "shorts",
     "lower colour": "white"},
    {"gender": "female", "age": "10", "upper colour": "pink"},
    {"gender": "male", "build": "heavyset", "mustache": "mustache"},
    {"gender": "female", "hairline": "bangs", "hair colour": "red", "make-up": "heavy"},
    {"gender": "male", "ethnicity": "Black", "hair": "round afro"},
    {"hair length": "long", "hair texture": "curly", "emotion": "angry"},
    {"gender": "female", "jewellery": "earrings and a necklace", "emotion": "sad"},
)  # fmt: skip


def picture(avatar: Avatar, crop: Crop, number: int, renderer: Renderer) -> NDArray[np.uint8]:
    """The avatar in a pose of the bank, seen nearly from the front: uint8 (H, W, 3)."""
    body, rng = load_body(), np.random.default_rng(number)
    pose = sample_pose("bank", rng, body)[None].astype(np.float32)
    posed = body.pose([avatar.shape], pose, np.zeros((1, 3), dtype=np.float32)).vertices[0]
    vertices = to_camera(posed, View(yaw=15, pitch=0, distance=6))
    head = vertices[body.skin_weights[:, body.joint_names.index("head")] > 0.5]
    camera = frame(rng, vertices, head, crop, HEIGHTS[crop])
    rgba = renderer.render(dress(avatar, body, vertices), camera, FLAT).rgba.astype(np.float32)
    share = rgba[..., 3:] / 255
    return np.asarray(np.rint(rgba[..., :3] * share + GREY * (1 - share)), dtype=np.uint8)


def main() -> None:
    """Write the sheet."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures/avatars-made.png")
    renderer = make_renderer("auto")
    avatars = [
        make_over(bank_avatar(7 * number), prompt, np.random.default_rng(number))
        for number, prompt in enumerate(PROMPTS)
    ]
    rows = []
    for some in np.split(np.arange(len(avatars)), ROWS):
        rows += [
            np.concatenate([picture(avatars[n], crop, int(n), renderer) for n in some], axis=1)
            for crop in HEIGHTS
        ]
    save_png(out, np.concatenate(rows))


if __name__ == "__main__":
    main()
