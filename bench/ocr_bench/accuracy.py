"""`ocr-bench accuracy`: how well each model set reads the labelled sets, in each precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ocr_bench.inprocess import InProcess
from ocr_bench.labels import Dataset
from ocr_bench.report import Table
from ocr_bench.score import Accuracy, Answer, evaluate
from ocr_bench.subject import Subject
from ocr_client.client import OcrClient

Progress = Callable[[str, int], None]
READING_THREADS = 2  # requests in flight where a server is asked

HEADER = (
    "set",
    "pictures",
    "model set",
    "precision",
    "det precision",
    "det recall",
    "det hmean",
    "exact lines",
    "1 - N.E.D.",
    "token F1",
)


@dataclass(frozen=True)
class Row:
    """One data set read by one model set."""

    dataset: str
    model_set: str
    precision: str
    accuracy: Accuracy


Reader = Callable[[Dataset, Progress], list[Answer]]


def word(text: str) -> Answer:
    """Wrap the text of a line picture: no box was looked for."""
    return Answer.of([[[0, 0]] * 4], [text], [1.0])


def over_http(url: str) -> Reader:
    """Read with a running server."""

    def read(dataset: Dataset, progress: Progress) -> list[Answer]:
        with OcrClient(url, timeout_s=600) as client, ThreadPoolExecutor(READING_THREADS) as threads:

            def one(path: Path) -> Answer:
                if dataset.kind == "words":
                    answer = word(client.recognize([path]).texts[0])
                else:
                    result = client.ocr(path)
                    answer = Answer.of(result.boxes.tolist(), result.texts, result.scores.tolist())
                progress(dataset.name, 1)
                return answer

            return list(threads.map(one, (page.path for page in dataset.pages)))

    return read


def in_process(pipeline: InProcess) -> Reader:
    """Read without a server."""

    def read(dataset: Dataset, progress: Progress) -> list[Answer]:
        answers = []
        for page in dataset.pages:
            data = page.path.read_bytes()
            words = dataset.kind == "words"
            answers.append(word(pipeline.read_line(data)) if words else pipeline.read(data).answer)
            progress(dataset.name, 1)
        return answers

    return read


def measure(
    datasets: Sequence[Dataset], reader: Reader, model_set: str, precision: str, progress: Progress
) -> list[Row]:
    """Read and score every set."""
    return [
        Row(dataset.name, model_set, precision, evaluate(dataset, reader(dataset, progress))) for dataset in datasets
    ]


def measure_in_process(datasets: Sequence[Dataset], subject: Subject, progress: Progress) -> list[Row]:
    """Read and score every set, without a server."""
    reader = in_process(InProcess(subject))
    return measure(datasets, reader, subject.model_set, subject.precision_name, progress)


def table(rows: Sequence[Row]) -> Table:
    """One row a set, model set and precision; sets together."""
    order = {name: place for place, name in enumerate(dict.fromkeys(row.dataset for row in rows))}
    body = []
    for row in sorted(rows, key=lambda row: order[row.dataset]):
        found = row.accuracy
        body.append(
            (
                row.dataset,
                found.pictures,
                row.model_set,
                row.precision,
                found.det_precision,
                found.det_recall,
                found.det_hmean,
                found.exact_lines,
                found.edit_similarity,
                found.token_f1,
            )
        )
    return Table(HEADER, tuple(body), digits=3)
