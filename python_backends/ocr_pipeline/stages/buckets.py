"""Which lines are recognised together: groups of one padded width. Of very long lines it is their pieces.

A line's padded width is its own width rounded up to a bucket, so it depends on that line alone, and so does its text.
Every shape that is new to a runtime costs it time and memory, and every call costs a server time: so there are few
widths (41; buckets widen with the line, with under a tenth of padding for all but short lines), and lines of a bucket
go in calls of a few fixed sizes, the largest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocr_pipeline.stages.crops import LINE_HEIGHT, Strip

# (from this width on, padded widths are multiples of this), both in pixels
BUCKETS = ((0, 32), (512, 64), (1024, 128))


Index = npt.NDArray[np.int64]
Score = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Steps:
    """The recogniser's answer to the lines of a page, or to their pieces, one's steps after the other's.

    Attributes:
        index: (S,) int64, the winning class of each step; 0 is the CTC blank.
        score: (S,) float32, 0..1, its probability.
        steps: (P,) int64, how many steps each line or piece has; S is their sum.
    """

    index: Index
    score: Score
    steps: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        # Each has its bound, so that the sum of many does not wrap around.
        if self.steps.ndim != 1 or self.steps.min(initial=0) < 0 or self.steps.max(initial=0) > self.index.size:
            raise ValueError(f"the steps of lines are whole numbers from 0 to {self.index.size}, one for each line")
        if not self.index.shape == self.score.shape == (self.steps.sum(),):
            raise ValueError(
                f"the steps in sum do not fit an index of shape {self.index.shape} and a score of {self.score.shape}"
            )


@dataclass(frozen=True)
class Call:
    """Lines, or pieces of lines, of one call of `rec`.

    Attributes:
        lines: (B,) their indices in the strip.
        width: pixels, that of a bucket, at least the width of each.
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


def plan_calls(widths: npt.NDArray[np.int64], lines_per_call: int, pixels_per_call: int) -> list[Call]:
    """Group lines by bucket, and cut groups into calls of `lines_per_call` lines, of half as many, and so on to one.

    Args:
        widths: (P,) int64, pixels of the lines, or of the pieces where a line is a very long one.
        lines_per_call: lines of the largest calls.
        pixels_per_call: what the lines of a call may measure together; a line wider than that goes alone.

    Returns:
        Every line in exactly one call, the largest call first: calls that run side by side then end at nearly the
        same time. Empty for no lines.
    """
    padded = padded_widths(widths)
    calls = []
    for width in np.unique(padded).tolist():
        lines = np.flatnonzero(padded == width)
        for size in call_sizes(width, lines_per_call, pixels_per_call):
            whole = len(lines) - len(lines) % size
            calls += [Call(lines[at : at + size], width) for at in range(0, whole, size)]
            lines = lines[whole:]
    return sorted(calls, key=lambda call: len(call.lines) * call.width, reverse=True)


def call_inputs(strip: Strip, call: Call) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """What `rec` is given.

    Returns:
        crops: (B, 48, call.width, 3) uint8, zero right of a line's own width.
        widths: (B, 1) int64, pixels.
    """
    ends = np.cumsum(strip.widths)[call.lines].tolist()
    widths = strip.widths[call.lines]
    crops = np.empty((len(call.lines), LINE_HEIGHT, call.width, 3), np.uint8)
    for crop, end, width in zip(crops, ends, widths.tolist(), strict=True):
        crop[:, :width] = strip.pixels[:, end - width : end]
        crop[:, width:] = 0
    return crops, widths[:, None]


def join_answers(calls: Sequence[Call], answers: Sequence[tuple[Index, Score]]) -> Steps:
    """What `rec` answered to all calls of a page, line after line.

    Args:
        calls: together every line of the page, each once.
        answers: index (B, T) int64 and score (B, T) float32 of each call.
    """
    count = sum(len(call.lines) for call in calls)
    steps = np.zeros(count, np.int64)
    for call, (index, _) in zip(calls, answers, strict=True):
        steps[call.lines] = index.shape[1]
    starts = np.cumsum(steps) - steps
    joined = Steps(np.empty(steps.sum(), np.int64), np.empty(steps.sum(), np.float32), steps)
    for call, (index, score) in zip(calls, answers, strict=True):
        places = starts[call.lines][:, None] + np.arange(index.shape[1])
        joined.index[places], joined.score[places] = index, score
    return joined
