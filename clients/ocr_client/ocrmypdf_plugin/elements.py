"""A page's result as OCRmyPDF's tree of elements: page, paragraphs, lines, words."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from ocrmypdf.models.ocr_element import Baseline, BoundingBox, OcrClass, OcrElement

from ocr_contract.quads import sides
from ocr_contract.result import FloatArray, OcrResult
from ocr_documents.blocks import blocks_of
from ocr_documents.document import PageResult
from ocr_documents.formats.measures import BASELINE, angle
from ocr_documents.pdf.runs import STEPS_WITHIN

_LEVEL = 0.3  # degrees; OCRmyPDF too takes what is less for level


def page_element(page: PageResult) -> OcrElement:
    """The tree of a page, in reading order.

    A line's `textangle` is its direction in quarter turns, and its `baseline` the rest of its tilt. Up to
    STEPS_WITHIN degrees of tilt each word becomes a line of its own that lies level, as in searchable PDF.
    """
    paragraphs = [
        _paragraph(page.result, paragraph.lines) for block in blocks_of(page.result) for paragraph in block.paragraphs
    ]
    return OcrElement(
        ocr_class=OcrClass.PAGE,
        bbox=BoundingBox(0, 0, page.width_px, page.height_px),
        dpi=page.dpi,
        page_number=page.number - 1,
        children=paragraphs,
    )


def _paragraph(result: OcrResult, lines: tuple[int, ...]) -> OcrElement:
    return OcrElement(
        ocr_class=OcrClass.PARAGRAPH,
        bbox=_hull(result.boxes[[*lines]].reshape(-1, 2)),
        children=[
            element
            for number in lines
            for element in _elements(result, number, np.flatnonzero(result.word_lines == number))
        ],
    )


def _elements(result: OcrResult, number: int, words: npt.NDArray[np.intp]) -> Iterator[OcrElement]:
    """What becomes of one line with its words."""
    box = result.boxes[number]
    clockwise = -angle(box)
    quarter = round(clockwise / 90) * 90
    tilt = clockwise - quarter
    score = float(result.scores[number])
    if abs(tilt) < _LEVEL:
        children = [_word(result, word, _hull(result.word_boxes[word])) for word in words.tolist()]
        yield _line(box, score, quarter, 0.0, _hull(box), children)
    elif abs(tilt) <= STEPS_WITHIN:
        for word in words.tolist():
            own = result.word_boxes[word]
            level = _levelled(own, quarter, own.mean(axis=0))
            yield _line(own, score, quarter, 0.0, level, [_word(result, word, level)])
    else:
        children = [_word(result, word, _hull(result.word_boxes[word])) for word in words.tolist()]
        # OCRmyPDF takes the letters' size from the line's box and tilts its lower edge about the corner where the line
        # begins, so the box is that of the line before it was tilted about this corner.
        centre = box[3] + _half(box, quarter)
        yield _line(box, score, quarter, tilt, _levelled(box, quarter, centre), children)


def _line(
    box: FloatArray, score: float, quarter: int, tilt: float, bounds: BoundingBox, words: list[OcrElement]
) -> OcrElement:
    return OcrElement(
        ocr_class=OcrClass.LINE,
        bbox=bounds,
        poly=_polygon(box),
        confidence=score,
        textangle=float(-quarter),
        baseline=Baseline(math.tan(math.radians(tilt)), -BASELINE * _size(box)[1]),
        children=words,
    )


def _word(result: OcrResult, word: int, bounds: BoundingBox) -> OcrElement:
    return OcrElement(
        ocr_class=OcrClass.WORD,
        text=result.words[word],
        bbox=bounds,
        poly=_polygon(result.word_boxes[word]),
        confidence=float(result.word_scores[word]),
    )


def _size(box: FloatArray) -> tuple[float, float]:
    """Length and height of a box (4, 2) in pixels."""
    (along,), (across,) = sides(box[None])
    return float(np.hypot(*along)), float(np.hypot(*across))


def _half(box: FloatArray, quarter: int) -> FloatArray:
    """From the foot of a box's beginning to its middle, were it turned by quarter turns alone: pixels (x, y)."""
    length, height = _size(box)
    cos, sin = round(math.cos(math.radians(quarter))), round(math.sin(math.radians(quarter)))
    return np.array([length * cos + height * sin, length * sin - height * cos], np.float32) / 2


def _levelled(box: FloatArray, quarter: int, centre: FloatArray) -> BoundingBox:
    """A box's length and height about a centre, its sides along the page's."""
    half = np.abs(_half(box, quarter))
    return _hull(np.array([centre - half, centre + half]))


def _hull(points: FloatArray) -> BoundingBox:
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return BoundingBox(left, top, right, bottom)


def _polygon(box: FloatArray) -> list[tuple[float, float]]:
    return [(x, y) for x, y in box.tolist()]
