"""How good an answer is: exact lines, edit distance, page token F1.

Counts are summed over pages before a ratio is taken (micro average), as the ICDAR evaluation does, except where said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

# Han (with extensions), kana, hangul: one character is one token.
CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
TOKEN = re.compile(f"[{CJK}]|[^\\W_{CJK}]+")


@dataclass(frozen=True)
class Score:
    """Hits among what was answered (`predicted`) and among what there was to find (`labelled`)."""

    hits: float = 0.0
    predicted: float = 0.0
    labelled: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(self.hits + other.hits, self.predicted + other.predicted, self.labelled + other.labelled)

    @property
    def precision(self) -> float:
        """Share of the answer that is right; 1 where nothing was answered and nothing was there."""
        return self.hits / self.predicted if self.predicted else float(not self.labelled)

    @property
    def recall(self) -> float:
        """Share of what is there that was answered; 1 where nothing was there."""
        return self.hits / self.labelled if self.labelled else 1.0

    @property
    def hmean(self) -> float:
        """Harmonic mean of precision and recall (F1)."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def tokens(text: str) -> list[str]:
    """Split into CJK characters and lower-cased runs of letters and digits; all else separates."""
    return TOKEN.findall(text.lower())


def token_score(predicted: str, labelled: str, complete: bool = True) -> Score:
    """Compare two pages as bags of tokens.

    Args:
        predicted: the text of the answer.
        labelled: the text of the label.
        complete: the label holds every word of the page. Where it has do-not-care regions it does not, and a token
            that is not in the label may well be right: then such tokens are left out of what was predicted.
    """
    answer, label = Counter(tokens(predicted)), Counter(tokens(labelled))
    hits = (answer & label).total()
    return Score(hits, answer.total() if complete else hits, label.total())


def folded(text: str) -> str:
    """Keep letters (CJK among them) and digits, case folded: what a line must have right to count as read."""
    return "".join(character for character in text.casefold() if character.isalnum())


def exact_lines(predicted: Sequence[str], labelled: Sequence[str]) -> Score:
    """Count labelled lines that some prediction reads exactly, each prediction used once; empty lines are left out."""
    answer = Counter(line for line in map(folded, predicted) if line)
    label = Counter(line for line in map(folded, labelled) if line)
    return Score((answer & label).total(), answer.total(), label.total())


def similarity(predicted: str, labelled: str) -> float:
    """1 - edit distance over the longer length, letters and digits only, case folded: 1 for equal texts, also empty."""
    return Levenshtein.normalized_similarity(predicted, labelled, processor=folded)
