"""A process of its own for one PDF file: it has a memory limit, each of its answers a time limit.

pdfium is not safe with threads, and a hostile file may crash it, or keep it busy for ever. What it and other libraries
print is shown in Python's development mode (`python -X dev`, PYTHONDEVMODE=1), with the traceback of what failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ocr_documents import errors
from ocr_documents.limits import Limits
from ocr_documents.pdf.messages import CHUNK_BYTES, read_frame, write_frame

CHANNELS = 3

# How pdfium and the C++ library end where no memory is left.
_OUT_OF_MEMORY = (signal.SIGABRT, signal.SIGILL, getattr(signal, "SIGTRAP", signal.SIGABRT))

# The worker finds its modules where this process does: a file of that name in the current folder is not taken for one.
_START = "import sys; sys.path[:] = sys.argv[1:]; from ocr_documents.pdf.worker import main; main()"
# Threads of numpy's and arenas of malloc's would take address space for nothing.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


class ChildEndedError(Exception):
    """The process ended instead of answering.

    Attributes:
        too_late: it was ended, since it took longer than it may.
    """

    def __init__(self, returncode: int, *, too_late: bool) -> None:
        super().__init__(_reason(returncode))
        self._signal = -returncode
        self.too_late = too_late

    def as_error(self, what: str, limits: Limits) -> errors.DocumentError:
        """What a caller is told, who knows nothing of processes; `what` could not be done."""
        if self.too_late:
            return errors.DocumentTooLarge(f"{what} within {limits.page_timeout_s:g} s")
        if self._signal in _OUT_OF_MEMORY:
            return errors.DocumentTooLarge(f"{what} with {limits.memory_bytes >> 20:,} MiB of memory")
        return errors.BrokenDocument(f"{what}: it is broken, and has ended the process that was to do it ({self})")


class Child:
    """The process; used by one thread at a time, but `end` may be called from any."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._max_body_bytes = max(CHANNELS * limits.page_pixels, CHUNK_BYTES)
        self._process = subprocess.Popen(
            [sys.executable, *(("-X", "dev") if sys.flags.dev_mode else ()), "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if sys.flags.dev_mode else subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,  # Ctrl-C is for this process, which ends the other
        )
        self._end = weakref.finalize(self, _end, self._process)  # also when Python ends
        self._too_late = False
        self._greeted = False

    def ask(self, head: Mapping[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytearray]:
        """Send a request and wait for its answer.

        Raises:
            DocumentError: what the answer says.
            ChildEndedError: there was none, because the process ended or was ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise TypeError("the process was started without pipes")
        timer = threading.Timer(self._limits.page_timeout_s, self._end_late)
        timer.daemon = True
        timer.start()
        try:
            if not self._greeted:
                write_frame(stdin, asdict(self._limits))
                self._greeted = True
            write_frame(stdin, dict(head), body)
            answer, pixels = read_frame(stdout, self._max_body_bytes)
        except (EOFError, OSError, ValueError) as error:
            self.end()
            raise ChildEndedError(self._process.returncode, too_late=self._too_late) from error
        except BaseException:  # what comes next on the pipe belongs to this request
            self.end()
            raise
        finally:
            timer.cancel()
        if "error" in answer:
            raise _error(answer)
        return answer, pixels

    def _end_late(self) -> None:
        self._too_late = True
        self._process.kill()

    def end(self) -> None:
        """End the process, whatever it is doing; nothing happens when it has ended."""
        self._end()
        self._process.wait()  # another thread may be at it


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what was not sent yet cannot be sent any more
                continue


def _error(answer: Mapping[str, Any]) -> errors.DocumentError:
    """The error that an answer tells of."""
    kind = getattr(errors, str(answer["error"]), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.DocumentError)):
        kind = errors.BrokenDocument
    return kind(str(answer.get("message")))


def _reason(returncode: int) -> str:
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"exit code {returncode}"
