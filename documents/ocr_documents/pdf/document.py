"""A PDF file that has been opened in a process of its own."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from ocr_contract.result import OcrResult
from ocr_documents.document import Document, Page
from ocr_documents.errors import DocumentError
from ocr_documents.limits import Limits
from ocr_documents.pdf.child import CHANNELS, Child, ChildEndedError
from ocr_documents.pictures import check_number

_POLL_S = 0.05


class PdfDocument(Document):
    """A document. One process draws its pages, one after the other; when it ends, the next page gets a new one."""

    def __init__(self, file: Path | bytes, dpi: int, *, keep_text: bool, limits: Limits) -> None:
        """Start the process and open the file.

        Raises:
            BrokenDocument, EncryptedDocument, DocumentTooLarge: it cannot be opened.
        """
        self._file, self._dpi, self._keep_text, self._limits = file, dpi, keep_text, limits
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._has_drawn = False
        self._closed = False
        try:
            self._length = self._open()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self._length

    def page(self, number: int) -> Page:
        """Draw a page; see `Document.page`."""
        check_number(number, self._length)
        with self._lock:
            return self._page(number)

    def _page(self, number: int) -> Page:
        request = {"do": "page", "number": number, "dpi": self._dpi, "with_text": self._keep_text}
        while True:
            try:
                if self._child is None:
                    self._open()
                answer, pixels = self._ask(request)
            except ChildEndedError as ended:
                # It may have died of what earlier pages did to it: a fresh one tells.
                if self._has_drawn and not ended.too_late and not self._closed:
                    self._has_drawn = False
                    continue
                raise self._failure(ended, f"page {number} cannot be drawn") from ended
            self._has_drawn = True
            return self._received(number, answer, pixels)

    def _received(self, number: int, answer: dict[str, Any], pixels: bytearray) -> Page:
        height, width = int(answer["height"]), int(answer["width"])
        shape = (height, width) if len(pixels) == height * width else (height, width, CHANNELS)
        picture = np.frombuffer(pixels, np.uint8).reshape(shape)
        text = None if answer["text"] is None else OcrResult.from_dict(answer["text"])
        return Page(number, picture, width, height, float(self._dpi), text)

    def _open(self) -> int:
        """Start a process, open the file in it, and return how many pages it has."""
        self._has_drawn = False
        self._child = Child(self._limits)
        try:
            return int(self._ask(source_fields(self._file, "open"), body_of(self._file))[0]["pages"])
        except ChildEndedError as ended:
            raise self._failure(ended, "cannot be opened") from ended

    def _ask(self, request: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytearray]:
        if self._closed or self._child is None:
            raise DocumentError("has been closed")
        try:
            return self._child.ask(request, body)
        except ChildEndedError:
            self._child = None
            raise

    def _failure(self, ended: ChildEndedError, what: str) -> DocumentError:
        if self._closed:
            return DocumentError("has been closed")
        return ended.as_error(what, self._limits)

    def close(self) -> None:
        """End the process, also while a page is drawn; who waits for that gets a `DocumentError`."""
        self._closed = True
        while not self._lock.acquire(timeout=_POLL_S):
            child = self._child
            if child is not None:
                child.end()
        with_child, self._child = self._child, None
        self._lock.release()
        if with_child is not None:
            with_child.end()


def source_fields(file: Path | bytes, do: str) -> dict[str, Any]:
    """What a request says about the file: its path, or that its bytes come beside."""
    return {"do": do, "path": os.path.abspath(file) if isinstance(file, Path) else None}  # noqa: PTH100 - keeps links


def body_of(file: Path | bytes) -> bytes:
    """The bytes that come beside."""
    return b"" if isinstance(file, Path) else file
