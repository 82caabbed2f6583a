"""Model files in the layout of SMPL, SMPL-H and SMPL-X, of a person made of tubes.

The real files are licensed and cannot be here. These have the arrays' names, shapes and types, the
vertices that the smplx package names lie where it says, and nothing else is anybody's but ours.
"""

import io
import pickle
import sys
import types

import numpy as np
from scipy import sparse
from smplx.vertex_ids import vertex_ids

VERTICES = {"smpl": 6890, "smplh": 6890, "smplx": 10475}

# Ours: x to the body's left, y up, z to its front, metres; a T-pose whose pelvis is not at 0.
_CENTRE = {
    "pelvis": (0.0, -0.2, 0.02),
    "spine1": (0.0, -0.09, 0.0),
    "spine2": (0.0, 0.04, 0.0),
    "spine3": (0.0, 0.1, 0.02),
    "neck": (0.0, 0.3, -0.01),
    "head": (0.0, 0.38, 0.03),
}
_LEFT = {
    "hip": (0.08, -0.29, 0.01),
    "knee": (0.10, -0.68, 0.01),
    "ankle": (0.10, -1.08, -0.03),
    "foot": (0.12, -1.14, 0.09),
    "collar": (0.07, 0.22, 0.0),
    "shoulder": (0.18, 0.24, -0.01),
    "elbow": (0.44, 0.23, -0.03),
    "wrist": (0.69, 0.23, -0.03),
    "hand": (0.77, 0.225, -0.02),
}
_BODY = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar",
    "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
    "right_wrist",
)  # fmt: skip
_BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
_FINGERS = {"index": 0.03, "middle": 0.01, "pinky": -0.03, "ring": -0.01, "thumb": 0.045}

_POINTS = {
    "nose": (0.0, 0.42, 0.155),
    "leye": (0.032, 0.455, 0.115),
    "lear": (0.078, 0.43, 0.03),
    "lthumb": (0.79, 0.21, 0.045),
    "lindex": (0.87, 0.22, 0.0),
    "lmiddle": (0.88, 0.22, -0.02),
    "lring": (0.87, 0.22, -0.04),
    "lpinky": (0.85, 0.22, -0.06),
    "LBigToe": (0.09, -1.155, 0.19),
    "LSmallToe": (0.15, -1.155, 0.15),
    "LHeel": (0.10, -1.155, -0.08),
}


def _mirrored(point):
    return np.array(point) * [-1.0, 1.0, 1.0]


def _skeleton(kind):
    """Joint names, places (J, 3) and parents."""
    places = {name: np.array(point) for name, point in _CENTRE.items()}
    for name, point in _LEFT.items():
        places[f"left_{name}"], places[f"right_{name}"] = np.array(point), _mirrored(point)
    places |= {"jaw": (0.0, 0.39, 0.05), "left_eye": (0.032, 0.455, 0.1)}
    places["right_eye"] = _mirrored(places["left_eye"])
    names, parents = list(_BODY), list(_BODY_PARENTS)
    if kind == "smpl":
        names += ["left_hand", "right_hand"]
        parents += [20, 21]
    if kind == "smplx":
        names += ["jaw", "left_eye", "right_eye"]
        parents += [15, 15, 15]
    if kind != "smpl":
        for side, wrist in (("left", 20), ("right", 21)):
            for finger, z in _FINGERS.items():
                for bone in (1, 2, 3):
                    name = f"{side}_{finger}{bone}"
                    parents.append(wrist if bone == 1 else len(names) - 1)
                    start = 0.74 if finger == "thumb" else 0.77
                    place = np.array([start + 0.025 * (bone - 1), 0.222, z - 0.03])
                    places[name] = place if side == "left" else _mirrored(place)
                    names.append(name)
    return names, np.array([places[name] for name in names]), parents


