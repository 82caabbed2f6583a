"""A folder of avatars: reading it, and refusing what cannot be used.

One subfolder per avatar, with ``avatar.yaml`` and a texture beside it::

    name: runner
    body: anny
    shape: {gender: 0.9, age: 0.7, height: 0.6}
    texture: texture.png
    licence: CC0-1.0
    source: painted for this project
    attributes: {gender: female, age group: young adult, upper garment: t-shirt}
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from refsd.images import FORMATS, ImageError, image_size, load_image
from refsd.prompts import PromptError, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

FILE = "avatar.yaml"
MAX_YAML_BYTES = 64 * 1024
MIN_SIZE, MAX_SIZE = 64, 4096
"""Pixels of a texture's side; bodies in pictures are seldom seen at more."""


class OwnAvatarError(ValueError):
    """A folder, file or key that cannot be used; the message names it and the fix."""


class AvatarFile(BaseModel):
    """What ``avatar.yaml`` says.

    Attributes:
        name: how the avatar is called in records: lower-case letters, digits and hyphens. It is
            published with a release, so name nobody.
        body: whose UV layout the texture was painted on.
        shape: phenotype → value in [0, 1], for every body model; those not named are 0.5. There
            are no betas: shapes measured of real people identify them.
        texture: file name of the picture, in the avatar's folder.
        eyes: colour of anny's irises, whose places in the texture are too small to paint on;
            ``painted``: take the texture all the same. Other bodies have painted eyes only.
        licence: under which the texture may be used, best as SPDX writes it. Required: whoever
            publishes pictures publishes the texture in them.
        source: who made it, or where it is from.
        attributes: what a caption would say, by the keys of ``refsd.prompts.VOCABULARY``; an
            avatar that says nothing never matches a prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    body: Literal["anny", "smpl", "smplh", "smplx"]
    shape: dict[str, float] = {}
    texture: str = Field(min_length=1)
    eyes: Literal["dark brown", "brown", "green", "blue", "painted"] = "brown"
    licence: str = Field(min_length=2, max_length=200)
    source: str = Field(default="", max_length=500)
    attributes: dict[str, str] = {}

    @field_validator("shape")
    @classmethod
    def _phenotypes(cls, shape: dict[str, float]) -> dict[str, float]:
        from refsd.bodies.anny import PHENOTYPES

        for name, value in shape.items():
            if name not in PHENOTYPES:
                raise ValueError(f"unknown phenotype {name!r}; known: {', '.join(PHENOTYPES)}")
            if not 0 <= value <= 1:
                raise ValueError(f"phenotype {name!r} is {value}; give a value in [0, 1]")
        return shape

    @field_validator("attributes")
    @classmethod
    def _words(cls, attributes: dict[str, str]) -> dict[str, str]:
        return canonical(attributes)


@dataclass(frozen=True, eq=False)
class OwnAvatar:
    """An avatar that a user brought.

    Attributes:
        name: ``own/`` and the file's name for it.
        body: the body model it belongs to.
        shape: phenotype → value in [0, 1].
        attributes: what a caption would say, in the words of ``refsd.prompts.VOCABULARY``.
        licence: of the texture.
        source: where the texture is from.
        eyes: colour of the irises, or ``painted``.
        sha256: of the texture's file, in hex.
        file: the texture; never shown to anybody.
    """

    name: str
    body: str
    shape: Mapping[str, float]
    attributes: Mapping[str, str]
    licence: str
    source: str
    eyes: str
    sha256: str
    file: Path

    def texture(self) -> NDArray[np.uint8]:
        """uint8 (T, T, 4), sRGB, opaque.

        Raises:
            OwnAvatarError: the file has changed since the folder was read.
        """
        return _texture(self.file, self.sha256)


class FolderBank:
    """A folder's avatars for one body model, in the order of their names."""

    def __init__(self, avatars: Sequence[OwnAvatar]) -> None:
        self._avatars = tuple(sorted(avatars, key=lambda avatar: avatar.name))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._avatars)

    def avatar(self, number: int) -> OwnAvatar:
        """The avatar of that number, from 0."""
        return self._avatars[number]

    def settings(self) -> Mapping[str, object]:
        """Name, licence, source and hash of every avatar, but not where it lies."""
        return {
            "avatars": [
                {
                    "name": avatar.name,
                    "body": avatar.body,
                    "shape": dict(avatar.shape),
                    "attributes": dict(avatar.attributes),
                    "licence": avatar.licence,
                    "source": avatar.source,
                    "eyes": avatar.eyes,
                    "sha256": avatar.sha256,
                }
                for avatar in self._avatars
            ]
        }


