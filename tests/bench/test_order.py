"""Rules of reading order, and how far their orders are from the known one."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ocr_bench.contenders.order_rules import RULES
from ocr_bench.drawn.layouts import LAYOUTS, draw
from ocr_bench.drawn.sheet import Drawn
from ocr_bench.measurements.order import Known, Order, OrderedPage, judge
from ocr_bench.scoring.labels import DO_NOT_CARE, Line
from ocr_bench.scoring.order import order_distance


def boxes_at(*corners: tuple[float, float], width: float = 40, height: float = 20) -> npt.NDArray[np.float32]:
    size = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    return np.array([np.array(corner) + size for corner in corners], np.float32).reshape(-1, 4, 2)


def known(page: Drawn) -> Known:
    return Known(page.kind, page.degrees, page.pixels, page.lines)


def label_boxes(page: Drawn) -> npt.NDArray[np.float32]:
    return np.array([line.polygon for line in page.lines])


@pytest.mark.parametrize(
    ("order", "distance"),
    [([], 0), ([4], 0), ([1, 5, 9], 0), ([1, 0], 1), ([0, 1, 3, 2], 0.5), ([3, 0, 1, 2], 0.5), ([0, 2, 1, 3, 4], 0.4)],
)
def test_distance_counts_moved_lines(order: list[int], distance: float) -> None:
    assert order_distance(order) == pytest.approx(distance)


@pytest.mark.parametrize("rule", RULES)
def test_an_empty_page_has_an_order(rule: str) -> None:
    assert RULES[rule](np.zeros((0, 4, 2), np.float32)).tolist() == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "columns"])
def test_rules_read_level_rows_from_the_left(rule: str) -> None:
    boxes = boxes_at((500, 41), (0, 100), (0, 40), (50, 39))
    assert RULES[rule](boxes).tolist() == [2, 3, 0, 1]


def test_the_packages_rules_part_where_tops_drift() -> None:
    """Tops 0, 9 and 18: PaddleX compares neighbours as they lie now, RapidOCR each with the one before it."""
    boxes = boxes_at((200, 0), (100, 9), (0, 18))
    assert RULES["RapidOCR"](boxes).tolist() == [2, 1, 0]
    assert RULES["PaddleX"](boxes).tolist() == [1, 0, 2]
    assert RULES["RapidOCR"](boxes_at((200, 0), (100, 10))).tolist() == [0, 1]


def test_the_packages_corner_is_the_upper_left_one_wherever_the_text_begins() -> None:
    column = boxes_at((100, 0), (0, 0), width=20, height=300)
    begun_at_the_right = np.roll(column, -1, axis=1)
    for rule in ("PaddleX", "RapidOCR"):
        assert RULES[rule](begun_at_the_right).tolist() == [1, 0]
    assert RULES["auto"](begun_at_the_right).tolist() == [0, 1]


@pytest.mark.parametrize("degrees", [0.0, -10.0])
@pytest.mark.parametrize("kind", LAYOUTS)
def test_drawn_lines_lie_on_their_ink(kind: str, degrees: float) -> None:
    page = draw(kind, degrees)
    ink = page.pixels[..., 0] < 128
    labelled = np.zeros(ink.shape, np.int32)
    for number, line in enumerate(page.lines, 1):
        cv2.fillPoly(labelled, [line.polygon.round().astype(np.int32)], number)
    assert set(labelled[ink].tolist()) - {0} == set(range(1, len(page.lines) + 1))
    assert (labelled[ink] == 0).mean() < 0.01  # the edges of letters, where the page is turned


@pytest.mark.parametrize("degrees", [0.0, -3.0, 10.0])
@pytest.mark.parametrize("kind", LAYOUTS)
def test_auto_orders_the_drawn_labels_as_they_were_written(kind: str, degrees: float) -> None:
    page = draw(kind, degrees)
    shuffled = np.random.default_rng(1).permutation(len(page.lines))
    order = RULES["auto"](label_boxes(page)[shuffled])
    assert shuffled[order].tolist() == list(range(len(page.lines)))


def test_the_rule_before_mixes_up_what_leans() -> None:
    level, leaning = (judge(known(page), label_boxes(page)) for page in (draw("receipt", 0), draw("receipt", 6)))
    assert level.distance["before"] == 0
    assert leaning.distance["before"] > 0.3
    assert leaning.distance["auto"] == 0


def test_boxes_that_are_no_line_do_not_count_and_lines_that_were_missed_neither() -> None:
    boxes = boxes_at((0, 0), (0, 40), (0, 80), (0, 120))
    lines = [Line("a", boxes[0]), Line("b", boxes[2]), Line(DO_NOT_CARE, boxes[3]), Line("c", boxes[0] + 900)]
    page = judge(Known("set", None, b"", lines), boxes)
    assert (page.lines, page.found, set(page.distance.values())) == (3, 2, {0.0})


def test_tables_hold_means_by_kind_and_by_turn() -> None:
    def page(kind: str, degrees: float | None, auto: float) -> OrderedPage:
        return OrderedPage(kind, degrees, 4, 3, {**dict.fromkeys(RULES, 1.0), "auto": auto})

    found = [page("form", 3.0, 0.5), page("form", -3.0, 0.0), page("table", -3.0, 0.2), page("book", None, 0.4)]
    table = Order().table(found)
    assert table.header[:5] == ("page", "pages", "lines", "found", "auto")
    assert [row[:5] for row in table.rows] == [("form", 2, 8, 6, 0.25), ("table", 1, 4, 3, 0.2), ("book", 1, 4, 3, 0.4)]
    (turns,) = Order().notes(found)
    assert "| -3° | 2 | 8 | 6 | 0.100 |" in turns
    assert turns.index("-3°") < turns.index("+3°")