def _tube(points, radii, across, rings=24, around=22):
    """A closed tube along points (n, 3) with radii (n, 2) along ``across`` and the third axis."""
    points, radii = np.array(points, dtype=float), np.array(radii, dtype=float)
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    at = np.linspace(0, length[-1], rings)
    centres = np.stack([np.interp(at, length, points[:, axis]) for axis in range(3)], axis=1)
    sizes = np.stack([np.interp(at, length, radii[:, axis]) for axis in range(2)], axis=1)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    along = np.gradient(centres, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    first = across - along * (along @ across)[:, None]
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(along, first)
    surface = (
        centres[:, None]
        + (sizes[:, :1] * np.cos(angle))[..., None] * first[:, None]
        + (sizes[:, 1:] * np.sin(angle))[..., None] * second[:, None]
    ).reshape(-1, 3)
    vertices = np.concatenate([surface, centres[:1], centres[-1:]])
    faces = []
    for ring in range(rings - 1):
        for step in range(around):
            a, b = ring * around + step, ring * around + (step + 1) % around
            faces += [(a, b, b + around), (a, b + around, a + around)]
    start, end = len(surface), len(surface) + 1
    for step in range(around):
        after, last = (step + 1) % around, (rings - 1) * around
        faces += [(start, after, step), (end, last + step, last + after)]
    return vertices, np.array(faces)


def _person():
    """Vertices (V, 3), outward faces (F, 3), and radial directions (V, 3) for girth."""
    tubes = [
        ([(0, -0.34, 0.01), (0, -0.3, 0.01), (0, -0.2, 0.01), (0, -0.03, 0.01), (0, 0.15, 0.01),
          (0, 0.25, 0.0), (0, 0.29, 0.0), (0, 0.36, 0.0)],
         [(0.10, 0.08), (0.165, 0.11), (0.165, 0.12), (0.135, 0.10), (0.165, 0.115), (0.13, 0.09),
          (0.06, 0.06), (0.05, 0.055)], (1, 0, 0)),
        ([(0, 0.31, 0.03), (0, 0.33, 0.04), (0, 0.39, 0.04), (0, 0.46, 0.03), (0, 0.52, 0.02),
          (0, 0.55, 0.02), (0, 0.56, 0.02)],
         [(0.01, 0.01), (0.045, 0.06), (0.066, 0.095), (0.078, 0.1), (0.066, 0.085), (0.035, 0.05),
          (0.005, 0.01)], (1, 0, 0)),
    ]  # fmt: skip
    for sign in (1.0, -1.0):
        flip = np.array([sign, 1.0, 1.0])
        arm = [(0.12, 0.24, -0.01), (0.18, 0.24, -0.01), (0.44, 0.23, -0.03), (0.69, 0.23, -0.03),
               (0.73, 0.225, -0.03), (0.80, 0.222, -0.03), (0.87, 0.222, -0.03)]  # fmt: skip
        arm_sizes = [(0.05, 0.05), (0.055, 0.055), (0.042, 0.042), (0.03, 0.026), (0.045, 0.016),
                     (0.042, 0.014), (0.02, 0.008)]  # fmt: skip
        leg = [(0.085, -0.30, 0.01), (0.09, -0.36, 0.01), (0.10, -0.68, 0.01),
               (0.10, -0.80, -0.01), (0.10, -1.08, -0.03), (0.10, -1.15, -0.03)]  # fmt: skip
        leg_sizes = [(0.085, 0.09), (0.085, 0.09), (0.055, 0.06), (0.055, 0.06), (0.035, 0.04),
                     (0.04, 0.045)]  # fmt: skip
        foot = [(0.10, -1.125, -0.08), (0.10, -1.12, -0.03), (0.11, -1.135, 0.1),
                (0.115, -1.145, 0.17), (0.115, -1.15, 0.19)]  # fmt: skip
        foot_sizes = [(0.02, 0.02), (0.035, 0.035), (0.045, 0.022), (0.04, 0.015), (0.02, 0.008)]
        tubes += [
            (np.array(arm) * flip, arm_sizes, (0, 0, 1)),
            (np.array(leg) * flip, leg_sizes, (1, 0, 0)),
            (np.array(foot) * flip, foot_sizes, (1, 0, 0)),
        ]
    vertices, faces, radial, count = [], [], [], 0
    for points, radii, across in tubes:
        rings = 40 if len(radii) == 7 and across == (0, 0, 1) else 36
        skin, triangles = _tube(points, radii, np.array(across, dtype=float), rings)
        corners = skin[triangles] - skin.mean(axis=0)
        if np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) < 0:
            triangles = triangles[:, ::-1]
        middle = skin[:-2].reshape(rings, -1, 3).mean(axis=1)
        out = skin - np.r_[np.repeat(middle, 22, axis=0), skin[-2:]]
        vertices.append(skin)
        faces.append(triangles + count)
        radial.append(out)
        count += len(skin)
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(radial)


