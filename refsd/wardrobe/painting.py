"""The texture of a dressed body: skin, face, hair, garments and shoes, by canonical place."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe import cutting, faces, tailoring
from refsd.wardrobe.arrays import floats
from refsd.wardrobe.canonical import texels
from refsd.wardrobe.families import FAMILIES
from refsd.wardrobe.patterns import PATTERNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody
    from refsd.wardrobe.avatar import Avatar, Colour, Garment, Look
    from refsd.wardrobe.canonical import Places
    from refsd.wardrobe.families import FamilyLists


TEXTURE = 512
"""Texels along a side of a body's texture as seen from near."""

_SMALLEST = 128


def texture_size(height: float) -> int:
    """How large a texture serves somebody ``height`` pixels tall.

    A texture of n × n texels has about 1.27 n / height texels per pixel of a standing body
    (measured on three avatars), so n = height is finer than anything that shows.
    """
    size = _SMALLEST
    while size < min(height, TEXTURE):
        size *= 2
    return size


@lru_cache(maxsize=64)
def body_texture(
    look: Look, family_name: str, body: AnnyBody, age: float = 0.67, size: int = TEXTURE
) -> NDArray[np.uint8]:
    """Paint a look on somebody of an age (the phenotype): uint8 (size, size, 4), sRGB."""
    family = FAMILIES[family_name]  # type: ignore[index]
    canvas = texels(body, size)
    places = canvas.places
    colours = _skin(places, look)
    if family.close:
        _paint_from_near(colours, places, look, family, age)
        return canvas.picture(colours)
    _face(colours, places, look)
    _lay(colours, cutting.scalp(places, look.hair), _strands(places, look.hair_colour))
    lower, upper, shoe = (
        family.lowers[look.lower.cut],
        family.uppers[look.upper.cut],
        family.shoes[look.shoe],
    )
    _lay(colours, cutting.lower_cover(places, lower, look.lower.trim), cloth(places, look.lower))
    _lay(colours, cutting.shoe_cover(places, shoe), _leather(places, look))
    _lay(colours, cutting.upper_cover(places, upper, look.upper.trim), cloth(places, look.upper))
    if look.bag == "backpack":
        _lay(
            colours,
            cutting.straps(places),
            np.broadcast_to(floats(look.bag_colour), colours.shape),
        )
    if look.bag == "hip bag":
        _lay(
            colours,
            cutting.cross_strap(places),
            np.broadcast_to(floats(look.bag_colour), colours.shape),
        )
    return canvas.picture(colours)


def _paint_from_near(
    colours: NDArray[np.float32], places: Places, look: Look, family: FamilyLists, age: float
) -> None:
    """Face, hair, clothes and straps with what shows from near, onto skin, in place."""
    upper, lower, shoe = (
        family.uppers[look.upper.cut],
        family.lowers[look.lower.cut],
        family.shoes[look.shoe],
    )
    faces.paint_face(colours, places, look, age)
    hair = cutting.near_scalp(places, look.hair)
    _lay_softly(colours, hair, cutting.strands(places, look.hair_colour, look.hair), seam=False)
    trousers = tailoring.finish_lower(cloth(places, look.lower), places, lower, look.lower.trim)
    shirt = tailoring.finish_upper(cloth(places, look.upper), places, upper, look.upper.trim)
    # Trousers hang over shoes and a boot's shaft disappears in them, unless they end above.
    _lay_softly(colours, cutting.shoe_cover(places, shoe), _leather(places, look))
    _lay_softly(colours, cutting.lower_cover(places, lower, look.lower.trim), trousers)
    _lay_softly(colours, cutting.near_upper_cover(places, upper, look.upper.trim), shirt)
    bag = np.broadcast_to(floats(look.bag_colour), colours.shape)
    if look.bag == "backpack":
        _lay_softly(colours, cutting.straps(places, middle=0.092, half=0.017), bag)
    if look.bag == "hip bag":
        _lay_softly(colours, cutting.cross_strap(places), bag)


def _lay_softly(
    colours: NDArray[np.float32],
    cover: NDArray[np.float32],
    top: NDArray[np.float32],
    seam: bool = True,
) -> None:
    """As :func:`_lay`, with an edge as soft as a texel, so that hems run smoothly."""
    if seam:
        shadow = np.clip(cover * 2, 0, 1) ** 2
        colours *= (1 - 0.40 * shadow)[:, None]
        top = top * (1 - 0.22 * np.clip((0.75 - cover) / 0.2, 0, 1))[:, None]
    amount = np.clip((cover - 0.5) / 0.16 + 0.5, 0, 1)[:, None]
    colours += (top - colours) * amount


def cloth(places: Places, garment: Garment) -> NDArray[np.float32]:
    """A garment's colour everywhere: pattern, weave and soft folds; float32 (N, 3)."""
    second = PATTERNS[garment.pattern](places, garment.scale, garment.shift)[:, None]
    colours = floats(garment.colour) * (1 - second) + floats(garment.second) * second
    grain = 0.05 if garment.pattern == "melange" else 0.02
    colours = colours * (1 + grain * _noise(places, 160, garment.shift))[:, None]
    return floats(colours * (1 + 0.07 * _noise(places, 22, garment.shift + 0.3))[:, None])


