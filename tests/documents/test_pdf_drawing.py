"""Pages of a PDF file are drawn as a viewer shows them."""

import io
import zlib

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image
from tests.documents.pdf_files import filled_form, pdf_file, saved, text

from ocr_documents.errors import BrokenDocument, DocumentTooLarge
from ocr_documents.limits import Limits
from ocr_documents.pdf.drawing import Drawing

BLACK = b"0 0 0 rg "
CORNER = BLACK + b"100 600 80 40 re f"  # 100 points from the left, 600 from the bottom


def drawn(content, dpi=72, number=1):
    return Drawing(content, Limits()).page(number, dpi, with_text=False)[1]


def ink(pixels):
    """Left, top, right, bottom of what is dark."""
    rows, columns = np.nonzero((pixels if pixels.ndim == 2 else pixels.min(axis=2)) < 128)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_a_page_is_drawn_at_the_resolution_asked_for():
    assert drawn(pdf_file(CORNER)).shape == (792, 612)
    pixels = drawn(pdf_file(CORNER), dpi=144)
    assert pixels.shape == (1584, 1224)
    assert ink(pixels) == (200, 304, 360, 384)


def test_colours_are_blue_green_red():
    pixels = drawn(pdf_file(b"1 0 0 rg 0 0 612 792 re f"))
    assert pixels.shape == (792, 612, 3)
    assert pixels[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ("turn", "expected"),
    [(0, (100, 152, 180, 192)), (90, (600, 100, 640, 180)), (180, (432, 600, 512, 640)), (270, (152, 432, 192, 512))],
)
def test_a_turned_page_is_drawn_turned(turn, expected):
    assert ink(drawn(pdf_file(CORNER, Rotate=turn))) == expected


def test_only_what_the_crop_box_holds_is_drawn():
    pixels = drawn(pdf_file(CORNER, CropBox=[90, 500, 190, 650]))
    assert pixels.shape == (150, 100)
    assert ink(pixels) == (10, 10, 90, 50)


def test_a_page_that_counts_in_larger_units_is_larger():
    pixels = drawn(pdf_file(CORNER, UserUnit=2))
    assert pixels.shape == (1584, 1224)
    assert ink(pixels) == (200, 304, 360, 384)


def test_a_unit_that_is_none_leaves_those_of_other_pages():
    with pikepdf.open(io.BytesIO(pdf_file(CORNER, CORNER, UserUnit=2))) as pdf:
        pdf.pages[0].UserUnit = pikepdf.Name.Large
        file = io.BytesIO()
        pdf.save(file)
    drawing = Drawing(file.getvalue(), Limits())
    assert [drawing.page(number, 72, with_text=False)[1].shape for number in (1, 2)] == [(792, 612), (1584, 1224)]


def test_an_empty_page_is_white():
    pixels = drawn(pdf_file(b""))
    assert pixels.shape == (792, 612)
    assert (pixels == 255).all()


def test_values_of_a_form_are_drawn():
    field = np.s_[792 - 715 : 792 - 690, 150:350]
    assert (drawn(filled_form(b"Ada Lovelace"))[field] < 100).sum() > 100


def test_a_page_of_200_inches_is_too_large():
    with pytest.raises(DocumentTooLarge, match=r"page 1 is 200 x 200 inches: at 200 dpi it has 40,000 x 40,000 pixels"):
        drawn(pdf_file(b"", MediaBox=[0, 0, 14_400, 14_400]), dpi=200)
    assert drawn(pdf_file(b"", MediaBox=[0, 0, 14_400, 14_400]), dpi=10).shape == (2000, 2000)


def test_a_page_larger_than_any_is_one_error():
    with pytest.raises(DocumentTooLarge, match="page 1 is"):
        drawn(pdf_file(b"", MediaBox=[0, 0, 1e9, 1e9]))


def test_a_page_without_area_is_one_error():
    with pytest.raises(BrokenDocument, match="page 1 has no area"):
        drawn(pdf_file(b"", CropBox=[1000, 1000, 1100, 1100]))


