"""Line crops: what is cut out, how it is turned, and where its box begins."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from ocr_contract.errors import TooMuchText
from ocr_pipeline.stages.crops import (
    LINE_HEIGHT,
    MAX_LINE_WIDTH,
    MAX_STRIP_WIDTH,
    Strip,
    crop_lines,
    from_own_top_left,
    join_lines,
    line_widths,
    resize_line,
)


def quad(left, top, width, height, degrees=0):
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - (width / 2, height / 2)
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (corners @ turn + (left + width / 2, top + height / 2)).astype(np.float32)


def reference_crop(pixels, box):
    """PaddleOCR's way: warp at the line's own size, then resize to 48 pixels."""
    width = int(max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[2] - box[3])))
    height = int(max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2])))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(box, corners)
    line = cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(line, (int(np.ceil(LINE_HEIGHT * width / height)), LINE_HEIGHT))


@pytest.fixture(scope="module")
def picture():
    coarse = np.random.default_rng(5).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    return cv2.resize(coarse, (800, 600), interpolation=cv2.INTER_CUBIC)


def test_no_boxes_give_empty_crops():
    strip = crop_lines(np.zeros((10, 10, 3), np.uint8), np.zeros((0, 4, 2), np.float32))
    assert strip.pixels.shape == (LINE_HEIGHT, 0, 3)
    assert strip.lines() == []
    assert strip.widths.shape == (0,)
    assert strip.widths.dtype == np.int64


@pytest.mark.parametrize("degrees", [0, 5, -20, 90, 180])
def test_a_crop_is_what_paddleocr_cuts_out(picture, degrees):
    box = quad(200, 250, 300, 60, degrees)
    (line,) = crop_lines(picture, box[None]).lines()
    expected = reference_crop(picture, box)
    width = line.shape[1]
    assert abs(width - expected.shape[1]) <= 5  # PaddleOCR cuts the line's own size down to whole pixels first
    difference = np.abs(line.astype(int) - cv2.resize(expected, (width, LINE_HEIGHT)))
    assert difference.mean() < 4


def test_lines_stand_beside_each_other_with_nothing_between_them(picture):
    strip = crop_lines(picture, np.stack([quad(10, 10, 100, 48), quad(10, 100, 400, 48)]))
    assert strip.widths.tolist() == [100, 400]
    assert strip.pixels.shape == (LINE_HEIGHT, 500, 3)
    assert [line.shape for line in strip.lines()] == [(LINE_HEIGHT, 100, 3), (LINE_HEIGHT, 400, 3)]


def test_threads_cut_the_same_lines(picture):
    boxes = np.stack([quad(10 + 5 * number, 10 + 20 * number, 100 + 9 * number, 30, number) for number in range(20)])
    with ThreadPoolExecutor(3) as threads:
        shared = crop_lines(picture, boxes, threads)
    alone = crop_lines(picture, boxes)
    assert np.array_equal(shared.pixels, alone.pixels)
    assert np.array_equal(shared.widths, alone.widths)


def test_a_box_at_the_border_repeats_it(picture):
    (line,) = crop_lines(picture, quad(760, 560, 40, 40)[None]).lines()
    assert np.abs(line[-1, -1].astype(int) - picture[-1, -1]).max() < 12


def test_a_line_does_not_depend_on_the_others(picture):
    boxes = np.stack([quad(10, 10, 100, 30), quad(300, 100, 400, 48, 12), quad(40, 300, 30, 200)])
    for box, line in zip(boxes, crop_lines(picture, boxes).lines(), strict=True):
        assert np.array_equal(crop_lines(picture, box[None]).pixels, line)


def test_tall_boxes_begin_at_the_corner_where_their_text_does():
    wide, tall = quad(0, 0, 100, 30), quad(0, 0, 30, 100)
    boxes = from_own_top_left(np.stack([wide, tall]))
    assert np.array_equal(boxes[0], wide)
    assert boxes[1, 0].tolist() == [30, 0]  # top right on the picture
    assert line_widths(boxes).tolist() == [160, 160]


def test_a_tall_line_is_turned_a_quarter_counterclockwise():
    picture = np.zeros((100, 30, 3), np.uint8)
    picture[:20] = 255  # what stands at the top is read first
    (line,) = crop_lines(picture, from_own_top_left(quad(0, 0, 30, 100)[None])).lines()
    assert line[:, :20].mean() > 250
    assert line[:, 50:].max() == 0


def test_very_long_lines_are_squeezed():
    assert line_widths(quad(0, 0, 20_000, 10)[None]).tolist() == [MAX_LINE_WIDTH]
    assert resize_line(np.zeros((1, 1500, 3), np.uint8)).shape == (LINE_HEIGHT, MAX_LINE_WIDTH, 3)


def test_a_heading_among_many_cells_is_as_wide_as_it_is_alone():
    cells, heading = [quad(0, 0, 60, 30)] * 2999, quad(0, 0, 1500, 30)
    widths = line_widths(np.stack([*cells, heading]))
    assert widths[0] == 96
    assert widths[-1] == line_widths(heading[None])[0] == 2400


def test_more_text_than_there_is_memory_for_is_refused_and_not_squeezed():
    lines = MAX_STRIP_WIDTH // MAX_LINE_WIDTH
    Strip.blank(np.full(lines, MAX_LINE_WIDTH, np.int64))
    with pytest.raises(TooMuchText, match=f"the limit is {MAX_STRIP_WIDTH}"):
        Strip.blank(np.full(lines + 1, MAX_LINE_WIDTH, np.int64))


@pytest.mark.parametrize("widths", [[3, 4], [0, 8], [-1, 9], [[8]]])
def test_widths_that_are_not_those_of_the_strip_are_an_error(widths):
    with pytest.raises(ValueError, match="widths"):
        Strip(np.zeros((LINE_HEIGHT, 8, 3), np.uint8), np.array(widths))


@pytest.mark.parametrize("shape", [(1, 1, 3), (48, 1, 3), (500, 1, 3), (1, 500, 3)])
def test_line_images_of_any_size_are_taken(shape):
    line = resize_line(np.full(shape, 9, np.uint8))
    assert line.shape[0] == LINE_HEIGHT
    assert line.shape[1] >= 1
    assert (line == 9).all()


def test_joined_lines_keep_their_pixels():
    lines = [np.full((LINE_HEIGHT, width, 3), width, np.uint8) for width in (30, 70)]
    strip = join_lines(lines)
    assert strip.widths.tolist() == [30, 70]
    assert all(np.array_equal(line, joined) for line, joined in zip(lines, strip.lines(), strict=True))
    assert join_lines([]).pixels.shape == (LINE_HEIGHT, 0, 3)


@pytest.mark.parametrize(("height", "width"), [(40, 40_000), (40_000, 40)])
def test_a_line_longer_than_opencv_can_warp_is_cut_out(height, width):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2 if height > width else None, : width // 2 if width > height else None] = 200
    boxes = from_own_top_left(quad(0, 0, width, height)[None])
    (line,) = crop_lines(picture, boxes).lines()
    assert line.shape == (LINE_HEIGHT, 48_000, 3)
    assert line[:, :23_000].min() > 190
    assert line[:, 25_000:].max() < 10
