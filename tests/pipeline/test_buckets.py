"""Width buckets: every line once, in a bucket that depends on it alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.buckets import call_sizes, pad_to_bucket, padded_widths, plan_batches
from ocr_pipeline.stages.crops import MAX_LINE_WIDTH

widths_of_a_page = st.lists(st.integers(1, 3200), max_size=200).map(lambda widths: np.array(widths, np.int64))


def test_no_lines_need_no_call():
    assert plan_batches(np.zeros(0, np.int64), 4, 1280) == []


@given(widths_of_a_page, st.integers(1, 64), st.integers(1, 64 * 3200))
def test_every_line_is_in_one_batch_that_fits_it(widths, lines_per_call, pixels_per_call):
    batches = plan_batches(widths, lines_per_call, pixels_per_call)
    assert sorted(line for batch in batches for line in batch.lines) == list(range(len(widths)))
    for batch in batches:
        assert len(batch.lines) in call_sizes(batch.width, lines_per_call, pixels_per_call)
        assert (widths[batch.lines] <= batch.width).all()


def test_calls_hold_the_stated_number_of_lines_or_a_half_of_it_again_and_again():
    assert call_sizes(320, 4, 1280) == [4, 2, 1]
    assert call_sizes(352, 4, 1280) == [2, 1]
    assert call_sizes(704, 4, 1280) == [1]
    assert call_sizes(3200, 4, 1280) == [1]
    assert call_sizes(32, 6, 1280) == [6, 3, 1]
    assert [len(batch.lines) for batch in plan_batches(np.full(7, 300), 4, 1280)] == [4, 2, 1]


@given(widths_of_a_page)
def test_the_largest_calls_come_first(widths):
    sizes = [len(batch.lines) * batch.width for batch in plan_batches(widths, 4, 1280)]
    assert sizes == sorted(sizes, reverse=True)


@given(widths_of_a_page)
def test_the_padded_width_depends_on_the_line_alone(widths):
    alone = [plan_batches(widths[line : line + 1], 8, 25600)[0].width for line in range(len(widths))]
    assert padded_widths(widths).tolist() == alone
    for batch in plan_batches(widths, 8, 25600):
        assert {alone[line] for line in batch.lines} == {batch.width}


@given(st.integers(1, 3200))
def test_little_is_padded(width):
    (padded,) = padded_widths(np.array([width], np.int64))
    assert 0 <= padded - width < max(32, width / 8)


def test_there_are_few_shapes():
    every_width = np.arange(1, MAX_LINE_WIDTH + 1)
    assert len(np.unique(padded_widths(every_width))) == 41
    assert padded_widths(every_width).max() == MAX_LINE_WIDTH


def test_padding_goes_beyond_the_pages_widest_line():
    crops = np.full((1, 48, 100, 3), 7, np.uint8)
    (batch,) = plan_batches(np.array([100], np.int64), 8, 25600)
    lines = pad_to_bucket(crops, batch)
    assert lines.shape == (1, 48, 128, 3)
    assert (lines[:, :, :100] == 7).all()
    assert (lines[:, :, 100:] == 0).all()
