"""How well word boxes lie on the words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ocr_bench.scoring.labels import Polygon
from ocr_bench.scoring.matching import ious, shapes

Floats = npt.NDArray[np.float64]


def word_overlaps(known: Sequence[Polygon], found: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """How well each known word is met by the box that overlaps it most.

    Args:
        known: W quads (4, 2), pixels, clockwise from the word's own top-left corner.
        found: (M, 4, 2) float32, pixels.

    Returns:
        (W,) IoU of the areas, and (W,) IoU of what they cover of the word's line; 0 where no box overlaps the word.
    """
    area, along = np.zeros(len(known)), np.zeros(len(known))
    if not len(known) or not len(found):
        return area, along
    overlap = ious(shapes(known), shapes(list(found)))
    area = overlap.max(axis=1)
    for word in np.flatnonzero(area):
        along[word] = _along(known[word], found[overlap[word].argmax()])
    return area, along


def _along(word: Polygon, box: Polygon) -> float:
    """IoU of two quads in the direction of the first one's text."""
    direction = (word[1] + word[2] - word[0] - word[3]).astype(np.float64)
    first, second = word @ direction, box @ direction
    shared = min(first.max(), second.max()) - max(first.min(), second.min())
    return float(max(shared, 0) / (max(first.max(), second.max()) - min(first.min(), second.min())))
