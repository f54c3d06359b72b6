"""PDF files that are small and ask for a lot, or are broken."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from ocr_bench.hostile.bombs import zeros_deflated


def pdf(objects: Sequence[bytes], trailer: bytes = b"/Root 1 0 R", *, xref: int | None = None) -> bytes:
    """A PDF file of numbered objects; `xref` is where its table is said to stand."""
    data, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data) if xref is None else xref
    return data + table + b"trailer<</Size %d %b>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)


def stream(data: bytes, words: bytes = b"") -> bytes:
    """A stream object."""
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (words, len(data), data)


def page(
    content: bytes = b"",
    *,
    box: bytes = b"0 0 200 100",
    resources: bytes = b"/Font<</F 5 0 R>>",
    extra: Sequence[bytes] = (),
    words: bytes = b"",
) -> bytes:
    """A PDF file of one page; objects of `extra` are numbered from 6 on."""
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 4 0 R/Resources<<%b>>>>" % (box, resources),
            stream(content, words),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *extra,
        ]
    )


TEXT = b"BT /F 20 Tf 20 40 Td (Total 42) Tj ET"
_FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 200 100]"


def _laughs(depth: int, fan: int) -> bytes:
    """Forms that each draw the next one several times."""
    forms = [
        stream(b"/X Do " * fan, b"%b/Resources<</XObject<</X %d 0 R>>>>" % (_FORM, 7 + number))
        for number in range(depth)
    ]
    return page(b"/X Do", resources=b"/XObject<</X 6 0 R>>", extra=[*forms, stream(TEXT, _FORM)])


def _image(width: int, height: int) -> bytes:
    words = (
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
    )
    data = zeros_deflated(min(width * height, 1 << 29))
    return page(
        b"200 0 0 100 0 0 cm /X Do",
        resources=b"/XObject<</X 6 0 R>>",
        extra=[stream(data, words % (width, height))],
    )


def _deflated(content: bytes) -> bytes:
    return page(zlib.compress(content), words=b"/Filter/FlateDecode")


def _filters(times: int) -> bytes:
    """Deflated over and over."""
    data = TEXT
    for _ in range(times):
        data = zlib.compress(data)
    return page(data, words=b"/Filter[%b]" % (b"/FlateDecode" * times))


PDFS: dict[str, Callable[[], bytes]] = {
    "pdf, plain": lambda: page(TEXT),
    "pdf, beginning alone": lambda: b"%PDF-1.7\n",
    "pdf, no page": lambda: pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]),
    "pdf, says 2^31 pages": lambda: pdf(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 2147483647>>"]
    ),
    "pdf, pages in a ring": lambda: pdf(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Parent 2 0 R/Kids[2 0 R 2 0 R]/Count 4>>"]
    ),
    "pdf, table elsewhere": lambda: pdf([b"<</Type/Catalog>>"], xref=1 << 40),
    "pdf, table before itself": lambda: pdf([b"<</Type/Catalog>>"], b"/Root 1 0 R/Prev 9", xref=9),
    "pdf, page of 10^9 points": lambda: page(TEXT, box=b"0 0 1000000000 1000000000"),
    "pdf, page of no size": lambda: page(TEXT, box=b"0 0 0 0"),
    "pdf, page of negative size": lambda: page(TEXT, box=b"100 100 -100 -100"),
    "pdf, page of nonsense size": lambda: page(TEXT, box=b"/A (b) nan 1e999"),
    "pdf, page of 1 x 14400": lambda: page(TEXT, box=b"0 0 1 14400"),
    "pdf, content of 512 MiB": lambda: page(zeros_deflated(1 << 29), words=b"/Filter/FlateDecode"),
    "pdf, 300000 lines": lambda: _deflated(b"0 0 m 200 100 l S\n" * 300_000),
    "pdf, 2000000 states": lambda: _deflated(b"q " * 2_000_000),
    "pdf, deflated 40 times": lambda: _filters(40),
    "pdf, forms in forms 10^9 times": lambda: _laughs(9, 10),
    "pdf, form in itself": lambda: _laughs(0, 1).replace(TEXT, b"/X Do".ljust(len(TEXT))),
    "pdf, picture of 20000x20000": lambda: _image(20_000, 20_000),
    "pdf, picture of 60000x60000": lambda: _image(60_000, 60_000),
    "pdf, picture of -1x-1": lambda: _image(-1, -1),
    "pdf, encrypted": lambda: pdf(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"],
        b"/Root 1 0 R/Encrypt<</Filter/Standard/V 5/R 6/O(x)/U(x)/P -1>>/ID[(a)(b)]",
    ),
    "pdf, a script to run": lambda: pdf(
        [b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(while(true){})>>>>", b"<</Type/Pages/Kids[]>>"]
    ),
}
