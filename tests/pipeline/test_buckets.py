"""Width buckets: every line once, in a bucket that depends on it alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.buckets import Steps, call_inputs, call_sizes, join_answers, padded_widths, plan_calls
from ocr_pipeline.stages.crops import join_lines
from ocr_pipeline.stages.pieces import MAX_PIECE_WIDTH

widths_of_a_page = st.lists(st.integers(1, 3200), max_size=200).map(lambda widths: np.array(widths, np.int64))


@pytest.mark.parametrize("steps", [[-1, 4], [4], [1, 1], [2**62] * 4 + [3], [[3]]])
def test_steps_that_are_not_those_of_the_classes_are_refused(steps):
    with pytest.raises(ValueError, match="steps"):
        Steps(np.zeros(3, np.int64), np.zeros(3, np.float32), np.array(steps, np.int64))


def test_no_lines_need_no_call():
    assert plan_calls(np.zeros(0, np.int64), 4, 1280) == []


@given(widths_of_a_page, st.integers(1, 64), st.integers(1, 64 * 3200))
def test_every_line_is_in_one_call_that_fits_it(widths, lines_per_call, pixels_per_call):
    calls = plan_calls(widths, lines_per_call, pixels_per_call)
    assert sorted(line for call in calls for line in call.lines) == list(range(len(widths)))
    for call in calls:
        assert len(call.lines) in call_sizes(call.width, lines_per_call, pixels_per_call)
        assert (widths[call.lines] <= call.width).all()


def test_calls_hold_the_stated_number_of_lines_or_a_half_of_it_again_and_again():
    assert call_sizes(320, 4, 1280) == [4, 2, 1]
    assert call_sizes(352, 4, 1280) == [2, 1]
    assert call_sizes(704, 4, 1280) == [1]
    assert call_sizes(3200, 4, 1280) == [1]
    assert call_sizes(32, 6, 1280) == [6, 3, 1]
    assert [len(call.lines) for call in plan_calls(np.full(7, 300), 4, 1280)] == [4, 2, 1]


@given(widths_of_a_page)
def test_the_largest_calls_come_first(widths):
    sizes = [len(call.lines) * call.width for call in plan_calls(widths, 4, 1280)]
    assert sizes == sorted(sizes, reverse=True)


@given(widths_of_a_page)
def test_the_padded_width_depends_on_the_line_alone(widths):
    alone = [plan_calls(widths[line : line + 1], 8, 25600)[0].width for line in range(len(widths))]
    assert padded_widths(widths).tolist() == alone
    for call in plan_calls(widths, 8, 25600):
        assert {alone[line] for line in call.lines} == {call.width}


@given(st.integers(1, 3200))
def test_little_is_padded(width):
    (padded,) = padded_widths(np.array([width], np.int64))
    assert 0 <= padded - width < max(32, width / 8)


def test_there_are_few_shapes():
    every_width = np.arange(1, MAX_PIECE_WIDTH + 1)
    assert len(np.unique(padded_widths(every_width))) == 41
    assert padded_widths(every_width).max() == MAX_PIECE_WIDTH


def lines_of(widths):
    """Lines whose pixels tell which line they are of (first channel), and which column (second)."""
    lines = [np.zeros((48, width, 3), np.uint8) for width in widths]
    for number, line in enumerate(lines):
        line[..., 0], line[..., 1] = number, np.arange(line.shape[1]) % 256
    return lines


@given(st.lists(st.integers(1, 700), max_size=12))
def test_a_call_is_given_each_line_as_it_is_and_zero_beside_it(widths):
    strip = join_lines(lines_of(widths))
    for call in plan_calls(strip.widths, 4, 1280):
        crops, given_widths = call_inputs(strip, call)
        assert crops.shape == (len(call.lines), 48, call.width, 3)
        assert crops.flags.c_contiguous
        assert given_widths.dtype == np.int64
        assert given_widths[:, 0].tolist() == [widths[line] for line in call.lines]
        for crop, line in zip(crops, call.lines, strict=True):
            assert (crop[:, : widths[line], 0] == line).all()
            assert (crop[:, : widths[line], 1] == np.arange(widths[line]) % 256).all()
            assert (crop[:, widths[line] :] == 0).all()


@given(st.lists(st.integers(1, 700), max_size=12))
def test_answers_are_joined_line_after_line(widths):
    calls = plan_calls(np.array(widths, np.int64), 4, 1280)
    answers = []
    for call in calls:
        index = call.lines[:, None] * 1000 + np.arange(call.width // 8)
        answers.append((index, (index / 1e6).astype(np.float32)))
    joined = join_answers(calls, answers)
    assert joined.steps.tolist() == [padded // 8 for padded in padded_widths(np.array(widths, np.int64)).tolist()]
    expected = [line * 1000 + step for line, steps in enumerate(joined.steps) for step in range(steps)]
    assert joined.index.tolist() == expected
    assert np.allclose(joined.score, np.array(expected) / 1e6)


def test_steps_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="do not fit"):
        Steps(np.zeros(3, np.int64), np.zeros(3, np.float32), np.array([2, 2]))
