"""Pages whose reading order is known: text in columns, forms, tables, receipts, text from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from ocr_bench.drawn.sheet import Drawn, Sheet, font_of

WIDTH_PX, HEIGHT_PX = 1240, 1600
MARGIN_PX, SIZE_PX, LEADING = 90, 20, 1.45  # lines follow each other by LEADING times their size
ENGLISH = (
    "river stone window garden market silver paper bridge winter candle music forest letter orange a of to in the "
    "and light across under small quiet which village harbour wooden table early morning"
)
VOCABULARY = ENGLISH.split()
LABELS = ("Name", "Date", "City", "Street", "Phone", "Order", "Agent", "Branch", "Policy", "Region", "Status", "Ref")
ITEMS = ("Green tea", "Cold brew", "Rice cake", "Lemon tart", "Noodle soup", "Iced water", "Plum juice", "Bread roll")
CHINESE = "春眠不觉晓处处闻啼鸟夜来风雨声花落知多少床前明月光疑是地上霜举头望山低思故乡"

Random = np.random.Generator
Layout = Callable[[Random], Sheet]


def paragraph_lines(random: Random, width_px: float, lines: int) -> Iterator[list[str]]:
    """Words of so many lines of running text; every sixth or so is short, as the last of a paragraph is."""
    face = font_of("serif", SIZE_PX)
    for _ in range(lines):
        width = width_px * (random.uniform(0.3, 0.8) if random.random() < 1 / 6 else 1)
        words: list[str] = []
        while face.getlength(" ".join([*words, word := str(random.choice(VOCABULARY))])) <= width or not words:
            words.append(word)
        yield words


def write_paragraphs(sheet: Sheet, random: Random, left: float, top: float, width_px: float, lines: int) -> None:
    """Running text from a place on."""
    for row, words in enumerate(paragraph_lines(random, width_px, lines)):
        sheet.write(left, top + row * LEADING * SIZE_PX, words, "serif", SIZE_PX)


def flow(sheet: Sheet, random: Random, top: float, columns: int, lines: int, gap_px: float = 36) -> float:
    """Columns of running text, one after the other; gives where they end."""
    width = (WIDTH_PX - 2 * MARGIN_PX - (columns - 1) * gap_px) / columns
    for column in range(columns):
        write_paragraphs(sheet, random, MARGIN_PX + column * (width + gap_px), top, width, lines)
    return top + lines * LEADING * SIZE_PX


def centred(sheet: Sheet, top: float, words: list[str], size_px: int) -> float:
    """A line in the middle; gives where the next may begin."""
    width = font_of("sans", size_px).getlength(" ".join(words))
    sheet.write((WIDTH_PX - width) / 2, top, words, "sans", size_px)
    return top + 2 * size_px


def article(columns: int, random: Random) -> Sheet:
    """A heading, text in columns, and a page number."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    top = centred(sheet, 70, ["The", "harbour", "in", "winter"], 40)
    bottom = flow(sheet, random, top + 10, columns, 40)
    centred(sheet, bottom + 50, ["Page", "17"], SIZE_PX)
    return sheet


def sections(random: Random) -> Sheet:
    """Two parts in two columns, each under a heading that runs across."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    sheet.write(MARGIN_PX, 50, ["Village", "letter"], "serif", SIZE_PX)
    sheet.write(WIDTH_PX - MARGIN_PX - 80, 50, ["No.", "48"], "serif", SIZE_PX)
    top = 110.0
    for heading in ("Bridges and markets of the old town", "What the garden needs in early spring"):
        top = centred(sheet, top, heading.split(), 34)
        top = flow(sheet, random, top, 2, 18) + 30
    return sheet


def sidebar(random: Random) -> Sheet:
    """Running text with a list of short lines on its left, and a page number close below it on the left."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    for row in range(14):
        words = [str(word) for word in random.choice(VOCABULARY, random.integers(1, 4))]
        sheet.write(MARGIN_PX, 90 + row * 1.8 * SIZE_PX, words, "sans", SIZE_PX - 4)
    write_paragraphs(sheet, random, MARGIN_PX + 320, 80, WIDTH_PX - 2 * MARGIN_PX - 320, 40)
    sheet.write(MARGIN_PX, 80 + 40 * LEADING * SIZE_PX + 14, ["17"], "serif", SIZE_PX)
    return sheet


