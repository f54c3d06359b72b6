"""A file to a document. What it is, is told by what it holds, not by its name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

from ocr_documents.document import Document
from ocr_documents.errors import DocumentError
from ocr_documents.limits import Limits
from ocr_documents.pictures import PictureDocument, is_picture, opened
from ocr_documents.tiff import TIFF_SIGNATURES, TiffDocument

_PDF_MARK, _PDF_REACH = b"%PDF-", 1024  # readers look for the mark in the first 1024 bytes: mails leave junk before it


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
        head = stream.read(_PDF_REACH)
        stream.seek(0)
        if head.startswith(TIFF_SIGNATURES):
            return TiffDocument(file)
        has_mark = _PDF_MARK in head
        if not has_mark or is_picture(stream):
            return PictureDocument(file)
    if importlib.util.find_spec("pypdfium2") is None or importlib.util.find_spec("pikepdf") is None:
        raise DocumentError("is a PDF file; install what that needs: pip install 'triton-paddleocr-client[documents]'")
    from ocr_documents.pdf.opened import PdfDocument  # noqa: PLC0415

    return PdfDocument(file, dpi, keep_text=existing_text == "keep", limits=limits)
