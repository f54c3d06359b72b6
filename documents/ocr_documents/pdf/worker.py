"""The process that opens one PDF file: it answers requests on standard input until that ends."""

from __future__ import annotations

import io
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ocr_documents.document import PageResult
from ocr_documents.errors import BrokenDocument, DocumentError, DocumentTooLarge
from ocr_documents.limits import Limits
from ocr_documents.pdf.messages import CHUNK_BYTES, read_frame, write_frame

_log = logging.getLogger(__name__)

_GRACE = 1.5  # of the time limit: the parent ends this process; only if the parent is gone, it ends by itself
_MAX_BODY_BYTES = 1 << 40  # memory is limited already


def main() -> None:
    """Answer until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.flags.dev_mode:  # else nobody sees standard error
        logging.basicConfig()
        logging.getLogger("ocr_documents").setLevel(logging.DEBUG)
    requests, answers = _pipes()
    limits = Limits(**read_frame(requests, 0)[0])
    _limit(limits)
    Worker(_Requests(requests, limits.page_timeout_s), answers, limits).run()


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes; what a library prints goes elsewhere."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return requests, answers


def _limit(limits: Limits) -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - Windows has none

        _, highest = resource.getrlimit(resource.RLIMIT_AS)
        most = limits.memory_bytes if highest == resource.RLIM_INFINITY else min(limits.memory_bytes, highest)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Requests:
    """Requests in their order. A thread reads them, which sees the other end go also while a page is drawn."""

    def __init__(self, stream: BinaryIO, timeout_s: float) -> None:
        self._stream = stream
        self._timeout_s = timeout_s
        self._waiting: queue.SimpleQueue[tuple[dict[str, Any], bytearray]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                self._waiting.put(read_frame(self._stream, _MAX_BODY_BYTES))
            except EOFError:
                os._exit(0)

    def next(self) -> tuple[dict[str, Any], bytearray]:
        """Wait for the next request. The clock of the last one stops, that of the next one starts."""
        self._alarm(0)
        request = self._waiting.get()
        self._alarm(_GRACE * self._timeout_s)
        return request

    @staticmethod
    def _alarm(seconds: float) -> None:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, seconds)  # the system ends the process, even where Python cannot act


@dataclass
class Worker:
    """Answers requests, one at a time."""

    requests: _Requests
    answers: BinaryIO
    limits: Limits

    def run(self) -> None:
        """Answer until the process is ended."""
        limit = self.limits.memory_bytes
        while True:
            head, body = self.requests.next()
            try:
                self._answer(head, body)
            except DocumentError as error:
                self._fail(type(error).__name__, str(error))
            except MemoryError:
                self._fail(DocumentTooLarge.__name__, f"needs more than {limit >> 20:,} MiB of memory")
            except Exception as error:  # whatever a broken file has led a library into, or a mistake of this program
                _log.exception("a request failed: %s", head)
                self._fail(BrokenDocument.__name__, f"is broken: {type(error).__name__}: {error}")

    def _fail(self, kind: str, message: str) -> None:
        write_frame(self.answers, {"error": kind, "message": message})

    def _answer(self, head: dict[str, Any], body: bytearray) -> None:
        if head["do"] == "open":
            from ocr_documents.pdf.drawing import Drawing  # noqa: PLC0415 - who writes needs no pdfium

            self._drawing = Drawing(_source(head, body), self.limits)
            write_frame(self.answers, {"pages": len(self._drawing)})
        elif head["do"] == "page":
            answer, pixels = self._drawing.page(head["number"], head["dpi"], with_text=head["with_text"])
            write_frame(self.answers, answer, pixels.data.cast("B"))
        else:
            from ocr_documents.pdf.text_layer import write_searchable  # noqa: PLC0415 - who draws needs no pikepdf

            target = io.BufferedWriter(_Target(self.requests, self.answers), CHUNK_BYTES)
            write_searchable(_source(head, body), self._pages(), target, replace_text=head["replace_text"])
            target.flush()
            write_frame(self.answers, {"want": None})

    def _pages(self) -> Iterator[PageResult]:
        """Ask for the pages one by one."""
        while True:
            write_frame(self.answers, {"want": "page"})
            head, _ = self.requests.next()
            if head["page"] is None:
                return
            yield PageResult.from_dict(head["page"])


def _source(head: dict[str, Any], body: bytearray) -> Path | bytes:
    return bytes(body) if head["path"] is None else Path(head["path"])


class _Target(io.RawIOBase):
    """Sends what is written to the other end."""

    def __init__(self, requests: _Requests, answers: BinaryIO) -> None:
        super().__init__()
        self._requests, self._answers = requests, answers

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")[:CHUNK_BYTES]
        write_frame(self._answers, {"want": "write"}, view)
        self._requests.next()
        return len(view)
