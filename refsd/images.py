"""Pictures in and out: every kind of file becomes the same kind of array, or one clear error.

Only JPEG, PNG and WebP are opened, whatever the file is called; other decoders stay shut, which
keeps their bugs out of reach of files that strangers made.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "WEBP")

MAX_PIXELS = 150_000_000
"""Larger pictures are refused before they are decoded: 450 MB as an array. The largest single
shots of today's cameras have 151 million pixels; photos of phones have at most 200 million, mostly
12 to 50."""

MAX_BYTES = 1 << 30
"""Larger files are refused before they are read."""

ORIENTATION_TAG = 0x0112

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Value of EXIF's tag Orientation (CIPA DC-008, table 4) → what puts the picture upright."""

SIDEWAYS = (5, 6, 7, 8)
"""Orientations in which width and height change places."""

OTHER_KINDS = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (0, b"%PDF", "a PDF"),
    (4, b"ftypavif", "an AVIF"),
    (4, b"ftyphei", "a HEIC"),
    (4, b"ftypmif1", "a HEIC"),
    (4, b"ftyp", "a video"),
)
"""Place in the file, the bytes there, and what such a file is, for better messages."""


class ImageError(ValueError):
    """A picture that cannot be used; the message names the file and what to do, in one line."""


def load_image(source: Path | str | bytes) -> NDArray[np.uint8]:
    """Decode a picture.

    EXIF orientation is applied. An embedded ICC profile is converted to sRGB (a broken one, or
    one for another kind of picture, is ignored, as browsers do); pictures without a profile are
    taken as sRGB, CMYK by Pillow's plain formula with Adobe's inverted inks. Transparent pixels
    lie on white. Of 16 bits per channel the upper 8 are kept. Of a JPEG with several pictures
    (depth or brightness maps of phones) the first is taken; animations are refused.

    Args:
        source: path of a file, or a file's content.

    Returns:
        uint8 (H, W, 3), sRGB, C-contiguous.

    Raises:
        ImageError: the file is missing, unreadable, empty, broken, cut off, of another kind,
            animated, or has more than ``MAX_PIXELS`` pixels.
    """
    name = _name(source)
    with _open(source) as image:
        try:
            image.load()
            upright = _upright(_to_srgb(image), image)
        except Exception as error:  # decoders of broken data raise errors of every kind
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ImageError(
                f"{name}: is broken or cut off ({reason}); copy it again or remove it"
            ) from error
    return np.ascontiguousarray(upright, dtype=np.uint8)


def image_size(source: Path | str | bytes) -> tuple[int, int]:
    """Width and height in pixels, orientation applied, from the header alone.

    Raises:
        ImageError: as :func:`load_image`, but for pictures whose data are broken or cut off.
    """
    with _open(source) as image:
        width, height = image.size
        sideways = _orientation(image) in SIDEWAYS
    return (height, width) if sideways else (width, height)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A picture as PNG: lossless, and without any metadata.

    Args:
        image: uint8 (H, W, 3), sRGB.

    Raises:
        ValueError: another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def save_png(path: Path | str, image: NDArray[np.uint8]) -> None:
    """Write a picture as PNG, without metadata; the file is there whole or not at all.

    Args:
        path: where to; an existing file is replaced.
        image: uint8 (H, W, 3), sRGB.

    Raises:
        ValueError: another type or shape.
        OSError: the place cannot be written, or the disk is full; no part of a file stays behind.
    """
    path = Path(path)
    temporary = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(encode_png(image))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _name(source: Path | str | bytes) -> str:
    return "the picture" if isinstance(source, bytes) else str(source)


def _open(source: Path | str | bytes) -> Image.Image:
    """Read the header, and refuse what is not to be decoded."""
    name = _name(source)
    data = source if isinstance(source, bytes) else _read(Path(source))
    if not data:
        raise ImageError(f"{name}: is empty (0 bytes); copy it again or remove it")
    for place, magic, kind in OTHER_KINDS:
        if data.startswith(magic, place):
            raise ImageError(f"{name}: is {kind}; save it as JPEG, PNG or WebP")
    try:
        with warnings.catch_warnings():
            # Pillow warns below our own limit, and refuses only above it.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(name)) from error
    except Exception as error:  # decoders of broken data raise errors of every kind
        raise ImageError(
            f"{name}: is not a JPEG, PNG or WebP picture; save it as one, or remove it"
        ) from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(_too_large(name))
    # JPEG files with several pictures (Pillow calls them MPO) are phones' photos.
    if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
        raise ImageError(f"{name}: is an animation; save one of its frames as a picture")
    return image


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(f"{path}: has {size} bytes; no picture of use is that large")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file; check the path") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path}: is a folder, not a picture") from error
    except PermissionError as error:
        raise ImageError(f"{path}: you may not read it; change its rights (chmod u+r)") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from error


def _too_large(name: str) -> str:
    limit = MAX_PIXELS // 1_000_000
    return f"{name}: has more than {limit} million pixels; scale it down first"


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # unreadable EXIF: the picture is shown as it lies, as viewers do
        return 1


def _upright(rgb: Image.Image, image: Image.Image) -> Image.Image:
    """``rgb`` turned as the metadata of ``image`` say."""
    orientation = _orientation(image)
    return rgb.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else rgb


def _to_srgb(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes for JPEG, PNG and WebP as RGB in sRGB."""
    profile = image.info.get("icc_profile")
    flat = _on_white(image)
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if not ImageCms.getProfileDescription(source).startswith("sRGB"):
                converted = ImageCms.profileToProfile(
                    flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # broken, or for another kind of picture: ignored, see load_image
    return flat.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """The picture as L, RGB or CMYK, with transparent pixels on white."""
    if image.mode.startswith("I"):  # 16-bit grey, where Pillow's own conversion would clip
        high = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(high.clip(0, 255).astype(np.uint8))
    if image.mode in ("L", "RGB", "CMYK") and "transparency" not in image.info:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("LA", "La"):
        grey, alpha = image.convert("LA").split()
        return Image.composite(grey, Image.new("L", grey.size, 255), alpha)
    coloured = image.convert("RGBA")
    white = Image.new("RGBA", coloured.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, coloured).convert("RGB")
