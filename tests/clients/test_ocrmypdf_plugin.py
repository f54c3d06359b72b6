"""The engine for OCRmyPDF, driven by the real ocrmypdf, against the server and in process."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import img2pdf
import numpy as np
import pytest
from ocrmypdf.models.ocr_element import OcrClass
from pdfminer.high_level import extract_text
from PIL import Image, ImageDraw

from ocr_client.drawing.fonts import open_font
from ocr_client.ocrmypdf_plugin.elements import page_element
from ocr_client.ocrmypdf_plugin.engine import TritonPaddleOcrEngine, _orientation, _skew
from ocr_contract.result import OcrResult
from ocr_documents.document import PageResult

ENGINE = "triton-paddleocr"
TEXTS = [f"{name} paragraph of the report" for name in ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")]
WORDS = " ".join(TEXTS).split()


def drawn(turned=0, tilt=0.0):
    """A white page of six lines, the whole page turned clockwise by quarter turns and a tilt, in degrees."""
    page = Image.new("L", (1000, 800), 255)
    for row, text in enumerate(TEXTS):
        ImageDraw.Draw(page).text((120, 120 + 90 * row), text, fill=0, font=open_font()(36))
    return page.rotate(-tilt, fillcolor=255, resample=Image.Resampling.BICUBIC).rotate(-turned, expand=True)


def scan(folder, *pages):
    """A PDF of scanned pages at 150 dpi."""
    pictures = [folder / f"{number}.png" for number in range(len(pages))]
    for picture, page in zip(pictures, pages, strict=True):
        page.save(picture, dpi=(150, 150))
    pdf = folder / "scan.pdf"
    pdf.write_bytes(img2pdf.convert([str(picture) for picture in pictures]))
    return pdf


def ocrmypdf(*arguments):
    command = [str(Path(sys.executable).with_name("ocrmypdf")), "--ocr-engine", ENGINE, "--output-type", "pdf"]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def words_of(pdf):
    return extract_text(pdf).split()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_scan_becomes_searchable_through_the_server(server, tmp_path, protocol):
    url = server.http_url if protocol == "http" else server.grpc_url
    done = ocrmypdf(
        *("--triton-paddleocr-url", url, "--triton-paddleocr-protocol", protocol, "--sidecar", tmp_path / "text"),
        *(scan(tmp_path, drawn()), tmp_path / "out.pdf"),
    )
    assert done.returncode == 0, done.stderr
    assert words_of(tmp_path / "out.pdf") == WORDS
    assert (tmp_path / "text").read_text().split("\n")[:6] == TEXTS


def test_turned_and_tilted_scans_are_turned_back_and_straightened(model_repository, tmp_path):
    pages = [drawn(turned, tilt) for turned, tilt in ((0, 4), (90, 0), (180, -3), (270, 0))]
    done = ocrmypdf(
        *("--triton-paddleocr-local", model_repository, "--rotate-pages", "--deskew"),
        *(scan(tmp_path, *pages), tmp_path / "out.pdf"),
    )
    assert done.returncode == 0, done.stderr
    assert words_of(tmp_path / "out.pdf") == WORDS * 4


def test_without_a_server_the_run_ends_before_the_first_page(tmp_path):
    done = ocrmypdf("--triton-paddleocr-url", "127.0.0.1:9", scan(tmp_path, drawn()), tmp_path / "out.pdf")
    assert done.returncode == 3
    assert "no server is ready at 127.0.0.1:9: start one (ocr-serve)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.pdf").exists()


@pytest.mark.parametrize(
    ("flags", "message", "code"),
    [
        (["--pdf-renderer", "sandwich"], "leave out --pdf-renderer sandwich", 1),
        (["--triton-paddleocr-local", "x", "--triton-paddleocr-url", "y"], "asks no server", 1),
        (["--triton-paddleocr-url", "ftp://here"], "ftp", 1),
        (["--triton-paddleocr-local", "no-such-folder"], "no-such-folder", 3),
    ],
)
def test_flags_that_cannot_work_are_refused(tmp_path, flags, message, code):
    done = ocrmypdf(*flags, scan(tmp_path, drawn()), tmp_path / "out.pdf")
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def quad(x, y, length, height, degrees=0.0):
    """A box whose text begins at (x, y) and runs in a direction, clockwise from the right."""
    turn = np.radians(degrees)
    along, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    corner = np.array([x, y], float)
    return [corner, corner + length * along, corner + length * along + height * down, corner + height * down]


def read(boxes, words_of_a_line=1):
    """A page's result with boxes, each cut into equal words."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4, 2)
    cuts = np.linspace(0, 1, words_of_a_line + 1)
    words = [
        [*(box[0] + (box[1] - box[0]) * cut for cut in ends), *(box[3] + (box[2] - box[3]) * cut for cut in ends[::-1])]
        for box in boxes
        for ends in pairwise(cuts)
    ]
    count = len(words)
    result = OcrResult(
        *(boxes, tuple("word " * words_of_a_line for _ in boxes), np.ones(len(boxes)), np.ones(len(boxes))),
        *(("word",) * count, np.array(words, np.float32).reshape(-1, 4, 2), np.ones(count)),
        np.repeat(np.arange(len(boxes)), words_of_a_line),
    )
    return PageResult(3, 1000, 800, 150.0, "ocr", result)


