"""Very long lines: read in pieces that overlap, whose CTC steps are put together to those of the whole line.

The recognisers were trained on lines of some tens of characters. Squeezed into what they can take, a line of hundreds
is read as nonsense, and with confidence. Pieces share a margin, wherever it falls: nothing has to be known of gaps
between words or letters, which a web address, Chinese or Arabic does not have. A step of both pieces stands for the
same pixels there, and the line goes over from one piece to the other where both read the same.
"""

import numpy as np
import numpy.typing as npt

from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import Strip

MAX_PIECE_WIDTH = 3200  # pixels of a line that is read whole: what the recogniser is given at most
PIECE_WIDTH = 2048  # pixels of a piece of a longer line, the last one apart: a bucket, so no step is of padding
OVERLAP = 256  # pixels that neighbouring pieces share; steps of theirs fall on steps, as it is a multiple of the stride
ALIKE = 4  # steps around a seam that both pieces should read the same


def cut_long_lines(strip: Strip) -> tuple[Strip, npt.NDArray[np.int64]]:
    """Cut the lines that are wider than the recogniser takes.

    Returns:
        pieces: the lines, and of a long one its pieces of PIECE_WIDTH pixels, each begun OVERLAP pixels before the
            end of the one before. The last one is what is left.
        counts: (N,) int64, how many pieces each line has, at least 1.
    """
    counts = np.where(strip.widths > MAX_PIECE_WIDTH, -(-(strip.widths - OVERLAP) // (PIECE_WIDTH - OVERLAP)), 1)
    if counts.max(initial=1) == 1:
        return strip, counts
    pieces = [
        line if count == 1 else line[:, at : at + PIECE_WIDTH]
        for line, count in zip(strip.lines(), counts.tolist(), strict=True)
        for at in range(0, count * (PIECE_WIDTH - OVERLAP), PIECE_WIDTH - OVERLAP)
    ]
    return Strip(np.concatenate(pieces, axis=1), np.array([piece.shape[1] for piece in pieces], np.int64)), counts


def checked_counts(counts: npt.NDArray[np.int64], pieces: int) -> npt.NDArray[np.int64]:
    """`counts` (N,), seen to be of the lines that have so many pieces.

    Raises:
        ValueError: they are not.
    """
    if counts.min(initial=1) < 1 or counts.max(initial=0) > pieces or counts.sum() != pieces:
        raise ValueError(f"the pieces of {len(counts)} lines are not the {pieces} that there are")
    return counts


def join_pieces(answer: Steps, counts: npt.NDArray[np.int64]) -> Steps:
    """The steps of N lines, each as if it had been read whole, from those of their P pieces.

    Args:
        answer: the recogniser's, to the pieces.
        counts: (N,) int64, how many pieces each line has.
    """
    if len(answer.steps) == len(counts):
        return answer
    ends, last = np.cumsum(answer.steps), np.cumsum(counts) - 1
    kept = np.ones(len(answer.index), np.bool_)
    for piece in np.setdiff1d(np.arange(len(answer.steps)), last).tolist():
        # Of the last piece of a line some steps may be padding, of the others none is.
        shared = min(int(answer.steps[piece]) * OVERLAP // PIECE_WIDTH, int(answer.steps[piece + 1]))
        end = int(ends[piece])
        seam = _seam(answer.index[end - shared : end], answer.index[end : end + shared])
        kept[end - shared + seam : end + seam] = False
    steps = np.diff(np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])[ends[last]], prepend=0)
    return Steps(answer.index[kept], answer.score[kept], steps)


def _seam(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]) -> int:
    """At which of the steps that two pieces share, (n,) each, the line goes over from the one to the other.

    Around it both read the same if they do so anywhere: no character is lost or doubled. Of such places it is the one
    nearest to the middle, where each piece has seen most of what stands beside it.
    """
    if not len(before):
        return 0
    differ = np.pad(before != after, ALIKE // 2, constant_values=True)
    unlike = np.convolve(differ, np.ones(ALIKE), "valid")  # of the steps around each place between two of them
    return int(np.argmin(unlike + np.abs(np.linspace(-0.5, 0.5, len(unlike)))))


def line_widths(widths: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(N,) int64: pixels of each line, from `widths` (P,) of the pieces, and `counts` (N,) of them in each line."""
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])[np.cumsum(counts)]
    return np.diff(total, prepend=0) - (counts - 1) * OVERLAP
