"""Which lines are recognised together: groups of one padded width.

A line's padded width is its own width rounded up to a bucket, so it depends on that line alone, and so does its text.
Every shape that is new to a runtime costs it time and memory, and every call costs a server time: so there are few
widths (41; buckets widen with the line, with under a tenth of padding for all but short lines), and lines of a bucket
go in calls of a few fixed sizes, the largest first.
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


def call_sizes(width: int, lines_per_call: int, pixels_per_call: int) -> list[int]:
    """How many lines of `width` pixels a call may hold: `lines_per_call` and its halves down to 1, largest first."""
    sizes = [lines_per_call >> halvings for halvings in range(lines_per_call.bit_length())]
    return [size for size in sizes if size == 1 or size * width <= pixels_per_call]


def plan_batches(widths: npt.NDArray[np.int64], lines_per_call: int, pixels_per_call: int) -> list[Batch]:
    """Group lines by bucket, and cut groups into calls of `lines_per_call` lines, of half as many, and so on to one.

    Args:
        widths: (N,) int64, pixels.
        lines_per_call: lines of the largest calls.
        pixels_per_call: what the lines of a call may measure together; a line wider than that goes alone.

    Returns:
        Every line in exactly one batch, the largest batch first: calls that run side by side then end at nearly the
        same time. Empty for no lines.
    """
    padded = padded_widths(widths)
    batches = []
    for width in np.unique(padded).tolist():
        lines = np.flatnonzero(padded == width)
        for size in call_sizes(width, lines_per_call, pixels_per_call):
            whole = len(lines) - len(lines) % size
            batches += [Batch(lines[at : at + size], width) for at in range(0, whole, size)]
            lines = lines[whole:]
    return sorted(batches, key=lambda batch: len(batch.lines) * batch.width, reverse=True)


def pad_to_bucket(crops: npt.NDArray[np.uint8], batch: Batch) -> npt.NDArray[np.uint8]:
    """The batch's lines of `crops` (N, 48, Wmax, 3) as (B, 48, batch.width, 3) uint8, contiguous."""
    lines = crops[batch.lines, :, : batch.width]
    missing = batch.width - lines.shape[2]
    return np.pad(lines, ((0, 0), (0, 0), (0, missing), (0, 0))) if missing > 0 else lines
