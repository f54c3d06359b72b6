"""The drawn document, what pdftotext's words are held against, and runs that are killed."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pytest

from ocr_bench.contenders.searchable import Broken, Tool, Work, kill_and_resume, make_searchable
from ocr_bench.drawn.document import DPI, KINDS, Scan, scan, write_pdf
from ocr_bench.errors import BenchError
from ocr_bench.measurements.documents import Documents, MeasureDocuments
from ocr_bench.scoring import text_layer
from ocr_bench.scoring.labels import Line
from ocr_bench.scoring.text_layer import LayerScore, Placed, overlaps, placed_words

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)

PAGES = 30
# A client that notes a page every 50 ms and goes on where it was killed: argv is source, target, perhaps --resume.
CLIENT = """
import sys, time
from pathlib import Path

target = Path(sys.argv[2])
parts = target.parent / ".ocr-client" / "parts"
parts.mkdir(parents=True, exist_ok=True)
for number in range(30):
    if not (part := parts / f"{number}.json").exists():
        time.sleep(0.05)
        part.write_text("page")
target.write_text(RESULT)
"""


@pytest.fixture(scope="module")
def scans() -> list[Scan]:
    """One page of each kind."""
    return [scan(number) for number in range(len(KINDS))]


def client(result: str) -> Tool:
    return Tool("client", (sys.executable, "-c", CLIENT.replace("RESULT", repr(result))))


def test_a_document_has_every_kind_and_is_the_same_each_time(tmp_path: Path, scans: list[Scan]) -> None:
    assert [page.kind for page in scans] == list(KINDS)
    assert scan(2).jpeg == scans[2].jpeg
    assert scan(2 + len(KINDS)).jpeg != scans[2].jpeg
    write_pdf(scans, tmp_path / "scans.pdf")
    with pikepdf.open(tmp_path / "scans.pdf") as pdf:
        for page, known in zip(pdf.pages, scans, strict=True):
            height, width = cv2.imdecode(np.frombuffer(known.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).shape
            box = np.array([float(side) for side in page.mediabox])
            assert (box[2:] * DPI / 72).tolist() == pytest.approx([width, height], abs=0.1)


def test_words_stand_where_the_picture_has_ink(scans: list[Scan]) -> None:
    for page in scans:
        picture = cv2.imdecode(np.frombuffer(page.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        for word in page.words[::40]:
            (left, top), (right, bottom) = word.polygon.min(axis=0).astype(int), word.polygon.max(axis=0).astype(int)
            assert picture[top : bottom + 1, left : right + 1].min() < 140, (page.kind, word.text)


def test_overlaps_by_hand() -> None:
    known = np.array([[0, 0, 10, 10], [100, 100, 110, 110]], np.float64)
    found = np.array([[5, 0, 15, 10], [0, 0, 40, 10]], np.float64)
    over_union, over_known = overlaps(known, found)
    assert over_union.tolist() == [pytest.approx(1 / 3), 0]
    assert over_known.tolist() == [1, 0]
    assert [each.tolist() for each in overlaps(known, np.empty((0, 4)))] == [[0, 0], [0, 0]]


def test_a_page_by_hand() -> None:
    known = [Line("a", SQUARE), Line("b", SQUARE + 20), Line("c", SQUARE + 40)]
    boxes = np.array([[20, 20, 30, 30], [0, 0, 10, 30], [90, 90, 99, 99]], np.float64)
    score = LayerScore()
    score.add(known, Placed(("b", "a", "c"), boxes), Placed(("a", "b", "c"), boxes))
    assert score == LayerScore(words=3, met=1, covered=2, in_order=3, in_poppler_order=2)
    assert (score + score).shares == pytest.approx((1 / 3, 2 / 3, 1, 2 / 3))


def test_chinese_is_split_into_characters_and_entities_are_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pdftotext"
    words = '<word xMin="7.2" yMin="0" xMax="21.6" yMax="7.2">{}</word>\n'
    program.write_text(
        f"#!/bin/sh\ncat <<'END'\n<page >\n{words.format('春眠')}<page >\n{words.format('a&amp;b')}END\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    chinese, latin = placed_words(tmp_path / "x.pdf", 100)
    assert (chinese.texts, latin.texts) == (("春", "眠"), ("a&b",))
    assert chinese.boxes == pytest.approx(np.array([[10, 0, 20, 10], [20, 0, 30, 10]]))
    assert latin.boxes == pytest.approx(np.array([[10, 0, 30, 10]]))


def test_pdftotext_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(text_layer.UnavailableError, match="poppler-utils"):
        list(placed_words(tmp_path / "x.pdf", 100))


@pytest.mark.parametrize("equal", [True, False])
def test_a_killed_run_goes_on_and_is_compared(tmp_path: Path, equal: bool) -> None:
    unbroken = tmp_path / "unbroken.pdf"
    unbroken.write_text("whole" if equal else "other")
    with (tmp_path / "log").open("wb") as log:
        broken = kill_and_resume(client("whole"), tmp_path / "x.pdf", unbroken, PAGES, log)
    assert PAGES / 3 <= broken.noted[0] < broken.noted[1] < PAGES
    assert (broken.orphans, broken.early, broken.equal) == (0, False, equal)


def test_a_run_that_fails_or_ends_before_it_is_killed_is_told(tmp_path: Path) -> None:
    failing = Tool("client", (sys.executable, "-c", "raise SystemExit(3)"))
    with (tmp_path / "log").open("wb") as log:
        with pytest.raises(BenchError, match="code 3"):
            make_searchable(failing, tmp_path / "x.pdf", tmp_path / "y.pdf", [], Work(), log)
        with pytest.raises(BenchError, match="was to be killed"):
            kill_and_resume(failing, tmp_path / "x.pdf", tmp_path / "y.pdf", PAGES, log)


def test_what_is_told_of_a_run() -> None:
    work = Work(pages=10, wall_s=20.0, cpu_s=30.0, pss_mib=[100.0, 140.0, 120.0])
    work.scores["text"] = LayerScore(words=4, met=3, covered=4, in_order=2, in_poppler_order=1)
    found = Documents(work, Broken([3, 6], 0, False, True), {"ours": work}, ["OCRmyPDF 17"], ["x is left out: y"])
    measurement = MeasureDocuments()
    assert measurement.table(found).rows == (("ours", 30.0, 3.0, 140, 4, 0.75, 1.0, 0.5, 0.25),)
    by_kind, whole, killed, missing, versions = measurement.notes(found)
    assert "| ours | 0.750 / 0.500 | – |" in by_kind
    assert "30.0 pages a minute" in whole
    assert "when 3 and 6 pages were read, and resumed: the result is the same, byte for byte. No file" in killed
    assert (missing, versions) == ("x is left out: y", "OCRmyPDF 17")
