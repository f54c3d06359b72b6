"""What a soak asks for: pictures that are to be read, and inputs that are to be refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr_bench.drawn.document import KINDS, scan
from ocr_bench.drawn.sheet import CJK, Sheet
from ocr_bench.drawn.word_pages import word_page
from ocr_bench.hostile.bombs import plain_png
from ocr_bench.measurements.lines import page as page_of_lines
from ocr_client import OcrClient
from ocr_contract.result import Result

BOMB_PX = 20_000  # both sides: above any limit, and its 50 MB of rows are 50 KB of file
STRIP_PAGES = 8  # drawn pages one below the other, as a long screenshot


@dataclass(frozen=True)
class Case:
    """One thing to ask a server.

    Attributes:
        name: in tables.
        ask: sends it.
        is_hostile: it is to be refused as a bad request; otherwise it has an answer.
    """

    name: str
    ask: Callable[[OcrClient], Result]
    is_hostile: bool = False


def file_cases(paths: Sequence[Path]) -> list[Case]:
    """Pictures as they are."""
    return [Case(path.name, partial(_ocr, path.read_bytes())) for path in paths]


def drawn_cases() -> list[Case]:
    """Drawn pictures from a word to a long strip, every endpoint, and options that change a request's way."""
    small = word_page("sans", 24, 0.0)
    tilted = word_page("serif", 16, -8.0)
    strip = np.concatenate([word_page(CJK, 24, 0.0, number).pixels for number in range(STRIP_PAGES)])
    return [
        *(Case(f"scan, {kind}", partial(_ocr, scan(number).jpeg)) for number, kind in enumerate(KINDS)),
        Case("one word", partial(_ocr, _png(_word("harbour")))),
        Case("drawn page", partial(_ocr, _png(small.pixels))),
        Case("drawn page, words", partial(_ocr, _png(tilted.pixels), return_word_box=True)),
        Case(
            "drawn page, upside down",
            partial(_ocr, _png(small.pixels[::-1, ::-1]), use_doc_orientation_classify=True),
        ),
        Case("strip", partial(_ocr, _png(strip))),
        Case("300 lines", partial(_ocr, _png(page_of_lines(300)))),
        Case("noise", partial(_ocr, _png(_noise()))),
        Case("text_detection", partial(_detect, scan(0).jpeg)),
        Case("text_recognition", partial(_recognize, [_png(_word(word)) for word in ("river", "12.50", "(total)")])),
    ]


def hostile_cases() -> list[Case]:
    """What a server must refuse."""
    png = _png(word_page("sans", 24, 0.0).pixels)
    jpeg = scan(0).jpeg
    refused = {
        "PNG, cut off": partial(_ocr, png[: len(png) // 2]),
        "JPEG, cut off": partial(_ocr, jpeg[: len(jpeg) // 2]),
        "no picture": partial(_ocr, b"GET / HTTP/1.1\r\n\r\n" * 100),
        "a picture's header alone": partial(_ocr, png[:33]),
        "too large": partial(_ocr, plain_png(BOMB_PX, BOMB_PX)),
        "an option out of range": partial(_ocr, png, text_rec_score_thresh=7.0),
        "an option of the wrong type": partial(_ocr, png, text_det_limit_side_len="wide"),
        "an option that there is not": partial(_ocr, png, no_such_option=1),
        "one of several lines is no picture": partial(_recognize, [_png(_word("river")), b"x"]),
    }
    return [Case(name, ask, is_hostile=True) for name, ask in refused.items()]


def _ocr(content: bytes, client: OcrClient, **options: object) -> Result:
    return client.ocr(content, **options)  # type: ignore[arg-type]  # some are not options at all


def _detect(content: bytes, client: OcrClient) -> Result:
    return client.detect(content)


def _recognize(contents: Sequence[bytes], client: OcrClient) -> Result:
    return client.recognize(contents)


def _word(word: str) -> npt.NDArray[np.uint8]:
    """A word on white, (60, 320, 3) uint8."""
    sheet = Sheet(320, 60)
    sheet.write(30, 12, [word], "sans", 30)
    return sheet.finish(word).pixels


def _noise() -> npt.NDArray[np.uint8]:
    """Specks that look like text to the detector, (600, 800, 3) uint8."""
    specks = np.random.default_rng(0).integers(0, 256, (60, 80, 1), np.uint8)
    return np.repeat(np.kron(specks, np.ones((10, 10, 1), np.uint8)), 3, axis=2)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", np.ascontiguousarray(pixels))[1].tobytes()
