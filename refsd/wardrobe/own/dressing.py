"""Meshes of any avatar on any body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refsd.rendering import Mesh
from refsd.wardrobe.own.folder import OwnAvatar, OwnAvatarError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from refsd.bodies import BodyModel
    from refsd.wardrobe.avatar import Avatar


def dress_any(
    avatar: Avatar | OwnAvatar, body: BodyModel, vertices: NDArray[np.float32]
) -> list[Mesh]:
    """Dress a posed body: the bank's avatars as the wardrobe does, users' own in their texture.

    Args:
        avatar: who it becomes.
        body: the body model that ``vertices`` belong to.
        vertices: float32 (V, 3), metres, camera coordinates, of a body of ``avatar.shape``.

    Returns:
        What a renderer takes; the body first.

    Raises:
        OwnAvatarError: the avatar's texture is for another body, or the body has no UV layout.
    """
    if isinstance(avatar, OwnAvatar):
        return [_textured(avatar, body, vertices)]
    from refsd.bodies.anny import AnnyBody
    from refsd.wardrobe import dress

    if not isinstance(body, AnnyBody):
        raise OwnAvatarError(
            f"the wardrobe has no clothes for the body {body.name!r}; bring avatars"
        )
    return dress(avatar, body, vertices)


def _textured(avatar: OwnAvatar, body: BodyModel, vertices: NDArray[np.float32]) -> Mesh:
    if avatar.body != body.name:
        raise OwnAvatarError(
            f"{avatar.name} is painted for the body {avatar.body!r}, not for {body.name!r}"
        )
    if not getattr(body, "own_uv", True):
        raise OwnAvatarError(
            f"{avatar.name}: the files of the body {body.name!r} hold no UV layout, so its texture "
            "fits nowhere; add smpl_uv.obj to them"
        )
    return Mesh(vertices, body.faces, body.uv, body.uv_faces, avatar.texture())
