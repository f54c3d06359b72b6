"""The text that a page of a PDF file carries itself."""

from __future__ import annotations

import pypdfium2

from ocr_contract.result import OcrResult


def own_text(pdf: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, width: int, height: int) -> OcrResult | None:
    """Lines and words of a page."""
    return None
