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

_DESCENT = 0.2  # of a line's height: how far its lower edge lies below the line that letters stand on
_LEVEL = 0.3  # degrees; OCRmyPDF too takes what is less for level
_WORDS_LEVEL = 10.0  # degrees of tilt up to which words are laid level, each where it stands


def page_element(page: PageResult) -> OcrElement:
    """The tree of a page, in reading order.

    A line's `textangle` is its direction in quarter turns, and its `baseline` the rest of its tilt. Up to 10 degrees
    of tilt each word becomes a line of its own that lies level: poppler, on which pdftotext and many viewers stand,
    takes a word for two where the baseline climbs by half a point within it.
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
    angle = _clockwise(box)
    quarter = round(angle / 90) * 90
    tilt = angle - quarter
    score = float(result.scores[number])
    if abs(tilt) < _LEVEL:
        children = [_word(result, word, _hull(result.word_boxes[word])) for word in words.tolist()]
        yield _line(box, score, quarter, 0.0, _hull(box), children)
    elif abs(tilt) < _WORDS_LEVEL:
        for word in words.tolist():
            own = result.word_boxes[word]
            level = _levelled(own, quarter, own.mean(axis=0))
            yield _line(own, score, quarter, 0.0, level, [_word(result, word, level)])
    else:
        children = [_word(result, word, _hull(result.word_boxes[word])) for word in words.tolist()]
        # OCRmyPDF takes the letters' size from the line's box and tilts its lower edge about the corner where the line
        # begins, so the box is that of the line before it was tilted about this corner.
        centre = box[3] + _step(quarter, _length(box) / 2, _height(box) / 2)
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
        baseline=Baseline(math.tan(math.radians(tilt)), -_DESCENT * _height(box)),
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


def _clockwise(box: FloatArray) -> float:
    """Degrees by which a box (4, 2) is turned, clockwise as y points down, -180..180."""
    (along,), _ = sides(box[None])
    return math.degrees(math.atan2(along[1], along[0]))


def _length(box: FloatArray) -> float:
    return float(np.hypot(*(box[1] - box[0])))


def _height(box: FloatArray) -> float:
    return float(np.hypot(*(box[3] - box[0])))


def _step(quarter: int, along: float, up: float) -> FloatArray:
    """A step along and up from a line that is turned by quarter turns, in pixels (x, y)."""
    cos, sin = round(math.cos(math.radians(quarter))), round(math.sin(math.radians(quarter)))
    return np.array([along * cos + up * sin, along * sin - up * cos], np.float32)


def _levelled(box: FloatArray, quarter: int, centre: FloatArray) -> BoundingBox:
    """A box's length and height about a centre, its sides along the page's."""
    half = np.abs(_step(quarter, _length(box) / 2, _height(box) / 2))
    return _hull(np.array([centre - half, centre + half]))


def _hull(points: FloatArray) -> BoundingBox:
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return BoundingBox(left, top, right, bottom)


def _polygon(box: FloatArray) -> list[tuple[float, float]]:
    return [(x, y) for x, y in box.tolist()]
