"""Very long lines: how they are cut, and how what was read of their pieces becomes a line again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.buckets import Steps, padded_widths
from ocr_pipeline.stages.crops import LINE_HEIGHT, join_lines
from ocr_pipeline.stages.ctc import BLANK, ctc_decode
from ocr_pipeline.stages.pieces import (
    MAX_PIECE_WIDTH,
    OVERLAP,
    PIECE_WIDTH,
    checked_counts,
    cut_long_lines,
    join_pieces,
    line_widths,
)

STRIDE = 8  # pixels of a step
CHARACTERS = tuple("abcdefg ")


def line_of(width):
    """A line (48, width, 3) whose every column tells its place."""
    columns = np.stack([np.arange(width) >> shift & 255 for shift in (0, 8, 16)], axis=1).astype(np.uint8)
    return np.broadcast_to(columns, (LINE_HEIGHT, width, 3))


def read(strip, classes, wrong_steps=0, seed=0):
    """What a recogniser answers to pieces of `line_of` lines that show `classes`, one a step.

    Where a piece has lost what stands beside it, at its ends, it reads `wrong_steps` steps at random.
    """
    random, steps = np.random.default_rng(seed), padded_widths(strip.widths) // STRIDE
    index = []
    for piece, count in zip(strip.lines(), steps.tolist(), strict=True):
        start = int(piece[0, 0].astype(int) @ (1, 256, 65536)) // STRIDE
        part = np.zeros(count, np.int64)
        shown = classes[start : start + count]
        part[: len(shown)] = shown
        for end in (slice(0, wrong_steps), slice(count - wrong_steps, count)):
            part[end] = random.integers(0, len(CHARACTERS) + 1, wrong_steps)
        index.append(part)
    return Steps(np.concatenate(index), np.ones(steps.sum(), np.float32), steps)


def test_lines_that_the_recogniser_takes_stay_whole():
    strip = join_lines([line_of(width) for width in (1, 300, MAX_PIECE_WIDTH)])
    pieces, counts = cut_long_lines(strip)
    assert pieces is strip
    assert counts.tolist() == [1, 1, 1]
    assert cut_long_lines(join_lines([]))[1].shape == (0,)


@pytest.mark.parametrize("width", [MAX_PIECE_WIDTH + 1, 5000, 2 * PIECE_WIDTH - OVERLAP, 64_000])
def test_the_pieces_of_a_longer_line_overlap_and_leave_nothing_out(width):
    line = line_of(width)
    pieces, counts = cut_long_lines(join_lines([line_of(100), line, line_of(200)]))
    assert counts.tolist() == [1, len(pieces.widths) - 2, 1]
    assert (pieces.widths[1:-2] == PIECE_WIDTH).all()
    assert OVERLAP < pieces.widths[-2] <= PIECE_WIDTH
    shown = pieces.lines()
    assert np.array_equal(np.concatenate([shown[1], *(piece[:, OVERLAP:] for piece in shown[2:-1])], axis=1), line)
    assert shown[0].shape[1], shown[-1].shape[1] == (100, 200)
    assert line_widths(pieces.widths, counts).tolist() == [100, width, 200]


def test_steps_of_pieces_fall_on_the_steps_of_their_line():
    assert padded_widths(np.array([PIECE_WIDTH])) == PIECE_WIDTH
    assert OVERLAP % 32 == PIECE_WIDTH % 32 == 0  # strides of 4 to 32 pixels


@given(
    st.integers(MAX_PIECE_WIDTH + 1, 20_000), st.sampled_from([0.1, 0.5, 1.0]), st.integers(0, 6), st.integers(0, 2**31)
)
def test_a_line_without_gaps_is_read_as_if_it_were_one_piece(width, density, wrong_steps, seed):
    random = np.random.default_rng(seed)
    classes = random.integers(1, len(CHARACTERS) + 1, width // STRIDE) * (random.random(width // STRIDE) < density)
    before, after = line_of(300), line_of(500)
    pieces, counts = cut_long_lines(join_lines([before, line_of(width), after]))
    steps = join_pieces(read(pieces, classes, wrong_steps, seed), counts)
    assert len(steps.steps) == 3
    # what a piece reads wrong at the two ends of the line is not between pieces
    own = steps.index[steps.steps[0] :][: steps.steps[1]][: len(classes)]
    inner = slice(wrong_steps, len(own) - wrong_steps)
    assert np.array_equal(own[inner], classes[: len(own)][inner])
    assert len(own) * STRIDE > width - STRIDE
    texts, _ = ctc_decode(steps.index, steps.score, steps.steps, CHARACTERS)
    assert len(texts) == 3


def test_a_character_that_pieces_see_a_step_apart_is_neither_lost_nor_doubled():
    classes = np.zeros(4000 // STRIDE, np.int64)
    classes[::4] = np.arange(len(classes[::4])) % len(CHARACTERS) + 1
    pieces, counts = cut_long_lines(join_lines([line_of(4000)]))
    expected, _ = ctc_decode(classes, np.ones(len(classes), np.float32), np.array([len(classes)]), CHARACTERS)
    answer = read(pieces, classes)
    middle = (PIECE_WIDTH - OVERLAP // 2) // STRIDE
    for shift in (-1, 1):
        moved = answer.index.copy()
        near = slice(middle - 6, middle + 6)
        moved[near] = np.roll(answer.index, shift)[near]
        joined = join_pieces(Steps(moved, answer.score, answer.steps), counts)
        assert ctc_decode(joined.index, joined.score, joined.steps, CHARACTERS)[0] == expected


@pytest.mark.parametrize("steps", [[0, 0], [256, 3], [1, 1], [0, 40]])
def test_steps_that_no_recogniser_answers_are_joined_without_an_error(steps):
    total = sum(steps)
    joined = join_pieces(Steps(np.full(total, BLANK), np.ones(total, np.float32), np.array(steps)), np.array([2]))
    assert joined.steps.shape == (1,)


@pytest.mark.parametrize("counts", [[1], [3], [0, 2], [-1, 3], [2**62, 2**62, 2**63 - 1]])
def test_pieces_that_are_not_those_that_were_read_are_an_error(counts):
    assert checked_counts(np.array([1, 1]), 2).tolist() == [1, 1]
    with pytest.raises(ValueError, match="are not the 2 that there are"):
        checked_counts(np.array(counts), 2)


def test_a_page_without_lines_has_no_pieces():
    none = Steps(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.int64))
    assert checked_counts(np.zeros(0, np.int64), 0).shape == (0,)
    assert join_pieces(none, np.zeros(0, np.int64)) is none
