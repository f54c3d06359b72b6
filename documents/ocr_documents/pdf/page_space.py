"""Where a drawn page's pixels lie in the PDF page's own coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pikepdf

Floats = npt.NDArray[np.float64]

_LETTER = (0.0, 0.0, 612.0, 792.0)  # what viewers take for a page without a usable MediaBox


@dataclass(frozen=True)
class PageSpace:
    """The part of a page that is shown.

    Attributes:
        box: left, bottom, right, top in user space units.
        quarter_turns: clockwise, 0 to 3, that the page is turned by before it is shown.
    """

    box: tuple[float, float, float, float]
    quarter_turns: int

    @classmethod
    def of(cls, page: pikepdf.Page) -> PageSpace:
        """Read it as pdfium does, which draws the pages: the CropBox within the MediaBox, and whole quarter turns."""
        media = _rectangle(page, "/MediaBox") or _LETTER
        crop = _rectangle(page, "/CropBox") or media
        both = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
        try:
            turns = int(float(inherited(page, "/Rotate") or 0) / 90)
        except (TypeError, ValueError, OverflowError):
            turns = 0
        return cls(both if _has_area(both) else media, turns % 4)

    def from_pixels(self, points: Floats, width_px: int, height_px: int) -> Floats:
        """Points (..., 2) of the drawn page, x to the right and y down, in user space."""
        left, bottom, right, top = self.box
        across, down = np.moveaxis(points / (width_px, height_px), -1, 0)
        x, y = (
            (across, 1 - down),
            (down, across),
            (1 - across, down),
            (1 - down, 1 - across),
        )[self.quarter_turns]
        return np.stack([left + x * (right - left), bottom + y * (top - bottom)], axis=-1)


def inherited(page: pikepdf.Page, key: str) -> pikepdf.Object | None:
    """An entry of a page, or of the nodes of the page tree above it; None where there is none."""
    node: pikepdf.Object | None = page.obj
    seen: set[tuple[int, int]] = set()
    while isinstance(node, pikepdf.Dictionary) and node.objgen not in seen:
        if (value := node.get(key)) is not None:
            return value
        seen.add(node.objgen)
        node = node.get("/Parent")
    return None


def _rectangle(page: pikepdf.Page, key: str) -> tuple[float, float, float, float] | None:
    """A box of the page with its corners in order, or None if it has none that is usable."""
    try:
        a, b, c, d = (float(value) for value in inherited(page, key))  # type: ignore[union-attr]
    except (TypeError, ValueError):
        return None
    box = (min(a, c), min(b, d), max(a, c), max(b, d))
    return box if _has_area(box) else None


def _has_area(box: tuple[float, float, float, float]) -> bool:
    return box[2] > box[0] and box[3] > box[1]
