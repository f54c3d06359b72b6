import io

import pikepdf
import pytest
from fontTools.ttLib import TTFont

from ocr_documents.errors import DocumentTooLarge
from ocr_documents.pdf import glyphless
from ocr_documents.pdf.glyphless import ADVANCE, GLYPH_BOTTOM, GLYPH_TOP, GlyphlessFont, font_program


@pytest.fixture
def pdf():
    with pikepdf.new() as made:
        yield made


def table(font):
    return font.object.ToUnicode.read_bytes().decode()


def test_each_character_has_a_code_of_its_own_and_keeps_it(pdf):
    font = GlyphlessFont(pdf)
    assert font.encode("abca") == b"<0001000200030001>"
    assert font.encode("cab") == b"<000300010002>"


def test_the_table_names_every_character_also_outside_the_basic_plane(pdf):
    font = GlyphlessFont(pdf)
    font.encode("é中𠮷")
    font.complete()
    assert "3 beginbfchar\n<0001> <00E9>\n<0002> <4E2D>\n<0003> <D842DFB7>\nendbfchar" in table(font)


def test_the_table_comes_in_blocks_of_a_hundred(pdf):
    font = GlyphlessFont(pdf)
    font.encode("".join(map(chr, range(0x4E00, 0x4E00 + 250))))
    font.complete()
    assert [line for line in table(font).splitlines() if line.endswith("beginbfchar")] == [
        "100 beginbfchar",
        "100 beginbfchar",
        "50 beginbfchar",
    ]


def test_more_characters_than_codes_are_refused(pdf, monkeypatch):
    monkeypatch.setattr(glyphless, "_MAX_CODE", 3)
    font = GlyphlessFont(pdf)
    font.encode("abc")
    with pytest.raises(DocumentTooLarge, match="more than 3 different characters"):
        font.encode("d")


def test_every_code_shows_the_glyph_without_ink_and_none_the_one_for_missing_characters(pdf):
    font = GlyphlessFont(pdf)
    font.encode("abc")
    font.complete()
    assert font.object.DescendantFonts[0].CIDToGIDMap.read_bytes() == b"\0\0" + b"\0\1" * 3


def test_the_glyph_has_a_box_and_no_area():
    font = TTFont(io.BytesIO(font_program()))
    glyph = font["glyf"][font.getGlyphOrder()[1]]
    assert (glyph.xMin, glyph.yMin, glyph.xMax, glyph.yMax) == (0, GLYPH_BOTTOM, ADVANCE, GLYPH_TOP)
    assert len(glyph.coordinates) == 2
    assert font["hmtx"].metrics[font.getGlyphOrder()[1]] == (ADVANCE, 0)


def test_the_same_font_is_written_again_with_the_same_bytes():
    assert font_program() == font_program()
    assert len(font_program()) < 1024
