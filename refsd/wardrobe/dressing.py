"""From a posed body to a dressed person: cloth hangs over the body, hair and bags are attached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import Mesh
from refsd.wardrobe import cutting
from refsd.wardrobe.accessories import HAT_BRIM, accessories
from refsd.wardrobe.arrays import floats
from refsd.wardrobe.canonical import NEUTRAL, Places, vertex_places
from refsd.wardrobe.faces import EYE, EYE_REACH, eye_texture
from refsd.wardrobe.families import FAMILIES
from refsd.wardrobe.painting import TEXTURE, cloth, paint
from refsd.wardrobe.shapes import (
    Grid,
    curtain,
    hair_texture,
    loose_hair,
    neck_ring,
    peak,
    rounded_box,
)
from refsd.wardrobe.shoes import hidden_in_shoe, shoe_grid, shoe_texture

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from refsd.bodies import AnnyBody
    from refsd.wardrobe.avatar import Avatar, Colour, Garment, Look
    from refsd.wardrobe.families import FamilyLists, Shoe

_COLUMNS = 48
_ROWS = 16
"""Of a skirt's tube of cloth."""


def dress(
    avatar: Avatar, body: AnnyBody, vertices: NDArray[np.float32], detail: int = TEXTURE
) -> list[Mesh]:
    """Dress a posed body.

    Args:
        avatar: who it becomes.
        body: the body model that ``vertices`` belong to.
        vertices: float32 (V, 3), metres, camera coordinates, of a body of ``avatar.shape``.
        detail: texels along a side of the body's texture; see ``painting.texture_size``.

    Returns:
        The body in its clothes first, then skirts, long hair and bags; camera coordinates.
    """
    look, lists = avatar.look, FAMILIES[avatar.family]
    tailored = _tailor(look, avatar.family, body)
    clothed = (_drape if lists.close else _hang)(tailored, body, vertices)
    faces, uv_faces = _visible_faces(look, avatar.family, body)
    meshes = [Mesh(clothed, faces, body.uv, uv_faces, paint(avatar, body, detail))]
    if lists.close:
        meshes += _shoes(look, lists.shoes[look.shoe], body, vertices)
        meshes += [eyes(look.iris, body, vertices), *_neckwear(look, lists, body, vertices)]
    for garment, top, hem, thickness, flare in _tubes(look, lists):
        tube = _tube(body, top, hem, thickness, flare, flush=lists.close)
        meshes.append(tube.place(body, vertices).mesh(_tube_texture(tube, garment)))
    for grid, anchor, colour in _attachments(look, lists.close):
        hair = lists.close and anchor == "head"
        texture = hair_texture(colour, not grid.closed) if hair else _plain(colour)
        placed = frame_of(body, anchor).place(vertices, grid.points)
        meshes.append(Grid(placed, grid.closed).mesh(texture))
    for grid, anchor, colour in accessories(look):
        placed = frame_of(body, anchor).place(vertices, grid.points)
        meshes.append(Grid(placed, grid.closed).mesh(_plain(colour)))
    return meshes


@dataclass(frozen=True, eq=False)
class _Tailored:
    """What a look does to the body's vertices; float32 (V, 1) each."""

    hanging: NDArray[np.float32]
    shod: NDArray[np.float32]
    hairy: NDArray[np.float32]
    outwards: NDArray[np.float32]


