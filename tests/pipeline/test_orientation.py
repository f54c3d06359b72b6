"""Lines that stand on their head."""

import numpy as np
import pytest

from ocr_pipeline.stages.crops import join_lines
from ocr_pipeline.stages.orientation import PADDED, ClsInput, cls_crops, turn_boxes, turn_lines, upside_down


def lines(*widths):
    """Lines whose levels rise from left to right."""
    return join_lines(
        [np.broadcast_to(np.arange(width, dtype=np.uint8)[None, :, None], (48, width, 3)) for width in widths]
    )


def test_no_lines():
    assert cls_crops([]).shape == (0, 48, 192, 3)
    assert cls_crops([], ClsInput(80, 160, True)).shape == (0, 80, 160, 3)


@pytest.mark.parametrize("width", [1, 100, 192, 700])
def test_short_lines_are_padded_and_long_ones_squeezed(width):
    (line,) = cls_crops(lines(width).lines())
    assert (line[:, min(width, PADDED.width) :] == 128).all()
    assert line[0, 0, 0] <= 3


@pytest.mark.parametrize("width", [1, 100, 160, 700])
def test_lines_of_any_length_are_stretched_for_a_classifier_that_wants_them_so(width):
    line = np.broadcast_to(np.linspace(0, 250, width, dtype=np.uint8)[None, :, None], (48, width, 3))
    (stretched,) = cls_crops([line], ClsInput(80, 160, True))
    assert stretched.shape == (80, 160, 3)
    assert abs(int(stretched[40, -1, 0]) - int(line[0, -1, 0])) <= 2
    assert abs(int(stretched[40, 80, 0]) - int(line[0, width // 2, 0])) <= 4


@pytest.mark.parametrize("wrong", [(0, 160, True), (80, -1, True), (80.0, 160, True), (80, 160, 1), (True, 160, True)])
def test_a_classifiers_input_is_two_whole_numbers_and_a_flag(wrong):
    with pytest.raises(ValueError, match="the input of cls has whole numbers"):
        ClsInput(*wrong)


@pytest.mark.parametrize(("label", "score", "turned"), [(1, 0.95, True), (1, 0.89, False), (0, 0.99, False)])
def test_a_line_is_turned_when_the_classifier_is_sure(label, score, turned):
    answer = upside_down(np.array([0, label]), np.array([0.99, score], np.float32))
    assert answer.tolist() == [False, turned]


def test_only_turned_lines_and_their_boxes_change():
    strip = lines(60, 100)
    turned = np.array([True, False])
    first, second = turn_lines(strip, turned).lines()
    assert first[0, :, 0].tolist() == list(range(59, -1, -1))
    assert np.array_equal(second, strip.lines()[1])
    assert strip.pixels[0, :60, 0].tolist() == list(range(60))  # the strip itself stays as it was
    boxes = np.arange(16, dtype=np.float32).reshape(2, 4, 2)
    assert turn_boxes(boxes, turned).tolist() == [np.roll(boxes[0], 2, axis=0).tolist(), boxes[1].tolist()]
    assert turn_boxes(boxes[:0], turned[:0]).shape == (0, 4, 2)
