"""The words of recognised lines, and where they stand: positions of the CTC steps along the line's box.

A step of the recogniser stands for a fixed number of the line's pixels, so the steps at which a character wins tell
where its middle is. Characters part half-way between their middles, and reach no further than the line's usual pitch
allows. A word's box is the piece of the line's box between its ends, so it follows the line wherever that leads:
tilted, from top to bottom, or upside down.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocr_contract.characters import word_slices
from ocr_pipeline.stages.buckets import Steps, padded_widths
from ocr_pipeline.stages.ctc import BLANK, check_classes
from ocr_pipeline.stages.pieces import join_pieces, line_widths
from ocr_pipeline.stages.scripts import in_reading_order

MAX_REACH = 0.8  # of the line's pitch: how far a character reaches from its middle where no other one limits it

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Words:
    """The words of N lines.

    Attributes:
        texts: M strings: runs of characters without spaces, or single CJK characters.
        boxes: (M, 4, 2) float32, pixels (x, y) of the picture, each begun where the word does.
        scores: (M,) float32, 0..1, mean probability of the word's characters.
        lines: (M,) int32, the line that each word is of.
    """

    texts: tuple[str, ...]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    lines: npt.NDArray[np.int32]


NO_WORDS = Words((), np.empty((0, 4, 2), np.float32), np.empty(0, np.float32), np.empty(0, np.int32))


def words_of_lines(
    answer: Steps,
    widths: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    boxes: npt.NDArray[np.float32],
    lines: npt.NDArray[np.intp],
    dictionary: tuple[str, ...],
    right_to_left: bool = False,
) -> Words:
    """The words of some lines.

    Args:
        answer: the recogniser's, to the P pieces of N lines.
        widths: (P,) int64, pixels of each piece at the height that the recogniser reads.
        counts: (N,) int64, how many pieces each line has.
        boxes: (N, 4, 2) float32, pixels (x, y), clockwise from the text's own top-left corner.
        lines: (L,) the lines wanted, in the order in which the result counts them.
        dictionary: the recogniser's characters.
        right_to_left: whether the lines are read so; their words then come in that order.

    Raises:
        InvalidModel: a class lies outside the dictionary.
    """
    check_classes(answer.index, dictionary)
    first = np.cumsum(counts) - counts  # of the line's pieces
    pixels_per_step = padded_widths(widths[first]) / np.maximum(answer.steps[first], 1)
    read = join_pieces(answer, counts)
    ends, steps_per_line = np.cumsum(read.steps), line_widths(widths, counts) / pixels_per_step
    texts, spans, scores, owners = [], [], [], []
    for number, line in enumerate(lines.tolist()):
        part = slice(ends[line] - read.steps[line], ends[line])
        begins, middle = _characters(read.index[part])
        text = [dictionary[label - 1] for label in read.index[part][begins]]
        score = read.score[part][begins]
        left, right = _extents(middle / steps_per_line[line])
        for word in reversed(list(word_slices(text))) if right_to_left else word_slices(text):
            shown = "".join(text[word])
            texts.append(in_reading_order(shown) if right_to_left else shown)
            spans.append((left[word][0], right[word][-1]))
            scores.append(score[word].mean())
            owners.append((number, line))
    if not texts:
        return NO_WORDS
    numbers, own_lines = np.array(owners).T
    cut = _cut(boxes[own_lines].astype(np.float64), np.array(spans))
    return Words(tuple(texts), cut.astype(np.float32), np.array(scores, np.float32), numbers.astype(np.int32))


def _characters(index: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.intp], Floats]:
    """(C,) the step at which each character of a line begins, and (C,) its middle in steps."""
    changes = np.flatnonzero(np.diff(index, prepend=-1, append=-1))
    first, last = changes[:-1], changes[1:]  # of every run of one class; `last` is the step after it
    shown = index[first] != BLANK
    return first[shown], (first[shown] + last[shown]) / 2


def _extents(middle: Floats) -> tuple[Floats, Floats]:
    """(C,) each: where characters begin and end along their line, 0..1, from their middles (C,)."""
    distance = np.diff(middle)
    reach = MAX_REACH * (np.median(distance) if len(distance) else 1.0)
    left, right = middle - reach, middle + reach
    left[1:], right[:-1] = (
        np.maximum(left[1:], middle[1:] - distance / 2),
        np.minimum(right[:-1], middle[:-1] + distance / 2),
    )
    return np.clip(left, 0, 1), np.clip(right, 0, 1)


def _cut(boxes: Floats, spans: Floats) -> Floats:
    """Boxes (M, 4, 2) cut to spans (M, 2), 0..1, along their first side."""
    top, bottom = boxes[:, :2], boxes[:, 3:1:-1]  # each from the text's left to its right
    ends = [side[:, :1] + (side[:, 1:] - side[:, :1]) * spans[..., None] for side in (top, bottom)]
    return np.concatenate([ends[0], ends[1][:, ::-1]], axis=1)