def _filled_up(vertices, faces, radial, count):
    """Split faces at their centres until there are that many vertices."""
    order = np.random.default_rng(0).permutation(len(faces))[: count - len(vertices)]
    split = faces[order]
    new = np.arange(len(order)) + len(vertices)
    keep = np.delete(faces, order, axis=0)
    fans = [np.stack([split[:, i], split[:, (i + 1) % 3], new], axis=1) for i in range(3)]
    return (
        np.concatenate([vertices, vertices[split].mean(axis=1)]),
        np.concatenate([keep, *fans]),
        np.concatenate([radial, radial[split].mean(axis=1)]),
    )


def _with_named_vertices(kind, vertices, faces, radial):
    """Exchange vertices until those that the smplx package names are where they belong."""
    order = np.arange(len(vertices))
    wanted = {}
    for name, vertex in vertex_ids["smplx" if kind == "smplx" else "smplh"].items():
        left = name.replace("R", "L", 1) if name[0] == "R" else "l" + name[1:]
        if name == "nose" or name[0] in "lL":
            wanted[vertex] = np.array(_POINTS[name])
        else:
            wanted[vertex] = _mirrored(_POINTS[left])
    taken = set()
    for vertex, point in wanted.items():
        for nearest in np.argsort(np.linalg.norm(vertices[order] - point, axis=1)):
            if nearest not in taken and nearest not in wanted:
                break
        order[[vertex, nearest]] = order[[nearest, vertex]]
        taken.add(vertex)
    place = np.argsort(order)
    vertices, radial = vertices[order], radial[order]
    for vertex, point in wanted.items():
        vertices[vertex] = point
    return vertices, place[faces], radial


def _skin_weights(vertices, names, joints, parents):
    """Each vertex moves with the bones near it: a bone runs from its joint to its children."""
    distance = np.full((len(vertices), len(names)), 9.0)
    for joint, name in enumerate(names):
        ends = [joints[child] for child, parent in enumerate(parents) if parent == joint]
        if name in {"head"}:
            ends = [joints[joint] + [0, 0.15, 0]]
        for end in ends or [joints[joint] + (joints[joint] - joints[parents[joint]]) * 0.6]:
            step = end - joints[joint]
            along = np.clip((vertices - joints[joint]) @ step / max(step @ step, 1e-9), 0, 1)
            away = np.linalg.norm(vertices - joints[joint] - along[:, None] * step, axis=1)
            distance[:, joint] = np.minimum(distance[:, joint], away)
    face = [i for i, name in enumerate(names) if name in {"jaw", "left_eye", "right_eye"}]
    distance[:, face] += 0.06
    for side, sign in (("left", 1), ("right", -1)):
        other = [i for i, name in enumerate(names) if name.startswith(side)]
        distance[np.ix_(vertices[:, 0] * sign < -0.005, other)] = 9.0
    near = np.exp(-(((distance - distance.min(axis=1, keepdims=True)) / 0.025) ** 2))
    near[near < 0.01] = 0
    return near / near.sum(axis=1, keepdims=True)


def _regressor(vertices, joints):
    """Weights of the 60 nearest vertices that give each joint, as small as can be."""
    rows = np.zeros((len(joints), len(vertices)))
    for row, joint in zip(rows, joints, strict=True):
        near = np.argsort(np.linalg.norm(vertices - joint, axis=1))[:60]
        system = np.vstack([vertices[near].T, np.ones(len(near))])
        row[near] = np.linalg.pinv(system) @ np.r_[joint, 1.0]
    return rows


