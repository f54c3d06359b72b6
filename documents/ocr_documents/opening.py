"""A file to a document. What it is, is told by what it holds, not by its name."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from ocr_documents.document import Document
from ocr_documents.errors import DocumentError
from ocr_documents.kinds import kind_of
from ocr_documents.limits import Limits
from ocr_documents.pictures import PictureDocument, opened
from ocr_documents.tiff import TiffDocument

# Modules of the extra "documents", and how to get them: the first two read PDF files, all of them write them.
PDF_MODULES = ("pypdfium2", "pikepdf", "img2pdf", "fontTools")
PDF_INSTALL = "pip install 'triton-paddleocr-client[documents]'"


def open_document(
    file: Path | bytes,
    *,
    dpi: int = 200,
    existing_text: Literal["keep", "read"] = "keep",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Document:
    """Open a picture, a TIFF file or a PDF file.

    Args:
        file: its path, or its bytes.
        dpi: pixels an inch at which pages of a PDF file are drawn; other files have pixels of their own.
        existing_text: "keep" gives pages of a PDF file that carry text with it (`Page.text`), "read" without.
        limits: what the document may ask for.

    Raises:
        BrokenDocument: it is none of them, or cannot be opened.
        EncryptedDocument: it needs a password.
        DocumentTooLarge: opening it takes too much memory or time.
        DocumentError: it cannot be read, or it is a PDF file, and the packages for that are not installed.
    """
    if isinstance(file, Path) and file.is_fifo():  # which gives its bytes only once
        file = file.read_bytes()
    with opened(file) as stream:
        kind = kind_of(stream)
    if kind == "tiff":
        return TiffDocument(file)
    if kind == "picture":
        return PictureDocument(file)
    if missing := missing_module(PDF_MODULES[:2]):
        raise DocumentError(f"is a PDF file, which needs more packages (no module {missing}): {PDF_INSTALL}")
    from ocr_documents.pdf.document import PdfDocument  # noqa: PLC0415

    return PdfDocument(file, dpi, keep_text=existing_text == "keep", limits=limits)


def missing_module(names: Iterable[str] = PDF_MODULES) -> str | None:
    """Return the first of some modules that is not installed, None where all are."""
    return next((name for name in names if importlib.util.find_spec(name) is None), None)
