"""The pictures of a report: what a run kept of a few items, as data URIs.

A run keeps every stage of its first items under ``private/examples/<method>/<id>/NN-<stage>.png``.
The ids of one item differ from method to method (they are salted), so pictures are put side by side
by the original they start from.
"""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from humangenai.store import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from humangenai.records import ItemRecord

LONGEST = 640
"""Longest side of an embedded picture, in pixels: large photos are shown smaller."""

STAGES = {
    "original": "original",
    "x": "x: the picture",
    "a": "a: whom it removes",
    "x-prime": "x′: people removed",
    "m": "m: the avatar, rendered",
    "x-second": "x″: avatar in the scene",
    "e": "e: edges of x″",
    "x-hat": "x̂: refined",
    "output": "output",
}
"""What the report calls a stage; the names are those of RefSD's figure."""


@dataclass(frozen=True)
class Picture:
    """One embedded picture.

    Attributes:
        uri: a data URI.
        width: of what is embedded, in pixels; height likewise.
        alt: says what it shows.
        caption: beneath it.
    """

    uri: str
    width: int
    height: int
    alt: str
    caption: str


@dataclass(frozen=True)
class Example:
    """One item before and after: every method's pictures of it.

    Attributes:
        name: e.g. ``picture 1``.
        original: before.
        outputs: after, one per method that kept it.
        stages: method name → all pictures in between, in order, where a method has any.
    """

    name: str
    original: Picture
    outputs: tuple[Picture, ...]
    stages: Mapping[str, tuple[Picture, ...]]


def examples(
    private: Path, methods: Sequence[str], prompts: Mapping[str, str], with_stages: int = 4
) -> list[Example]:
    """The items whose pictures a run kept.

    Args:
        private: the run's private folder.
        methods: names, in the order of the tables.
        prompts: what refinement was asked for, by the pictures' public names.
        with_stages: so many items also show what happened in between.

    Returns:
        Examples in a stable order.
    """
    kept: dict[str, dict[str, list[Path]]] = {}
    for method in methods:
        for folder in sorted((private / "examples" / slug(method)).glob("*")):
            files = sorted(folder.glob("[0-9][0-9]-*.png"))
            if len(files) >= 2:
                original = hashlib.sha256(files[0].read_bytes()).hexdigest()
                kept.setdefault(original, {})[method] = files
    made = []
    for number, by_method in enumerate((kept[key] for key in sorted(kept)), start=1):
        name = f"picture {number}"
        made.append(_example(name, by_method, prompts, show_stages=number <= with_stages))
    return made


def _example(
    name: str,
    by_method: Mapping[str, list[Path]],
    prompts: Mapping[str, str],
    *,
    show_stages: bool,
) -> Example:
    first = next(iter(by_method.values()))
    stages = {
        method: tuple(
            embed(file, f"{name}, {method}: {_stage(file)}", _stage(file))
            for file in _without_repeats(files)
        )
        for method, files in by_method.items()
        if show_stages and len(files) > 2
    }
    return Example(
        name=name,
        original=embed(first[0], f"{name}: the original", "original"),
        outputs=tuple(
            embed(files[-1], f"{name} after {method}", _caption(method, files, prompts))
            for method, files in by_method.items()
            if method != "Original"
        ),
        stages=stages,
    )


def _caption(method: str, files: Sequence[Path], prompts: Mapping[str, str]) -> str:
    prompt = prompts.get(files[0].parent.name)
    return method + _unchanged(files) + (f": “{prompt}”" if prompt else "")


def _unchanged(files: Sequence[Path]) -> str:
    same = files[0].read_bytes() == files[-1].read_bytes()
    return " (nothing changed)" if same else ""


def _without_repeats(files: Sequence[Path]) -> Sequence[Path]:
    """The pictures without ``original`` and ``output`` where a stage shows just the same."""
    first = 1 if files[0].read_bytes() == files[1].read_bytes() else 0
    last = -1 if files[-1].read_bytes() == files[-2].read_bytes() else None
    return files[first:last]


def _stage(file: Path) -> str:
    name = file.stem[3:]
    return STAGES.get(name, name.replace("-", " "))


def missed(run_folder: Path, lines: Iterable[ItemRecord], most: int = 8) -> list[Picture]:
    """Pictures in which a true person was missed, one method's each, with the item's key."""
    found: dict[str, Picture] = {}
    for line in lines:
        if len(found) == most:
            break
        if line.key in found or line.output is None or "missed" not in (line.fates or ()):
            continue
        path = run_folder / line.output
        if path.is_file():
            found[line.key] = embed(
                path, f"{line.key} after {line.method}: somebody was missed", line.key
            )
    return list(found.values())


def embed(path: Path, alt: str, caption: str, longest: int = LONGEST) -> Picture:
    """A picture file as a data URI, made smaller where it is large.

    Small pictures (crops) stay lossless; what had to be made smaller becomes a JPEG.

    Args:
        path: of the file.
        alt: says what it shows.
        caption: beneath it.
        longest: longest side of what is embedded, in pixels.

    Raises:
        ValueError: the file is no picture.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as opened:
            image = opened.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"{path}: not a picture: {error}") from error
    large = max(image.size) > longest
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if large:
        image.save(buffer, format="JPEG", quality=88)
    else:
        image.save(buffer, format="PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    kind = "jpeg" if large else "png"
    return Picture(f"data:image/{kind};base64,{data}", image.width, image.height, alt, caption)
