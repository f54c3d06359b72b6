"""Metrics against slow obvious versions and examples worked by hand."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_bench.scoring.metrics import Score, exact_lines, folded, similarity, token_score, tokens

TEXT = st.text(alphabet="ab1 -文字", max_size=6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" -_.,", []),
        ("Total: RM12.50", ["total", "rm12", "50"]),
        ("第3件免费", ["第", "3", "件", "免", "费"]),
        ("〇々カな한", ["〇", "々", "カ", "な", "한"]),
        ("Ünïcode_x", ["ünïcode", "x"]),
        ("𠮷野", ["𠮷", "野"]),
        ("、。「」", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_token_score_is_a_bag_of_words() -> None:
    score = token_score("b a a c", "a b b")
    assert score == Score(hits=2, predicted=4, labelled=3)
    assert score.hmean == pytest.approx(2 * 2 / (4 + 3))


def test_tokens_outside_an_incomplete_label_do_not_count_against_the_reader() -> None:
    score = token_score("a b something else", "a b c", complete=False)
    assert score == Score(hits=2, predicted=2, labelled=3)


def test_ratios_of_nothing() -> None:
    assert (Score().precision, Score().recall, Score().hmean) == (1, 1, 1)
    assert (Score(0, 3, 0).precision, Score(0, 3, 0).hmean) == (0, 0)
    assert (Score(0, 0, 3).precision, Score(0, 0, 3).recall) == (0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("RM 12.50!", "rm1250"), ("", ""), ("---", ""), ("Straße", "strasse"), ("你好，世界", "你好世界")],
)
def test_folded(text: str, expected: str) -> None:
    assert folded(text) == expected


def slow_exact_hits(predicted: list[str], labelled: list[str]) -> int:
    """Cross out a prediction for each label that it reads."""
    free = [folded(text) for text in predicted]
    hits = 0
    for text in labelled:
        if folded(text) and folded(text) in free:
            free.remove(folded(text))
            hits += 1
    return hits


@given(st.lists(TEXT, max_size=6), st.lists(TEXT, max_size=6))
def test_exact_lines_against_crossing_out(predicted: list[str], labelled: list[str]) -> None:
    score = exact_lines(predicted, labelled)
    assert score.hits == slow_exact_hits(predicted, labelled)
    assert score.labelled == sum(bool(folded(text)) for text in labelled)


def test_each_prediction_reads_one_line_only() -> None:
    assert exact_lines(["1.00"], ["1.00", "100"]) == Score(hits=1, predicted=1, labelled=2)


@pytest.mark.parametrize(
    ("predicted", "labelled", "expected"),
    [("KITTEN!", "sitting", 4 / 7), ("", "-", 1), ("", "ab", 0), ("J0INT", "Joint", 0.8)],
)
def test_similarity_is_of_folded_texts(predicted: str, labelled: str, expected: float) -> None:
    assert similarity(predicted, labelled) == pytest.approx(expected)


def test_scores_add_up_in_any_order() -> None:
    parts = [Score(1, 2, 3), Score(0.5, 1, 4), Score(0, 7, 0)]
    assert {sum(order, Score()) for order in permutations(parts)} == {Score(1.5, 10, 7)}
