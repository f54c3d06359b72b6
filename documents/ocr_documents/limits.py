"""How much a document may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds for one document; what passes one is refused with `DocumentTooLarge`.

    Attributes:
        pages: that are read of it.
        page_pixels: of a page when it is drawn.
        memory_bytes: address space of the process that opens a PDF.
        page_timeout_s: seconds for opening a PDF, for drawing one page, and for writing one page.
    """

    pages: int = 5_000
    page_pixels: int = 50_000_000
    memory_bytes: int = 2 << 30
    page_timeout_s: float = 60.0