def test_a_page_without_text_is_a_page_without_lines():
    page = page_element(read([]))
    assert (page.ocr_class, page.page_number, page.lines) == (OcrClass.PAGE, 2, [])
    assert TritonPaddleOcrEngine.languages(None) == set()


def test_a_level_line_holds_its_words():
    (line,) = page_element(read([quad(100, 200, 300, 30)], 3)).lines
    assert (line.bbox.left, line.bbox.top, line.bbox.right, line.bbox.bottom) == pytest.approx((100, 200, 400, 230))
    assert [word.bbox.left for word in line.words] == pytest.approx([100, 200, 300])
    assert line.textangle == 0


@pytest.mark.parametrize(("degrees", "textangle"), [(0, 0), (90, -90), (180, -180), (-90, 90)])
def test_the_words_of_a_slightly_tilted_line_lie_level_where_they_stand(degrees, textangle):
    page = read([quad(500, 400, 300, 30, degrees + 4)], 3)
    lines = page_element(page).lines
    assert len(lines) == 3
    for line, word in zip(lines, page.result.word_boxes, strict=True):
        middle = word.mean(axis=0)
        assert line.textangle % 360 == textangle % 360
        assert ((line.bbox.left + line.bbox.right) / 2, (line.bbox.top + line.bbox.bottom) / 2) == pytest.approx(middle)
        assert sorted([line.bbox.width, line.bbox.height]) == pytest.approx([30, 100], abs=0.1)


def test_a_strongly_tilted_line_keeps_its_tilt_and_the_size_of_its_letters():
    (line,) = page_element(read([quad(100, 600, 300, 30, -30)], 3)).lines
    assert line.baseline.slope == pytest.approx(np.tan(np.radians(-30)))
    assert line.bbox.height == pytest.approx(30, abs=0.1)
    lower_left = quad(100, 600, 300, 30, -30)[3]
    assert (line.bbox.left, line.bbox.bottom) == pytest.approx(lower_left, abs=0.1)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_page_is_turned_as_most_of_its_lines_are(turned):
    boxes = np.array([quad(500, 400, 300, 30, turned + 2)] * 3 + [quad(500, 400, 100, 30, turned + 90)], np.float32)
    angle, confidence = _orientation(boxes)
    assert angle == turned
    assert confidence == pytest.approx(100 * (2 * 0.9 - 1), abs=0.1)
    assert _orientation(boxes[:0]) == (0, 0)


@pytest.mark.parametrize("tilt", [-8.0, -0.5, 0.0, 3.0])
@pytest.mark.parametrize("turned", [0, 90])
def test_skew_is_that_of_the_long_lines(turned, tilt):
    boxes = np.array([quad(500, 400, 300, 30, turned + tilt)] * 3 + [quad(500, 400, 40, 30, 20)], np.float32)
    assert _skew(boxes) == pytest.approx(tilt, abs=0.01)
    assert _skew(boxes[:0]) == 0
