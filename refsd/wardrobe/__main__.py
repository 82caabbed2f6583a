"""``python -m refsd.wardrobe --family bank --out bank.png``: a sheet of avatars to look at."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from refsd.bodies import load_body
from refsd.bodies.poses import sample_pose
from refsd.images import save_png
from refsd.rendering import Camera, Light, make_renderer
from refsd.wardrobe import bank_avatar, dress, sample_avatar


def sheet(family: str, count: int, height: int, first: int = 0) -> np.ndarray:
    """Avatars from the front, the side and behind: uint8 (H, W, 3)."""
    body, renderer = load_body(), make_renderer("numpy")
    tiles = []
    for number in range(first, first + count):
        rng = np.random.default_rng([number])
        avatar = bank_avatar(number) if family == "bank" else sample_avatar(family, rng)  # type: ignore[arg-type]
        pose = sample_pose(family, rng, body)[None].astype(np.float32)  # type: ignore[arg-type]
        stand = body.pose([avatar.shape], pose, np.zeros((1, 3), np.float32)).vertices[0]
        for yaw in (0, 70, 180):
            angle = np.deg2rad(yaw)
            turn = np.array(
                [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
            )
            vertices = (stand @ turn.T + [0, 0, 8]).astype(np.float32)
            focal = height * 3.9
            camera = Camera(focal, focal, height / 4, height * 0.47, height // 2, height)
            made = renderer.render(dress(avatar, body, vertices), camera, Light())
            alpha = made.rgba[..., 3:] / 255
            tiles.append((made.rgba[..., :3] * alpha + 190 * (1 - alpha)).astype(np.uint8))
    across = 12
    rows = [np.concatenate(tiles[i : i + across], axis=1) for i in range(0, len(tiles), across)]
    return np.concatenate([row for row in rows if row.shape == rows[0].shape])


def main() -> None:
    """Write a sheet."""
    parser = argparse.ArgumentParser(prog="python -m refsd.wardrobe", description=__doc__)
    parser.add_argument("--family", default="bank", choices=["bank", "crowd", "training", "probe"])
    parser.add_argument("--count", type=int, default=16, help="avatars on the sheet")
    parser.add_argument("--first", type=int, default=0, help="number of the first avatar")
    parser.add_argument("--height", type=int, default=320, help="pixels per avatar")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    chosen = parser.parse_args()
    save_png(chosen.out, sheet(chosen.family, chosen.count, chosen.height, chosen.first))


if __name__ == "__main__":
    main()