def _noise(places: Places, frequency: float, seed: float) -> NDArray[np.float32]:
    """Smooth noise in [-1, 1], about normal: a sum of waves in all directions of space."""
    rng = np.random.default_rng(int(seed * 1e6))
    directions = floats(rng.normal(size=(6, 3)) * frequency)
    phases = floats(rng.uniform(0, 2 * np.pi, 6))
    # One row a wave: many times as fast to add up as one column a wave.
    waves = directions @ places.position.T
    waves += phases[:, None]
    return floats(np.sin(waves, out=waves).mean(axis=0) * np.float32(1.6))


def _lay(
    colours: NDArray[np.float32], cover: NDArray[np.float32], top: NDArray[np.float32]
) -> None:
    """Lay ``top`` over the colours where it covers, with a seam and a thin shadow at its edge."""
    on = cover > 0.5
    colours[on] = top[on]
    seam = on & (cover < 0.62)
    colours[seam] *= 0.80
    shadow = ~on & (cover > 0.15)
    colours[shadow] *= (1 - 0.45 * cover[shadow])[:, None]


def _skin(places: Places, look: Look) -> NDArray[np.float32]:
    tone = floats(look.skin)
    colours = np.repeat(tone[None], len(places.arm), axis=0)
    colours *= (1 + 0.03 * _noise(places, 40, look.lips))[:, None]
    x, y, z = places.position.T
    blood = np.exp(-(((np.abs(x) - 0.042) / 0.022) ** 2 + ((y + 0.69) / 0.022) ** 2)) * (z < -0.09)
    knuckles = 0.5 * np.clip(places.hand, 0, 1)
    flush = (0.10 * blood + 0.06 * knuckles).astype(np.float32)[:, None]
    return floats(colours * (1 - flush * floats([0.0, 0.9, 0.8])))


def _face(colours: NDArray[np.float32], places: Places, look: Look) -> None:
    """Eyes, brows, lips, stubble; the neutral face's eyes lie at y = -0.733, its lips at -0.665."""
    x, y, z = places.position.T
    across = np.abs(x)
    face = (places.head > 0.5) & (z < -0.05)
    jaw = face & (y > -0.70 + 0.10 * np.clip(across - 0.02, 0, 1)) & (y < -0.60)
    colours[jaw] *= 1 - look.stubble * floats([0.40, 0.36, 0.30])
    lips = face & (((across / 0.026) ** 2 + ((y + 0.6645) / 0.0115) ** 2) < 1) & (z < -0.10)
    red = floats([0.62, 0.24, 0.25]) if sum(look.skin) > 1.2 else floats([0.40, 0.18, 0.18])
    colours[lips] = colours[lips] * (1 - look.lips * 0.8) + red * look.lips * 0.8
    arch = (
        -0.757 - 0.25 * (across - 0.018) * (across < 0.034) + 0.35 * np.maximum(across - 0.034, 0)
    )
    brow = (
        face
        & (across > 0.010)
        & (across < 0.052)
        & (np.abs(y - arch) < 0.0048 - 0.05 * np.maximum(across - 0.03, 0))
    )
    colours[brow] = colours[brow] * 0.25 + 0.75 * floats(look.hair_colour) * 0.8
    lids = (
        face
        & (((across - 0.031) / 0.020) ** 2 + ((y + 0.735) / 0.012) ** 2 < 1)
        & (places.eye < 0.5)
    )
    colours[lids] *= floats([0.80, 0.76, 0.75])
    ball = places.eye > 0.5
    from_axis = np.hypot(across - 0.0313, y + 0.733)
    colours[ball] = floats([0.88, 0.86, 0.84])
    front = ball & (z < -0.11)
    colours[front & (from_axis < 0.0068)] = floats(look.iris)
    colours[front & (from_axis < 0.0030)] = floats([0.03, 0.03, 0.03])


def _strands(places: Places, colour: Colour) -> NDArray[np.float32]:
    shine = 1 + 0.16 * _noise(places, 300, colour[0]) + 0.12 * _noise(places, 40, colour[1])
    return (floats(colour) * shine[:, None]).astype(np.float32)


def _leather(places: Places, look: Look) -> NDArray[np.float32]:
    y = places.position[:, 1]
    colours = np.repeat(floats(look.shoe_colour)[None], len(y), axis=0)
    colours *= (1 + 0.04 * _noise(places, 90, 0.5))[:, None]
    laces = (
        (y > 0.90)
        & (places.position[:, 2] < -0.06)
        & ((places.position[:, 2] * 70 % 1) < 0.25)
        & (y < 0.94)
    )
    colours[laces] = colours[laces] * 0.5 + 0.4
    colours[y > 0.972] = floats(look.sole_colour)
    return colours.astype(np.float32)


def paint(avatar: Avatar, body: AnnyBody, size: int = TEXTURE) -> NDArray[np.uint8]:
    """The body texture of an avatar, uint8 (size, size, 4)."""
    return body_texture(avatar.look, avatar.family, body, avatar.shape["age"], size)
