"""A scanned document of printed text, two columns, tilted pages, Chinese and receipts; its words' places are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import img2pdf
import numpy as np

from ocr_bench.drawn.layouts import CHINESE, Layout, Random, receipt
from ocr_bench.drawn.sheet import CJK, Drawn, Sheet, font_of
from ocr_bench.drawn.word_pages import VOCABULARY
from ocr_bench.scoring.labels import Line

DPI = 200
WIDTH_PX, HEIGHT_PX = 1654, 2339  # A4
MARGIN_PX, GAP_PX, SIZE_PX, PITCH_PX = 160, 60, 28, 52  # letters of 10 points
LINES = 36
PAPER, NOISE, JPEG_QUALITY = 240, 3.0, 80  # grey of the paper, and the noise's standard deviation in grey levels
TILT = 4.0  # degrees at most, either way


class Scan(NamedTuple):
    """A page of the document: its kind, the picture of it, and its words in reading order, in the picture's pixels."""

    kind: str
    jpeg: bytes
    words: tuple[Line, ...]


def printed(columns: int, font: str, random: Random) -> Sheet:
    """A heading, running text in columns, and a page number."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    heading, vocabulary, space = ["The", "harbour", "in", "winter"], list(VOCABULARY), " "
    if font == CJK:
        heading, vocabulary, space = list(CHINESE[:12]), list(CHINESE), ""
    sheet.write(MARGIN_PX, 130, heading, font, 48, space)
    width = (WIDTH_PX - 2 * MARGIN_PX - (columns - 1) * GAP_PX) / columns
    face = font_of(font, SIZE_PX)
    for column in range(columns):
        for row in range(LINES):
            room = width * (random.uniform(0.3, 0.8) if random.random() < 1 / 6 else 1)  # paragraphs end short
            words: list[str] = []
            while face.getlength(space.join([*words, word := str(random.choice(vocabulary))])) <= room:
                words.append(word)
            sheet.write(MARGIN_PX + column * (width + GAP_PX), 240 + row * PITCH_PX, words, font, SIZE_PX, space)
    sheet.write(WIDTH_PX / 2, HEIGHT_PX - 150, [str(random.integers(10, 99))], "serif", SIZE_PX)
    return sheet


KINDS: Mapping[str, Layout] = {
    "text": partial(printed, 1, "serif"),
    "two columns": partial(printed, 2, "serif"),
    "tilted": partial(printed, 1, "sans"),
    "Chinese": partial(printed, 1, CJK),
    "receipt": receipt,
}


def scan(number: int) -> Scan:
    """A page of the document, as a scanner gives it: grey, noisy, a JPEG picture. The kinds take turns."""
    random = np.random.default_rng(number)
    kind = list(KINDS)[number % len(KINDS)]
    page: Drawn = KINDS[kind](random).finish(kind, random.uniform(-TILT, TILT) if kind == "tilted" else 0.0)
    grey = page.pixels[..., 0] * (PAPER / 255) + random.normal(0, NOISE, page.pixels.shape[:2])
    _, jpeg = cv2.imencode(".jpg", grey.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return Scan(kind, jpeg.tobytes(), page.words)


def write_pdf(scans: Sequence[Scan], path: Path) -> None:
    """The pages as a PDF file without text."""
    layout = img2pdf.get_fixed_dpi_layout_fun((DPI, DPI))
    with path.open("wb") as file:
        img2pdf.convert([page.jpeg for page in scans], layout_fun=layout, outputstream=file, nodate=True)
