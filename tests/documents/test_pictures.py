"""A picture is one page, of the size that a person sees."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from ocr_documents.errors import BrokenDocument, DocumentTooLarge
from ocr_documents.opening import open_document
from ocr_documents.pictures import PictureDocument
from ocr_pipeline.stages.decode import decode_image

ORIENTATION = 0x0112


def page_of(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    with open_document(file.getvalue()) as document:
        page = document.page(1)
    assert page.picture == file.getvalue()
    return page


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_turned_picture(kind, orientation):
    page = page_of(Image.new("RGB", (30, 20)), kind, exif=turned(orientation))
    assert (page.height_px, page.width_px) == decode_image(page.picture).shape[:2]


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12", b"\xff" * 30])
def test_exif_data_that_are_nonsense_turn_nothing(exif):
    page = page_of(Image.new("RGB", (30, 20)), "JPEG", exif=exif)
    assert (page.width_px, page.height_px) == (30, 20)


@pytest.mark.parametrize("mode", ["CMYK", "L", "RGB"])
def test_a_jpeg_picture_is_handed_over_as_it_is(mode):
    page = page_of(Image.new(mode, (30, 20)), "JPEG", dpi=(300, 300))
    assert (page.width_px, page.height_px, page.dpi) == (30, 20, 300)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_the_resolution_is_told(kind):
    assert page_of(Image.new("RGB", (30, 20)), kind, dpi=(204, 98)).dpi == pytest.approx(204, abs=0.1)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_the_resolution_turns_with_the_picture(kind):
    assert page_of(Image.new("RGB", (30, 20)), kind, dpi=(204, 98), exif=turned(6)).dpi == pytest.approx(98, abs=0.1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF"])
def test_no_resolution_is_made_up(kind):
    assert page_of(Image.new("RGB", (30, 20)), kind).dpi is None


def test_a_resolution_that_is_nonsense_is_none():
    for dpi in (2, 12, 9600, 1e6):
        assert page_of(Image.new("RGB", (30, 20)), "PNG", dpi=(dpi, dpi)).dpi is None


def test_an_animation_is_its_first_picture():
    frames = [Image.fromarray(np.full((20, 30), level, np.uint8)) for level in (0, 128, 255)]
    page = page_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(page.picture).max() == 0


def test_a_png_picture_is_not_decoded_to_know_its_size(monkeypatch):
    content = io.BytesIO()
    Image.new("RGB", (30, 20)).save(content, "PNG", dpi=(300, 300))
    monkeypatch.delattr(ImageFile.ImageFile, "load")
    with open_document(content.getvalue()) as document:
        assert document.page(1).width_px == 30


def test_more_pixels_than_pillow_opens_are_one_error():
    content = io.BytesIO()
    Image.new("1", (20, 20)).save(content, "PNG")
    data = bytearray(content.getvalue())
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(DocumentTooLarge, match="is too large"):
        open_document(bytes(data))


@pytest.mark.parametrize(
    ("part", "count"), [(b"\xff\xe5\x00\x02", 10**6), (b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527), 900)]
)
def test_a_file_of_too_many_parts_is_refused_before_pillow_goes_through_them(part, count):
    file = io.BytesIO()
    Image.new("RGB", (30, 20)).save(file, "JPEG")
    data = file.getvalue()
    with pytest.raises(BrokenDocument, match="a JPEG file of more than"):
        PictureDocument(data[:2] + part * count + data[2:])
