"""`ocr-bench accuracy`: how well each model set reads the labelled sets, in each precision."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.report import Table
from ocr_bench.runner import MODELS, REQUEST_TIMEOUT_S, Done, Labelled, Measurement, Workplace
from ocr_bench.scoring.labels import Dataset, Page, read_dataset
from ocr_bench.scoring.score import Accuracy, Answer, evaluate
from ocr_bench.target import Target
from ocr_client import OcrClient
from ocr_contract.reader import Reader
from onnxruntime_backend.precision import Precision

THREADS = 2  # pictures read at a time


@dataclass(frozen=True)
class Row:
    """One data set read by one model set."""

    dataset: str
    model_set: str
    precision: str
    accuracy: Accuracy


def read(reader: Reader, dataset: Dataset, done: Done) -> list[Answer]:
    """Read every picture of a set, those of single lines without looking for the line."""

    def read_one(page: Page) -> Answer:
        answer = reader.recognize([page.path]) if dataset.kind == "words" else reader.ocr(page.path)
        done(dataset.name, 1)
        return answer

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(read_one, dataset.pages))


@dataclass(frozen=True, kw_only=True)
class MeasureAccuracy(Measurement[list[Row]]):
    """Detection, exact lines, edit distance and token F1 on labelled sets."""

    command: ClassVar[str] = "accuracy"
    title: ClassVar[str] = "Accuracy"

    folders: Labelled
    model_repository: Annotated[list[Path], Option(help="Model repository; repeatable.")] = field(
        default_factory=lambda: [MODELS]
    )
    precision: Annotated[
        list[Precision], Option(help="Arithmetic of the networks; repeatable. By default what config.pbtxt says.")
    ] = field(default_factory=list)
    url: Annotated[str | None, Option(help="host:port of a running server, instead of this process.")] = None

    def measure(self, place: Workplace) -> list[Row]:
        """Read with a running server where there is a URL, else in this process."""
        datasets = [read_dataset(folder) for folder in self.folders]
        pictures = sum(len(dataset.pages) for dataset in datasets)
        if self.url:
            with OcrClient(self.url, timeout_s=REQUEST_TIMEOUT_S) as client, place.progress(pictures) as done:
                return rows(datasets, client, f"server at {self.url}", "as served", done)
        precisions: list[Precision | None] = [*self.precision] or [None]
        targets = [Target(path, self.device, each) for path in self.model_repository for each in precisions]
        found = []
        with place.progress(pictures * len(targets)) as done:
            for target in targets:
                with target.open() as reader:
                    found += rows(datasets, reader, target.model_set, target.precision_name, done)
        return found

    def table(self, found: list[Row]) -> Table:
        """One row a set, model set and precision; sets together."""
        header = (
            *("set", "pictures", "model set", "precision", "det precision", "det recall", "det hmean"),
            *("exact lines", "1 - N.E.D.", "token F1"),
        )
        order = list(dict.fromkeys(row.dataset for row in found))
        body = []
        for row in sorted(found, key=lambda row: order.index(row.dataset)):
            got = row.accuracy
            body.append(
                (
                    *(row.dataset, got.pictures, row.model_set, row.precision),
                    *(got.det_precision, got.det_recall, got.det_hmean),
                    *(got.exact_lines, got.edit_similarity, got.token_f1),
                )
            )
        return Table(header, tuple(body), digits=3)


def rows(datasets: Sequence[Dataset], reader: Reader, model_set: str, precision: str, done: Done) -> list[Row]:
    """Read and score every set."""
    return [Row(each.name, model_set, precision, evaluate(each, read(reader, each, done))) for each in datasets]
