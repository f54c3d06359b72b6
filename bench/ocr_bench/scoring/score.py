"""All metrics of one data set, page by page and summed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ocr_bench.scoring.bootstrap import f1_estimate, recall_estimate
from ocr_bench.scoring.comparison import EXACT_LINES, TOKEN_F1, Estimates
from ocr_bench.scoring.labels import Dataset, Kind, Page
from ocr_bench.scoring.matching import distance_score, match_boxes
from ocr_bench.scoring.metrics import Score, exact_lines, similarity, token_score
from ocr_contract.result import OcrResult, RecognitionResult

Answer = OcrResult | RecognitionResult  # of a picture of one line there are no boxes


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


@dataclass
class Tally:
    """Counts over the pages of a set; `token` and `exact` page by page, the others summed."""

    kind: Kind
    pictures: int = 0
    token: list[Score] = field(default_factory=list)
    exact: list[Score] = field(default_factory=list)
    edit: Score = field(default_factory=Score)
    detection: Score = field(default_factory=Score)

    def add(self, page: Page, answer: Answer) -> None:
        """Count one page."""
        self.pictures += 1
        text = " ".join(answer.texts)
        self.token.append(token_score(text, page.text, page.complete))
        if self.kind == "lines" and isinstance(answer, OcrResult):
            self.exact.append(exact_lines(answer.texts, [line.text for line in page.lines if line.care]))
            matching = match_boxes(list(answer.boxes), page.lines)
            self.detection += matching.score
            self.edit += distance_score(matching, answer.texts, page.lines)
        elif self.kind == "words":
            self.exact.append(exact_lines(answer.texts, [page.text]))
            self.edit += Score(similarity(text, page.text), 1, 1)

    @property
    def accuracy(self) -> Accuracy:
        """The ratios."""
        boxes, lines = self.kind == "lines", self.kind != "page"
        return Accuracy(
            pictures=self.pictures,
            token_f1=sum(self.token, Score()).hmean,
            exact_lines=sum(self.exact, Score()).recall if lines else None,
            edit_similarity=self.edit.precision if lines else None,
            det_precision=self.detection.precision if boxes else None,
            det_recall=self.detection.recall if boxes else None,
            det_hmean=self.detection.hmean if boxes else None,
        )

    def estimates(self, name: str) -> Estimates:
        """Token F1 and, where the labels have lines, exact lines with their bootstrap; `name` is the set's."""
        found = {TOKEN_F1: f1_estimate(name, self.token)}
        return found if self.kind == "page" else {**found, EXACT_LINES: recall_estimate(name, self.exact)}


def evaluate(dataset: Dataset, answers: Iterable[Answer]) -> Tally:
    """Score one answer a page, in the order of the pages."""
    tally = Tally(dataset.kind)
    for page, answer in zip(dataset.pages, answers, strict=True):
        tally.add(page, answer)
    return tally
