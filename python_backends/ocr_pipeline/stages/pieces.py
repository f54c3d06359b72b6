"""Very long lines, cut at gaps in their text: read in pieces, and joined again.

The recognisers were trained on lines of some tens of characters. Squeezed into what they can take, a line of hundreds
is read as nonsense, and with confidence.
"""

import math
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from ocr_contract.characters import stands_alone
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import LINE_HEIGHT, Strip

MAX_PIECE_WIDTH = 3200  # pixels of a line or piece: what the recogniser is given at most
USUAL_WIDTH = 2000  # pixels of a piece of a longer line
GAP_WIDTH = LINE_HEIGHT // 4  # pixels: about a space between words


def cut_long_lines(strip: Strip) -> tuple[Strip, npt.NDArray[np.int64]]:
    """Cut the lines that are wider than the recogniser takes.

    Returns:
        pieces: the same pixels, with the widths (P,) of pieces in place of those of lines.
        counts: (N,) int64, how many pieces each line has, at least 1.
    """
    if strip.widths.max(initial=0) <= MAX_PIECE_WIDTH:
        return strip, np.ones(len(strip.widths), np.int64)
    widths = [_piece_widths(line) for line in strip.lines()]
    counts = np.array([len(pieces) for pieces in widths], np.int64)
    return Strip(strip.pixels, np.concatenate(widths)), counts


def _piece_widths(line: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    width = line.shape[1]
    if width <= MAX_PIECE_WIDTH:
        return np.array([width], np.int64)
    count = math.ceil(width / USUAL_WIDTH)
    gray = cv2.cvtColor(np.ascontiguousarray(line), cv2.COLOR_BGR2GRAY).astype(np.float32)
    ink = cv2.blur((gray.max(axis=0) - gray.min(axis=0))[None], (GAP_WIDTH, 1))[0]
    reach = width // count // 4  # how far from an even cut a gap is looked for
    evenly = [width * number // count for number in range(1, count)]
    cuts = [at - reach + int(np.argmin(ink[at - reach : at + reach])) for at in evenly]
    return np.array([after - before for before, after in pairwise([0, *cuts, width])], np.int64)


def checked_counts(counts: npt.NDArray[np.int64], answer: Steps) -> npt.NDArray[np.int64]:
    """`counts` (N,), seen to be of the lines whose pieces the recogniser has answered.

    Raises:
        ValueError: they are not.
    """
    if counts.min(initial=1) < 1 or counts.max(initial=0) > len(answer.steps) or counts.sum() != len(answer.steps):
        raise ValueError(f"the pieces of {len(counts)} lines are not the {len(answer.steps)} that were recognised")
    return counts


def join_texts(
    texts: list[str], scores: npt.NDArray[np.float32], counts: npt.NDArray[np.int64]
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Texts and scores of lines from those of their pieces.

    Args:
        texts: P strings.
        scores: (P,) float32, mean probability of the characters of each.
        counts: (N,) how many pieces each line has.

    Returns:
        N strings, pieces of words joined by a space, and (N,) float32 the mean probability of their characters.
    """
    if len(texts) == len(counts):
        return texts, scores
    joined, means = [], []
    for end, count in zip(np.cumsum(counts).tolist(), counts.tolist(), strict=True):
        pieces, weights = texts[end - count : end], [len(text) for text in texts[end - count : end]]
        means.append(np.average(scores[end - count : end], weights=weights) if sum(weights) else 0.0)
        text = pieces[0]
        for piece in pieces[1:]:
            text += " " * parts_words(text[-1:], piece[:1]) + piece
        joined.append(text)
    return joined, np.array(means, np.float32)


def parts_words(before: str, after: str) -> bool:
    """Whether a gap between two characters is a space: not beside a space, nor where a script has none."""
    return all(character and not character.isspace() and not stands_alone(character) for character in (before, after))