def load_bank(folder: Path | str, body: str = "anny") -> FolderBank:
    """Read a folder of avatars; those for other body models are left out.

    Every texture is decoded once, so that a broken one is found before a run begins.

    Args:
        folder: holds one subfolder per avatar; others without ``avatar.yaml`` are ignored.
        body: the body model that is posed.

    Raises:
        OwnAvatarError: the folder is missing or has no avatar for that body; or one of its files
            cannot be used.
    """
    root = Path(folder)
    if not root.is_dir():
        raise OwnAvatarError(f"avatars: there is no folder {root}; give one with {FILE} files")
    files = sorted(root.glob(f"*/{FILE}"))
    avatars = [avatar for file in files if (avatar := _load(file, root)).body == body]
    if not avatars:
        found = f"none of its {len(files)} is" if files else "it has no subfolder with one"
        raise OwnAvatarError(
            f"avatars: {root.name} has no {FILE} for the body {body!r} ({found}); "
            "see docs/prompts.md"
        )
    names = [avatar.name for avatar in avatars]
    for name in names:
        if names.count(name) > 1:
            raise OwnAvatarError(
                f"avatars: two {FILE} files have the name {name.removeprefix('own/')!r}; rename one"
            )
    return FolderBank(avatars)


def _load(file: Path, root: Path) -> OwnAvatar:
    shown = file.relative_to(root).as_posix()
    said = _read(file, shown)
    texture = _inside(file.parent, said.texture, shown)
    _check_texture(texture, f"{shown}: texture {said.texture!r}")
    return OwnAvatar(
        name=f"own/{said.name}",
        body=said.body,
        shape=said.shape,
        attributes=said.attributes,
        licence=said.licence,
        source=said.source,
        eyes=said.eyes if said.body == "anny" else "painted",
        sha256=hashlib.sha256(texture.read_bytes()).hexdigest(),
        file=texture,
    )


def _read(file: Path, shown: str) -> AvatarFile:
    if file.stat().st_size > MAX_YAML_BYTES:
        raise OwnAvatarError(f"{shown}: is larger than {MAX_YAML_BYTES // 1024} kB; shorten it")
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise OwnAvatarError(f"{shown}: is not YAML in UTF-8 ({reason})") from error
    if not isinstance(data, dict):
        raise OwnAvatarError(f"{shown}: must say key: value, at least name, body, texture, licence")
    try:
        return AvatarFile.model_validate(data)
    except (ValidationError, PromptError) as error:
        raise OwnAvatarError(f"{shown}: {_first(error)}") from error


def _first(error: ValidationError | PromptError) -> str:
    """The first mistake in one line, with its key."""
    if not isinstance(error, ValidationError):
        return str(error)
    mistake = error.errors()[0]
    key = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "missing":
        return f"{key!r} is missing; add it"
    if mistake["type"] == "extra_forbidden":
        return f"unknown key {key!r}; known: {', '.join(AvatarFile.model_fields)}"
    message = mistake["msg"].removeprefix("Value error, ")
    return f"{key!r} is {mistake['input']!r}: {message}"


def _inside(folder: Path, name: str, shown: str) -> Path:
    """The file of that name, which must lie in the folder, links followed."""
    path = (folder / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(folder.resolve()):
        raise OwnAvatarError(f"{shown}: texture {name!r} lies outside its folder; copy it there")
    if not path.is_file():
        raise OwnAvatarError(f"{shown}: there is no texture {name!r} beside it; check the name")
    return path


def _check_texture(path: Path, shown: str) -> None:
    try:
        width, height = image_size(path)
    except ImageError as error:
        raise OwnAvatarError(f"{shown}: {error}; give {', '.join(FORMATS)}") from error
    if width != height or not MIN_SIZE <= width <= MAX_SIZE:
        raise OwnAvatarError(
            f"{shown}: is {width} x {height} pixels; textures are square, {MIN_SIZE} to {MAX_SIZE}"
        )
    try:
        load_image(path)
    except ImageError as error:
        raise OwnAvatarError(f"{shown}: {error}") from error


@lru_cache(maxsize=16)
def _texture(file: Path, sha256: str) -> NDArray[np.uint8]:
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise OwnAvatarError(f"the texture {file.name} has changed since it was read; start again")
    image = load_image(data)
    opaque = np.full((*image.shape[:2], 1), 255, dtype=np.uint8)
    return np.concatenate([image, opaque], axis=2)
