"""What the server's inner steps are given, seen to fit together: whoever reaches the server may ask each directly.

No message quotes values of a tensor: with shared memory open to clients, they need not be the client's own.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidInput
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import Strip
from ocr_pipeline.stages.ctc import BLANK
from ocr_pipeline.stages.pieces import MAX_PIECE_WIDTH, checked_counts

MAX_COORDINATE = 2**30  # pixels, far beyond any picture; products of two stay exact enough in float32

Array = npt.NDArray[Any]


def strip_of_lines(crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64]) -> Strip:
    """Lines, or pieces of them, that the recogniser is to be given.

    Args:
        crops: (48, S, 3) uint8, BGR.
        widths: (P,) int64, pixels.

    Raises:
        InvalidInput: they do not fit each other, or a line is wider than the recogniser takes.
    """
    try:
        strip = Strip(crops, widths)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    if widths.max(initial=0) > MAX_PIECE_WIDTH:
        raise InvalidInput(f"a line is wider than the {MAX_PIECE_WIDTH} pixels that the recogniser is given at a time")
    return strip


def steps_of_lines(
    index: npt.NDArray[np.int64],
    score: npt.NDArray[np.float32],
    steps: npt.NDArray[np.int64],
    *,
    widths: npt.NDArray[np.int64],
    pieces: npt.NDArray[np.int64],
    boxes: npt.NDArray[np.float32],
    box_scores: npt.NDArray[np.float32] | None,
    characters: int,
) -> Steps:
    """What the recogniser has answered to the P pieces of N lines.

    Args:
        index: (S,) int64, the winning class of each step.
        score: (S,) float32, its probability.
        steps: (P,) int64, how many steps each piece has.
        widths: (P,) int64, pixels of the pieces.
        pieces: (N,) int64, how many pieces each line has.
        boxes: (N, 4, 2) float32, pixels.
        box_scores: (N,) float32; None for line pictures.
        characters: of the dictionary; classes are 0, the blank, to this number.

    Raises:
        InvalidInput: they do not fit each other, or hold what no network and no picture gives.
    """
    try:
        answer = Steps(index, score, steps)
        checked_counts(pieces, len(answer.steps))
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    if (len(boxes), len(widths)) != (len(pieces), len(steps)):
        raise InvalidInput(
            f"{len(boxes)} boxes and {len(widths)} widths do not fit {len(pieces)} lines of {len(steps)} pieces"
        )
    if box_scores is not None and len(box_scores) != len(boxes):
        raise InvalidInput(f"{len(box_scores)} box_scores do not fit {len(boxes)} boxes")
    if index.min(initial=BLANK) < BLANK or index.max(initial=BLANK) > characters:
        raise InvalidInput(f"index has a class that is not from {BLANK} to {characters}, those of the dictionary")
    if widths.min(initial=1) < 1 or widths.max(initial=1) > MAX_PIECE_WIDTH:
        raise InvalidInput(f"widths are whole numbers from 1 to {MAX_PIECE_WIDTH}")
    if not _within(boxes, -MAX_COORDINATE, MAX_COORDINATE):
        raise InvalidInput(f"boxes has a coordinate that is no number, or beyond {MAX_COORDINATE} pixels")
    for name, probabilities in (("score", score), ("box_scores", box_scores)):
        if probabilities is not None and not _within(probabilities, 0, 1 + 1e-3):  # rounding may lead beyond 1
            raise InvalidInput(f"{name} has what is no probability from 0 to 1")
    return answer


def _within(values: Array, low: float, high: float) -> bool:
    """Whether all are numbers from `low` to `high`."""
    return bool(((values >= low) & (values <= high)).all())
