"""Who reads better, and who may become the default."""

import pytest

from ocr_bench.scoring.bootstrap import f1_estimate, recall_estimate
from ocr_bench.scoring.comparison import EXACT_LINES, TOKEN_F1, Comparison, Difference, Estimates, Interval, compare
from ocr_bench.scoring.metrics import Score


def reading(name: str, lines: str, words: str | None = None) -> Estimates:
    """A set of pictures, each with one line and one word, which are read (1) or not (0)."""
    exact = [Score(int(line), 1, 1) for line in lines]
    return {
        TOKEN_F1: f1_estimate(name, [Score(int(word), 1, 1) for word in words or lines]),
        EXACT_LINES: recall_estimate(name, exact),
    }


def against(subject: dict[str, Estimates], first: dict[str, Estimates]) -> Comparison:
    return compare("new", subject, "old", first)


GOOD = "1" * 1000


def but(lost: int) -> str:
    return "0" * lost + "1" * (1000 - lost)


def test_a_subject_passes_against_its_equal() -> None:
    made = against({"a": reading("a", GOOD)}, {"a": reading("a", GOOD)})
    assert (made.subject, made.against) == ("new", "old")
    assert {difference.verdict for difference in made.sets["a"].values()} == {"no difference"}
    assert made.mean[TOKEN_F1] == Difference(0, Interval(0, 0))
    assert made.passes


def test_what_chance_may_do_is_no_difference_and_what_it_hardly_does_is() -> None:
    first = {"a": reading("a", "10" * 10)}
    one, many = (against({"a": reading("a", lines)}, first) for lines in ("00" + "10" * 9, "00" * 6 + "10" * 4))
    better = against(first, {"a": reading("a", "00" * 6 + "10" * 4)})
    assert [each.sets["a"][EXACT_LINES].verdict for each in (one, many, better)] == ["no difference", "lower", "higher"]
    assert (one.lower_sets, many.lower_sets) == ([], [("a", TOKEN_F1), ("a", EXACT_LINES)])  # 0.45, 0.2 of 0.3 to 0.7


@pytest.mark.parametrize(
    ("lines", "words", "passes"),
    [
        (but(43), but(42), True),  # 0.003 and 0.002 lower
        (but(43), but(43), False),  # the mean of token F1 falls by 0.003
        (but(45), but(40), True),  # the mean of exact lines may fall by 0.005
        (but(49), but(40), False),
    ],
)
def test_the_mean_may_fall_by_a_little(lines: str, words: str, passes: bool) -> None:
    made = against({"a": reading("a", lines, words)}, {"a": reading("a", but(40))})
    assert made.passes is passes


def test_a_set_that_is_lower_is_not_made_up_for_by_another() -> None:
    first = {"a": reading("a", GOOD), "b": reading("b", but(500))}
    made = against({"a": reading("a", but(20)), "b": reading("b", GOOD)}, first)
    assert made.mean[TOKEN_F1].verdict == "higher"
    assert made.lower_sets == [("a", TOKEN_F1), ("a", EXACT_LINES)]
    assert not made.passes


def test_sets_without_lines_take_part_in_the_mean_of_token_f1_only() -> None:
    def both(lines: str) -> dict[str, Estimates]:
        return {"a": reading("a", lines), "page": {TOKEN_F1: f1_estimate("page", [Score(1, 1, 1)])}}

    made = against(both("0"), both("1"))
    assert (made.mean[TOKEN_F1].value, made.mean[EXACT_LINES].value) == (pytest.approx(-0.5), pytest.approx(-1))
    assert EXACT_LINES not in made.sets["page"]


def test_without_any_lines_token_f1_alone_decides() -> None:
    page = {"page": {TOKEN_F1: f1_estimate("page", [Score(1, 1, 1)])}}
    made = against(page, page)
    assert list(made.mean) == [TOKEN_F1]
    assert made.passes


def test_other_sets_are_not_compared() -> None:
    with pytest.raises(ValueError, match="expected the sets b, got a"):
        against({"a": reading("a", "1")}, {"b": reading("b", "1")})