@lru_cache(maxsize=256)
def _tailor(look: Look, family: str, body: AnnyBody) -> _Tailored:
    places = vertex_places(body)
    lists = FAMILIES[family]  # type: ignore[index]
    upper, lower, shoe = (
        lists.uppers[look.upper.cut],
        lists.lowers[look.lower.cut],
        lists.shoes[look.shoe],
    )
    y = places.position[:, 1]
    upper_cover = cutting.near_upper_cover if lists.close else cutting.upper_cover
    step = _soft_step if lists.close else _step
    in_upper = step(upper_cover(places, upper, look.upper.trim))
    in_lower = step(cutting.lower_cover(places, lower, look.lower.trim))
    in_shoe = _step(cutting.shoe_cover(places, shoe))
    hair = (cutting.near_scalp if lists.close else cutting.scalp)(places, look.hair)
    flare = 0.0 if lower.skirt else lower.flare * np.clip(y / max(lower.hem, 0.1), 0, 1)
    thickness = np.maximum.reduce(
        [
            in_upper * (upper.thickness + 0.006),
            in_lower * (lower.thickness + flare),
            in_shoe * np.where(places.foot > 0.5, shoe.thickness, shoe.thickness * 0.8),
        ]
    )
    # A jumper worn over trousers covers the waistband, never the other way round.
    thickness += 0.004 * in_upper * in_lower
    _, sides, top, _ = cutting.HAIRSTYLES[look.hair]
    height = np.clip((-y - 0.74) / 0.09, 0, 1)
    curl = 1 + 0.18 * np.sin(places.position @ floats([210, 170, 190]))
    if lists.close:
        # Tops hang past the waist; they do not follow it.
        waist = np.exp(-(((y + 0.17) / 0.11) ** 2)) * (places.arm < 0.3)
        thickness += 1.2 * upper.thickness * waist * in_upper
        # The foot is hidden in a shoe of its own shape; only a boot's shaft lies on the leg.
        in_shoe = in_shoe * (y < 0.93)
        thickness = np.where(y > 0.91, in_lower * (lower.thickness + flare), thickness)
    if lists.close:
        # Thin where it grows out of the skin, full behind the hairline.
        hair = hair * np.clip(_neighbourhood(body, hair), 0, 1) ** 1.5
    locks = hair * (sides + (top - sides) * height**1.5) * curl
    if look.hat:  # presses hair flat
        locks = np.where(y < HAT_BRIM, np.minimum(locks, 0.003), locks)
    return _Tailored(
        hanging=np.maximum(in_upper, in_lower)[:, None].astype(np.float32),
        shod=(in_shoe * (places.foot > 0.3) * (not lists.close))[:, None].astype(np.float32),
        hairy=hair[:, None],
        outwards=(thickness + locks)[:, None].astype(np.float32),
    )


def _neighbourhood(body: AnnyBody, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per-vertex values averaged over about three centimetres around each vertex."""
    for _ in range(5):
        values = _neighbours(body) @ values
    return values


def _step(cover: NDArray[np.float32]) -> NDArray[np.float32]:
    """A cover made steep, so that cloth ends in an edge."""
    return floats(np.clip((cover - 0.35) / 0.3, 0, 1))


def _soft_step(cover: NDArray[np.float32]) -> NDArray[np.float32]:
    """As :func:`_step`, less steep, so that the hem does not follow the mesh's zigzag."""
    return floats(np.clip((cover - 0.1) / 0.6, 0, 1))


def _hang(
    tailored: _Tailored, body: AnnyBody, vertices: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Cloth bridges the body's hollows, shoes hide toes, and both lie outside the skin."""
    neighbours = _neighbours(body)
    smooth = vertices
    for _ in range(6):
        smooth = neighbours @ smooth
    round_off = smooth
    for _ in range(40):
        round_off = neighbours @ round_off
    worn = vertices + 0.85 * tailored.hanging * (smooth - vertices)
    worn = worn + 0.92 * tailored.shod * (round_off - worn)
    worn = worn + 0.6 * tailored.hairy * (smooth - worn)
    shell = Mesh(worn.astype(np.float32), body.faces, body.uv, body.uv_faces, _plain((0, 0, 0)))
    normals = _normals(shell)
    return np.ascontiguousarray(worn + tailored.outwards * normals, dtype=np.float32)


def _drape(
    tailored: _Tailored, body: AnnyBody, vertices: NDArray[np.float32]
) -> NDArray[np.float32]:
    """As :func:`_hang`, with cloth that bridges more and never sinks into the skin."""
    neighbours = _neighbours(body)
    smooth, settled = vertices, vertices
    for turn in range(18):
        smooth = neighbours @ smooth
        if turn == 5:
            settled = smooth
    worn = vertices + tailored.hanging * (smooth - vertices)
    worn = worn + 0.6 * tailored.hairy * (settled - worn)
    shape = _plain((0, 0, 0))
    normals = _normals(Mesh(worn.astype(np.float32), body.faces, body.uv, body.uv_faces, shape))
    skin = _normals(Mesh(vertices, body.faces, body.uv, body.uv_faces, shape))
    worn = worn + tailored.outwards * normals
    gap = np.einsum("va,va->v", worn - vertices, skin)[:, None]
    lift = np.maximum(0.7 * tailored.outwards - gap, 0) * tailored.hanging
    return np.ascontiguousarray(worn + lift * skin, dtype=np.float32)


def _normals(mesh: Mesh) -> NDArray[np.float32]:
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat, repeated = mesh.faces.ravel(), np.repeat(across, 3, axis=0)
    count = len(mesh.vertices)
    summed = np.stack([np.bincount(flat, repeated[:, c], count) for c in range(3)], axis=1)
    length = np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    return floats(summed / length)


@cache
def _neighbours(body: AnnyBody) -> csr_matrix:
    """Sparse (V, V): the mean of each vertex and its neighbours."""
    from scipy.sparse import coo_matrix, diags, identity

    a, b, c = body.faces.T
    count = len(body.skin_weights)
    rows, columns = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
    links = coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), (count, count)).tocsr()
    links.data[:] = 1
    links = links + identity(count, dtype=np.float32, format="csr")
    return (diags(1 / np.asarray(links.sum(axis=1)).ravel()) @ links).tocsr().astype(np.float32)


