"""Runs of text as a content stream that shows nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ocr_documents.pdf.glyphless import ADVANCE, DESCENT, EM, GlyphlessFont
from ocr_documents.pdf.runs import Run

INVISIBLE = 3  # text rendering mode
_SAME = 0.01  # user space units: where one run ends and the next begins


def invisible_text(runs: Iterable[Run], font: GlyphlessFont, resource: str) -> bytes:
    """The content stream, which leaves the graphics state as it was.

    One text object holds all: poppler forgets the horizontal scale at its end.

    Args:
        runs: in reading order.
        font: that encodes them.
        resource: name of the font among the page's resources, with its slash.

    Raises:
        DocumentTooLarge: the document has more different characters than a font.
    """
    parts = [b"q", b"BT", b"%d Tr" % INVISIBLE]
    size = scale = ""
    before: Run | None = None
    for run in runs:
        if (number := _number(run.height, 3)) != size:
            size = number
            parts.append(f"{resource} {size} Tf".encode())
        if (number := _number(100 * run.length / (len(run.text) * run.height * ADVANCE / EM), 2)) != scale:
            scale = number
            parts.append(f"{scale} Tz".encode())
        if not _goes_on(before, run):
            origin = run.start - run.up * run.height * DESCENT / EM
            matrix = [_number(value, 5) for value in (*run.along, *run.up)] + [_number(value, 3) for value in origin]
            parts.append(f"{' '.join(matrix)} Tm".encode())
        parts.append(font.encode(run.text) + b" Tj")
        before = run
    return b"\n".join([*parts, b"ET", b"Q", b""])


def _goes_on(before: Run | None, run: Run) -> bool:
    """Whether a run begins where the one before it ends, so that the text position need not be set."""
    if before is None or before.height != run.height:
        return False
    away = np.abs(before.start + before.along * before.length - run.start).max()
    return bool(away < _SAME and np.array_equal(before.along, run.along) and np.array_equal(before.up, run.up))


def _number(value: float, digits: int) -> str:
    """A decimal as PDF takes it, without an exponent."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
