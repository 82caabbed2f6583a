"""What a file may hold: every way to hide something in a PNG, and in text."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from humangenai.verification.metadata import SIGNATURE, surplus
from refsd.images import encode_png

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
LINES = b"".join(b"\0" + line.tobytes() for line in PIXELS)
HEADER = struct.pack(">IIBBBBB", 7, 9, 8, 2, 0, 0, 0)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*more: bytes, header: bytes = HEADER, packed: bytes = b"") -> bytes:
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", packed or zlib.compress(LINES))]
    return SIGNATURE + b"".join(parts) + chunk(b"IEND", b"")


def saved(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_plain_pictures_hold_nothing_but_pixels() -> None:
    assert surplus(".png", encode_png(PIXELS)) == []
    assert surplus(".png", png()) == []
    assert surplus(".png", saved(compress_level=9)) == []
    large = np.random.default_rng(1).integers(0, 256, (400, 300, 3)).astype(np.uint8)
    assert surplus(".png", encode_png(large)) == []  # in several chunks


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (saved(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"), "EXIF"),
        (saved(icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
         "ICC"),
        (saved(dpi=(300, 300)), "pHYs"),
        (png(chunk(b"tEXt", b"Author\0Anna")), "text"),
        (png(chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"Anna"))), "text"),
        (png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")), "XMP"),
        (png(chunk(b"tIME", b"\x07\xea\x0b\x15\0\0\0")), "time"),
        (png(chunk(b"prVt", b"anything")), "prVt"),
        (png() + b"PK", "2 bytes follow"),
        (png()[:-3], "cut off"),
        (png()[:-12], "cut off"),
        (png(packed=zlib.compress(LINES) + b"Anna"), "4 bytes are hidden"),
        (png(packed=zlib.compress(LINES + b"Anna")), "not as many"),
        (png(header=struct.pack(">IIBBBBB", 7, 9, 8, 6, 0, 0, 0)), "8-bit RGB"),
        (png(header=struct.pack(">IIBBBBB", 7, 9, 8, 2, 0, 0, 1)), "8-bit RGB"),
        (b"GIF89a", "not a PNG"),
    ],
)  # fmt: skip
def test_whatever_is_added_is_named(data: bytes, said: str) -> None:
    assert any(said in line for line in surplus(".png", data)), surplus(".png", data)


def test_a_jpeg_with_a_thumbnail_is_no_picture_of_ours() -> None:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG")
    assert surplus(".png", buffer.getvalue()) == ["it is not a PNG picture"]


@pytest.mark.parametrize(
    ("suffix", "data", "sound"),
    [
        (".json", b'{"images": [1, 2.5, null]}', True),
        (".json", b'{"images": [}', False),
        (".json", b'{"a": 1}\0', False),
        (".json", b"\xff\xfe{}", False),
        (".json", "\ufeff{}".encode(), False),
        (".txt", b"0 0.5 0.25 1 1e-3\n0 -1 0 0 0\n\n", True),
        (".txt", b"images/00ff.png\n", False),
        (".txt", b"seen at the lake\n", False),
        (".yaml", b"names: {0: person}\npath: .\n", True),
        (".yaml", b"a: [", False),
        (".csv", b"1,2", False),
    ],
)  # fmt: skip
def test_text_is_what_its_name_says(suffix: str, data: bytes, sound: bool) -> None:
    assert (surplus(suffix, data) == []) == sound
