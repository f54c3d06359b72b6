"""Which lines are recognised together: groups of one padded width.

A line's padded width is its own width rounded up to a bucket, so it depends on that line alone, and so does its text.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BUCKET_WIDTH = 32  # pixels: padded widths are multiples of it


@dataclass(frozen=True)
class Batch:
    """Lines of one call of `rec`.

    Attributes:
        lines: (B,) indices of the lines on the page.
        width: pixels, a multiple of BUCKET_WIDTH, at least the width of every line.
    """

    lines: npt.NDArray[np.intp]
    width: int


def padded_widths(widths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`widths` in pixels, each rounded up to its bucket."""
    return -(-widths // BUCKET_WIDTH) * BUCKET_WIDTH


def plan_batches(widths: npt.NDArray[np.int64], max_batch_size: int) -> list[Batch]:
    """Group lines by bucket and cut groups larger than `max_batch_size`.

    Args:
        widths: (N,) int64, pixels.
        max_batch_size: lines that `rec` takes in one call.

    Returns:
        Every line in exactly one batch, narrow batches first; empty for no lines.
    """
    padded = padded_widths(widths)
    batches = []
    for width in np.unique(padded).tolist():
        lines = np.flatnonzero(padded == width)
        batches += [Batch(lines[at : at + max_batch_size], width) for at in range(0, len(lines), max_batch_size)]
    return batches


def pad_to_bucket(crops: npt.NDArray[np.uint8], batch: Batch) -> npt.NDArray[np.uint8]:
    """The batch's lines of `crops` (N, 48, Wmax, 3) as (B, 48, batch.width, 3) uint8, contiguous."""
    lines = crops[batch.lines, :, : batch.width]
    missing = batch.width - lines.shape[2]
    return np.pad(lines, ((0, 0), (0, 0), (0, missing), (0, 0))) if missing > 0 else lines
