"""The words of a page's lines, also of lines that were read without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocr_contract.characters import stands_alone, word_slices
from ocr_contract.result import OcrResult
from ocr_documents.texts import is_right_to_left, text_width


@dataclass(frozen=True, eq=False)
class Word:
    """One word of a line.

    Attributes:
        text: without spaces.
        box: (4, 2) float64, pixels (x, y), clockwise from the word's own top-left corner.
        score: 0..1; of its line where it was read without words.
        after_space: whether a space stands between it and the word before it on its line.
    """

    text: str
    box: npt.NDArray[np.float64]
    score: float
    after_space: bool


def words_of_lines(result: OcrResult) -> list[list[Word]]:
    """The words of each line, in their order.

    A line that was read without words is parted by the same rule, and its box with it: by the characters' usual widths.
    """
    words: list[list[Word]] = [[] for _ in result.texts]
    reached = [0] * len(words)  # characters of each line's text before its next word
    for text, box, score, line in zip(
        result.words, result.word_boxes, result.word_scores, result.word_lines.tolist(), strict=True
    ):
        if text.strip():
            after_space, reached[line] = _after_space(result.texts[line], text, reached[line], words[line])
            words[line].append(Word(text.strip(), box.astype(np.float64), _share(score), after_space))
    return [
        own or _parted(result.texts[line], result.boxes[line].astype(np.float64), _share(result.scores[line]))
        for line, own in enumerate(words)
    ]


def _share(score: np.float32) -> float:
    """A score as formats with a range take it: 0..1."""
    return float(np.clip(score, 0, 1))


def _after_space(line: str, word: str, reached: int, before: list[Word]) -> tuple[bool, int]:
    """Whether a space stands before a word, and how far the line's text is used up by it."""
    at = line.find(word, reached)
    if at >= 0 and (not before or not line[reached:at].strip()):
        return bool(before) and at > reached, at + len(word)
    # The word does not stand in the text as it is: the script tells.
    return bool(before) and not (stands_alone(before[-1].text[-1]) or stands_alone(word[0])), reached


def _parted(text: str, box: npt.NDArray[np.float64], score: float) -> list[Word]:
    """The words of a line's text, each with its piece of the line's box."""
    reached = np.cumsum([0, *map(text_width, text)])  # before each character, and at the end
    reached = reached / max(reached[-1], 1)
    if right_to_left := is_right_to_left(text):
        reached = 1 - reached
    words: list[Word] = []
    for word in word_slices(text):
        ends = reached[[word.stop, word.start] if right_to_left else [word.start, word.stop], None]
        top, bottom = box[0] + (box[1] - box[0]) * ends, box[3] + (box[2] - box[3]) * ends
        after_space = bool(words) and text[word.start - 1].isspace()
        words.append(Word(text[word], np.concatenate([top, bottom[::-1]]), score, after_space))
    return words