# -- shoes ----------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _visible_faces(
    look: Look, family: str, body: AnnyBody
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The body's faces and UV faces without what has its own mesh or is hidden under one."""
    lists = FAMILIES[family]  # type: ignore[index]
    if not lists.close:
        return body.faces, body.uv_faces
    places = vertex_places(body)
    hidden = hidden_in_shoe(body, lists.shoes[look.shoe])
    hidden |= cutting.under_hair(places, look.hair) | (places.eye > 0.5)
    inside = hidden[body.faces].all(axis=1)
    return body.faces[~inside], body.uv_faces[~inside]


def _shoes(look: Look, shoe: Shoe, body: AnnyBody, vertices: NDArray[np.float32]) -> list[Mesh]:
    """Both shoes; they bend where the toes begin."""
    texture = shoe_texture(shoe, look.shoe_colour, look.sole_colour)
    meshes = []
    for side, name in ((1, "L"), (-1, "R")):
        grid, with_toes = shoe_grid(body, shoe, side)
        foot = frame_of(body, f"foot.{name}").place(vertices, grid.points)
        toes = frame_of(body, f"toes.{name}").place(vertices, grid.points)
        points = (foot + (toes - foot) * with_toes).astype(np.float32)
        meshes.append(Grid(points, closed=True).mesh(texture))
    return meshes


# -- eyes and collars -----------------------------------------------------------------------------


