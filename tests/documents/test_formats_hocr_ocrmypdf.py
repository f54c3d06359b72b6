"""hOCR as OCRmyPDF reads it."""

from ocrmypdf.hocrtransform import HocrParser
from tests.documents.pages import box, page, written

from ocr_documents.formats.hocr import Hocr

LINE = ("Longjing tea", box(50, 100, 240))
WORDS = [("Longjing", box(50, 100, 160), 0), ("tea", box(230, 100, 60), 0)]


def test_ocrmypdf_reads_what_was_written(tmp_path):
    path = tmp_path / "page.hocr"
    path.write_text(written(Hocr, page(LINE, ("second", box(50, 126, 100)), words=WORDS)), encoding="utf-8")
    read = HocrParser(path).parse()
    assert (read.bbox.width, read.bbox.height, read.page_number, read.dpi) == (1000, 1400, 0, 200)
    lines = [line for paragraph in read.children for line in paragraph.children]
    assert [[(word.text, word.confidence, word.bbox.left) for word in line.children] for line in lines] == [
        [("Longjing", 0.75, 50), ("tea", 0.75, 230)],
        [("second", 0.9, 50)],
    ]
    assert (lines[0].baseline.slope, lines[0].baseline.intercept) == (0, -4)
