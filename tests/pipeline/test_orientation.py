"""Lines that stand on their head."""

import numpy as np
import pytest

from ocr_pipeline.stages.orientation import CLS_WIDTH, cls_crops, turn_lines


def lines(*widths):
    crops = np.zeros((len(widths), 48, max(widths, default=1), 3), np.uint8)
    for number, width in enumerate(widths):
        crops[number, :, :width] = np.arange(width, dtype=np.uint8)[None, :, None]
    return crops, np.array(widths, np.int64)


def test_no_lines():
    crops, widths = lines()
    assert cls_crops(crops, widths).shape == (0, 48, CLS_WIDTH, 3)


@pytest.mark.parametrize("width", [1, 100, 192, 700])
def test_short_lines_are_padded_and_long_ones_squeezed(width):
    (line,) = cls_crops(*lines(width))
    assert (line[:, min(width, CLS_WIDTH) :] == 128).all()
    assert line[0, 0, 0] <= 3


@pytest.mark.parametrize(("label", "score", "turned"), [(1, 0.95, True), (1, 0.89, False), (0, 0.99, False)])
def test_a_line_is_turned_when_the_classifier_is_sure(label, score, turned):
    crops, widths = lines(60, 100)
    boxes = np.arange(16, dtype=np.float32).reshape(2, 4, 2)
    labels, scores = np.array([0, label]), np.array([0.99, score], np.float32)
    new_boxes, new_crops = turn_lines(boxes, crops, widths, labels, scores)
    assert np.array_equal(new_boxes[0], boxes[0])
    assert np.array_equal(new_crops[0], crops[0])
    assert np.array_equal(new_boxes[1], np.roll(boxes[1], 2, axis=0) if turned else boxes[1])
    assert np.array_equal(new_crops[1], crops[1, ::-1, ::-1] if turned else crops[1])


def test_the_padding_stays_on_the_right():
    crops, widths = lines(60, 100)
    boxes = np.zeros((2, 4, 2), np.float32)
    _, turned = turn_lines(boxes, crops, widths, np.array([1, 0]), np.ones(2, np.float32))
    assert turned[0, 0, :60, 0].tolist() == list(range(59, -1, -1))
    assert (turned[0, :, 60:] == 0).all()
