"""Reading in two passes: what a small recogniser is not sure of is read again by a larger one.

The first pass judges each line by its score, the mean probability of its characters, so whether a line is read again
depends on that line alone, and so does its text. Classes of both recognisers are told apart by their numbers: those of
the second follow those of the first, as its characters follow in the dictionary of a set with two.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidOption
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import Strip
from ocr_pipeline.stages.ctc import BLANK, ctc_scores
from ocr_pipeline.stages.pieces import join_pieces

OPTION: Final = "text_rec_second_pass_thresh"


def check_second_pass(threshold: float, has_second: bool) -> None:
    """See that lines can be read twice, where a request wants it.

    Raises:
        InvalidOption: the set has one recogniser.
    """
    if threshold > 0 and not has_second:
        raise InvalidOption(f"{OPTION} needs a model set with two recognisers; the installed one has one: leave it out")


def needs_second_pass(answer: Steps, counts: npt.NDArray[np.int64], threshold: float) -> npt.NDArray[np.bool_]:
    """Which pieces of lines are to be read again: those of lines whose score is below a threshold.

    Args:
        answer: of the first recogniser, to P pieces of N lines.
        counts: (N,) int64, how many pieces each line has.
        threshold: 0..1; with 1 every line is read again.

    Returns:
        (P,) bool.
    """
    read = join_pieces(answer, counts)
    again = (ctc_scores(read.index, read.score, read.steps) < threshold) | (threshold >= 1)
    return np.repeat(again, counts)


def take_lines(strip: Strip, chosen: npt.NDArray[np.bool_]) -> Strip:
    """The chosen lines, (P,) bool, of a strip of P."""
    return Strip(strip.pixels[:, np.repeat(chosen, strip.widths)], strip.widths[chosen])


def merge_passes(first: Steps, second: Steps, again: npt.NDArray[np.bool_], characters: int) -> Steps:
    """The answer to all pieces: of the second pass where there was one, of the first elsewhere.

    Args:
        first: to P pieces.
        second: to those of them that were read again, by the second recogniser.
        again: (P,) bool, which these are.
        characters: how many the first recogniser has; added to every class of the second but the blank.
    """
    steps = first.steps.copy()
    steps[again] = second.steps
    is_second = np.repeat(again, steps)
    joined = Steps(np.empty(len(is_second), np.int64), np.empty(len(is_second), np.float32), steps)
    is_kept = np.repeat(~again, first.steps)
    joined.index[~is_second], joined.score[~is_second] = first.index[is_kept], first.score[is_kept]
    joined.index[is_second] = second.index + characters * (second.index != BLANK)
    joined.score[is_second] = second.score
    return joined