@cache
def _eye_layout(
    body: AnnyBody,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """The eyeballs' vertices, their faces, and where each vertex lies in the eye's texture."""
    places = vertex_places(body)
    faces = body.faces[(places.eye > 0.5)[body.faces].all(axis=1)]
    used, renumbered = np.unique(faces, return_inverse=True)
    x, y, _ = places.position[used].T
    centre = np.where(x > 0, EYE[0], -EYE[0])
    uv = np.stack([x - centre, y - EYE[1]], axis=1) / (2 * EYE_REACH) + 0.5
    return used.astype(np.int64), renumbered.reshape(-1, 3).astype(np.int32), floats(uv)


def eyes(iris: Colour, body: AnnyBody, vertices: NDArray[np.float32]) -> Mesh:
    """The eyeballs of a posed body.

    Args:
        iris: its colour.
        body: the body model that ``vertices`` belong to.
        vertices: float32 (V, 3), metres, camera coordinates.
    """
    used, faces, uv = _eye_layout(body)
    return Mesh(vertices[used], faces, uv, faces, eye_texture(iris))


_NECKWEAR = {
    "shirt": "collar", "polo shirt": "collar", "blouse": "collar", "coat": "collar",
    "raincoat": "stand", "jacket": "stand", "hoodie": "hood", "suit jacket": "collar",
    "parka": "hood",
}  # fmt: skip


def _neckwear(
    look: Look, lists: FamilyLists, body: AnnyBody, vertices: NDArray[np.float32]
) -> list[Mesh]:
    """Collar or hood of the upper garment, in its cloth."""
    cut = lists.uppers[look.upper.cut]
    kind = _NECKWEAR.get(cut.caption)
    if kind is None:
        return []
    grid = neck_ring(kind, cut.thickness)
    tint = floats(look.upper.colour) * (0.93 if kind == "hood" else 1.0)
    if look.upper.pattern == "yoke":
        tint = 0.3 * tint + 0.7 * floats(look.upper.second)
    red, green, blue = (float(c) for c in tint)
    placed = frame_of(body, "chest").place(vertices, grid.points)
    return [Grid(placed, closed=False).mesh(_plain((red, green, blue)))]


# -- tubes of cloth: skirts, dresses, coats -------------------------------------------------------


def _tubes(look: Look, lists: FamilyLists) -> list[tuple[Garment, float, float, float, float]]:
    """Garment, top and hem (canonical heights), thickness and flare of each tube."""
    upper, lower = lists.uppers[look.upper.cut], lists.lowers[look.lower.cut]
    tubes = []
    if lower.skirt:
        tubes.append((look.lower, -0.11, lower.hem + look.lower.trim, lower.thickness, lower.flare))
    if upper.skirt is not None:
        tubes.append(
            (
                look.upper,
                -0.13 if lists.close else -0.04,
                upper.skirt + look.upper.trim,
                upper.thickness + 0.008,
                0.035,
            )
        )
    return tubes


@dataclass(frozen=True, eq=False)
class _Tube:
    """A tube of cloth on the neutral body, and the vertices that carry it.

    Attributes:
        points: float32 (rows, columns, 3), canonical.
        carriers: int64 (rows * columns, K), body vertices; weights float32 of the same shape.
        offsets: float32 (rows * columns, 3), from the carriers' mean to the cloth.
    """

    points: NDArray[np.float32]
    carriers: NDArray[np.int64]
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def place(self, body: AnnyBody, vertices: NDArray[np.float32]) -> Grid:
        """The tube round a posed body."""
        carried = np.einsum("nk,nkd->nd", self.weights, vertices[self.carriers])
        hips = frame_of(body, "hips")
        placed = carried + hips.turn(vertices, self.offsets)
        return Grid(placed.reshape(self.points.shape).astype(np.float32), closed=True)


@lru_cache(maxsize=256)
def _tube(
    body: AnnyBody, top: float, hem: float, thickness: float, flare: float, *, flush: bool
) -> _Tube:
    """Cut a tube; a ``flush`` one begins under the garment above it, without a ledge."""
    from scipy.spatial import cKDTree

    places = vertex_places(body)
    candidates = np.flatnonzero((places.arm < 0.3) & (places.position[:, 1] > -0.3))
    cloud = places.position[candidates]
    angles = np.linspace(0, 2 * np.pi, _COLUMNS, endpoint=False)
    directions = np.stack([np.sin(angles), -np.cos(angles)], axis=1).astype(np.float32)
    points = np.zeros((_ROWS, _COLUMNS, 3), dtype=np.float32)
    reach = np.zeros(_COLUMNS, dtype=np.float32)
    for row, share in enumerate(np.linspace(0, 1, _ROWS)):
        level = top + share * (hem - top)
        near = cloud[np.abs(cloud[:, 1] - level) < 0.03][:, [0, 2]]
        # Cloth falls from the widest place above it.
        reach = np.maximum(reach * 0.985, (near @ directions.T).max(axis=0))
        out = reach + thickness + flare * share
        if flush:
            out = out - 0.035 * max(0.0, 1 - 4 * share)
        points[row] = np.column_stack(
            [directions[:, 0] * out, np.full(_COLUMNS, level), directions[:, 1] * out]
        )
    flat = points.reshape(-1, 3)
    carriers, weights = [], []
    right_share = np.clip(0.5 + flat[:, 0] / 0.16, 0, 1)
    for side, share in ((1, right_share), (-1, 1 - right_share)):
        half = candidates[cloud[:, 0] * side > 0]
        distance, index = cKDTree(places.position[half]).query(flat, k=12)
        closeness = 1 / (distance + 0.02)
        carriers.append(half[index])
        weights.append(closeness / closeness.sum(axis=1, keepdims=True) * share[:, None])
    carrier, weight = (
        np.concatenate(carriers, axis=1),
        np.concatenate(weights, axis=1).astype(np.float32),
    )
    offsets = flat - np.einsum("nk,nkd->nd", weight, places.position[carrier])
    return _Tube(points, carrier, weight, offsets.astype(np.float32))


@lru_cache(maxsize=64)
def _tube_texture(tube: _Tube, garment: Garment, size: int = 128) -> NDArray[np.uint8]:
    from scipy.ndimage import zoom

    closed = np.concatenate([tube.points, tube.points[:, :1]], axis=1)
    fine = zoom(closed, (size / _ROWS, size / (_COLUMNS + 1), 1), order=1).reshape(-1, 3)
    none = np.zeros(len(fine), dtype=np.float32)
    colours = cloth(Places(fine, none, none, none, none, none, none, none), garment)
    rgb = np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8).reshape(size, size, 3)
    return np.dstack([rgb, np.full((size, size), 255, np.uint8)])


