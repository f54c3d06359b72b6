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


def decode(index, score=None):
    """Decode lines given as lists of steps."""
    score = [[1.0] * len(line) for line in index] if score is None else score
    return ctc_decode(
        np.array([step for line in index for step in line], np.int64),
        np.array([value for line in score for value in line], np.float32),
        np.array([len(line) for line in index], np.int64),
        DICTIONARY,
    )


def test_no_lines():
    texts, scores = decode([])
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
    assert decode([steps])[0] == [text]


def test_a_line_begins_anew_where_the_one_before_ends():
    assert decode([[1, 1], [1, 0], [], [0, 1]])[0] == ["a", "a", "", "a"]


@given(st.lists(st.integers(0, 30), max_size=6), st.integers(0, 2**32 - 1))
def test_it_decodes_as_the_slow_version_does(steps, seed):
    rng = np.random.default_rng(seed)
    index = [rng.integers(0, len(DICTIONARY) + 1, count).tolist() for count in steps]
    score = [rng.random(count, dtype=np.float32).tolist() for count in steps]
    texts, scores = decode(index, score)
    for line in range(len(steps)):
        text, mean = slow_decode(index[line], score[line])
        assert texts[line] == text
        assert scores[line] == pytest.approx(mean, abs=1e-6)


def test_the_inputs_are_left_alone():
    index, score = np.array([1, 1, 0]), np.ones(3, np.float32)
    ctc_decode(index, score, np.array([3]), DICTIONARY)
    assert index.tolist() == [1, 1, 0]


@pytest.mark.parametrize("label", [7, -1])
def test_a_class_outside_the_dictionary_is_an_error(label):
    with pytest.raises(InvalidModel, match=rf"class {label}.*6 characters"):
        decode([[label]])


def test_dictionary_lines_are_never_stripped(tmp_path):
    path = tmp_path / "dictionary.txt"
    path.write_bytes("\n".join(DICTIONARY).encode())
    assert read_dictionary(path) == DICTIONARY


def test_a_missing_dictionary_says_what_to_run(tmp_path):
    with pytest.raises(InvalidModel, match="ocr-convert"):
        read_dictionary(tmp_path / "dictionary.txt")
