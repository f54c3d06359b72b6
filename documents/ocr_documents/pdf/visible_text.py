"""Where a page already shows text of its own: words there need no second, invisible text."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pypdfium2
import pypdfium2.raw as pdfium_c

from ocr_documents.pdf.notes import make_notes_content

Floats = npt.NDArray[np.float64]

_AT_ONCE = 1 << 22  # comparisons of a point with a box that are made at a time


class VisibleText:
    """The visible characters of a PDF's pages, form fields and notes included. Not for several threads."""

    def __init__(self, source: Path | bytes) -> None:
        """Open the document.

        Raises:
            pypdfium2.PdfiumError: it cannot be opened.
        """
        self._document = pypdfium2.PdfDocument(source)
        self._document.init_forms()

    def close(self) -> None:
        """Give back what is held."""
        self._document.close()

    def boxes(self, number: int) -> Floats:
        """(K, 4) left, bottom, right and top of each visible character of a page, from 1 on, in user space.

        Raises:
            pypdfium2.PdfiumError: the page cannot be loaded.
        """
        page = self._document[number - 1]
        if make_notes_content(page):
            page.close()
            page = self._document[number - 1]
        text = page.get_textpage()
        found, rectangle = [], pdfium_c.FS_RECTF()
        for index in range(text.count_chars()):
            shown = pdfium_c.FPDFText_GetTextObject(text, index)
            if shown and pdfium_c.FPDFTextObj_GetTextRenderMode(shown) != pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE:
                pdfium_c.FPDFText_GetLooseCharBox(text, index, ctypes.byref(rectangle))
                found.append((rectangle.left, rectangle.bottom, rectangle.right, rectangle.top))
        text.close()
        page.close()
        return np.array(found, np.float64).reshape(-1, 4)


def lie_in(points: Floats, boxes: Floats) -> npt.NDArray[np.bool_]:
    """(M,) whether each of points (M, 2) lies in one of boxes (K, 4)."""
    inside = np.zeros(len(points), bool)
    step = max(_AT_ONCE // max(len(boxes), 1), 1)
    for begin in range(0, len(points), step):
        x, y = points[begin : begin + step].T[..., None]
        within = (boxes[:, 0] <= x) & (x <= boxes[:, 2]) & (boxes[:, 1] <= y) & (y <= boxes[:, 3])
        inside[begin : begin + step] = within.any(axis=1)
    return inside
