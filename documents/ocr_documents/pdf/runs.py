"""Words of a line as runs of text: where each begins, which way it goes, how long and how high it is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocr_documents.texts import one_line
from ocr_documents.words import Word

Floats = npt.NDArray[np.float64]

# Degrees: the words of lines that lie less askew are upright and go up or down in steps. Each then overlaps its printed
# word by more than half. Were they askew, poppler would cut them to pieces: it ends a word where the next character's
# foot is half a point higher or lower.
STEPS_WITHIN = 11.0
SPACE = 0.15  # of the height: what a space takes at least, also between words whose boxes touch
_LEAST_SHARE = 0.5  # of its length, that a word keeps when it gives way to what follows
_LEAST = 0.01  # user space units: no side is shorter

_BACKWARD = ("R", "AL")  # bidirectional classes of characters that go from right to left
_STRONG = (*_BACKWARD, "L", "EN", "AN")  # of those that have a direction of their own; others go with those before


@dataclass(frozen=True)
class Run:
    """Characters along a straight line, evenly spaced. Points and directions are (x, y) in user space.

    Text from right to left is mirrored: its characters stand in the order in which they are read, which all extractors
    make sense of, and as nothing of them is seen, it does not matter which way they look.

    Attributes:
        text: a word, a piece of one, or a space.
        start: the corner at the foot of the first character.
        along: of length 1, in which the characters follow each other.
        up: of length 1, from their feet to their heads, at a right angle to `along`.
        length: of all characters together.
        height: of the characters.
    """

    text: str
    start: Floats
    along: Floats
    up: Floats
    length: float
    height: float


def _direction(angle: float) -> Floats:
    return np.array([np.cos(angle), np.sin(angle)]).round(6)


@dataclass(frozen=True)
class _Place:
    """An upright rectangle, as the reader of the text sees it."""

    foot: Floats  # its lower left corner
    along: Floats
    up: Floats
    length: float
    height: float

    @classmethod
    def of(cls, box: Floats) -> _Place:
        """The rectangle for a box (4, 2), clockwise from the text's own top-left corner as one sees it on the page."""
        across = (box[1] + box[2] - box[0] - box[3]) / 2
        length = max(float(np.hypot(*across)), _LEAST)
        angle = np.arctan2(across[1], across[0])
        right_angle = np.round(angle / (np.pi / 2)) * (np.pi / 2)
        height = max(float((box[0] - box[3] + box[1] - box[2]) @ _direction(angle + np.pi / 2)) / 2, _LEAST)
        if abs(angle - right_angle) <= np.radians(STEPS_WITHIN):
            angle = right_angle
        along, up = _direction(angle), _direction(angle + np.pi / 2)
        return cls(box.mean(axis=0) - (along * length + up * height) / 2, along, up, length, height)

    def run(self, text: str, begin: float, end: float) -> Run:
        """Text from one distance along the rectangle to another, mirrored where that lies behind the first."""
        along = self.along if end > begin else -self.along
        return Run(text, self.foot + self.along * begin, along, self.up, max(abs(end - begin), _LEAST), self.height)


def line_runs(words: Sequence[Word], boxes: Floats, shown: npt.NDArray[np.bool_]) -> Iterator[Run]:
    """The runs of a line in reading order, spaces included.

    Where the text has no space between two words, the first reaches up to the second: in Chinese every character is a
    word, and extractors take gaps for spaces.

    Args:
        words: of the line, M of them.
        boxes: (M, 4, 2), of the words, in user space.
        shown: (M,), which of them are to be written.
    """
    places = [_Place.of(box) for box in _as_read(boxes)]
    for number, (word, place) in enumerate(zip(words, places, strict=True)):
        text = one_line(word.text)
        if not shown[number]:
            continue
        if number + 1 == len(places) or not shown[number + 1]:
            yield from _pieces(text, place, 0.0, place.length)
            continue
        near = float((places[number + 1].foot - place.foot) @ place.along)
        far = near + places[number + 1].length
        onward = near + far > place.length  # else the line runs from right to left
        gap = near - place.length if onward else -far
        space = max(gap, SPACE * place.height) if words[number + 1].after_space else 0.0
        length = max(place.length + gap - space, _LEAST_SHARE * place.length)
        begin, end = (0.0, length) if onward else (place.length - length, place.length)
        yield from _pieces(text, place, begin, end)
        if space:
            yield place.run(" ", end, end + space) if onward else place.run(" ", begin, begin - space)


def _pieces(text: str, place: _Place, begin: float, end: float) -> Iterator[Run]:
    """A word's runs: one, unless it mixes directions, as a price in a Hebrew text does."""
    pieces: list[tuple[bool, str]] = []
    for character in text:
        direction = unicodedata.bidirectional(character)
        backward = direction in _BACKWARD if direction in _STRONG or not pieces else pieces[-1][0]
        if pieces and pieces[-1][0] == backward:
            pieces[-1] = (backward, pieces[-1][1] + character)
        else:
            pieces.append((backward, character))
    if pieces and pieces[0][0]:
        begin, end = end, begin
    step = (end - begin) / len(text)
    for backward, piece in pieces:
        ends = sorted((begin, begin + step * len(piece)), reverse=backward)
        yield place.run(piece, *ends)
        begin += step * len(piece)


def _as_read(boxes: Floats) -> Floats:
    """Boxes of one line whose first side is along the line, also where the characters of a column stand upright."""
    if len(boxes) < 2:
        return boxes
    way = boxes[-1].mean(axis=0) - boxes[0].mean(axis=0)
    along, down = (_unit((boxes[:, corner] - boxes[:, 0]).mean(axis=0)) @ way for corner in (1, 3))
    return boxes if abs(along) >= abs(down) else np.roll(boxes, -1 if down > 0 else 1, axis=1)


def _unit(vector: Floats) -> Floats:
    return vector / max(float(np.hypot(*vector)), 1e-9)
