"""Words of recognised lines, and their boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.buckets import Steps, padded_widths
from ocr_pipeline.stages.pieces import OVERLAP, PIECE_WIDTH
from ocr_pipeline.stages.words import words_of_lines

DICTIONARY = tuple("abc123.中文한글 ＡＢ１２．％，、（）\u3000")
STRIDE = 8  # pixels a step
WIDTH = 320  # pixels, a bucket: 40 steps


def line_of(text, width=WIDTH):
    """Steps of a line in which each character wins twice, evenly spread over `width` pixels of it."""
    index = np.zeros(padded_widths(np.array([width]))[0] // STRIDE, np.int64)
    for number, character in enumerate(text):
        middle = (number + 0.5) * width / len(text) / STRIDE
        index[int(middle) - 1 : int(middle) + 1] = DICTIONARY.index(character) + 1
    return index


def words_in(*texts, boxes=None, lines=None, width=WIDTH):
    indices = [line_of(text, width) for text in texts]
    steps = np.array([len(index) for index in indices], np.int64)
    index = np.concatenate([*indices, np.zeros(0, np.int64)])
    score = np.linspace(0.5, 1, len(index), dtype=np.float32)
    if boxes is None:
        boxes = np.array([[[0, 0], [width, 0], [width, 48], [0, 48]]] * len(texts), np.float32).reshape(-1, 4, 2)
    wanted = np.arange(len(texts)) if lines is None else np.array(lines)
    widths = np.full(len(texts), width, np.int64)
    return words_of_lines(Steps(index, score, steps), widths, np.ones_like(widths), boxes, wanted, DICTIONARY), score


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("   ", []),
        ("abc", ["abc"]),
        (" ab  c ", ["ab", "c"]),
        ("12.3 a", ["12.3", "a"]),
        ("中文", ["中", "文"]),
        ("a中b文 1", ["a", "中", "b", "文", "1"]),
        ("한글 a", ["한글", "a"]),
        ("ＡＢ１２", ["ＡＢ１２"]),
        ("中ＡＢ文１２．１％", ["中", "ＡＢ", "文", "１２．１％"]),
        ("ＡＢ\u3000１a2", ["ＡＢ", "１a2"]),
        ("ＡＢ，１２、（Ａ）", ["ＡＢ", "，", "１２", "、", "（", "Ａ", "）"]),
    ],
)
def test_spaces_part_words_and_cjk_characters_stand_alone(text, words):
    found, _ = words_in(text)
    assert list(found.texts) == words
    assert found.boxes.shape == (len(words), 4, 2)
    assert found.lines.tolist() == [0] * len(words)


def test_a_word_spans_its_characters():
    found, score = words_in("abc 12 中文")
    cell = WIDTH / 9
    expected = [(0, 3), (4, 6), (7, 8), (8, 9)]
    for box, (left, right) in zip(found.boxes, expected, strict=True):
        assert box[:, 0].min() == pytest.approx(left * cell, abs=1.5 * STRIDE)
        assert box[:, 0].max() == pytest.approx(right * cell, abs=1.5 * STRIDE)
        assert box[:, 1].tolist() == [0, 0, 48, 48]
    assert ((found.scores >= score.min()) & (found.scores <= score.max())).all()
    assert (np.diff(found.scores) > 0).all()  # as the steps' own scores rise


@pytest.mark.parametrize(
    "quad",
    [
        [[10, 20], [300, 90], [290, 140], [0, 70]],  # tilted
        [[60, 0], [60, 300], [10, 300], [10, 0]],  # from top to bottom
        [[300, 50], [10, 50], [10, 10], [300, 10]],  # upside down
    ],
)
def test_words_follow_the_quad_of_their_line(quad):
    quad = np.array(quad, np.float32)
    found, _ = words_in("ab12", "abc 123", boxes=np.stack([quad, quad]))
    assert np.allclose(found.boxes[0], quad, atol=20)
    first, second = found.boxes[1:]
    along = (quad[1] - quad[0]) / np.linalg.norm(quad[1] - quad[0])
    middle = [word.mean(axis=0) @ along for word in (first, second)]
    assert middle[0] < quad.mean(axis=0) @ along < middle[1]
    assert np.allclose(first[0], quad[0], atol=20)
    assert np.allclose(second[1], quad[1], atol=20)


def test_only_the_lines_asked_for_are_taken_in_their_order():
    found, _ = words_in("a", "b b", "c", lines=[2, 1])
    assert found.texts == ("c", "b", "b")
    assert found.lines.tolist() == [0, 1, 1]
    assert words_in("a", lines=[])[0].boxes.shape == (0, 4, 2)
    assert words_in()[0].texts == ()


@given(st.text(alphabet=DICTIONARY, min_size=1, max_size=19), st.integers(200, 3200))
def test_words_stand_beside_each_other_inside_their_line(text, width):
    found, _ = words_in(text, width=width)
    left, right = found.boxes[..., 0].min(axis=1), found.boxes[..., 0].max(axis=1)
    assert (left >= 0).all()
    assert (right <= width + 1e-3).all()
    assert (left[1:] >= right[:-1] - 1e-3).all()


def test_a_word_across_pieces_of_a_long_line_stays_one_in_its_place():
    width = 2 * PIECE_WIDTH - OVERLAP
    index = line_of("abcabcabcabc 12", width)
    pieces = Steps(
        np.concatenate([index[: PIECE_WIDTH // STRIDE], index[(PIECE_WIDTH - OVERLAP) // STRIDE :]]),
        np.ones(2 * PIECE_WIDTH // STRIDE, np.float32),
        np.full(2, PIECE_WIDTH // STRIDE),
    )
    box = np.array([[[0, 0], [width, 0], [width, 48], [0, 48]]], np.float32)
    found = words_of_lines(pieces, np.full(2, PIECE_WIDTH), np.array([2]), box, np.array([0]), DICTIONARY)
    assert found.texts == ("abcabcabcabc", "12")
    cell = width / 15
    for word, (left, right) in zip(found.boxes, [(0, 12), (13, 15)], strict=True):
        assert word[:, 0].min() == pytest.approx(left * cell, abs=0.4 * cell)
        assert word[:, 0].max() == pytest.approx(right * cell, abs=0.4 * cell)


def test_words_of_a_script_from_right_to_left_come_in_its_order():
    dictionary = tuple("مرحبا 12")
    shown = "12 ابحرم"  # "hello 12" as it stands from left to right
    index = np.zeros(40, np.int64)
    for number, character in enumerate(shown):
        index[2 + 4 * number] = dictionary.index(character) + 1
    steps = Steps(index, np.ones(40, np.float32), np.array([40]))
    box = np.array([[[0, 0], [320, 0], [320, 48], [0, 48]]], np.float32)
    found = words_of_lines(steps, np.array([320]), np.array([1]), box, np.array([0]), dictionary, right_to_left=True)
    assert found.texts == ("مرحبا", "12")
    assert found.boxes[0, 0, 0] > found.boxes[1, 1, 0]  # the first word stands on the right
