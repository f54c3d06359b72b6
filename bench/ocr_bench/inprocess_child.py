"""The in-process pipeline behind peer_child's protocol: python -m ocr_bench.inprocess_child REPOSITORY DEVICE."""

from __future__ import annotations

import sys
from pathlib import Path

from ocr_bench import peer_child
from ocr_bench.inprocess import InProcess


def make(repository: Path, device: str) -> peer_child.Reader:
    """Load the pipeline and give what reads one picture."""
    pipeline = InProcess(repository, device)

    def read(path: str) -> peer_child.Answer:
        answer = pipeline.read(Path(path).read_bytes()).answer
        return answer.boxes.tolist(), list(answer.texts), list(answer.scores)

    return read


if __name__ == "__main__":
    peer_child.serve("in-process", lambda: make(Path(sys.argv[1]), sys.argv[2]))
