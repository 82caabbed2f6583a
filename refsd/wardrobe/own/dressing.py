"""Meshes of any avatar on any body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refsd.rendering import Mesh
from refsd.wardrobe.own.folder import OwnAvatar, OwnAvatarError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from refsd.bodies import BodyModel
    from refsd.wardrobe.avatar import Avatar, Colour

IRISES: dict[str, Colour] = {
    "dark brown": (0.20, 0.12, 0.07),
    "brown": (0.28, 0.18, 0.10),
    "green": (0.30, 0.36, 0.24),
    "blue": (0.30, 0.42, 0.52),
}
"""Colours of irises, sRGB in [0, 1]."""


def dress_any(
    avatar: Avatar | OwnAvatar,
    body: BodyModel,
    vertices: NDArray[np.float32],
    height: float | None = None,
) -> list[Mesh]:
    """Dress a posed body: users' own avatars in their texture, the bank's from the wardrobe.

    The wardrobe hangs clothes over anny; on bodies of the SMPL family they are painted
    (``refsd.wardrobe.plain``).

    Args:
        avatar: who it becomes.
        body: the body model that ``vertices`` belong to.
        vertices: float32 (V, 3), metres, camera coordinates, of a body of ``avatar.shape``.
        height: pixels from head to feet in the picture: who is small there needs no large texture;
            None: as seen from near.

    Returns:
        What a renderer takes; the body first.

    Raises:
        OwnAvatarError: the avatar's texture is for another body, or the body has no UV layout.
    """
    if isinstance(avatar, OwnAvatar):
        return _textured(avatar, body, vertices)
    from refsd.bodies.anny import AnnyBody

    if isinstance(body, AnnyBody):
        from refsd.wardrobe.dressing import dress
        from refsd.wardrobe.painting import TEXTURE, texture_size

        detail = TEXTURE if height is None else texture_size(height)
        return dress(avatar, body, vertices, detail)
    from refsd.wardrobe.plain import dress_plainly

    return dress_plainly(avatar, body, vertices)


def _textured(avatar: OwnAvatar, body: BodyModel, vertices: NDArray[np.float32]) -> list[Mesh]:
    from refsd.bodies.anny import AnnyBody

    if avatar.body != body.name:
        raise OwnAvatarError(
            f"{avatar.name} is painted for the body {avatar.body!r}, not for {body.name!r}"
        )
    if not getattr(body, "own_uv", True):
        raise OwnAvatarError(
            f"{avatar.name}: the files of the body {body.name!r} hold no UV layout, so its texture "
            "fits nowhere; add smpl_uv.obj to them"
        )
    if not isinstance(body, AnnyBody) or avatar.eyes == "painted":
        return [Mesh(vertices, body.faces, body.uv, body.uv_faces, avatar.texture())]
    from refsd.wardrobe.canonical import vertex_places
    from refsd.wardrobe.dressing import eyes

    skin = ~(vertex_places(body).eye > 0.5)[body.faces].all(axis=1)
    skinned = Mesh(vertices, body.faces[skin], body.uv, body.uv_faces[skin], avatar.texture())
    return [skinned, eyes(IRISES[avatar.eyes], body, vertices)]
