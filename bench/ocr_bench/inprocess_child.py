"""The in-process pipeline behind peer_child's protocol.

python -m ocr_bench.inprocess_child REPOSITORY DEVICE [PRECISION]
"""

from __future__ import annotations

import sys
from pathlib import Path

from ocr_bench import peer_child
from ocr_bench.inprocess import InProcess
from ocr_bench.subject import Subject
from onnxruntime_backend.settings import Precision


def command(subject: Subject) -> list[str]:
    """Give the command line of this process."""
    precision = [subject.precision.value] if subject.precision else []
    return [
        sys.executable,
        "-m",
        "ocr_bench.inprocess_child",
        str(subject.repository.resolve()),
        subject.device,
        *precision,
    ]


def make(repository: str, device: str, precision: str | None = None) -> peer_child.Reader:
    """Load the pipeline and give what reads one picture."""
    pipeline = InProcess(Subject(Path(repository), device, Precision(precision) if precision else None))

    def read(path: str) -> peer_child.Answer:
        answer = pipeline.read(Path(path).read_bytes()).answer
        return answer.boxes.tolist(), list(answer.texts), list(answer.scores)

    return read


if __name__ == "__main__":
    peer_child.serve("in-process", lambda: make(*sys.argv[1:]))
