"""Honest pictures that are a lot of work: the server reads them, or refuses them by a limit that it names."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ocr_bench.hostile.bombs import jpeg_said_to_be, plain_png


def _file(pixels: npt.NDArray[np.uint8], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def _noise(height: int, width: int, cell: int = 1) -> npt.NDArray[np.uint8]:
    """Cells of random gray."""
    levels = np.random.default_rng(7).integers(0, 256, (-(-height // cell), -(-width // cell)), np.uint8)
    return np.kron(levels, np.ones((cell, cell), np.uint8))[:height, :width]


def _plain_webp(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "WEBP", lossless=True, method=0)
    return file.getvalue()


def _words(width: int, height: int, step: int) -> bytes:
    """A page full of short words, each of which is a box."""
    image = Image.new("L", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for y in range(0, height, step):
        for x in range(0, width, 3 * step):
            draw.text((x, y), "il8", fill="black", font_size=step * 0.7)
    return _file(np.asarray(image))


LARGE: dict[str, Callable[[], bytes]] = {
    "noise, 1000x1000": lambda: _file(_noise(1000, 1000)),
    "noise in cells, 1500x1500": lambda: _file(_noise(1500, 1500, 6)),
    "words without end, 1600x1600": lambda: _words(1600, 1600, 14),
    "words without end, 3000x3000": lambda: _words(3000, 3000, 16),
    "strip of 100x30000": lambda: _file(_noise(30_000, 100, 5)),
    "strip of 30000x100": lambda: _file(_noise(100, 30_000, 5)),
    "strip of 1x100000": lambda: _file(_noise(100_000, 1)),
    "strip of 100000x1": lambda: _file(_noise(1, 100_000)),
    "one pixel": lambda: _file(_noise(1, 1)),
    "jpeg of 9000x9000, mostly lacking": lambda: jpeg_said_to_be(9000, 9000),
    "webp 6000x6000 of one colour": lambda: _plain_webp(6000),
    "png 7000x7000 of one colour": lambda: plain_png(7000, 7000),
}
