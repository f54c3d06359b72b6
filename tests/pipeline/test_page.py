"""How stages make a page."""

import numpy as np
import pytest

from ocr_contract.errors import InvalidInput
from ocr_contract.options import DETECTION, OCR, RECOGNITION, resolve
from ocr_contract.result import DetectionResult
from ocr_pipeline import page
from ocr_pipeline.clock import NO_CLOCK
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import join_lines

DICTIONARY = ("a", "b", "c", "d")
WIDTHS = np.full(4, 8)
ONE_EACH = np.ones(4, np.int64)


def lines_at(*corners, width=100, height=20):
    boxes = [[[x, y], [x + width, y], [x + width, y + height], [x, y + height]] for x, y in corners]
    return DetectionResult(np.array(boxes, np.float32).reshape(-1, 4, 2), np.linspace(0.6, 0.9, len(corners)))


def answer(scores):
    """Line i is read as character i with that score."""
    count = len(scores)
    return Steps(np.arange(count) + 1, np.array(scores, np.float32), np.ones(count, np.int64))


def test_a_page_is_put_in_order_after_unsure_lines_have_left_it():
    """Line 2 lies between two lines of a row; only while it counts do they fall apart."""
    found = lines_at((300, 8), (0, 0), (150, 4), (0, 100))
    result = page.finish(
        answer([0.9, 0.8, 0.1, 0.7]), found, WIDTHS[:4], ONE_EACH[:4], DICTIONARY, resolve({}, OCR), NO_CLOCK
    )
    assert result.texts == ("b", "a", "d")
    assert result.scores.tolist() == pytest.approx([0.8, 0.9, 0.7])
    assert result.boxes[:, 0].tolist() == [[0, 0], [300, 8], [0, 100]]
    assert result.box_scores.tolist() == pytest.approx([found.box_scores[line] for line in (1, 0, 3)])


def test_a_page_without_text():
    result = page.finish(answer([]), lines_at(), WIDTHS[:0], ONE_EACH[:0], DICTIONARY, resolve({}, OCR), NO_CLOCK)
    assert len(result) == 0
    assert page.in_order(lines_at(), resolve({}, DETECTION)).boxes.shape == (0, 4, 2)


def test_line_pictures_keep_their_order_and_unsure_texts():
    boxes = lines_at((0, 50), (0, 0)).boxes
    for asked, words in (({}, ()), ({"return_word_box": True}, ("a", "b"))):
        result = page.read_lines(
            answer([0.9, 0.1]), boxes, WIDTHS[:2], ONE_EACH[:2], DICTIONARY, resolve(asked, RECOGNITION), NO_CLOCK
        )
        assert result.texts == ("a", "b")
        assert result.words == words
        assert result.word_boxes.shape == (len(words), 4, 2)
    assert result.word_lines.tolist() == [0, 1]
    assert result.word_boxes[0, :, 1].tolist() == [50, 50, 70, 70]


def test_the_words_of_line_pictures_come_in_the_order_of_their_script():
    steps = Steps(np.array([1, 0, 5, 0, 2]), np.ones(5, np.float32), np.array([5]))
    given = (
        lines_at((0, 0)).boxes,
        np.full(1, 40),
        ONE_EACH[:1],
        (*"אבגד", " "),
        resolve({"return_word_box": True}, RECOGNITION),
    )
    shown = page.read_lines(steps, *given, NO_CLOCK)
    read = page.read_lines(steps, *given, NO_CLOCK, right_to_left=True)
    assert (shown.texts, shown.words) == (("א ב",), ("א", "ב"))
    assert (read.texts, read.words) == (("ב א",), ("ב", "א"))
    assert np.array_equal(read.word_boxes, shown.word_boxes[::-1])


def test_no_line_pictures_have_no_words():
    result = page.read_lines(
        *(answer([]), lines_at().boxes, WIDTHS[:0], ONE_EACH[:0], DICTIONARY),
        *(resolve({"return_word_box": True}, RECOGNITION), NO_CLOCK),
    )
    assert (result.texts, result.words) == ((), ())


def test_the_classifier_is_asked_in_calls_that_it_can_take():
    strip = join_lines([np.full((48, 30, 3), number, np.uint8) for number in range(70)])
    sizes = []

    def classify(crops):
        sizes.append(len(crops))
        return (crops[:, 0, 0, 0] % 2).astype(np.int64), np.ones(len(crops), np.float32)

    turned = page.find_turned(strip, classify, NO_CLOCK)
    assert sizes == [32, 32, 6]
    assert turned.tolist() == [bool(number % 2) for number in range(70)]
    assert page.find_turned(join_lines([]), classify, NO_CLOCK).shape == (0,)


def test_boxes_and_lines_that_do_not_belong_together_are_an_error():
    with pytest.raises(ValueError, match="2 boxes do not fit 1 lines"):
        page.Lines(lines_at((0, 0), (0, 50)).boxes, join_lines([np.zeros((48, 9, 3), np.uint8)]))


def test_a_bad_line_picture_is_named_by_its_number():
    limits = {"max_images": 3, "max_pixels": 1000, "max_bytes": 1000}
    picture = np.zeros((9, 30, 3), np.uint8)
    lines = page.open_lines([picture, picture], NO_CLOCK, **limits)
    assert lines.strip.widths.tolist() == [160, 160]
    assert lines.boxes.tolist() == [[[0, 0], [30, 0], [30, 9], [0, 9]]] * 2
    assert page.open_lines([], NO_CLOCK, **limits).boxes.shape == (0, 4, 2)
    with pytest.raises(InvalidInput, match=r"^images\[1\]: "):
        page.open_lines([picture, b"nonsense"], NO_CLOCK, **limits)
    with pytest.raises(InvalidInput, match="4 images in one request, the limit is 3"):
        page.open_lines([picture] * 4, NO_CLOCK, **limits)
