"""Line crops: what is cut out, how it is turned, and where its box begins."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from ocr_pipeline.stages.crops import (
    LINE_HEIGHT,
    MAX_CROPS_BYTES,
    MAX_LINE_WIDTH,
    crop_lines,
    from_own_top_left,
    line_widths,
    resize_line,
    stack_lines,
    width_limit,
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
    crops, widths = crop_lines(np.zeros((10, 10, 3), np.uint8), np.zeros((0, 4, 2), np.float32))
    assert crops.shape[0] == 0
    assert crops.shape[1:2] + crops.shape[3:] == (LINE_HEIGHT, 3)
    assert widths.shape == (0, 1)
    assert widths.dtype == np.int64


@pytest.mark.parametrize("degrees", [0, 5, -20, 90, 180])
def test_a_crop_is_what_paddleocr_cuts_out(picture, degrees):
    box = quad(200, 250, 300, 60, degrees)
    crops, widths = crop_lines(picture, box[None])
    expected = reference_crop(picture, box)
    width = int(widths[0, 0])
    assert abs(width - expected.shape[1]) <= 5  # PaddleOCR cuts the line's own size down to whole pixels first
    difference = np.abs(crops[0].astype(int) - cv2.resize(expected, (width, LINE_HEIGHT)))
    assert difference.mean() < 4


def test_a_crop_is_zero_right_of_its_own_width(picture):
    boxes = np.stack([quad(10, 10, 100, 48), quad(10, 100, 400, 48)])
    crops, widths = crop_lines(picture, boxes)
    assert widths[:, 0].tolist() == [100, 400]
    assert crops.shape == (2, LINE_HEIGHT, 400, 3)
    assert (crops[0, :, 100:] == 0).all()


def test_threads_cut_the_same_lines(picture):
    boxes = np.stack([quad(10 + 5 * number, 10 + 20 * number, 100 + 9 * number, 30, number) for number in range(20)])
    with ThreadPoolExecutor(3) as threads:
        shared = crop_lines(picture, boxes, threads)
    for one, other in zip(shared, crop_lines(picture, boxes), strict=True):
        assert (one == other).all()


def test_a_box_at_the_border_repeats_it(picture):
    crops, widths = crop_lines(picture, quad(760, 560, 40, 40)[None])
    assert np.abs(crops[0, -1, widths[0, 0] - 1].astype(int) - picture[-1, -1]).max() < 12


def test_a_line_does_not_depend_on_the_others(picture):
    boxes = np.stack([quad(10, 10, 100, 30), quad(300, 100, 400, 48, 12), quad(40, 300, 30, 200)])
    together, widths = crop_lines(picture, boxes)
    for number, box in enumerate(boxes):
        alone, width = crop_lines(picture, box[None])
        assert width[0, 0] == widths[number, 0]
        assert np.array_equal(together[number, :, : width[0, 0]], alone[0])


def test_tall_boxes_begin_at_the_corner_where_their_text_does():
    wide, tall = quad(0, 0, 100, 30), quad(0, 0, 30, 100)
    boxes = from_own_top_left(np.stack([wide, tall]))
    assert np.array_equal(boxes[0], wide)
    assert boxes[1, 0].tolist() == [30, 0]  # top right on the picture
    assert line_widths(boxes).tolist() == [160, 160]


def test_a_tall_line_is_turned_a_quarter_counterclockwise():
    picture = np.zeros((100, 30, 3), np.uint8)
    picture[:20] = 255  # what stands at the top is read first
    crops, widths = crop_lines(picture, from_own_top_left(quad(0, 0, 30, 100)[None]))
    assert crops[0, :, :20].mean() > 250
    assert crops[0, :, 50 : widths[0, 0]].max() == 0


def test_very_long_lines_are_squeezed():
    assert line_widths(quad(0, 0, 10_000, 10)[None]).tolist() == [MAX_LINE_WIDTH]
    assert resize_line(np.zeros((1, 5000, 3), np.uint8)).shape == (LINE_HEIGHT, MAX_LINE_WIDTH, 3)


def test_the_crops_of_a_crowded_page_stay_within_their_memory():
    assert width_limit(1) == width_limit(500) == MAX_LINE_WIDTH
    boxes = np.stack([quad(0, 0, 60, 30)] * 2999 + [quad(0, 0, 3000, 30)])
    widths = line_widths(boxes)
    assert widths[0] == 96
    assert len(boxes) * widths.max() * LINE_HEIGHT * 3 <= MAX_CROPS_BYTES


@pytest.mark.parametrize("shape", [(1, 1, 3), (48, 1, 3), (500, 1, 3), (1, 500, 3)])
def test_line_images_of_any_size_are_taken(shape):
    line = resize_line(np.full(shape, 9, np.uint8))
    assert line.shape[0] == LINE_HEIGHT
    assert line.shape[1] >= 1
    assert (line == 9).all()


def test_stacked_lines_keep_their_pixels_and_are_zero_beside_them():
    lines = [np.full((LINE_HEIGHT, width, 3), width, np.uint8) for width in (30, 70)]
    crops, widths = stack_lines(lines)
    assert widths.tolist() == [[30], [70]]
    assert (crops[0, :, :30] == 30).all()
    assert (crops[0, :, 30:] == 0).all()
    assert stack_lines([])[0].shape[0] == 0
