"""`ocr-bench accuracy`: how well each model set reads the labelled sets, in each precision."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.measurements.comparisons import INTERVAL, bracketed, difference_table, rule_table
from ocr_bench.report import Table
from ocr_bench.runner import REQUEST_TIMEOUT_S, Done, Labelled, TargetsMeasurement, Workplace
from ocr_bench.scoring.bootstrap import RESAMPLES, SEED, Interval
from ocr_bench.scoring.comparison import EXACT_LINES, RULE, TOKEN_F1, Comparison, Estimates, compare
from ocr_bench.scoring.labels import Dataset, Page, read_datasets
from ocr_bench.scoring.score import Accuracy, Answer, evaluate
from ocr_bench.target import told_apart
from ocr_client import OcrClient
from ocr_contract.reader import Reader

THREADS = 2  # pictures read at a time


@dataclass(frozen=True)
class Row:
    """One data set read by one subject; the intervals are of token F1 and of exact lines."""

    dataset: str
    model_set: str
    precision: str
    accuracy: Accuracy
    token_f1: Interval
    exact_lines: Interval | None


@dataclass(frozen=True)
class Subject:
    """A model set in one precision: its rows of the table, and its metrics by set."""

    model_set: str
    precision: str
    rows: list[Row]
    estimates: dict[str, Estimates]

    @property
    def name(self) -> str:
        """What it is called where it is compared."""
        return f"{self.model_set}, {self.precision}"


@dataclass(frozen=True)
class Readings:
    """All rows, subject by subject, and comparisons of the subjects with each other."""

    rows: list[Row]
    comparisons: list[Comparison]


def read(reader: Reader, dataset: Dataset, done: Done) -> list[Answer]:
    """Read every picture of a set, those of single lines without looking for the line."""

    def read_one(page: Page) -> Answer:
        answer = reader.recognize([page.path]) if dataset.kind == "words" else reader.ocr(page.path)
        done(dataset.name, 1)
        return answer

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(read_one, dataset.pages))


@dataclass(frozen=True, kw_only=True)
class MeasureAccuracy(TargetsMeasurement[Readings]):
    """Detection, exact lines, edit distance and token F1 on labelled sets; each subject against the first."""

    command: ClassVar[str] = "accuracy"
    title: ClassVar[str] = "Accuracy"

    folders: Labelled
    url: Annotated[str | None, Option(help="host:port of a running server, instead of this process.")] = None

    def measure(self, place: Workplace) -> Readings:
        """Read with a running server where there is a URL, else in this process."""
        datasets = read_datasets(self.folders)
        pictures = sum(len(dataset.pages) for dataset in datasets)
        if self.url:
            with OcrClient(self.url, timeout_s=REQUEST_TIMEOUT_S) as client, place.progress(pictures) as done:
                return readings([subject(datasets, client, f"server at {self.url}", "as served", done)])
        found = []
        names = told_apart(self.targets)
        with place.progress(pictures * len(names)) as done:
            for name, target in zip(names, self.targets, strict=True):
                with target.open() as reader:
                    found.append(subject(datasets, reader, name, target.precision_name, done))
        return readings(found)

    def intro(self, found: Readings) -> str:
        """What the intervals are."""
        return (
            f"In brackets: {INTERVAL} bootstrap interval, percentile method, of {RESAMPLES:,} draws of each set's "
            f"pictures (seed {SEED})."
        )

    def table(self, found: Readings) -> Table:
        """One row a set, model set and precision; sets together."""
        header = (
            *("set", "pictures", "model set", "precision", "det precision", "det recall", "det hmean"),
            *("exact lines", f"exact lines, {INTERVAL}", "1 - N.E.D.", "token F1", f"token F1, {INTERVAL}"),
        )
        order = list(dict.fromkeys(row.dataset for row in found.rows))
        body = []
        for row in sorted(found.rows, key=lambda row: order.index(row.dataset)):
            got = row.accuracy
            body.append(
                (
                    *(row.dataset, got.pictures, row.model_set, row.precision),
                    *(got.det_precision, got.det_recall, got.det_hmean),
                    *(got.exact_lines, bracketed(row.exact_lines), got.edit_similarity),
                    *(got.token_f1, bracketed(row.token_f1)),
                )
            )
        return Table(header, tuple(body), digits=3)

    def notes(self, found: Readings) -> Sequence[str]:
        """The comparisons: set by set, then the rule for a default and who passes it."""
        if not found.comparisons:
            return []
        tables = difference_table(found.comparisons), rule_table(found.comparisons)
        said = "Differences over the same pictures; no difference: the interval of the difference holds 0."
        return [said, tables[0].markdown(), RULE, tables[1].markdown()]


def subject(datasets: Sequence[Dataset], reader: Reader, model_set: str, precision: str, done: Done) -> Subject:
    """Read and score every set."""
    made = Subject(model_set, precision, [], {})
    for dataset in datasets:
        tally = evaluate(dataset, read(reader, dataset, done))
        estimates = tally.estimates(dataset.name)
        exact = estimates[EXACT_LINES].interval if EXACT_LINES in estimates else None
        made.estimates[dataset.name] = estimates
        made.rows.append(Row(dataset.name, model_set, precision, tally.accuracy, estimates[TOKEN_F1].interval, exact))
    return made


def readings(subjects: Sequence[Subject]) -> Readings:
    """Compare each subject with the first, and with the first of its own model set: that is what a precision costs."""
    pairs = [(other, subjects[0]) for other in subjects[1:]]
    for other in subjects[1:]:
        own = next(each for each in subjects if each.model_set == other.model_set)
        if own is not other and own is not subjects[0]:
            pairs.append((other, own))
    comparisons = [compare(other.name, other.estimates, first.name, first.estimates) for other, first in pairs]
    return Readings([row for each in subjects for row in each.rows], comparisons)
