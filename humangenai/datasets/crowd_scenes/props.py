"""What stands about in scenes beside people: crates and barrels.

They are what a detector of several categories tells from people. No method touches them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import Mesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 64
"""Texels along a texture's side."""

SIDES = 24
"""Of a barrel."""


def crate(rng: np.random.Generator) -> Mesh:
    """A wooden box of 0.45 to 0.9 m that stands on the ground (y = 0), turned at random."""
    wide, high, deep = rng.uniform(0.45, 0.9, 3)
    turn = rng.uniform(0, 2 * np.pi)
    square = np.array([[-1, 0], [1, 0], [1, 1], [-1, 1]], dtype=np.float64)
    vertices, normals = [], []
    # Four sides, then the lid; y points down.
    for quarter in range(4):
        angle = turn + quarter * np.pi / 2
        across = np.array([np.cos(angle), 0, np.sin(angle)])
        outwards = np.array([-np.sin(angle), 0, np.cos(angle)])
        width, depth = (wide, deep) if quarter % 2 == 0 else (deep, wide)
        vertices.append(
            square[:, :1] * across * width / 2
            + outwards * depth / 2
            + square[:, 1:] * np.array([0, -high, 0])
        )
        normals.append(np.tile(outwards, (4, 1)))
    along = np.array([np.cos(turn), 0, np.sin(turn)]) * wide / 2
    aside = np.array([-np.sin(turn), 0, np.cos(turn)]) * deep / 2
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    vertices.append(np.stack([a * along + b * aside + [0, -high, 0] for a, b in signs]))
    normals.append(np.tile([0.0, -1.0, 0.0], (4, 1)))
    corners = np.arange(20, dtype=np.int32).reshape(5, 4)
    faces = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    uv = np.tile([[0, 1], [1, 1], [1, 0], [0, 0]], (5, 1))
    return Mesh(
        vertices=np.concatenate(vertices).astype(np.float32),
        faces=faces,
        uv=uv.astype(np.float32),
        uv_faces=faces,
        texture=_planks(rng),
        normals=np.concatenate(normals).astype(np.float32),
    )


def barrel(rng: np.random.Generator) -> Mesh:
    """A drum of 0.7 to 1.05 m that stands on the ground (y = 0)."""
    high, radius = rng.uniform(0.7, 1.05), rng.uniform(0.25, 0.36)
    angle = np.linspace(0, 2 * np.pi, SIDES + 1)
    ring = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)
    lid = np.array([0, -high, 0])
    vertices = np.concatenate([ring * radius, ring * radius + lid, ring * radius + lid, lid[None]])
    up = np.tile([0.0, -1.0, 0.0], (SIDES + 2, 1))
    step = np.arange(SIDES)
    low, top, rim = step, step + SIDES + 1, step + 2 * (SIDES + 1)
    middle = np.full(SIDES, 3 * (SIDES + 1))
    faces = np.concatenate(
        [
            np.stack([low, low + 1, top + 1], axis=1),
            np.stack([low, top + 1, top], axis=1),
            np.stack([rim, rim + 1, middle], axis=1),
        ]
    ).astype(np.int32)
    share = np.linspace(0, 1, SIDES + 1)
    side = [np.stack([share, np.full_like(share, v)], axis=1) for v in (1.0, 0.0)]
    plain = np.tile([0.5, 0.02], (SIDES + 2, 1))
    return Mesh(
        vertices=vertices.astype(np.float32),
        faces=faces,
        uv=np.concatenate([*side, plain]).astype(np.float32),
        uv_faces=faces,
        texture=_drum(rng),
        normals=np.concatenate([ring, ring, up]).astype(np.float32),
    )


def _planks(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Boards with a frame around them: uint8 (SIZE, SIZE, 4)."""
    wood = np.array([164, 122, 76]) * rng.uniform(0.6, 1.15) * rng.uniform(0.92, 1.08, 3)
    boards = np.repeat(rng.uniform(0.8, 1.1, 8), SIZE // 8)[:, None]
    shade = boards * rng.normal(1, 0.05, (SIZE, SIZE))
    shade[:: SIZE // 8] *= 0.55
    edge = np.minimum(np.arange(SIZE), np.arange(SIZE)[::-1])
    shade[np.minimum.outer(edge, edge) < SIZE // 9] = rng.uniform(0.7, 0.95)
    return _opaque(shade[..., None] * wood)


def _drum(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint with two ribs and, on some, a band of another colour: uint8 (SIZE, SIZE, 4)."""
    paint = rng.uniform(30, 210, 3)
    picture = np.ones((SIZE, SIZE, 1)) * paint * rng.normal(1, 0.03, (SIZE, SIZE, 1))
    if rng.random() < 0.5:
        picture[SIZE // 3 : 2 * SIZE // 3] = rng.uniform(30, 220, 3)
    for rib in (SIZE // 3, 2 * SIZE // 3):
        picture[rib - 1 : rib + 2] *= 0.6
    return _opaque(picture)


def _opaque(colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    rgba = np.full((SIZE, SIZE, 4), 255, dtype=np.uint8)
    rgba[..., :3] = np.clip(np.rint(colours), 0, 255)
    return rgba