# -- rigid attachments: hair, peaks, bags ---------------------------------------------------------


def _attachments(look: Look, close: bool) -> list[tuple[Grid, str, tuple[float, float, float]]]:
    """Canonical grid, the part it is fixed to, and its colour."""
    kind = cutting.HAIRSTYLES[look.hair][3]
    colour = look.hair_colour
    parts: list[tuple[Grid, str, tuple[float, float, float]]] = []
    if kind == "bun":
        parts.append((rounded_box((0, -0.795, 0.075), (0.046, 0.044, 0.040), 1.0), "head", colour))
    elif kind == "knot":
        parts.append((rounded_box((0, -0.885, 0.005), (0.040, 0.036, 0.040), 1.0), "head", colour))
    elif kind == "ponytail":
        parts.append((rounded_box((0, -0.66, 0.100), (0.030, 0.125, 0.028), 0.8), "head", colour))
        parts.append((rounded_box((0, -0.775, 0.083), (0.026, 0.024, 0.024), 1.0), "head", colour))
    elif kind == "peak":
        parts.append((peak(), "head", tuple(0.8 * c for c in colour)))  # type: ignore[arg-type]
    elif kind in ("bob", "long", "very long"):
        bottom = {"bob": -0.605, "long": -0.50, "very long": -0.34}[kind]
        hanging = loose_hair if close else curtain
        parts.append((hanging(bottom), "head", colour))
    if look.bag == "backpack":
        parts.append(
            (rounded_box((0, -0.30, 0.175), (0.145, 0.215, 0.085), 0.45), "chest", look.bag_colour)
        )
    elif look.bag == "hip bag":
        parts.append(
            (rounded_box((0.205, 0.07, 0.0), (0.045, 0.10, 0.135), 0.4), "hips", look.bag_colour)
        )
    return parts


@lru_cache(maxsize=512)
def _plain(colour: tuple[float, float, float]) -> NDArray[np.uint8]:
    """A small texture of one colour with streaks, as hair and cloth have them."""
    rng = np.random.default_rng(7)
    streaks = np.clip(
        1 + 0.10 * rng.normal(size=(1, 32, 1)) + 0.03 * rng.normal(size=(32, 32, 1)), 0.6, 1.4
    )
    rgb = np.clip(floats(colour) * streaks, 0, 1)
    return np.dstack([np.rint(rgb * 255), np.full((32, 32), 255)]).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Frame:
    """A part of the body that moves as if it were rigid."""

    anchors: NDArray[np.int64]
    canonical: NDArray[np.float32]

    def place(
        self, vertices: NDArray[np.float32], points: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Canonical points (…, 3) to where they are on a posed body."""
        rotation, scale, here, there = self._motion(vertices)
        return (((points - here) * scale) @ rotation.T + there).astype(np.float32)

    def turn(
        self, vertices: NDArray[np.float32], offsets: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Canonical offsets (N, 3), turned and scaled only."""
        rotation, scale, _, _ = self._motion(vertices)
        return ((offsets * scale) @ rotation.T).astype(np.float32)

    def _motion(
        self, vertices: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, NDArray[np.float64], NDArray[np.float64]]:
        """The similarity that takes the canonical anchors to the posed ones (Umeyama 1991)."""
        source, target = (
            self.canonical.astype(np.float64),
            vertices[self.anchors].astype(np.float64),
        )
        here, there = source.mean(axis=0), target.mean(axis=0)
        left, values, right = np.linalg.svd((target - there).T @ (source - here))
        flip = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
        rotation = (left * flip) @ right
        scale = float((values * flip).sum() / ((source - here) ** 2).sum())
        return rotation, scale, here, there


@cache
def frame_of(body: AnnyBody, part: str) -> Frame:
    """The frame of ``head``, ``chest``, ``hips``, or of ``foot`` or ``toes`` ``.L`` or ``.R``."""
    kind, _, side = part.partition(".")
    joints = {
        "head": ("head",),
        "chest": ("spine02", "spine01", "spine03"),
        "hips": ("root", "pelvis", "spine05"),
        "foot": ("foot",),
        "toes": ("toe",),
    }[kind]
    chosen = [name.startswith(joints) and name.endswith(side) for name in body.joint_names]
    anchors = np.flatnonzero(body.skin_weights[:, chosen].sum(axis=1) > 0.6)[::3]
    return Frame(anchors, body.rest_vertices(NEUTRAL)[anchors])
