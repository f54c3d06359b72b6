"""The text that a PDF page carries: lines and words, and where they stand on the drawn page."""

import io

import numpy as np
import pikepdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name
from tests.documents.pdf_files import filled_form, pdf_file, saved, text

from ocr_contract.result import OcrResult
from ocr_documents.limits import Limits
from ocr_documents.pdf.drawing import Drawing

DPI = 144


def read(content):
    """Its own text, and the drawn page."""
    answer, pixels = Drawing(content, Limits()).page(1, DPI, with_text=True)
    return answer["text"] and OcrResult.from_dict(answer["text"]), pixels


def ink_share(pixels, boxes):
    """How much of what is dark lies in upright hulls of boxes."""
    dark = (pixels if pixels.ndim == 2 else pixels.min(axis=2)) < 128
    inside = np.zeros_like(dark)
    for quad in boxes:
        (left, top), (right, bottom) = np.floor(quad.min(axis=0)).astype(int), np.ceil(quad.max(axis=0)).astype(int)
        inside[max(top, 0) : bottom, max(left, 0) : right] = True
    return (dark & inside).sum() / dark.sum()


def test_lines_and_words_come_in_their_order():
    found, _ = read(pdf_file(text("The first line", 100, 700) + text("and the second", 100, 686)))
    assert found.texts == ("The first line", "and the second")
    assert found.words == ("The", "first", "line", "and", "the", "second")
    assert found.word_lines.tolist() == [0, 0, 0, 1, 1, 1]
    assert (found.scores == 1).all() and (found.word_scores == 1).all() and (found.box_scores == 1).all()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [[0, 0, 612, 792], [50, 300, 500, 750]])
@pytest.mark.parametrize("unit", [1, 2])
def test_words_stand_where_they_are_drawn(turn, crop, unit):
    found, pixels = read(pdf_file(text("Hello there"), Rotate=turn, CropBox=crop, UserUnit=unit))
    assert found.words == ("Hello", "there")
    assert ink_share(pixels, found.word_boxes) == 1
    first, second = (ink_share(pixels, [quad]) for quad in found.word_boxes)
    assert 0.3 < first < 0.7 and 0.3 < second < 0.7


@settings(max_examples=20, deadline=None)
@given(st.floats(-180, 180), st.floats(6, 40), st.sampled_from([-1, 1]), st.booleans())
def test_tilted_words_have_tilted_boxes(degrees, size, sign, in_matrix):
    angle = np.deg2rad(degrees)
    scale, own = (sign * size, 1) if in_matrix else (sign, size)
    scale, own = (abs(scale), sign * own) if sign < 0 else (scale, own)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = f"{cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f}"
    found, pixels = read(pdf_file(text("Hello", 300, 400, own, matrix)))
    box = found.boxes[0].astype(np.float64)
    along = (box[1] - box[0]) / np.linalg.norm(box[1] - box[0])
    expected = sign * np.array([np.cos(angle), -np.sin(angle)])
    np.testing.assert_allclose(along, expected, atol=1e-3)
    down = box[3] - box[0]
    assert along[0] * down[1] - along[1] * down[0] > 0  # clockwise
    assert np.linalg.norm(box[1] - box[0]) == pytest.approx(2.278 * size * DPI / 72, rel=0.02)  # Helvetica's widths
    rows, columns = np.nonzero(pixels < 128)
    places = np.stack([columns, rows], axis=1) + 0.5 - box[0]
    inside = places @ along, places @ down / np.linalg.norm(down)
    assert inside[0].min() > -2 and inside[0].max() < np.linalg.norm(box[1] - box[0]) + 2
    assert inside[1].min() > -2 and inside[1].max() < np.linalg.norm(down) + 2


def test_text_that_cannot_be_seen_counts():
    found, pixels = read(pdf_file(text("unseen text", mode=3)))
    assert found.words == ("unseen", "text")
    assert (pixels == 255).all()


@pytest.mark.parametrize("content", [b"", b"0 0 100 100 re f", text(" "), text("gone", x=-300), text("gone", y=2000)])
def test_a_page_without_text_carries_none(content):
    assert read(pdf_file(content))[0] is None


def test_words_far_apart_on_one_height_are_lines_of_their_own():
    found, _ = read(pdf_file(text("left", 100) + text("middle", 123) + text("right", 400)))
    assert found.texts == ("left middle", "right")


def test_a_raised_digit_stays_in_its_line():
    found, _ = read(pdf_file(text("note", 100) + text("1", 124, 704, 8) + text("goes on", 132)))
    assert len(found.texts) == 1


def block_font():
    """A font program whose every character but the first is a block of a whole em."""
    pen = TTGlyphPen(None)
    for move, corner in zip(
        [pen.moveTo, pen.lineTo, pen.lineTo, pen.lineTo], [(0, -120), (0, 880), (1000, 880), (1000, -120)], strict=True
    ):
        move(corner)
    pen.closePath()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "block"])
    builder.setupCharacterMap({})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "block": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "block": (1000, 0)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupOS2()
    builder.setupNameTable({"familyName": "Block", "styleName": "Regular"})
    builder.setupPost()
    font = io.BytesIO()
    builder.save(font)
    return font.getvalue()


