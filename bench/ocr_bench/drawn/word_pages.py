"""Pages whose words are known with their places: several fonts and sizes, Chinese characters, level and tilted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ocr_bench.drawn.layouts import CHINESE, ENGLISH
from ocr_bench.drawn.sheet import CJK, FONTS, Drawn, Sheet, font_of

WIDTH_PX, HEIGHT_PX, MARGIN_PX = 1100, 760, 50
SIZES_PX = (16, 24, 36)
TILTS = (0.0, -8.0, 3.0)  # degrees
VOCABULARY = (*ENGLISH.split(), "12.50", "2026-03-18", "(total)", "No.", "illness", "www", "I", "Ref:", "50%", "J.")


def word_page(font: str, size_px: int, degrees: float, number: int = 0) -> Drawn:
    """A page full of words in one of FONTS; another `number` has other words.

    The words of the kind "cjk" are single characters.
    """
    random = np.random.default_rng(number)
    sheet = Sheet(WIDTH_PX, HEIGHT_PX)
    vocabulary, space = (list(CHINESE), "") if font == CJK else (list(VOCABULARY), " ")
    face = font_of(font, size_px)
    for top in np.arange(MARGIN_PX, HEIGHT_PX - MARGIN_PX - 2 * size_px, 1.9 * size_px):
        width = random.uniform(0.4, 1) * (WIDTH_PX - 2 * MARGIN_PX)
        words: list[str] = []
        while face.getlength(space.join([*words, word := str(random.choice(vocabulary))])) <= width or not words:
            words.append(word)
        sheet.write(MARGIN_PX, float(top), words, font, size_px, space)
    return sheet.finish(f"{font}, {'tilted' if degrees else 'level'}", degrees)


def word_pages(number: int = 0) -> Iterator[Drawn]:
    """A page of each font, size and tilt; those of one kind follow each other."""
    for font in FONTS:
        for turn, degrees in enumerate(TILTS):
            for size_px in SIZES_PX:
                yield word_page(font, size_px, degrees, number * len(TILTS) + turn)
