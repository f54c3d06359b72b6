"""Pages are cut out of a TIFF file as they are: each decodes to the pixels that it has in the whole file."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from ocr_contract.errors import InvalidImage
from ocr_documents.errors import BrokenDocument, DocumentTooLarge
from ocr_documents.opening import open_document
from ocr_documents.tiff_directories import Directories
from ocr_pipeline.stages.decode import decode_image

KINDS = [
    *[("1", None), ("1", "group3"), ("1", "group4"), ("1", "tiff_ccitt")],
    *[("L", None), ("L", "jpeg"), ("L", "tiff_lzw"), ("P", None), ("P", "tiff_lzw"), ("LA", None)],
    *[("RGB", "jpeg"), ("RGB", "packbits"), ("RGB", "tiff_adobe_deflate"), ("RGB", "zstd"), ("RGBA", "tiff_lzw")],
    *[("CMYK", None), ("CMYK", "tiff_lzw"), ("I;16", None), ("I;16", "tiff_lzw"), ("I", None), ("F", None)],
]


def noise(mode, width, height):
    random = np.random.default_rng(width)
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 1 << 16, (height, width), np.uint16))
    if mode in ("I", "F"):
        return Image.fromarray(random.integers(0, 1 << 16, (height, width)).astype(np.int32 if mode == "I" else "f4"))
    levels = random.integers(0, 256, (height, width, 4), np.uint8)
    if mode in ("RGBA", "CMYK"):
        return Image.frombytes(mode, (width, height), levels.tobytes())
    picture = Image.fromarray(levels[..., :3])
    return picture.quantize(20) if mode == "P" else picture.convert(mode)


def tiff(*pages, **options):
    """A TIFF of pages, each (picture, options of its own)."""
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file, True) as writer:
        for picture, own in pages:
            picture.save(writer, "TIFF", **options, **own)
            writer.newFrame()
    return file.getvalue()


@pytest.fixture(scope="module")
def mixed():
    return tiff(
        *(
            (
                noise(mode, 50 + 7 * n, 400 - 9 * n),
                {"compression": how, "dpi": (72 + n, 30), "tiffinfo": {274: 1 + n % 8}},
            )
            for n, (mode, how) in enumerate(KINDS)
        )
    )


def check(content, number):
    with open_document(content) as document:
        page = document.page(number)
    pixels = decode_image(page.picture)
    np.testing.assert_array_equal(pixels, decode_image(content, page=number))
    assert (page.height_px, page.width_px) == pixels.shape[:2]
    return page


@pytest.mark.parametrize("number", range(1, len(KINDS) + 1))
def test_a_page_has_the_pixels_that_it_has_in_the_file(mixed, number):
    page = check(mixed, number)
    assert page.dpi == (30 if (number - 1) % 8 >= 4 else 71 + number)


def test_pages_together_are_as_long_as_the_file(mixed):
    with open_document(mixed) as document:
        assert sum(len(document.page(number).picture) for number in range(1, len(document) + 1)) < 1.01 * len(mixed)


def test_a_bigtiff_file_is_read_likewise():
    first, second = noise("RGB", 40, 30), noise("1", 30, 70)
    file = io.BytesIO()
    first.save(file, "TIFF", big_tiff=True, save_all=True, append_images=[second], compression="tiff_lzw")
    assert check(file.getvalue(), 1).width_px == 40
    assert check(file.getvalue(), 2).height_px == 70


def test_a_file_of_one_page_is_handed_over_as_it_is():
    content = tiff((noise("L", 30, 20), {}))
    with open_document(content) as document:
        assert document.page(1).picture == content


def test_a_page_that_does_not_say_where_its_data_end_is_read_as_in_the_whole_file():
    content = tiff((noise("L", 40, 30), {}), (noise("L", 41, 31), {}))
    content = content.replace(struct.pack("<HHI", 279, 4, 1), struct.pack("<HHI", 40_279, 4, 1))  # lengths of strips
    assert check(content, 2).width_px == 41


def test_centimetres_are_made_inches():
    content = tiff((noise("L", 30, 20), {"x_resolution": 100, "y_resolution": 50, "resolution_unit": "cm"}))
    with open_document(content) as document:
        assert document.page(1).dpi == pytest.approx(254)


def directories(content):
    return list(Directories(io.BytesIO(content)).offsets())


def test_a_broken_page_does_not_hide_those_after_it():
    content = bytearray(tiff(*[(noise("L", 40, 30), {})] * 3))
    at = directories(content)[1]
    content[at + 2 : at + 14] = struct.pack("<HHII", 256, 3, 1, 0)  # no width
    with open_document(bytes(content)) as document:
        assert len(document) == 3
        with pytest.raises(BrokenDocument, match="page 2 is broken"):
            document.page(2)
        assert document.page(3).width_px == 40


def test_pages_that_a_truncated_file_has_lost_are_not_passed_over():
    content = tiff(*[(noise("L", 40, 30), {})] * 3)
    with open_document(content[: directories(content)[2] - 100]) as document:
        assert document.page(1).width_px == 40
        with pytest.raises((BrokenDocument, InvalidImage)):
            decode_image(document.page(2).picture)
        with pytest.raises(BrokenDocument, match="page 3 is broken: the file ends"):
            document.page(3)


def test_directories_that_run_in_a_circle_are_read_once():
    content = bytearray(tiff(*[(noise("L", 40, 30), {})] * 2))
    first, second = directories(content)
    (entries,) = struct.unpack_from("<H", content, second)
    struct.pack_into("<I", content, second + 2 + 12 * entries, first)
    with open_document(bytes(content)) as document:
        assert len(document) == 2


def test_endless_directories_are_too_many(monkeypatch):
    monkeypatch.setattr("ocr_documents.tiff_directories.MAX_DIRECTORIES", 100)
    content = b"II*\0" + struct.pack("<I", 8) + b"".join(struct.pack("<HI", 0, 14 + 6 * n) for n in range(200))
    with pytest.raises(DocumentTooLarge, match="more than 100 pages"):
        open_document(content)


def test_values_that_are_counted_again_and_again_do_not_fill_memory():
    entries = [(256, 3, 1, 9), (257, 3, 1, 9), *((40_000 + n, 1, 500_000, 0) for n in range(5000))]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    content = b"II*\0" + struct.pack("<I", 8) + directory + b"\0" * 600_000
    with open_document(content) as document, pytest.raises(BrokenDocument, match="longer than the file"):
        document.page(1)
