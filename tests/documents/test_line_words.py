"""Words of lines, read or made from the line's text."""

import numpy as np
from tests.documents.pages import box, result

from ocr_contract.result import OcrResult
from ocr_documents.words import words_of_lines

LINE = ("Longjing tea", box(50, 100, 240))


def texts(lines):
    return [[(" " if word.after_space else "") + word.text for word in words] for words in lines]


def test_words_that_were_read_are_taken():
    quads = [box(50, 100, 160), box(230, 100, 60)]
    ((first, second),) = words_of_lines(result(LINE, words=[("Longjing", quads[0], 0), ("tea", quads[1], 0)]))
    assert [(word.text, word.box.tolist(), word.score) for word in (first, second)] == [
        ("Longjing", quads[0], 0.75),
        ("tea", quads[1], 0.75),
    ]


def test_a_line_without_words_is_parted_at_its_spaces():
    ((first, second),) = words_of_lines(result(LINE))
    assert (first.text, second.text) == ("Longjing", "tea")
    np.testing.assert_allclose(first.box, box(50, 100, 160))
    np.testing.assert_allclose(second.box, box(230, 100, 60))
    np.testing.assert_allclose([first.score, second.score], 0.9, rtol=1e-6)


def test_parts_of_a_tilted_line_follow_it():
    ((first, second),) = words_of_lines(result(("aa bb", [[0, 0], [50, 50], [40, 60], [-10, 10]])))
    np.testing.assert_allclose(first.box, [[0, 0], [20, 20], [10, 30], [-10, 10]])
    np.testing.assert_allclose(second.box, [[30, 30], [50, 50], [40, 60], [20, 40]])


def test_parts_of_a_right_to_left_line_begin_at_its_right():
    ((first, second),) = words_of_lines(result(("שלום אב", box(0, 0, 70))))
    assert (first.text, second.text) == ("שלום", "אב")
    np.testing.assert_allclose(first.box, box(30, 0, 40), atol=1e-9)
    np.testing.assert_allclose(second.box, box(0, 0, 20), atol=1e-9)


def test_spaces_are_those_of_the_lines_text():
    words = [(word, box(0, 0, 10), 0) for word in ("绿", "茶", "tea", ",", "2")]
    assert texts(words_of_lines(result(("绿茶 tea, 2", box(0, 0, 200)), words=words))) == [
        ["绿", "茶", " tea", ",", " 2"]
    ]


def test_words_that_the_text_does_not_hold_are_parted_by_their_script():
    words = [(word, box(0, 0, 10), 0) for word in ("绿", "茶", "green", "tea")]
    assert texts(words_of_lines(result(("other", box(0, 0, 200)), words=words))) == [["绿", "茶", "green", " tea"]]


def test_some_lines_may_have_words_and_others_not():
    words = [("second", box(0, 50, 60), 1)]
    lines = [("first line", box(0, 0, 100)), ("second", box(0, 50, 60)), ("", box(0, 90, 10))]
    assert texts(words_of_lines(result(*lines, words=words))) == [["first", " line"], ["second"], []]


def test_blank_words_are_left_out():
    assert texts(words_of_lines(result(LINE, words=[(" ", box(0, 0, 9), 0), ("tea", box(0, 0, 9), 0)]))) == [["tea"]]


def test_scores_stay_within_their_range():
    odd = OcrResult(boxes=[box(0, 0, 9)] * 2, texts=("a", "b"), scores=[1.0001, -0.1], box_scores=[1, 1])
    assert [words[0].score for words in words_of_lines(odd)] == [1, 0]


def test_no_lines_have_no_words():
    assert words_of_lines(OcrResult.empty()) == []


def test_a_cjk_character_is_a_word_also_of_a_line_that_was_read_without_words():
    (words,) = words_of_lines(result(("茶馆 tea", box(0, 0, 160))))
    assert texts([words]) == [["茶", "馆", " tea"]]
    assert [word.box[:, 0].tolist() for word in words] == [[0, 40, 40, 0], [40, 80, 80, 40], [100, 160, 160, 100]]
