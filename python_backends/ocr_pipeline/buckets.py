"""Which lines are recognised together: groups of one padded width.

A line's padded width is its own width rounded up to a bucket, so it depends on that line alone, and so does its text.
Buckets widen with the line, and calls hold one line or, where lines are narrow, a fixed number: every new shape costs a
runtime time and memory, so there are few of them (41 widths), with under a tenth of padding for all but short lines.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# (from this width on, padded widths are multiples of this), both in pixels
BUCKETS = ((0, 32), (512, 64), (1024, 128))


@dataclass(frozen=True)
class Batch:
    """Lines of one call of `rec`.

    Attributes:
        lines: (B,) indices of the lines on the page.
        width: pixels, that of a bucket, at least the width of every line.
    """

    lines: npt.NDArray[np.intp]
    width: int


def padded_widths(widths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`widths` in pixels, each rounded up to its bucket."""
    steps = np.select([widths > start for start, _ in BUCKETS[::-1]], [step for _, step in BUCKETS[::-1]], 1)
    return -(-widths // steps) * steps


def plan_batches(widths: npt.NDArray[np.int64], lines_per_call: int, pixels_per_call: int) -> list[Batch]:
    """Group lines by bucket, and cut groups into calls of `lines_per_call` lines and of one.

    Args:
        widths: (N,) int64, pixels.
        lines_per_call: lines of the larger calls.
        pixels_per_call: what the lines of a larger call may measure together; lines too wide for it go one by one.

    Returns:
        Every line in exactly one batch, the largest batch first: calls that run side by side then end at nearly the
        same time. Empty for no lines.
    """
    padded = padded_widths(widths)
    batches = []
    for width in np.unique(padded).tolist():
        lines = np.flatnonzero(padded == width)
        together = lines_per_call if lines_per_call * width <= pixels_per_call else 1
        whole = len(lines) - len(lines) % together
        batches += [Batch(lines[at : at + together], width) for at in range(0, whole, together)]
        batches += [Batch(lines[at : at + 1], width) for at in range(whole, len(lines))]
    return sorted(batches, key=lambda batch: len(batch.lines) * batch.width, reverse=True)


def pad_to_bucket(crops: npt.NDArray[np.uint8], batch: Batch) -> npt.NDArray[np.uint8]:
    """The batch's lines of `crops` (N, 48, Wmax, 3) as (B, 48, batch.width, 3) uint8, contiguous."""
    lines = crops[batch.lines, :, : batch.width]
    missing = batch.width - lines.shape[2]
    return np.pad(lines, ((0, 0), (0, 0), (0, missing), (0, 0))) if missing > 0 else lines
