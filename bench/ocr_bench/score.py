"""All metrics of one data set, page by page and summed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from ocr_bench.labels import Dataset, Page
from ocr_bench.matching import distance_score, match_boxes, word_distance_score
from ocr_bench.metrics import Score, exact_lines, token_score


@dataclass(frozen=True)
class Answer:
    """What an OCR read on one picture: boxes (N, 4, 2) float32 in pixels, texts (N), scores (N)."""

    boxes: npt.NDArray[np.float32]
    texts: tuple[str, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.boxes) == len(self.texts) == len(self.scores):
            raise ValueError(f"{len(self.boxes)} boxes, {len(self.texts)} texts, {len(self.scores)} scores")

    @classmethod
    def of(cls, boxes: Sequence[object], texts: Sequence[str], scores: Sequence[float]) -> Answer:
        """Make an answer from lists, as JSON has them."""
        corners = np.asarray(boxes, dtype=np.float32).reshape(-1, 4, 2)
        return cls(corners, tuple(texts), tuple(float(score) for score in scores))


@dataclass(frozen=True)
class Accuracy:
    """The metrics of one set; None where the labels of that kind do not give it."""

    pictures: int
    token_f1: float | None = None
    exact_lines: float | None = None
    edit_similarity: float | None = None
    det_precision: float | None = None
    det_recall: float | None = None
    det_hmean: float | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        """Give plain values for JSON."""
        return asdict(self)


@dataclass
class Tally:
    """Counts summed over the pages of a set."""

    pictures: int = 0
    token: Score = field(default_factory=Score)
    exact: Score = field(default_factory=Score)
    edit: Score = field(default_factory=Score)
    detection: Score = field(default_factory=Score)

    def add(self, kind: str, page: Page, answer: Answer) -> None:
        """Count one page of a data set of `kind`."""
        self.pictures += 1
        self.token += token_score(" ".join(answer.texts), page.text, page.complete)
        if kind == "lines":
            self.exact += exact_lines(answer.texts, [line.text for line in page.lines if line.care])
            matching = match_boxes(list(answer.boxes), page.lines)
            self.detection += matching.score
            self.edit += distance_score(matching, answer.texts, page.lines)
        elif kind == "words":
            self.exact += exact_lines(answer.texts, [page.text])
            self.edit += word_distance_score(" ".join(answer.texts), page.text)

    def accuracy(self, kind: str) -> Accuracy:
        """Take the ratios."""
        lines = kind == "lines"
        read = lines or kind == "words"
        return Accuracy(
            pictures=self.pictures,
            token_f1=self.token.hmean,
            exact_lines=self.exact.recall if read else None,
            edit_similarity=self.edit.precision if read else None,
            det_precision=self.detection.precision if lines else None,
            det_recall=self.detection.recall if lines else None,
            det_hmean=self.detection.hmean if lines else None,
        )


def evaluate(dataset: Dataset, answers: Iterable[Answer]) -> Accuracy:
    """Score one answer a page, in the order of the pages."""
    tally = Tally()
    for page, answer in zip(dataset.pages, answers, strict=True):
        tally.add(dataset.kind, page, answer)
    return tally.accuracy(dataset.kind)