def cid_font(pdf, encoding):
    """A Japanese font that the file carries, so that those of the machine do not matter."""
    font = Dictionary(
        **{"Type": Name.Font, "Subtype": Name.CIDFontType2, "BaseFont": Name.Block},
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Japan1", Supplement=4),
        CIDToGIDMap=pdf.make_stream(b"\0\0" + b"\0\1" * 20_000),
        FontDescriptor=Dictionary(
            **{"Type": Name.FontDescriptor, "FontName": Name.Block, "Flags": 4, "ItalicAngle": 0, "StemV": 80},
            **{"FontBBox": Array([0, -120, 1000, 880]), "Ascent": 880, "Descent": -120, "CapHeight": 700},
            FontFile2=pdf.make_stream(block_font()),
        ),
    )
    return Dictionary(
        **{"Type": Name.Font, "Subtype": Name.Type0, "BaseFont": Name.Block, "Encoding": Name("/" + encoding)},
        DescendantFonts=Array([pdf.make_indirect(font)]),
    )


@pytest.mark.parametrize(("encoding", "along"), [("UniJIS-UCS2-H", (1, 0)), ("UniJIS-UCS2-V", (0, 1))])
def test_cjk_characters_are_words_along_their_line(encoding, along):
    string = "日本語の文"
    with pikepdf.open(io.BytesIO(pdf_file(b""))) as pdf:
        page = pdf.pages[0].obj
        page.Resources = Dictionary(Font=Dictionary(F1=cid_font(pdf, encoding)))
        page.Contents = pdf.make_stream(f"BT /F1 20 Tf 300 700 Td <{string.encode('utf-16-be').hex()}> Tj ET".encode())
        found, _ = read(saved(pdf))
    assert found.texts == (string,)
    assert found.words == tuple(string)
    for box, length in ((found.boxes[0], 5 * 40), *((quad, 40) for quad in found.word_boxes)):
        np.testing.assert_allclose(box[1] - box[0], np.array(along) * length, atol=0.5)
        np.testing.assert_allclose(np.linalg.norm(box[3] - box[0]), 40, atol=0.5)


def test_a_font_that_does_not_tell_its_characters_leaves_the_page_to_be_read():
    with pikepdf.open(io.BytesIO(pdf_file(text("ABCD ABCD")))) as pdf:
        private = b"1 beginbfrange <00> <ff> <e000> endbfrange"
        pdf.pages[0].obj.Resources.Font.F1.ToUnicode = pdf.make_stream(private)
        assert read(saved(pdf))[0] is None


def test_values_of_a_form_are_among_the_text():
    found, pixels = read(filled_form(b"Ada Lovelace"))
    assert "Name: Ada Lovelace" in " ".join(found.texts)
    assert ink_share(pixels, found.word_boxes) > 0.9


def test_a_note_on_a_scan_is_not_text_that_the_page_carries():
    with pikepdf.open(io.BytesIO(pdf_file(b"0 0 100 100 re f"))) as pdf:
        page = pdf.pages[0].obj
        note = Dictionary(
            **{"Type": Name.Annot, "Subtype": Name.FreeText, "Contents": b"seen", "Rect": Array([150, 600, 350, 640])},
            **{"F": 4, "DA": b"/Helv 12 Tf 0 g"},
        )
        page.Annots = Array([pdf.make_indirect(note)])
        found, pixels = read(saved(pdf))
    assert found is None
    assert (pixels[(792 - 640) * 2 : (792 - 600) * 2, 300:700] < 100).any()


def scan_with(marks):
    """A page that a gray picture covers, and marks on it."""
    with pikepdf.open(io.BytesIO(pdf_file(b"q 612 0 0 792 0 0 cm /Im0 Do Q " + marks))) as pdf:
        picture = pikepdf.Stream(pdf, bytes([200]))
        picture.stream_dict = Dictionary(
            Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1, ColorSpace=Name.DeviceGray, BitsPerComponent=8
        )
        pdf.pages[0].Resources.XObject = Dictionary(Im0=picture)
        return saved(pdf)


def test_a_scan_with_a_stamp_is_read_and_one_that_was_read_is_kept():
    stamp, much = (
        text("FILED 2024"),
        b"".join(text("Words upon words upon words", 40, 60 * row) for row in range(1, 13)),
    )
    assert read(scan_with(stamp))[0] is None
    assert read(scan_with(text("FILED 2024", mode=3)))[0].words == ("FILED", "2024")
    assert len(read(scan_with(much))[0]) == 12
    assert read(pdf_file(stamp))[0].words == ("FILED", "2024")
