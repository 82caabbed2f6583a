"""Every kind of file that people have, against pixels that are known beforehand."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from refsd.images import ImageError, encode_png, image_size, load_image, save_png


def file_of(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def raw_png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG by hand (W3C PNG specification), for kinds that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def colours() -> np.ndarray:
    """40 x 24 (not square), every pixel another colour, no symmetry."""
    rng = np.random.default_rng(5)
    return rng.integers(0, 256, (24, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", [("PNG", {}), ("WEBP", {"lossless": True})])
def test_lossless_kinds_come_back_bit_for_bit(colours: np.ndarray, kind: tuple) -> None:
    image = load_image(file_of(Image.fromarray(colours), kind[0], **kind[1]))
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, colours)


def test_jpeg_is_close_to_what_was_saved() -> None:
    smooth = np.zeros((32, 48, 3), dtype=np.uint8)
    smooth[..., 0] = np.linspace(0, 255, 48)
    image = load_image(file_of(Image.fromarray(smooth), "JPEG", quality=95))
    assert np.abs(image.astype(int) - smooth).max() <= 8


def test_path_and_content_give_the_same(tmp_path: Path, colours: np.ndarray) -> None:
    path = tmp_path / "picture.whatever"  # the content decides, not the name
    path.write_bytes(file_of(Image.fromarray(colours), "PNG"))
    np.testing.assert_array_equal(load_image(path), load_image(path.read_bytes()))
    np.testing.assert_array_equal(load_image(str(path)), colours)


# What each orientation does to the stored picture so that it stands upright, by the words of the
# EXIF standard: where row 0 and column 0 of the stored picture are to be seen.
UPRIGHT = {
    1: lambda a: a,  # top, left
    2: lambda a: a[:, ::-1],  # top, right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.transpose(1, 0, 2),  # left, top
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],  # right, top
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],  # right, bottom
    8: lambda a: a.transpose(1, 0, 2)[::-1],  # left, bottom
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_orientation_is_applied(colours: np.ndarray, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = file_of(Image.fromarray(colours), kind, exif=exif, **options)
    expected = UPRIGHT[orientation](colours)
    np.testing.assert_array_equal(load_image(data), expected)
    assert image_size(data) == (expected.shape[1], expected.shape[0])


def test_orientation_of_a_jpeg() -> None:
    picture = Image.new("RGB", (64, 32), "black")
    picture.paste("white", (0, 0, 16, 32))  # white on the left
    exif = Image.Exif()
    exif[0x0112] = 6
    image = load_image(file_of(picture, "JPEG", exif=exif))
    assert image.shape == (64, 32, 3)
    assert image[:12].min() > 200  # turned clockwise: white on top
    assert image[20:].max() < 50


def test_broken_exif_leaves_the_picture_as_it_lies(colours: np.ndarray) -> None:
    data = file_of(Image.fromarray(colours), "PNG", exif=b"Exif\0\0no TIFF at all")
    np.testing.assert_array_equal(load_image(data), colours)


def test_grey(colours: np.ndarray) -> None:
    image = load_image(file_of(Image.fromarray(colours[..., 0]), "PNG"))
    np.testing.assert_array_equal(image, np.repeat(colours[..., :1], 3, axis=2))


def test_black_and_white() -> None:
    bits = np.array([[True, False], [False, False]])
    image = load_image(file_of(Image.fromarray(bits), "PNG"))
    np.testing.assert_array_equal(image[..., 1], bits * 255)


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3)])
def test_sixteen_bits_keep_the_upper_eight(colour: int, channels: int) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (16, 20, channels)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    image = load_image(raw_png(20, 16, 16, colour, rows))
    np.testing.assert_array_equal(image, np.broadcast_to(deep >> 8, (16, 20, 3)))


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha.astype(float) / 255
    return colour * share + 255 * (1 - share)


def test_transparency_lies_on_white(colours: np.ndarray) -> None:
    alpha = np.random.default_rng(2).integers(0, 256, (24, 40, 1), dtype=np.uint8)
    rgba = file_of(Image.fromarray(np.concatenate([colours, alpha], axis=2)), "PNG")
    expected = over_white(colours, alpha)
    assert np.abs(load_image(rgba) - expected).max() <= 1
    grey = Image.fromarray(np.concatenate([colours[..., :1], alpha], axis=2))
    assert grey.mode == "LA"
    expected = over_white(colours[..., :1], alpha)
    assert np.abs(load_image(file_of(grey, "PNG")) - expected).max() <= 1


def test_palette_with_transparent_entries() -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata([0, 1, 2])
    data = file_of(picture, "PNG", transparency=bytes([255, 0, 255]))
    np.testing.assert_array_equal(load_image(data), [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]])


def test_colour_that_means_transparent(colours: np.ndarray) -> None:
    key = tuple(int(value) for value in colours[3, 4])
    image = load_image(file_of(Image.fromarray(colours), "PNG", transparency=key))
    expected = colours.copy()
    expected[3, 4] = 255
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize(
    ("inks", "rgb"),
    [((0, 0, 0, 0), (255, 255, 255)), ((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), (0, 0, 0))],
)
def test_cmyk_jpeg(inks: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    # Pillow writes CMYK inverted, with Adobe's marker, as Photoshop does.
    data = file_of(Image.new("CMYK", (16, 16), inks), "JPEG", quality=95)
    assert b"Adobe" in data
    assert np.abs(load_image(data).astype(int) - rgb).max() <= 3


def matrix_profile(primaries: list[list[float]], gamma: float) -> bytes:
    """An ICC v2 display profile by hand (ICC.1:2001-04): three colorants and one gamma."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: list[float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"by hand\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79),
        b"wtpt": xyz([0.9642, 1.0, 0.8249]),
        b"rXYZ": xyz(primaries[0]),
        b"gXYZ": xyz(primaries[1]),
        b"bXYZ": xyz(primaries[2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
        b"cprt": b"text\0\0\0\0CC0\0",
    }
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    header += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return header.ljust(128, b"\0") + table + body


SRGB_D50 = np.array(  # sRGB's primaries, adapted to D50 (Bradford), as in IEC 61966-2-1 profiles
    [[0.4360, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]]
)


def test_embedded_profile_is_converted_to_srgb() -> None:
    # Red and green change places, and gamma is 1: both must be undone.
    swapped = matrix_profile(SRGB_D50[[1, 0, 2]].tolist(), 1.0)
    linear = np.array([0.2, 0.05, 0.6])
    stored = np.round(linear * 255).astype(np.uint8)
    data = file_of(
        Image.fromarray(np.broadcast_to(stored, (4, 4, 3)).copy()), "PNG", icc_profile=swapped
    )
    value = stored[[1, 0, 2]] / 255
    expected = 255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    assert np.abs(load_image(data)[0, 0] - expected).max() <= 2


def test_srgb_profile_changes_nothing(colours: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = file_of(Image.fromarray(colours), "PNG", icc_profile=profile)
    np.testing.assert_array_equal(load_image(data), colours)


@pytest.mark.parametrize("profile", [b"nonsense", matrix_profile(SRGB_D50.tolist(), 1.0)])
def test_profile_that_does_not_fit_is_ignored(colours: np.ndarray, profile: bytes) -> None:
    # Nonsense, and a profile for RGB in a grey picture.
    data = file_of(Image.fromarray(colours[..., 0]), "PNG", icc_profile=profile)
    np.testing.assert_array_equal(load_image(data)[..., 0], colours[..., 0])


def test_first_picture_of_a_phones_jpeg() -> None:
    white, black = (Image.new("RGB", (32, 32), name) for name in ("white", "black"))
    data = file_of(white, "MPO", save_all=True, append_images=[black])
    assert load_image(data).min() > 250


# ---- what is refused -------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[ImageError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"just a few words\n", "not a JPEG, PNG or WebP"),
        (b"GIF89a" + bytes(30), "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(30), "HEIC"),
        (b"\xff\xd8\xff\xe0" + bytes(30), "not a JPEG, PNG or WebP"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    for function in (load_image, image_size):
        with pytest.raises(ImageError, match=words) as error:
            function(path)
        assert one_line(error).startswith(f"{path}: ")


def test_gif_and_animations_are_refused(colours: np.ndarray) -> None:
    frames = [Image.fromarray(colours), Image.fromarray(255 - colours)]
    with pytest.raises(ImageError, match="GIF"):
        load_image(file_of(frames[0], "GIF"))
    for kind in ("PNG", "WEBP"):
        with pytest.raises(ImageError, match="animation"):
            load_image(file_of(frames[0], kind, save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_off_files_are_refused(colours: np.ndarray, kind: str, share: float) -> None:
    data = file_of(Image.fromarray(np.tile(colours, (4, 4, 1))), kind)
    with pytest.raises(ImageError) as error:
        load_image(data[: int(len(data) * share)])
    assert "copy it again" in one_line(error) or "save it as one" in one_line(error)


@pytest.mark.parametrize("side", [12_500, 30_000])
def test_too_many_pixels_are_refused_before_decoding(side: int) -> None:
    # 156 and 900 million pixels in a file of a few bytes: decoding would fail, so it was not tried.
    with pytest.raises(ImageError, match="more than 150 million pixels") as error:
        load_image(raw_png(side, side, 8, 2, b""))
    assert "scale it down" in one_line(error)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        load_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)


def test_file_without_rights(tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(b"x")
    path.chmod(0)
    root = os.geteuid() == 0
    if root:  # root may read everything, so step down for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(ImageError, match="rights"):
            load_image(path)
    finally:
        if root:
            os.seteuid(0)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_damaged_files_give_a_picture_or_one_error(data: st.DataObject, kind: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    content = bytearray(file_of(Image.fromarray(noise), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = load_image(bytes(content))
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3


# ---- writing ---------------------------------------------------------------------------------


def test_png_is_lossless_and_bare(tmp_path: Path, colours: np.ndarray) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"older")
    save_png(path, colours)
    np.testing.assert_array_equal(load_image(path), colours)
    data, kinds, place = path.read_bytes(), [], 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kinds.append(data[place + 4 : place + 8])
        place += length + 12
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}  # no text, time, EXIF or profile
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


def test_failed_write_leaves_the_old_file(tmp_path: Path, colours: np.ndarray) -> None:
    path = tmp_path / "out.png"
    save_png(path, colours)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="uint8"):
        save_png(path, colours.astype(np.float32))  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


def test_encode_png_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match="uint8"):
        encode_png(np.zeros((4, 4), dtype=np.uint8))