@pytest.mark.parametrize("box", [[0, 0, 0.001, 0.001], [10, 10, 10.1, 700]])
def test_a_page_of_next_to_nothing_is_a_pixel_wide(box):
    assert drawn(pdf_file(b"", MediaBox=box)).shape[1] == 1


def with_object(made):
    """A page on which the object that `made` returns for its PDF is drawn."""
    with pikepdf.open(io.BytesIO(pdf_file(b"q 612 0 0 792 0 0 cm /X Do Q"))) as pdf:
        pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(X=made(pdf)))
        return saved(pdf)


def picture(side, bits, colours, data, filters):
    def made(pdf):
        stream = pikepdf.Stream(pdf, data)
        for key, value in (
            *(("Type", Name.XObject), ("Subtype", Name.Image), ("Width", side), ("Height", side)),
            *(("BitsPerComponent", bits), ("ColorSpace", colours), ("Filter", filters)),
        ):
            stream[f"/{key}"] = value
        return stream

    return with_object(made)


def test_a_large_scan_in_black_and_white_is_drawn():
    side = 20_000
    data = zlib.compress(zlib.compress(bytes(side // 8 * side), 9), 9)
    pixels = drawn(picture(side, 1, Name.DeviceGray, data, Array([Name.FlateDecode] * 2)))
    assert (pixels == 0).all()


def test_a_picture_that_would_be_left_out_is_one_error():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    header = file.getvalue().replace(b"\x08\x00\x08\x00\x08\x03", b"\x08\x9c\x40\x9c\x40\x03")  # 40,000 x 40,000 pixels
    with pytest.raises(DocumentTooLarge, match=r"holds a picture of 40,000 x 40,000 pixels"):
        drawn(picture(40_000, 8, Name.DeviceRGB, header, Name.DCTDecode))


def test_a_form_that_draws_itself_is_drawn_once():
    def made(pdf):
        form = pdf.make_indirect(pikepdf.Stream(pdf, b"/X Do 0 0 .5 .5 re f"))
        form["/Type"], form["/Subtype"], form["/BBox"] = Name.XObject, Name.Form, Array([0, 0, 1, 1])
        form["/Resources"] = Dictionary(XObject=Dictionary(X=form))
        return form

    assert ink(drawn(with_object(made))) == (0, 396, 306, 792)


@pytest.mark.parametrize("content", [b"[" * 1_000_000, b"q " * 500_000, b"<<" * 300_000, bytes(range(256)) * 1000])
def test_nonsense_among_the_drawing_is_passed_over(content):
    assert ink(drawn(pdf_file(CORNER + b" " + content))) == (100, 152, 180, 192)


def test_a_page_that_is_not_there_is_an_error_of_that_page_alone():
    content = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>> endobj
trailer <</Root 1 0 R>>
"""
    assert len(Drawing(content, Limits())) == 2
    assert drawn(content).shape == (100, 100)
    with pytest.raises(BrokenDocument, match="page 2 cannot be read"):
        drawn(content, number=2)


def test_a_file_without_its_end_is_one_error():
    with pytest.raises(BrokenDocument, match="is not a PDF file, or a broken one"):
        drawn(pdf_file(CORNER, text("second"))[:-300])


def test_a_file_whose_table_of_objects_is_wrong_is_read():
    content = pdf_file(CORNER, text("second"))
    assert ink(drawn(content.replace(b"\n0000000", b"\n1111111"))) == (100, 152, 180, 192)


def test_a_file_is_opened_anew_now_and_then_so_that_memory_stays_flat(monkeypatch):
    monkeypatch.setattr("ocr_documents.pdf.drawing.PAGES_OF_AN_OPENING", 2)
    drawing = Drawing(pdf_file(*[CORNER] * 5, UserUnit=2), Limits())
    opened = set()
    for number in range(1, 6):
        assert ink(drawing.page(number, 72, with_text=True)[1]) == (200, 304, 360, 384)
        opened.add(drawing._pdf)
    assert len(opened) == 3
