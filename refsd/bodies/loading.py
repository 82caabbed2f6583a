"""Choosing a body model by name."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, Literal, overload

if TYPE_CHECKING:
    from pathlib import Path

    from refsd.bodies.anny import AnnyBody
    from refsd.bodies.model import BodyModel
    from refsd.bodies.smpl_files import Kind

BODIES = ("anny", "smpl", "smplh", "smplx")
"""The body models; all but anny need the user's own licensed files."""


@overload
def load_body(name: Literal["anny"] = "anny", folder: None = None) -> AnnyBody: ...


@overload
def load_body(name: str, folder: Path | str | None = None) -> BodyModel: ...


def load_body(name: str = "anny", folder: Path | str | None = None) -> BodyModel:
    """The body model of that name, one per process and folder.

    Args:
        name: one of ``BODIES``.
        folder: where the user's licensed model files are; only for the SMPL family.

    Raises:
        ValueError: there is no such body model, or a folder was named for anny.
        refsd.bodies.smpl_files.BodyFilesError: the smplx package or the model's files are
            missing or wrong; says where they can be had.
    """
    if name == "anny":
        from refsd.bodies.anny import load_body as load_anny

        if folder is not None:
            raise ValueError(f"the body 'anny' needs no model files; remove the folder {folder}")
        return load_anny()
    for kind in _SMPL_FAMILY:
        if name == kind:
            return _load_smpl(kind, None if folder is None else str(folder))
    near = difflib.get_close_matches(name.lower(), BODIES, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(BODIES)}"
    raise ValueError(f"unknown body model {name!r}; {hint}")


_SMPL_FAMILY: tuple[Kind, ...] = ("smpl", "smplh", "smplx")


@cache
def _load_smpl(kind: Kind, folder: str | None) -> BodyModel:
    from refsd.bodies.smpl import SmplBody
    from refsd.bodies.smpl_files import missing_folder

    if folder is None:
        raise missing_folder(kind)
    return SmplBody(kind, folder)
