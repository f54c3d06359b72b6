"""Talks to `child`, the process that imports paddle."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from ocr_convert.errors import ConversionError
from ocr_pipeline.cores import cores

Floats = npt.NDArray[np.float32]
LOG_TAIL_LINES = 20
# The longest that a request may take. The largest networks of PaddleOCR take some 30 s on one slow core: whoever has
# not answered after ten minutes waits for something that does not come.
DEADLINES_S = {"convert": 600.0, "predict": 600.0, "versions": 120.0}
CHILD = (sys.executable, "-m", "ocr_convert.paddle.child")
COLOURS = re.compile("\x1b\\[[0-9;]*m")


class PaddleProcess:
    """Starts with the first request; a context manager that ends it."""

    def __init__(
        self, workdir: Path, deadlines_s: Mapping[str, float] = DEADLINES_S, command: Sequence[str] = CHILD
    ) -> None:
        """Prepare for requests.

        Args:
            workdir: where temporary files and the log are written
            deadlines_s: the longest that each request may take
            command: starts the process; the number of a file descriptor is added, for its answers
        """
        self.workdir = workdir
        self._deadlines_s = deadlines_s
        self._command = command
        self._log = workdir / "paddle.log"
        self._log_start = 0  # bytes; where the output of the last request begins
        self._child: subprocess.Popen[str] | None = None
        self._requests: TextIO
        self._answers: TextIO

    def __enter__(self) -> "PaddleProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def convert(self, network: Path, weights: Path, target: Path) -> None:
        """Write a Paddle network as ONNX.

        Raises:
            ConversionError: paddle2onnx failed
        """
        self._ask("convert", network=str(network), weights=str(weights), target=str(target))

    def predict(self, network: Path, weights: Path, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
        """Run a Paddle network on each of several inputs, FP32 [N, 3, H, W]; return its output for each.

        Raises:
            ConversionError: paddle failed
        """
        with tempfile.TemporaryDirectory(dir=self.workdir) as folder:
            given, got = Path(folder) / "inputs.npz", Path(folder) / "outputs.npz"
            np.savez(given, **inputs)
            threads = cores()
            self._ask(
                "predict",
                network=str(network),
                weights=str(weights),
                inputs=str(given),
                outputs=str(got),
                threads=threads,
            )
            with np.load(got) as arrays:
                return {name: arrays[name] for name in arrays.files}

    def versions(self) -> dict[str, str]:
        """Return the versions of paddlepaddle and paddle2onnx."""
        versions: dict[str, str] = self._ask("versions")
        return versions

    def _end(self) -> None:
        if self._child is not None:
            _kill(self._child)  # it holds nothing that would have to be put away
            self._child.wait()
            self._child = None
            self._answers.close()
            with contextlib.suppress(BrokenPipeError):  # a request that it has not read
                self._requests.close()

    def _start(self) -> "subprocess.Popen[str]":
        requests_read, requests_write = os.pipe()
        answers_read, answers_write = os.pipe()
        # paddle2onnx leaves files in TMPDIR; here they go away with the rest of the work.
        environment = {**os.environ, "TMPDIR": str(self.workdir), "GLOG_minloglevel": "2", "PYTHONWARNINGS": "ignore"}
        with self._log.open("wb") as log:
            child = subprocess.Popen(
                [*self._command, str(answers_write)],
                stdin=requests_read,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[answers_write],
                env=environment,
                text=True,
                start_new_session=True,  # so that what it starts can be ended with it
            )
        os.close(requests_read)
        os.close(answers_write)
        self._requests = os.fdopen(requests_write, "w", encoding="utf-8")
        self._answers = os.fdopen(answers_read, encoding="utf-8")
        return child

    def _ask(self, what: str, **arguments: object) -> Any:
        if self._child is None:
            self._child = self._start()
        self._log_start = self._log.stat().st_size
        too_late = threading.Event()
        line = ""
        with _alarm(self._deadlines_s[what], self._child, too_late), contextlib.suppress(BrokenPipeError):
            self._requests.write(json.dumps({"do": what, **arguments}) + "\n")
            self._requests.flush()
            line = self._answers.readline()
        if line:
            answer = json.loads(line)
        else:
            status = self._child.wait()
            ended = f"it had not answered after {self._deadlines_s[what]:g} s and was ended"
            answer = {"error": ended if too_late.is_set() else f"its process ended with status {status}"}
            self._end()  # another one can be started for the next request
        if "error" in answer:
            message = f"Paddle could not {what} {arguments.get('network', '')}: {answer['error']}"
            raise ConversionError(f"{message}\nit printed:\n{self._tail()}")
        return answer["result"]

    def _tail(self) -> str:
        """Return the end of what paddle printed since the last request, without its colours."""
        printed = self._log.read_bytes()[self._log_start :].decode("utf-8", errors="replace")
        return "\n".join(COLOURS.sub("", printed).splitlines()[-LOG_TAIL_LINES:])


@contextlib.contextmanager
def _alarm(seconds: float, child: "subprocess.Popen[str]", too_late: threading.Event) -> Iterator[None]:
    """End the child if the body takes longer: whoever reads from it or writes to it then goes on."""

    def end() -> None:
        too_late.set()
        _kill(child)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _kill(child: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself, and nothing of it is left
        os.killpg(child.pid, signal.SIGKILL)
