"""Decoding: every format gives what a person sees, and what is not a whole picture is refused."""

import base64
import contextlib
import io
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocr_contract.errors import ImageTooLarge, InvalidImage, InvalidInput
from ocr_pipeline.stages.decode import decode_image, pixels_of_array, pixels_of_rgb
from ocr_pipeline.stages.files import MAX_BYTES, image_bytes


def smooth_rgb(height=80, width=120):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encode(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


RGB = smooth_rgb()
BGR = RGB[..., ::-1].astype(int)
PICTURE = Image.fromarray(RGB)
LOSSLESS = {
    "png": encode(PICTURE, "PNG"),
    "bmp": encode(PICTURE, "BMP"),
    "tiff": encode(PICTURE, "TIFF"),
    "webp": encode(PICTURE, "WEBP", lossless=True),
}
LOSSY = {
    "jpeg": encode(PICTURE, "JPEG", quality=95),
    "progressive jpeg": encode(PICTURE, "JPEG", quality=95, progressive=True),
    "cmyk jpeg": encode(PICTURE.convert("CMYK"), "JPEG", quality=95),
    "gif": encode(PICTURE, "GIF"),
    "palette png": encode(PICTURE.quantize(256), "PNG"),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_the_very_pixels(name):
    assert np.array_equal(decode_image(LOSSLESS[name]), BGR)


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_give_nearly_the_pixels(name):
    assert np.abs(decode_image(LOSSY[name]).astype(int) - BGR).mean() < 12


def test_jpeg_is_what_pillow_decodes():
    data = LOSSY["jpeg"]
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image)[..., ::-1].astype(int)
    assert np.abs(decode_image(data).astype(int) - expected).max() <= 4


@pytest.mark.parametrize("mode", ["L", "I;16", "1"])
def test_gray_pictures_have_three_equal_channels(mode):
    gray = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (80, 1))
    image = {
        "L": lambda: Image.fromarray(gray),
        "I;16": lambda: Image.fromarray(gray.astype(np.uint16) * 257),
        "1": lambda: Image.fromarray(gray).point(lambda level: 255 * (level > 100), mode="1"),
    }[mode]()
    pixels = decode_image(encode(image, "PNG"))
    expected = np.where(gray > 100, 255, 0) if mode == "1" else gray
    assert np.array_equal(pixels, np.repeat(expected[..., None], 3, axis=2))


def test_16_bit_colour_png_keeps_the_upper_byte():
    ok, data = cv2.imencode(".png", (BGR * 257).astype(np.uint16))
    assert ok
    assert np.array_equal(decode_image(data.tobytes()), BGR)


@pytest.mark.parametrize(
    ("gray", "expected"),
    [
        (np.array([[0, 128 * 257, 65535]], np.int32), [0, 128, 255]),
        (np.array([[0, 128, 200]], np.int32), [0, 128, 200]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 127, 255]),
        (np.array([[0, 128, 255]], np.float32), [0, 128, 255]),
        (np.array([[0, np.nan, 1]], np.float32), [0, 0, 255]),
    ],
)
def test_gray_tiffs_of_other_types_keep_their_range(gray, expected):
    assert decode_image(encode(Image.fromarray(gray), "TIFF"))[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40), b"MM\0*" + bytes(9)]
)
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "JPEG"])
def test_exif_nonsense_is_passed_over(exif, file_format):
    assert decode_image(encode(PICTURE, file_format, exif=exif)).shape == BGR.shape


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize(("level", "ground"), [(0, 255), (100, 255), (160, 0), (255, 0)])
@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_transparency_is_laid_on_what_the_visible_pixels_stand_out_from(file_format, level, ground, mode):
    rgba = np.zeros((10, 20, 4), np.uint8)  # left half transparent black
    rgba[:, 10:] = (level, level, level, 255)
    picture = Image.fromarray(rgba)
    picture = picture.quantize(4) if mode == "P" else picture.convert(mode)
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    pixels = decode_image(encode(picture, file_format, **options))
    assert (pixels[:, :10] == ground).all()
    assert (pixels[:, 10:] == level).all()


