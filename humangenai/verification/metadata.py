"""Does a file of the release say more than its pixels, records and labels do?"""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from typing import TYPE_CHECKING

import yaml

from humangenai.verification.files import list_files
from humangenai.verification.records import CheckRecord, Finding, conclude

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from humangenai.progress import Progress

SIGNATURE = b"\x89PNG\r\n\x1a\n"

ALLOWED_CHUNKS = ("IHDR", "IDAT", "IEND")
"""All that an 8-bit RGB picture needs (W3C, Portable Network Graphics, third edition, 5.6)."""

CHUNKS = {
    "eXIf": "EXIF",
    "tEXt": "text",
    "zTXt": "text",
    "iTXt": "text (XMP lies there)",
    "iCCP": "an ICC profile",
    "tIME": "the time of the last change",
    "acTL": "an animation",
    "pHYs": "the size of a pixel",
}
"""What the chunks hold that metadata usually lies in."""

NUMBERS = re.compile(r"(-?[0-9.e+-]+( -?[0-9.e+-]+)*)?")
"""A line of a YOLO file."""


def check_metadata(release: Path, progress: Progress) -> CheckRecord:
    """Take every file of a release apart.

    Args:
        release: the folder.
        progress: told of every file.
    """
    paths = [path for path in list_files(release) if path.is_file() and not path.is_symlink()]
    findings = []
    with progress.stage("metadata", len(paths)) as advance:
        for path in paths:
            wrong = [*_attributes(path), *surplus(path.suffix.lower(), path.read_bytes())]
            where = path.relative_to(release).as_posix()
            findings += [Finding(where=where, what=what) for what in wrong]
            advance(1)
    verdict, reason = conclude(findings)
    return CheckRecord(
        check="metadata",
        verdict=verdict,
        checked=len(paths),
        total=len(paths),
        findings=tuple(findings),
        reason=reason,
    )


def surplus(suffix: str, data: bytes) -> list[str]:
    """What a file holds that it should not, in words.

    Args:
        suffix: the end of its name in small letters, with the dot; says what it should hold.
        data: its content.
    """
    if suffix == ".png":
        return list(dict.fromkeys(_png(data)))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ["it is not text in UTF-8"]
    if re.search(r"[^\t\n\r\x20-\U0010ffff]|\ufeff", text):
        return ["it holds control characters"]
    try:
        if suffix == ".json":
            json.loads(text)
        elif suffix == ".yaml":
            yaml.safe_load(text)
        elif suffix == ".txt":
            if not all(NUMBERS.fullmatch(line) for line in text.splitlines()):
                return ["it holds more than numbers"]
        else:
            return ["nothing is known of such files"]
    except (ValueError, yaml.YAMLError):
        return [f"it is not {suffix[1:].upper()}"]
    return []


def beside_pixels(data: bytes) -> bytes:
    """What a PNG holds besides packed pixels: the content of its other chunks, what follows them.

    Args:
        data: the file; one that is no PNG is given back whole.
    """
    chunks, rest = _chunks(data)
    return b"\n".join([*(body for kind, body in chunks if kind != "IDAT"), rest])


def _chunks(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """The chunks of a PNG, each with its kind, and what follows the last one."""
    if not data.startswith(SIGNATURE):
        return [], data
    place = len(SIGNATURE)
    chunks: list[tuple[str, bytes]] = []
    while place + 12 <= len(data) and (not chunks or chunks[-1][0] != "IEND"):
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8].decode("latin-1")
        chunks.append((kind, data[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks, data[place:]


def _png(data: bytes) -> Iterator[str]:
    """What a PNG holds besides the lines of one 8-bit RGB picture."""
    if not data.startswith(SIGNATURE):
        yield "it is not a PNG picture"
        return
    chunks, rest = _chunks(data)
    kinds = [kind for kind, _ in chunks]
    for kind in kinds:
        if kind not in ALLOWED_CHUNKS:
            yield f"it holds {CHUNKS[kind]} ({kind})" if kind in CHUNKS else f"a chunk {kind!r}"
    if kinds[-1:] != ["IEND"]:
        yield "it is cut off"
    elif chunks[-1][1]:
        yield "its last chunk is not empty"
    elif rest:
        yield f"{len(rest)} bytes follow its end"
    header = b"".join(body for kind, body in chunks if kind == "IHDR")
    packed = b"".join(body for kind, body in chunks if kind == "IDAT")
    yield from _lines(header, packed)


def _lines(header: bytes, packed: bytes) -> Iterator[str]:
    """What is wrong with the header and the packed lines of pixels."""
    if len(header) != 13:
        yield "its header is broken"
        return
    width, height, depth, colour, *_, interlace = struct.unpack(">IIBBBBB", header)
    if (depth, colour, interlace) != (8, 2, 0):
        yield "it is not stored as plain 8-bit RGB"
        return
    stream = zlib.decompressobj()
    try:
        size = len(stream.decompress(packed)) + len(stream.flush())
    except zlib.error:
        yield "its pixels cannot be unpacked"
        return
    if size != height * (1 + 3 * width) or not stream.eof:
        yield "its pixels are not as many as its header says"
    if stream.unused_data:
        yield f"{len(stream.unused_data)} bytes are hidden behind its pixels"


def _attributes(path: Path) -> list[str]:
    """Extended attributes that a user or a program gave a file, where the system has them."""
    if not hasattr(os, "listxattr"):
        return []
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:  # the file system has none
        return []
    return [f"it has the extended attribute {name}" for name in names if name.startswith("user.")]
