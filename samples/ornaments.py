"""What stands around the text of the sample pictures: grounds, rules, a barcode; and how a paragraph is broken."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

from page import GREY, INK, Colour, Page, load_font


def gradient(size: tuple[int, int], stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """A vertical gradient through `stops` of (height 0..1, colour)."""
    width, height = size
    at = np.linspace(0, 1, height)
    places = [place for place, _ in stops]
    columns = [np.interp(at, places, [colour[channel] for _, colour in stops]) for channel in range(3)]
    pixels = np.repeat(np.stack(columns, axis=-1)[:, None, :], width, axis=1)
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def wood(size: tuple[int, int]) -> Image.Image:
    """Four dark planks."""
    table = Image.new("RGB", size)
    pen = ImageDraw.Draw(table)
    for plank, x in enumerate(range(0, size[0], 225)):
        shade = (0, 6, -4, 3)[plank % 4]
        pen.rectangle((x, 0, x + 224, size[1]), fill=(96 + shade, 68 + shade, 48 + shade))
        pen.rectangle((x, 0, x + 2, size[1]), fill=(58, 40, 28))
        pen.rectangle((x + 3, 0, x + 4, size[1]), fill=(122, 90, 64))
    return table


def bricks(size: tuple[int, int]) -> Image.Image:
    """A wall in running bond."""
    wall = Image.new("RGB", size, (186, 172, 160))
    pen, rng = ImageDraw.Draw(wall), np.random.default_rng(3)
    for row, y in enumerate(range(0, size[1], 40)):
        for x in range(-60 * (row % 2), size[0], 120):
            shade = int(rng.integers(-10, 11))
            pen.rectangle((x + 3, y + 3, x + 117, y + 37), fill=(158 + shade, 92 + shade, 74 + shade))
    return wall


def ridge(rng: np.random.Generator, width: int, base: float, amplitude: float) -> list[tuple[float, float]]:
    """A mountain's outline: sines of falling height and random phase."""
    phases = rng.uniform(0, 2 * math.pi, 6)
    return [
        (x, base - amplitude * sum(math.sin(x / width * 2.3 * 2**k + phase) / 1.9**k for k, phase in enumerate(phases)))
        for x in range(0, width + 4, 4)
    ]


def rule(page: Page, y: int) -> None:
    """A dashed line across the receipt."""
    for x in range(44, 556, 14):
        page.draw.line((x, y, x + 7, y), fill=GREY, width=2)


def barcode(page: Page, box: tuple[int, int, int, int]) -> None:
    """Bars that look like a code and mean nothing."""
    rng, x = np.random.default_rng(5), box[0]
    while x < box[2] - 8:
        bar, gap = (int(rng.integers(2, 8)) for _ in range(2))
        page.draw.rectangle((x, box[1], x + bar - 1, box[3]), fill=INK)
        x += bar + gap


def wrap(paragraph: str, size_px: int, width_px: int) -> Iterator[str]:
    """Break a paragraph into lines: words and numbers stay whole, no line starts with a Chinese punctuation mark."""
    font = load_font("sans", size_px)
    line = ""
    for piece in re.findall(r"[!-~]+ ?[，。、；：！？）]*|.[，。、；：！？）]*", paragraph):
        if line and font.getlength((line + piece).rstrip()) > width_px:
            yield line.rstrip()
            line = ""
        line += piece
    yield line.rstrip()
