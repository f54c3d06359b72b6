"""Form fields of a page, and notes that show text: pdfium finds their text once they are part of the page's content."""

from __future__ import annotations

import pypdfium2
from pypdfium2 import raw

_KINDS = (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_STAMP)


def make_notes_content(page: pypdfium2.PdfPage) -> bool:
    """Make what they show part of the content, in memory; tell whether that gave any, once the page is loaded anew."""
    return _has_notes(page) and raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == raw.FLATTEN_SUCCESS


def _has_notes(page: pypdfium2.PdfPage) -> bool:
    """Whether a page has form fields, or notes that show text."""
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        note = raw.FPDFPage_GetAnnot(page, index)
        if note:
            kind = raw.FPDFAnnot_GetSubtype(note)
            raw.FPDFPage_CloseAnnot(note)
            if kind in _KINDS:
                return True
    return False
