"""Dressing bodies whose meshes the wardrobe was not made for: SMPL and its family.

Skin, face, hair, clothes and shoes are painted where they belong (see ``plain_layout``), and the
surface is pushed out under them as far as they are thick. Nothing hangs freely: skirts cling to
the legs, long hair ends at the neck, and there are no bags. That is less than ``dress`` makes of
anny.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import Mesh
from refsd.rendering.geometry import vertex_normals
from refsd.wardrobe import cutting, faces, painting
from refsd.wardrobe.arrays import floats
from refsd.wardrobe.families import FAMILIES
from refsd.wardrobe.plain_layout import layout_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies import BodyModel
    from refsd.wardrobe.avatar import Avatar, Family, Look
    from refsd.wardrobe.canonical import Places

# Half the height and width of an eye that is painted onto closed skin, and of its iris, metres.
_EYE = (0.0135, 0.0055)
_IRIS, _PUPIL = 0.0052, 0.0022
_EYE_PLACE = (0.0313, -0.734)


def dress_plainly(
    avatar: Avatar,
    body: BodyModel,
    vertices: NDArray[np.float32],
    texture: NDArray[np.uint8] | None = None,
) -> list[Mesh]:
    """Dress a posed body of any model.

    Args:
        avatar: who it becomes.
        body: the body model that ``vertices`` belong to.
        vertices: float32 (V, 3), metres, camera coordinates.
        texture: uint8 (T, T, 4), sRGB, on the body model's own UV coordinates: worn instead of
            what the avatar looks like, and the surface stays as it is.

    Returns:
        One mesh, in camera coordinates.
    """
    if texture is not None:
        return [Mesh(vertices, body.faces, body.uv, body.uv_faces, texture)]
    layout = layout_of(body)
    thickness = _thickness(avatar.look, avatar.family, body)
    normals = vertex_normals(vertices, body.faces)
    clothed = (vertices + thickness[:, None] * normals).astype(np.float32)
    picture = _painted(avatar.look, avatar.family, body, avatar.shape.get("age", 0.67))
    return [Mesh(clothed, body.faces, layout.uv, layout.uv_faces, picture)]


@lru_cache(maxsize=64)
def _painted(look: Look, family: Family, body: BodyModel, age: float) -> NDArray[np.uint8]:
    """The texture of a look: uint8 (512, 512, 4)."""
    texels = layout_of(body).texels
    places = texels.places
    colours = np.repeat(floats(look.skin)[None], len(places.arm), axis=0)
    faces.paint_face(colours, places, look, age)
    _paint_eyes(colours, places, look)
    hair, lower, upper, shoe = _covers(places, look, family)
    _lay(colours, hair, cutting.strands(places, look.hair_colour, look.hair))
    _lay(colours, shoe, _leather(places, look))
    _lay(colours, lower, painting.cloth(places, look.lower))
    _lay(colours, upper, painting.cloth(places, look.upper))
    return texels.picture(colours)


@lru_cache(maxsize=256)
def _thickness(look: Look, family: Family, body: BodyModel) -> NDArray[np.float32]:
    """float32 (V,), metres: how far the surface is pushed out."""
    lists, places = FAMILIES[family], layout_of(body).places
    hair, lower, upper, shoe = (_soft(cover) for cover in _covers(places, look, family))
    _, sides, top, _ = cutting.HAIRSTYLES[look.hair]
    # Hair is thin where it grows out of the skin, and so is cloth at its hems: meshes are too
    # coarse for steps.
    hair = floats(hair * _around(body, _around(body, hair)) ** 2)
    clad = np.maximum(upper, lower)
    worn = _around(body, _around(body, floats(clad)))
    height = np.clip((-places.position[:, 1] - 0.74) / 0.09, 0, 1)
    cloth = np.maximum(
        upper * (lists.uppers[look.upper.cut].thickness + 0.003),
        lower * lists.lowers[look.lower.cut].thickness,
    )
    cloth = cloth * worn
    shod = shoe * lists.shoes[look.shoe].thickness
    return floats(np.maximum.reduce([hair * (sides + (top - sides) * height), cloth, shod]))


def _around(body: BodyModel, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each vertex's neighbours, float32 (V,)."""
    count = len(values)
    starts, ends = (body.faces[:, corners].ravel() for corners in ([0, 1, 2], [1, 2, 0]))
    sums = np.bincount(starts, values[ends], count) + np.bincount(ends, values[starts], count)
    counts = np.bincount(starts, minlength=count) + np.bincount(ends, minlength=count)
    return floats(sums / np.maximum(counts, 1))


def _covers(
    places: Places, look: Look, family: Family
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Where hair, the lower garment, the upper one and shoes are; see ``cutting``."""
    lists = FAMILIES[family]
    upper, lower = lists.uppers[look.upper.cut], lists.lowers[look.lower.cut]
    low = cutting.lower_cover(places, lower, look.lower.trim)
    high = cutting.near_upper_cover(places, upper, look.upper.trim)
    if lower.skirt:
        low = np.maximum(low, _skirt(places, lower.hem + look.lower.trim))
    if upper.skirt is not None:
        high = np.maximum(high, _skirt(places, upper.skirt + look.upper.trim))
    # Trousers end where shoes begin, which cover the whole foot.
    low = low * np.clip(1.5 - 2 * places.foot, 0, 1)
    shoe = np.maximum(cutting.shoe_cover(places, lists.shoes[look.shoe]), places.foot)
    return cutting.near_scalp(places, look.hair), low, high, shoe


def _skirt(places: Places, hem: float) -> NDArray[np.float32]:
    """Cover of a skirt that clings to the legs from the hips to a hem."""
    y = places.position[:, 1]
    return floats(np.clip(0.5 + np.minimum(hem - y, y + 0.05) / 0.02, 0, 1) * (places.arm < 0.5))


def _soft(cover: NDArray[np.float32]) -> NDArray[np.float32]:
    return floats(np.clip((cover - 0.25) / 0.5, 0, 1))


def _lay(
    colours: NDArray[np.float32], cover: NDArray[np.float32], top: NDArray[np.float32]
) -> None:
    """Lay ``top`` over the colours where it covers, with a thin shadow around it, in place."""
    colours *= (1 - 0.35 * np.clip(cover * 2, 0, 1) ** 2)[:, None]
    colours += (top - colours) * np.clip((cover - 0.5) / 0.16 + 0.5, 0, 1)[:, None]


def _leather(places: Places, look: Look) -> NDArray[np.float32]:
    colours = np.repeat(floats(look.shoe_colour)[None], len(places.arm), axis=0)
    colours[places.position[:, 1] > 0.968] = floats(look.sole_colour)
    return colours


def _paint_eyes(colours: NDArray[np.float32], places: Places, look: Look) -> None:
    """Open eyes on skin, in place."""
    x, y, z = places.position.T
    across, down = np.abs(x) - _EYE_PLACE[0], y - _EYE_PLACE[1]
    front = (places.head > 0.5) & (z < -0.09)
    ball = front & ((across / _EYE[0]) ** 2 + (down / _EYE[1]) ** 2 < 1)
    lash = (
        front
        & ~ball
        & ((across / (_EYE[0] + 0.001)) ** 2 + ((down + 0.001) / (_EYE[1] + 0.001)) ** 2 < 1)
    )
    away = np.hypot(across, down)
    colours[lash] *= 0.35
    colours[ball] = floats([0.88, 0.86, 0.84])
    colours[ball & (away < _IRIS)] = floats(look.iris)
    colours[ball & (away < _PUPIL)] = floats([0.03, 0.03, 0.03])