def form(random: Random) -> Sheet:
    """Two fields a row: label, value, label, value."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    top = centred(sheet, 80, ["Registration", "form"], 34)
    for _ in range(18):
        for left in (MARGIN_PX, WIDTH_PX / 2 + 20):
            sheet.write(left, top, [f"{random.choice(LABELS)}:"], "sans", SIZE_PX)
            words = [str(word) for word in random.choice(VOCABULARY, random.integers(1, 4))]
            sheet.write(left + 150, top, words, "serif", SIZE_PX + 4)
        top += 2.3 * SIZE_PX
    return sheet


def long_form(random: Random) -> Sheet:
    """A label of three words and a value of six in each row."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    for row in range(22):
        label, value = ([str(word) for word in random.choice(VOCABULARY, words)] for words in (3, 6))
        sheet.write(MARGIN_PX, 80 + row * 54, [*label[:-1], f"{label[-1]}:"], "sans", SIZE_PX + 2)
        sheet.write(MARGIN_PX + 480, 80 + row * 54, value, "sans", SIZE_PX + 2)
    return sheet


def wide_table(random: Random) -> Sheet:
    """Three columns of cells of up to 30 characters."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    for row in range(28):
        for column in range(3):
            cell = " ".join(random.choice(VOCABULARY, 12))[:30].split()
            left = MARGIN_PX + column * (WIDTH_PX - 2 * MARGIN_PX) / 3
            sheet.write(left, 80 + row * 2 * SIZE_PX, cell, "sans", SIZE_PX - 2)
    return sheet


def wrapped_table(random: Random) -> Sheet:
    """A name, and two cells of one to four lines in each row."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    top = 80.0
    for _ in range(10):
        sheet.write(MARGIN_PX, top, [str(random.choice(LABELS))], "sans", SIZE_PX)
        lines = [int(count) for count in random.integers(1, 5, 2)]
        for left, count in zip((MARGIN_PX + 200, MARGIN_PX + 650), lines, strict=True):
            write_paragraphs(sheet, random, left, top, 400, count)
        top += max(lines) * LEADING * SIZE_PX + 20
    return sheet


def table(columns: int, random: Random) -> Sheet:
    """Cells in rows: a name, then numbers."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    top = 80.0
    for row in range(32):
        for column in range(columns):
            cell = str(random.choice(LABELS)) if row == 0 or column == 0 else f"{random.integers(10, 99_999):,}"
            left = MARGIN_PX + column * (WIDTH_PX - 2 * MARGIN_PX) / columns
            sheet.write(left, top, [cell], "sans", SIZE_PX)
        top += 1.9 * SIZE_PX
    return sheet


def receipt(random: Random) -> Sheet:
    """Items on the left, prices on the right, a total in larger letters."""
    sheet = Sheet(700, HEIGHT_PX)
    sheet.write(180, 60, ["TEA", "HOUSE", "No.", "18"], "sans", 36)
    top = 150.0
    for _ in range(24):
        sheet.write(60, top, str(random.choice(ITEMS)).split(), "mono", 22)
        sheet.write(530, top, [f"{random.uniform(1, 99):.2f}"], "mono", 22)
        top += 40
    sheet.write(60, top + 30, ["TOTAL"], "sans", 36)
    sheet.write(480, top + 30, ["412.50"], "sans", 36)
    sheet.write(200, top + 130, ["Thank", "you"], "sans", 22)
    return sheet


def price_list(random: Random) -> Sheet:
    """Rows of small letters beside large ones, on one base line."""
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    top = 80.0
    for _ in range(16):
        sheet.write(MARGIN_PX, top + 26, str(random.choice(ITEMS)).split(), "sans", 22)
        sheet.write(480, top, [f"{random.uniform(1, 99):.2f}"], "sans", 48)
        sheet.write(800, top + 28, ["each,", "with", "tax"], "serif", 18)
        top += 84
    return sheet


def from_top_to_bottom(random: Random) -> Sheet:
    """Chinese in columns of characters, from the right to the left."""
    sheet = Sheet(900, 1100)
    for column in range(14):
        count = int(random.integers(12, 29))
        sheet.write_down(800 - column * 54, 80, "".join(random.choice(list(CHINESE), count)), 32)
    return sheet


LAYOUTS: Mapping[str, Layout] = {
    **{f"{n} column{'s' * (n > 1)}, heading, footer": partial(article, n) for n in (1, 2, 3, 4)},
    "2 columns, headings across": sections,
    "text and sidebar": sidebar,
    "form": form,
    "form, long labels": long_form,
    "table, 2 columns": partial(table, 2),
    "table, 5 columns": partial(table, 5),
    "table, 3 columns of long cells": wide_table,
    "table, cells of several lines": wrapped_table,
    "receipt": receipt,
    "small beside large": price_list,
    "Chinese, top to bottom": from_top_to_bottom,
}


def draw(kind: str, degrees: float, number: int = 0) -> Drawn:
    """A page of a kind, turned clockwise; another `number` has other words."""
    return LAYOUTS[kind](np.random.default_rng(number)).finish(kind, degrees)