def test_an_opaque_picture_with_an_alpha_channel_is_the_picture():
    assert np.array_equal(decode_image(encode(PICTURE.convert("RGBA"), "PNG")), BGR)


def test_16_bit_gray_with_a_transparent_level_is_laid_on_a_ground():
    gray = np.repeat(np.array([[0, 60_000]], np.uint16), 8, axis=1)
    pixels = decode_image(encode(Image.fromarray(gray), "PNG", transparency=60_000))
    assert pixels[0, :, 0].tolist() == [0] * 8 + [255] * 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied(orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.full((40, 60, 3), 255, np.uint8)
    corner[:20, :20] = 0
    pixels = decode_image(encode(Image.fromarray(corner), file_format, exif=exif))
    turned = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[orientation]
    assert pixels.shape[:2] == ((60, 40) if orientation > 4 else (40, 60))
    y, x = (index * (size - 1) for index, size in zip(turned, pixels.shape[:2], strict=True))
    assert pixels[y, x].max() < 30


PAGES = {"red": (0, 0, 255), "blue": (255, 0, 0), "lime": (0, 255, 0)}


def pages(file_format, **options):
    """A file of three pictures, each of another colour and, in a document, of another size."""
    sizes = (30, 40, 50) if file_format == "TIFF" else (30, 30, 30)
    frames = [Image.new("RGB", (size, 20), colour) for size, colour in zip(sizes, PAGES, strict=True)]
    options |= {"lossless": True} if file_format == "WEBP" else {}
    return encode(frames[0], file_format, save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_picture_unless_another_is_named(file_format):
    for page, colour in enumerate(["red", *PAGES]):
        assert (decode_image(pages(file_format), page=page) == PAGES[colour]).all()


def test_a_page_of_a_document_has_to_be_named():
    with pytest.raises(InvalidImage, match="the TIFF file has 3 pages; name one with the option page, 1 to 3"):
        decode_image(pages("TIFF"))
    for page, colour in enumerate(PAGES, 1):
        pixels = decode_image(pages("TIFF"), page=page)
        assert pixels.shape == (20, 20 + 10 * page, 3)
        assert (pixels == PAGES[colour]).all()
    assert decode_image(LOSSLESS["tiff"]).shape == decode_image(LOSSLESS["tiff"], page=1).shape == BGR.shape


@pytest.mark.parametrize(
    ("data", "count"), [(pages("TIFF"), 3), (pages("GIF"), 3), (LOSSY["jpeg"], 1), (LOSSLESS["png"], 1)]
)
def test_a_page_that_is_not_there_is_refused_with_the_number_of_those_that_are(data, count):
    with pytest.raises(InvalidImage, match=f"page 4 is asked for, but the .* file has {count}"):
        decode_image(data, page=4)


def directories(data):
    """Offsets of the directories of a TIFF file."""
    with Image.open(io.BytesIO(data)) as picture:
        return [(picture.seek(number), picture.tag_v2._offset)[1] for number in range(picture.n_frames)]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_broken_page_is_refused_alone(compression):
    data = bytearray(pages("TIFF", compression=compression))
    second = directories(bytes(data))[1]
    data[second + 2 : second + 50] = b"\xff" * 48  # entries of no known tag
    with pytest.raises(InvalidImage, match="the TIFF file has 3 pages"):
        decode_image(bytes(data))
    with pytest.raises(InvalidImage, match="the file is broken"):
        decode_image(bytes(data), page=2)
    assert [decode_image(bytes(data), page=page).shape[1] for page in (1, 3)] == [30, 50]


def test_the_first_picture_of_a_jpeg_that_holds_several_is_read():
    data = pages("MPO")
    for page, colour in enumerate(["red", *PAGES]):
        assert np.abs(decode_image(data, page=page).astype(int) - PAGES[colour]).max() < 4


def gif_of(count, side):
    """An animation of so many specks on a canvas of side x side pixels."""
    speck = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    delay = b"\x21\xf9\x04\0\x0a\0\0\0"
    return (
        b"GIF89a"
        + 2 * side.to_bytes(2, "little")
        + b"\x80\0\0"
        + bytes(3)
        + b"\xff" * 3
        + count * (delay + speck)
        + b";"
    )


def test_a_page_far_back_in_an_animation_is_refused_before_all_others_are_decoded():
    assert decode_image(gif_of(10, 100), max_pixels=20_000, page=10).shape == (100, 100, 3)
    with pytest.raises(ImageTooLarge, match="up to page 11 they have 110000 pixels; the limit is 100000"):
        decode_image(gif_of(10_000, 100), max_pixels=20_000, page=10_000)


def test_a_later_picture_that_enlarges_an_animation_is_bounded_too():
    larger = gif_of(2, 10).replace(b"\x2c\0\0\0\0\x01\0\x01\0", b"\x2c\0\0\0\0\x64\0\x64\0", 2)
    with pytest.raises(ImageTooLarge, match="100 x 100 pixels"):
        decode_image(larger, max_pixels=10_000, page=2)


@pytest.mark.parametrize("data", [*LOSSLESS.values(), *LOSSY.values()], ids=[*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_truncated_files_are_refused(data, share):
    with pytest.raises(InvalidImage):
        decode_image(data[: int(len(data) * share)])


def test_bytes_after_the_end_of_a_jpeg_do_no_harm():
    assert decode_image(LOSSY["jpeg"] + b"trailing notes of a camera").shape == BGR.shape


@pytest.mark.parametrize(
    "wrap",
    [
        base64.b64encode,
        base64.urlsafe_b64encode,
        base64.encodebytes,
        lambda data: b"data:image/png;base64," + base64.b64encode(data),
        lambda data: b"  " + base64.b64encode(data) + b"\n",
    ],
)
def test_base64_and_data_urls_are_the_same_picture(wrap):
    assert np.array_equal(decode_image(wrap(LOSSLESS["png"])), BGR)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"hello, world!", "not an image"),
        (b"aGVsbG8gd29ybGQ=", "not an image"),
        (base64.b64encode(LOSSLESS["png"])[:-3], "base64"),
        (b"data:image/png,abc", "data URL"),
        (b"\xff\xd8\xff", "truncated|cannot|not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "cannot|not an image"),
        (b"%PDF-1.7 ...", "not an image"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(data, reason):
    with pytest.raises(InvalidImage, match=reason):
        decode_image(data)


def test_pixel_limit_is_read_from_the_header():
    header_only = encode(Image.new("L", (10_000, 9_000)), "PNG")[:60]
    with pytest.raises(ImageTooLarge, match=r"10000 x 9000 pixels, the limit is 50000000 for PNG L; raise max_pixels"):
        decode_image(header_only)


@pytest.mark.parametrize(("data", "share"), [(LOSSY["jpeg"], 1), (LOSSLESS["png"], 2), (LOSSY["cmyk jpeg"], 2)])
def test_what_takes_twice_the_memory_may_have_half_the_pixels(data, share):
    assert decode_image(data, max_pixels=share * 80 * 120).shape == BGR.shape
    with pytest.raises(ImageTooLarge):
        decode_image(data, max_pixels=share * 80 * 120 - 1)


def test_pillows_own_guard_is_left_as_it_was_and_answers_as_ours_does():
    script = (
        "import io; from PIL import Image; before = Image.MAX_IMAGE_PIXELS;"
        "from ocr_pipeline.stages.decode import decode_image; from ocr_contract.errors import ImageTooLarge;"
        "import ocr_predictor; assert Image.MAX_IMAGE_PIXELS == before is not None;"
        "data = io.BytesIO(); Image.new('1', (20_000, 20_000)).save(data, 'PNG')\n"
        "try: decode_image(data.getvalue(), max_pixels=10**9)\n"
        "except ImageTooLarge as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "raise max_pixels" in done.stdout


MEMORY_SCRIPT = """
import io, sys
from PIL import Image
from ocr_pipeline.stages.decode import decode_image
mode, turned = sys.argv[1], sys.argv[2] == "turned"
exif = Image.Exif()
if turned: exif[0x0112] = 6
data, form = io.BytesIO(), "TIFF" if mode in "IF" else "PNG"
if mode == "animation":
    first, *others = (Image.new("RGB", (3000, 2500), (level, 0, 0)) for level in (0, 50, 100))
    first.save(data, "GIF", save_all=True, append_images=others, disposal=2)
    del first, others
else:
    Image.new(mode, (3000, 2500)).save(data, form, exif=exif, compression="tiff_deflate")
before = int(open("/proc/self/statm").read().split()[1]) * 4096
open("/proc/self/clear_refs", "w").write("5")
decode_image(data.getvalue(), page=3 if mode == "animation" else 0)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
print((peak - before) / (3000 * 2500))
"""


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "LA", "L", "P", "1", "I;16", "I", "F", "animation"])
@pytest.mark.parametrize("turn", ["upright", "turned"])
def test_decoding_takes_the_memory_that_is_stated(mode, turn):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, mode, turn], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) / 2 < 9  # bytes a pixel of max_pixels, of which a PNG may have half


@pytest.mark.parametrize(
    "data",
    [
        b"A" + b" " * 10**7 + b"!",
        b"A" * 10**7 + b"!",
        b"=" * 10**7,
        b" " * 10**7,
        b"data:" + b"," * 10**7,
        b"A" + b"\n=" * 10**6,
        b"ABC " * 10**7,
    ],
)
def test_text_that_is_no_picture_is_refused_at_once(data):
    started = time.monotonic()
    with pytest.raises(InvalidImage):
        decode_image(data)
    assert time.monotonic() - started < 2  # a quadratic search would take days


def test_sizes_are_looked_at_before_text_is():
    for data in (b"A" * (2 * MAX_BYTES + 1), b"A" * int(1.5 * MAX_BYTES)):
        with pytest.raises(ImageTooLarge, match="raise max_bytes"):
            decode_image(data)


@pytest.mark.parametrize(
    "array",
    [
        RGB[..., 0],
        RGB[..., :1],
        RGB[..., ::-1],
        np.dstack([RGB[..., ::-1], RGB[..., 0]]),
        RGB[..., 0].astype(np.uint16) * 200,
        RGB[..., ::-1].astype(np.uint16) * 200,
    ],
    ids=["gray", "gray with an axis", "BGR", "BGRA", "16-bit gray", "16-bit BGR"],
)
def test_an_array_is_what_its_png_file_is(array):
    written, data = cv2.imencode(".png", array)
    assert written
    assert np.array_equal(pixels_of_array(array), decode_image(data.tobytes()))


def test_byte_limit():
    with pytest.raises(ImageTooLarge, match="raise max_bytes"):
        decode_image(LOSSLESS["png"], max_bytes=100)


@given(st.binary(max_size=200))
def test_hostile_bytes_never_do_worse_than_being_refused(data):
    for signature in (
        b"",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
        b"RIFF\x10\x00\x00\x00WEBP",
        b"II*\x00",
    ):
        try:
            pixels = decode_image(signature + data)
        except InvalidInput:
            continue
        assert pixels.ndim == 3


@given(st.binary(min_size=1, max_size=60), st.integers(0, 2000))
def test_damaged_jpegs_are_decoded_or_refused(damage, at):
    data = LOSSY["jpeg"]
    at %= len(data)
    with contextlib.suppress(InvalidInput):
        decode_image(data[:at] + damage + data[at + len(damage) :])


SEVERAL = [
    *(pages("TIFF", compression=compression) for compression in ("raw", "tiff_lzw", "jpeg")),
    *(pages(file_format) for file_format in ("GIF", "WEBP", "PNG", "MPO")),
]


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it passes over
@given(st.sampled_from(SEVERAL), st.binary(min_size=1, max_size=4), st.integers(0, 5000), st.integers(0, 3))
def test_damaged_files_of_several_pictures_are_decoded_or_refused(data, damage, at, page):
    at = 4 + at % (len(data) - 4)
    with contextlib.suppress(InvalidInput):
        decode_image(data[:at] + damage + data[at + len(damage) :], max_pixels=10**6, page=page)


@pytest.mark.parametrize(
    "data",
    [
        # Found by trying: a field that is no number, a list that is too short, an unknown value, a lacking palette.
        gif_of(1, 10)[:-12] + b";",
        LOSSY["gif"][:10] + b"\x00" + LOSSY["gif"][11:],
    ],
)
def test_files_whose_fields_are_nonsense_are_decoded_or_refused(data):
    with contextlib.suppress(InvalidInput):
        decode_image(data)


def test_image_bytes_leaves_files_alone():
    assert image_bytes(LOSSY["jpeg"]) is LOSSY["jpeg"]


JPEG_HEAD, JPEG_REST = LOSSY["jpeg"][:2], LOSSY["jpeg"][2:]


@pytest.mark.parametrize(
    "data",
    [
        JPEG_HEAD + b"\xff\xe5\x00\x02" * 10**7 + JPEG_REST,
        JPEG_HEAD + b"\xff" * 5 * 10**7 + JPEG_REST,
        JPEG_HEAD + b"\xff\xfe\x00\x03A" * 10**7,
        JPEG_HEAD + b"\xff" * 5 * 10**7,
        JPEG_HEAD + (b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)) * 900 + JPEG_REST,
        LOSSY["progressive jpeg"][:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 10**6 + b"\xff\xd9",
        LOSSLESS["png"][:33] + b"\x00\x00\x00\x00abCD\x00\x00\x00\x00" * 4 * 10**6 + LOSSLESS["png"][33:],
        b"II*\0" + b"".join((at + 8).to_bytes(4, "little") + bytes(2) for at in range(0, 6 * 10**6, 6)),
    ],
    ids=["segments", "padding", "comments", "nothing but padding", "EXIF", "scans", "chunks", "pages"],
)
def test_a_file_of_millions_of_parts_is_refused_at_once(data):
    started = time.monotonic()
    with pytest.raises(InvalidImage, match="more than"):
        decode_image(data)
    assert time.monotonic() - started < 2  # going through them takes half a minute


def test_ordinary_padding_and_segments_do_no_harm():
    data = JPEG_HEAD + (b"\xff" * 9 + b"\xe5\x00\x02") * 200 + b"\xff" * 100 + JPEG_REST
    assert np.array_equal(decode_image(data), decode_image(LOSSY["jpeg"]))


def test_an_array_may_have_as_many_pixels_as_its_png_file():
    with pytest.raises(ImageTooLarge, match="120 x 80 pixels, the limit is 9599 for an array"):
        pixels_of_array(RGB[..., ::-1], max_pixels=2 * 80 * 120 - 2)


def test_rgb_pixels_are_what_their_png_file_is():
    assert np.array_equal(pixels_of_rgb(RGB), decode_image(LOSSLESS["png"]))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3)])
def test_rgb_pixels_without_a_pixel_are_refused(shape):
    with pytest.raises(InvalidImage, match=f"at least one pixel, got {shape[1]} x {shape[0]}"):
        pixels_of_rgb(np.zeros(shape, np.uint8))


def test_rgb_pixels_may_be_as_many_as_those_of_their_png_file():
    assert pixels_of_rgb(RGB, max_pixels=2 * 80 * 120).shape == (80, 120, 3)
    with pytest.raises(ImageTooLarge, match="120 x 80 pixels, the limit is 9599 for raw pixels"):
        pixels_of_rgb(RGB, max_pixels=2 * 80 * 120 - 2)
