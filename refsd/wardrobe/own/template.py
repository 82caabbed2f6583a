"""Pictures that help to paint: the body's UV layout, and what was painted on the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from refsd.rendering import Camera, Light, make_renderer
from refsd.wardrobe.canonical import vertex_places
from refsd.wardrobe.own.dressing import dress_any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody, BodyModel
    from refsd.wardrobe.avatar import Avatar
    from refsd.wardrobe.canonical import Places
    from refsd.wardrobe.own.folder import OwnAvatar

PARTS: dict[str, tuple[int, int, int]] = {
    "head, front": (244, 200, 170),
    "head, back": (214, 160, 130),
    "eyes": (120, 190, 240),
    "torso, front": (150, 205, 150),
    "torso, back": (105, 160, 110),
    "upper arms": (240, 220, 120),
    "forearms": (220, 190, 80),
    "hands": (235, 150, 100),
    "legs above the knee": (150, 170, 230),
    "legs below the knee": (110, 130, 195),
    "feet": (200, 140, 210),
}
"""Part → colour in the template, sRGB."""

_HIDDEN = {
    "eye sockets": (0.083, 0.465),
    "mouth, inside": (0.84, 0.935),
    "tongue": (0.69, 0.045),
    "eyeballs": (0.855, 0.05),
}
"""What hardly shows, and where its name stands, u and v."""

_SEAM = (70, 70, 70)
_KNEE = 0.45
_BACK_OF_HEAD = -0.03
_BACK_OF_TORSO = -0.01
"""Canonical heights and depths in metres, see ``refsd.wardrobe.canonical``."""


def uv_template(body: AnnyBody, size: int = 2048) -> NDArray[np.uint8]:
    """Anny's UV layout, every part of the body in a colour of its own, with the mesh's edges.

    Args:
        body: the body model.
        size: pixels of a side, as the texture will have.

    Returns:
        uint8 (size, size, 3). Where nothing lies on the body it is white with a legend.
    """
    part = _parts(vertex_places(body))[body.faces].max(axis=1)
    corners = (body.uv * size)[body.uv_faces]
    colours = list(PARTS.values())
    picture = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(picture)
    for triangle, number in zip(corners, part, strict=True):
        draw.polygon([(float(u), float(v)) for u, v in triangle], fill=colours[number])
    _draw_edges(picture, body, size)
    _draw_names(picture, body, size)
    _draw_legend(picture, size)
    return np.asarray(picture)


def _parts(places: Places) -> NDArray[np.int64]:
    """The number in ``PARTS`` of each of N points."""
    _, y, z = places.position.T
    head = places.head > 0.5
    # Later rows stand above earlier ones.
    rows = {
        "torso, front": np.ones(len(y), dtype=np.bool_),
        "torso, back": z > _BACK_OF_TORSO,
        "legs above the knee": places.leg > 0.5,
        "legs below the knee": (places.leg > 0.5) & (y > _KNEE),
        "feet": places.foot > 0.5,
        "upper arms": places.arm > 0.5,
        "forearms": (places.arm > 0.5) & (places.along_arm > 0.5),
        "hands": places.hand > 0.5,
        "head, front": head,
        "head, back": head & (z > _BACK_OF_HEAD),
        "eyes": places.eye > 0.5,
    }
    part = np.zeros(len(y), dtype=np.int64)
    for name, where in rows.items():
        part[where] = list(PARTS).index(name)
    return part


def _draw_legend(picture: Image.Image, size: int) -> None:
    """Names of the colours, where no part of the body lies."""
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size / 100)
    for row, (name, colour) in enumerate(PARTS.items()):
        column, line = divmod(row, 6)
        x, y = size * (0.765 + 0.105 * column), size * (0.085 + 0.0155 * line)
        box = size * 0.011
        draw.rectangle((x, y, x + box, y + box), fill=colour, outline=_SEAM)
        draw.text((x + 1.6 * box, y + box / 2), name, fill=_SEAM, font=font, anchor="lm")


def _draw_names(picture: Image.Image, body: AnnyBody, size: int) -> None:
    """The names of islands and sides, on them; left is the avatar's own left."""
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size / 60)
    places = vertex_places(body)
    part, sideways = _parts(places), places.position[:, 0]
    corners = body.uv[body.uv_faces].mean(axis=1) * size
    numbers, sides = part[body.faces].max(axis=1), sideways[body.faces].mean(axis=1)
    for name in ("hands", "feet", "forearms", "legs below the knee"):
        for side, sign in (("left", 1), ("right", -1)):
            here = (numbers == list(PARTS).index(name)) & (sides * sign > 0.01)
            x, y = np.median(corners[here], axis=0)
            draw.text((x, y), side, fill=_SEAM, font=font, anchor="mm")
    small = ImageFont.load_default(size / 85)
    for name, (u, v) in _HIDDEN.items():
        draw.text((u * size, v * size), name, fill=_SEAM, font=small, anchor="mm")


def _draw_edges(picture: Image.Image, body: AnnyBody, size: int) -> None:
    """The outlines of the islands in dark lines, and the mesh within them in faint ones."""
    sides = np.concatenate([body.uv_faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    sides, times = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    corners = body.uv * size
    draw = ImageDraw.Draw(picture, "RGBA")
    for (start, end), count in zip(sides, times, strict=True):
        line = [tuple(corners[start]), tuple(corners[end])]
        if count == 1:
            draw.line(line, fill=(*_SEAM, 255), width=max(1, size // 1024))
        elif size >= 1024:
            draw.line(line, fill=(*_SEAM, 40))


def show(avatar: Avatar | OwnAvatar, body: BodyModel, height: int = 480) -> NDArray[np.uint8]:
    """An avatar in the rest pose from the front, the side and behind.

    Args:
        avatar: who.
        body: the body model it belongs to.
        height: pixels.

    Returns:
        uint8 (height, 3 * 0.75 * height, 3), three views side by side on grey.
    """
    joints = len(body.joint_names)
    still = np.zeros((1, joints, 3), dtype=np.float32)
    stand = body.pose([avatar.shape], still, np.zeros((1, 3), dtype=np.float32)).vertices[0]
    stand = stand - (stand.max(axis=0) + stand.min(axis=0)) / 2
    width = round(height * 0.75)
    camera = Camera(height * 3.9, height * 3.9, width / 2, height / 2, width, height)
    renderer = make_renderer("numpy")
    tiles = []
    for degrees in (0, 60, 180):
        angle = np.deg2rad(degrees)
        turn = np.array(
            [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
        )
        vertices = (stand @ turn.T + [0, 0, 8]).astype(np.float32)
        drawn = renderer.render(dress_any(avatar, body, vertices), camera, Light()).rgba
        alpha = drawn[..., 3:] / 255
        tiles.append((drawn[..., :3] * alpha + 190 * (1 - alpha)).astype(np.uint8))
    return np.concatenate(tiles, axis=1)