def arrays(kind, betas=10):
    """The arrays of a model file, by name."""
    names, joints, parents = _skeleton(kind)
    vertices, faces, radial = _filled_up(*_person(), VERTICES[kind])
    vertices, faces, radial = _with_named_vertices(kind, vertices, faces, radial)
    rng = np.random.default_rng(7)
    expressions = {"smplx": 10}.get(kind, 0)
    shapes = np.zeros((len(vertices), 3, betas + expressions))
    shapes[..., 0] = -0.04 * vertices  # as in some real files, the first beta makes smaller
    shapes[..., 1] = 0.12 * radial
    legs = np.clip(-0.3 - vertices[:, 1], 0, None)
    shapes[:, 1, 2] = -0.03 * legs
    shapes[:, 0, 3] = 0.04 * np.sign(vertices[:, 0]) * np.clip(np.abs(vertices[:, 0]) - 0.15, 0, 1)
    for beta in range(4, betas + expressions):
        wave = np.sin(vertices @ rng.normal(0, 5, 3) + rng.uniform(0, 6))
        shapes[..., beta] = 0.05 * radial * wave[:, None]
    pose_count = 9 * (len(joints) - 1)
    waves = np.sin(vertices @ rng.normal(0, 4, (3, pose_count)))
    poses = 0.02 * radial[..., None] * waves[:, None]
    kintree = np.array([parents, np.arange(len(joints))]).astype(np.int64) % 2**32
    model = {
        "v_template": vertices,
        "shapedirs": shapes,
        "posedirs": poses,
        "J_regressor": _regressor(vertices, joints),
        "weights": _skin_weights(vertices, names, joints, parents),
        "kintree_table": kintree.astype(np.uint32),
        "f": faces.astype(np.uint32),
    }
    if kind != "smpl":
        for letter in "lr":
            model[f"hands_components{letter}"] = np.eye(45)
            model[f"hands_mean{letter}"] = np.full(45, 0.1)
    if kind == "smplx":
        model |= {
            "lmk_faces_idx": np.zeros(51, dtype=np.int64),
            "lmk_bary_coords": np.full((51, 3), 1 / 3),
            "vt": np.stack([vertices[:, 0] / 2 + 0.5, vertices[:, 1] / 2 + 0.6], axis=1),
            "ft": faces.astype(np.int64),
        }
    return model


def write_npz(kind, folder, **changes):
    """A model file as SMPL-X is given out; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind.upper()}_NEUTRAL.npz"
    np.savez(path, **(arrays(kind) | changes))
    return path


class _Ch:
    """What chumpy's Ch leaves in a pickle: its attributes but for caches."""

    def __init__(self, **state):
        self.__dict__.update(state)
        self._dirty_vars, self._itr = set(state), None
        self._make_dense = self._make_sparse = False
        self._depends_on_deps = {}


class _Select(_Ch):
    pass


def write_pickle(kind, folder, protocol=2):
    """A model file as SMPL is given out: chumpy's objects in it, and the joints sparse."""
    model = arrays(kind)
    shapes = np.concatenate([model["shapedirs"], model["shapedirs"] * 0.5], axis=2)
    chosen = np.arange(shapes.size).reshape(shapes.shape)[..., : model["shapedirs"].shape[2]]
    content = model | {
        "v_template": _Ch(x=model["v_template"]),
        "shapedirs": _Select(a=_Ch(x=shapes), idxs=chosen.ravel(), preferred_shape=chosen.shape),
        "weights": _Ch(x=model["weights"]),
        "J_regressor": sparse.csc_matrix(model["J_regressor"]),
        "bs_type": "lrotmin",
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind.upper()}_NEUTRAL.pkl"
    path.write_bytes(as_chumpy(content, protocol))
    return path


def as_chumpy(content, protocol=2):
    """A pickle in which our stand-ins are named as chumpy's classes, and SciPy as it once was."""
    modules = {"chumpy": types.ModuleType("chumpy")}
    for module, name, kind in (("chumpy.ch", "Ch", _Ch), ("chumpy.reordering", "Select", _Select)):
        modules[module] = types.ModuleType(module)
        setattr(modules[module], name, kind)
        kind.__module__, kind.__name__, kind.__qualname__ = module, name, name
    sys.modules.update(modules)
    try:
        buffer = io.BytesIO()
        pickle.Pickler(buffer, protocol).dump(content)
    finally:
        for module in modules:
            del sys.modules[module]
    return buffer.getvalue()
