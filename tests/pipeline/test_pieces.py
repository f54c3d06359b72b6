"""Very long lines: where they are cut, and how what was read is joined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import LINE_HEIGHT, join_lines
from ocr_pipeline.stages.pieces import GAP_WIDTH, MAX_PIECE_WIDTH, checked_counts, cut_long_lines, join_texts


def written(width, word=150, gap=2 * GAP_WIDTH):
    """A line of black words on white, and the columns of its gaps."""
    line = np.full((LINE_HEIGHT, width, 3), 255, np.uint8)
    at = np.arange(width) % (word + gap)
    line[10:40:2, at < word] = 0
    return line, at >= word


def test_lines_that_the_recogniser_takes_stay_whole():
    strip = join_lines([written(width)[0] for width in (1, 300, MAX_PIECE_WIDTH)])
    pieces, counts = cut_long_lines(strip)
    assert pieces is strip
    assert counts.tolist() == [1, 1, 1]
    assert cut_long_lines(join_lines([]))[1].shape == (0,)


@pytest.mark.parametrize("width", [MAX_PIECE_WIDTH + 1, 5000, 20_000])
def test_a_longer_line_is_cut_at_its_gaps(width):
    line, is_gap = written(width)
    strip = join_lines([written(100)[0], line, written(200)[0]])
    pieces, counts = cut_long_lines(strip)
    assert pieces.pixels is strip.pixels
    assert counts.tolist() == [1, len(pieces.widths) - 2, 1]
    assert counts[1] > 1
    assert pieces.widths[0], pieces.widths[-1] == (100, 200)
    assert pieces.widths.sum() == width + 300
    assert pieces.widths.max() <= MAX_PIECE_WIDTH
    assert is_gap[np.cumsum(pieces.widths[1:-1])[:-1]].all()


@given(st.integers(MAX_PIECE_WIDTH + 1, 64_000), st.integers(0, 2**32 - 1))
def test_whatever_a_long_line_shows_its_pieces_can_be_read(width, seed):
    columns = np.random.default_rng(seed).integers(0, 256, (1, width, 1), dtype=np.uint8)
    pieces, _ = cut_long_lines(join_lines([np.broadcast_to(columns, (LINE_HEIGHT, width, 3))]))
    assert pieces.widths.sum() == width
    assert pieces.widths.min() >= 1
    assert pieces.widths.max() <= MAX_PIECE_WIDTH


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["the quick", "brown fox"], "the quick brown fox"),
        (["the quick ", "brown fox"], "the quick brown fox"),
        (["春眠不觉晓", "处处闻啼鸟"], "春眠不觉晓处处闻啼鸟"),
        (["春眠", "spring"], "春眠spring"),
        (["안녕", "하세요"], "안녕 하세요"),
        (["", "fox"], "fox"),
        (["fox", "", "dog"], "fox dog"),
        (["", ""], ""),
    ],
)
def test_pieces_are_joined_as_the_script_is_written(texts, joined):
    lines, _ = join_texts(["a", *texts, "z"], np.ones(len(texts) + 2, np.float32), np.array([1, len(texts), 1]))
    assert lines == ["a", joined, "z"]


def test_a_lines_score_is_the_mean_of_its_characters():
    _, scores = join_texts(["abc", "d", ""], np.array([0.8, 0.4, 0.0], np.float32), np.array([3]))
    assert scores.tolist() == pytest.approx([(3 * 0.8 + 0.4) / 4])
    assert join_texts(["", ""], np.zeros(2, np.float32), np.array([2]))[1].tolist() == [0]


@pytest.mark.parametrize("counts", [[1], [3], [0, 2], [-1, 3], [2**62, 2**62, 2**63 - 1]])
def test_pieces_that_are_not_those_that_were_read_are_an_error(counts):
    answer = Steps(np.zeros(4, np.int64), np.zeros(4, np.float32), np.array([2, 2]))
    assert checked_counts(np.array([1, 1]), answer).tolist() == [1, 1]
    with pytest.raises(ValueError, match="are not the 2 that were recognised"):
        checked_counts(np.array(counts), answer)


def test_a_page_without_lines_has_no_pieces():
    none = Steps(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.int64))
    assert checked_counts(np.zeros(0, np.int64), none).shape == (0,)
