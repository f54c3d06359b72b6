"""A font that shows nothing and holds every character: what the text layer of a searchable PDF is set in.

Each character that the document uses gets a code, and the font's ToUnicode table says which character it is. All
codes share one glyph without ink, half an em wide and one em high, so the font takes a few kilobytes however many
scripts a document has.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import pikepdf
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._g_l_y_f import Glyph
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from ocr_documents.errors import DocumentTooLarge

EM = 1000  # units of the font
ADVANCE = 500  # units, of every character
ASCENT, DESCENT = 800, -200  # units: a character's box is as high as the font size
# The box of the glyph itself is lower than its line. pdfium takes lines that fill the height of a page more than its
# width, as those of a receipt or a table do, for columns of vertical writing, and breaks them at each word.
GLYPH_BOTTOM, GLYPH_TOP = -50, 600  # units
FONT_NAME = "OcrGlyphless"

_MAX_CODE = 0xFFFE
_BLOCK = 100  # entries of one bfchar block (Adobe Technical Note 5411)
_MADE = 3_786_912_000  # seconds since 1904, the first of January 2024: a font has a date, and equal fonts equal bytes

_CMAP_HEAD = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
"""
_CMAP_TAIL = b"""endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class GlyphlessFont:
    """The font of one document; pages may refer to `object` before it is complete.

    Attributes:
        object: the font dictionary, an indirect object of the document.
    """

    def __init__(self, pdf: Pdf) -> None:
        self._pdf = pdf
        self._codes: dict[str, int] = {}
        self.object = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type0))

    def encode(self, text: str) -> bytes:
        """Return the codes of some characters, two bytes each, as a hexadecimal string of a content stream.

        Raises:
            DocumentTooLarge: the document has more different characters than there are codes.
        """
        codes = [self._codes.setdefault(character, len(self._codes) + 1) for character in text]
        if len(self._codes) > _MAX_CODE:
            raise DocumentTooLarge(
                f"the document has more than {_MAX_CODE:,} different characters; write its pages as several documents"
            )
        return b"<%s>" % b"".join(b"%04X" % code for code in codes)

    def complete(self) -> None:
        """Write the font for the characters encoded so far."""
        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name("/" + FONT_NAME),
            Flags=4 | 1,  # symbolic, of fixed pitch
            FontBBox=Array([0, DESCENT, ADVANCE, ASCENT]),
            ItalicAngle=0,
            Ascent=ASCENT,
            Descent=DESCENT,
            CapHeight=ASCENT,
            StemV=80,
            FontFile2=self._stream(program := font_program(), Length1=len(program)),
        )
        descendant = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=Name("/" + FONT_NAME),
            CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
            FontDescriptor=self._pdf.make_indirect(descriptor),
            DW=ADVANCE,
            CIDToGIDMap=self._stream(b"\0\0" + b"\0\1" * len(self._codes)),
        )
        self.object.BaseFont = Name("/" + FONT_NAME)
        self.object.Encoding = Name("/Identity-H")
        self.object.DescendantFonts = Array([self._pdf.make_indirect(descendant)])
        self.object.ToUnicode = self._stream(b"".join(self._to_unicode()))

    def _stream(self, data: bytes, **entries: int) -> pikepdf.Object:
        return Stream(self._pdf, zlib.compress(data), Filter=Name.FlateDecode, **entries)

    def _to_unicode(self) -> Iterator[bytes]:
        yield _CMAP_HEAD
        entries = list(self._codes.items())
        for begin in range(0, len(entries), _BLOCK):
            block = entries[begin : begin + _BLOCK]
            yield b"%d beginbfchar\n" % len(block)
            for character, code in block:
                yield b"<%04X> <%s>\n" % (code, character.encode("utf-16-be").hex().upper().encode())
            yield b"endbfchar\n"
        yield _CMAP_TAIL


def is_glyphless(font: pikepdf.Object) -> bool:
    """Whether a font dictionary is one of these."""
    return isinstance(font, Dictionary) and font.get("/BaseFont") == Name("/" + FONT_NAME)


def font_program() -> bytes:
    """Return the TrueType font: `.notdef` and one glyph that is a line there and back, so that it has a box but no ink.

    pdfium measures by that box what is selected, and loses characters whose box is empty.
    """
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", "blank"])
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "blank": _line()})
    builder.setupHorizontalMetrics({".notdef": (ADVANCE, 0), "blank": (ADVANCE, 0)})
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    builder.setupCharacterMap({})
    builder.setupNameTable({"familyName": FONT_NAME, "styleName": "Regular", "psName": FONT_NAME})
    builder.setupOS2(sTypoAscender=ASCENT, sTypoDescender=DESCENT, usWinAscent=ASCENT, usWinDescent=-DESCENT)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = _MADE
    builder.font.recalcTimestamp = False
    written = io.BytesIO()
    builder.save(written)
    return written.getvalue()


def _line() -> Glyph:
    pen = TTGlyphPen(None)
    pen.moveTo((0, GLYPH_BOTTOM))
    pen.lineTo((ADVANCE, GLYPH_TOP))
    pen.closePath()
    return pen.glyph()
