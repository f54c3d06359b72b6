"""CTC decoding, held to a slow and obvious version."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_contract.errors import InvalidModel
from ocr_pipeline.stages.ctc import ctc_decode, read_dictionary

DICTIONARY = ("a", "b", "\u3000", "\u2028", "中", " ")


def slow_decode(index, score):
    text, kept = "", []
    for step, label in enumerate(index):
        if label != 0 and (step == 0 or label != index[step - 1]):
            text += DICTIONARY[label - 1]
            kept.append(score[step])
    return text, float(np.mean(kept)) if kept else 0.0


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (0, 1)])
def test_no_lines(shape):
    texts, scores = ctc_decode(np.zeros(shape, np.int64), np.zeros(shape, np.float32), DICTIONARY)
    assert texts == []
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([0, 0, 0], ""),
        ([1, 1, 1], "a"),
        ([1, 0, 1], "aa"),
        ([1, 2, 2, 0, 2], "abb"),
        ([3, 4, 5, 6], "\u3000\u2028中 "),
    ],
)
def test_repeats_merge_and_blanks_part(steps, text):
    texts, _ = ctc_decode(np.array([steps]), np.ones((1, len(steps)), np.float32), DICTIONARY)
    assert texts == [text]


@given(st.integers(0, 6), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_it_decodes_as_the_slow_version_does(lines, steps, seed):
    rng = np.random.default_rng(seed)
    index = rng.integers(0, len(DICTIONARY) + 1, (lines, steps))
    score = rng.random((lines, steps), dtype=np.float32)
    texts, scores = ctc_decode(index, score, DICTIONARY)
    for line in range(lines):
        text, mean = slow_decode(index[line], score[line])
        assert texts[line] == text
        assert scores[line] == pytest.approx(mean, abs=1e-6)


def test_the_inputs_are_left_alone():
    index, score = np.array([[1, 1, 0]]), np.ones((1, 3), np.float32)
    ctc_decode(index, score, DICTIONARY)
    assert index.tolist() == [[1, 1, 0]]


def test_a_class_outside_the_dictionary_is_an_error():
    with pytest.raises(InvalidModel, match=r"class 7.*6 characters"):
        ctc_decode(np.array([[7]]), np.ones((1, 1), np.float32), DICTIONARY)


def test_dictionary_lines_are_never_stripped(tmp_path):
    path = tmp_path / "dictionary.txt"
    path.write_bytes("\n".join(DICTIONARY).encode())
    assert read_dictionary(path) == DICTIONARY


def test_a_missing_dictionary_says_what_to_run(tmp_path):
    with pytest.raises(InvalidModel, match="ocr-convert"):
        read_dictionary(tmp_path / "dictionary.txt")
