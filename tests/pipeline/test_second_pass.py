"""Lines that the first recogniser is not sure of are read again by the second, and by nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_contract.errors import InvalidOption
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import LINE_HEIGHT, Strip
from ocr_pipeline.stages.ctc import ctc_decode
from ocr_pipeline.stages.second_pass import check_second_pass, merge_passes, needs_second_pass, take_lines

FIRST, SECOND = ("a", "b"), ("x", "y", "z")


def answer(*lines):
    """The answer to lines that are lists of (class, probability)."""
    index, score = zip(*(step for line in lines for step in line), strict=True) if any(lines) else ((), ())
    return Steps(
        np.array(index, np.int64), np.array(score, np.float32), np.array([len(line) for line in lines], np.int64)
    )


SURE, DOUBTFUL, EMPTY = [(1, 0.99), (0, 0.2), (2, 0.99)], [(1, 0.99), (1, 0.1), (2, 0.5)], [(0, 0.9)]


@pytest.mark.parametrize(
    ("threshold", "again"),
    [(0, [False, False, False]), (0.7, [False, False, True]), (0.8, [False, True, True]), (1, [True, True, True])],
)
def test_the_mean_probability_of_the_characters_decides(threshold, again):
    found = needs_second_pass(answer(SURE, DOUBTFUL, EMPTY), np.ones(3, np.int64), threshold)
    assert found.tolist() == again


def test_a_line_that_is_surely_read_is_read_again_only_where_all_are():
    certain = answer([(1, 1.0)])
    assert not needs_second_pass(certain, np.ones(1, np.int64), 0.9999).any()
    assert needs_second_pass(certain, np.ones(1, np.int64), 1).all()


def test_the_pieces_of_a_line_go_together():
    found = needs_second_pass(answer(SURE, SURE, DOUBTFUL, SURE), np.array([1, 2, 1]), 0.9)
    assert found.tolist() == [False, True, True, False]


lines = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, len(FIRST)), st.floats(0, 1, width=32)), max_size=5),
        st.lists(st.tuples(st.integers(0, len(SECOND)), st.floats(0, 1, width=32)), max_size=7),
        st.booleans(),
    ),
    max_size=6,
)


@given(lines)
def test_each_line_is_that_of_the_recogniser_which_read_it_last(drawn):
    again = np.array([twice for _, _, twice in drawn], np.bool_)
    first = answer(*(one for one, _, _ in drawn))
    second = answer(*(other for _, other, twice in drawn if twice))
    together = merge_passes(first, second, again, len(FIRST))
    texts, scores = ctc_decode(together.index, together.score, together.steps, FIRST + SECOND)
    for text, score, (one, other, twice) in zip(texts, scores, drawn, strict=True):
        alone = answer(other if twice else one)
        (expected,), (sure,) = ctc_decode(alone.index, alone.score, alone.steps, SECOND if twice else FIRST)
        assert (text, score) == (expected, sure)


def test_chosen_lines_keep_their_pixels():
    widths = np.array([3, 2, 4])
    pixels = np.random.default_rng(0).integers(0, 255, (LINE_HEIGHT, 9, 3), np.uint8)
    strip = take_lines(Strip(pixels, widths), np.array([True, False, True]))
    assert strip.widths.tolist() == [3, 4]
    assert np.array_equal(strip.pixels, np.concatenate([pixels[:, :3], pixels[:, 5:]], axis=1))


def test_a_set_of_one_recogniser_says_that_it_has_no_second():
    check_second_pass(0, has_second=False)
    check_second_pass(1, has_second=True)
    with pytest.raises(InvalidOption, match="text_rec_second_pass_thresh needs a model set with two recognisers"):
        check_second_pass(0.5, has_second=False)
