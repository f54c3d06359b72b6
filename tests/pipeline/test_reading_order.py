"""Reading order: pages whose order is known, at every angle at which they may lie on the picture."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_contract.frame import level
from ocr_contract.options import READING_ORDERS
from ocr_pipeline.stages.crops import from_own_top_left
from ocr_pipeline.stages.reading_order import reading_order

PAGE = np.array([1000, 1400])  # pixels: width and height of the drawn pages
PITCH, HEIGHT = 28, 20  # pixels: from line to line, and of a line
RNG = np.random.default_rng(7)


def box(left, top, width=100, height=HEIGHT):
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


def order(*boxes, rule="auto"):
    return reading_order(np.array(boxes, np.float32).reshape(-1, 4, 2), rule).tolist()


def turned(boxes, degrees):
    """Boxes turned clockwise about the middle of the page."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return ((np.array(boxes, np.float64) - PAGE / 2) @ matrix + PAGE / 2).astype(np.float32)


def text(left, top, width, lines, pitch=PITCH):
    """Lines of running text; every seventh ends a paragraph."""
    return [
        box(left, top + pitch * line, width * (0.4 if line % 7 == 6 else RNG.uniform(0.88, 1))) for line in range(lines)
    ]


def columns(count, lines=18, offsets=(0,), gap=30):
    """A heading across columns of running text, and a page number in the middle below them."""
    width = (PAGE[0] - gap * (count - 1)) / count
    body = [text(number * (width + gap), 90 + offsets[number % len(offsets)], width, lines) for number in range(count)]
    return [box(180, 10, 640, 44), *chain(*body), box(470, 90 + PITCH * lines + 40, 60)]


def short_heading(count, gap=30):
    """Columns of running text, a short heading in the middle of the page, and columns below it."""
    width = (PAGE[0] - gap * (count - 1)) / count
    lefts = [number * (width + gap) for number in range(count)]
    upper, lower = (list(chain(*(text(left, top, width, 10) for left in lefts))) for top in (40, 60 + PITCH * 13))
    return [*upper, box(430, 40 + PITCH * 11, 140, 30), *lower]


def table(rows, cells):
    return [
        box(PAGE[0] * cell / cells, 40 + 30 * row, RNG.uniform(40, 120)) for row in range(rows) for cell in range(cells)
    ]


def receipt(rows=20):
    lines = [[box(0, 80 + 30 * row, RNG.uniform(150, 420)), box(900, 80 + 30 * row, 80)] for row in range(rows)]
    return [box(300, 0, 400, 44), *chain(*lines)]


def receipt_with_second_names(rows=4):
    """Name, number and price of an item, and below them its name in another language; sums of two boxes at the end."""
    items = [
        [
            *(box(170, top, RNG.uniform(90, 120), 40), box(490, top + 5, 25, 30), box(620, top + 3, 75, 34)),
            box(172, top + 40, RNG.uniform(130, 190), 30),
        ]
        for top in range(480, 480 + 78 * rows, 78)
    ]
    end = 510 + 78 * rows
    sums = [
        [box(174, end + 40 * row, 200, 33), box(left, end + 40 * row, 695 - left, 33)]
        for row, left in enumerate((612, 619, 553))
    ]
    return [box(171, 418, 107, 36), box(456, 416, 94, 36), box(593, 417, 100, 34), *chain(*items), *chain(*sums)]


def form(rows=12):
    fields = [
        [box(left, 60 + 40 * row, RNG.uniform(80, 140)), box(left + 160, 60 + 40 * row, RNG.uniform(80, 280))]
        for row in range(rows)
        for left in (0, 520)
    ]
    return list(chain(*fields))


def two_articles():
    """Two columns, a heading across them, then three columns."""
    upper = chain(*(text(left, 60, 480, 8) for left in (0, 520)))
    lower = chain(*(text(left, 400, 310, 8) for left in (0, 345, 690)))
    return [box(0, 0, 900, 40), *upper, box(100, 330, 800, 40), *lower]


def under_a_running_header():
    """A header on both sides, a heading between them, and two columns, whose first line on the left is short."""
    body = chain([box(0, 120, 200), *text(0, 148, 480, 8)], text(520, 120, 480, 9))
    return [box(0, 0, 180), box(880, 0, 120), box(330, 56, 340, 30), *body]


def with_sidebar(left, pitch, offset=0):
    """Running text, and a list of short lines beside it that stand where they like."""
    text_left, side_left = (300, 0) if left else (0, 740)
    main = text(text_left, 0, 700, 24)
    side = [box(side_left, offset + pitch * line, RNG.uniform(80, 240)) for line in range(12)]
    return [*side, *main] if left else [*main, *side]


def spaced_table(cells, pitch=40, low=0.9):
    """Cells of about one length, that fill their columns as the lines of a text do."""
    return [
        box(PAGE[0] / cells * cell, pitch * row, (PAGE[0] / cells - 60) * RNG.uniform(low, 1))
        for row in range(20)
        for cell in range(cells)
    ]


def long_form(pitch=36):
    rows = [
        [box(0, pitch * row, RNG.uniform(190, 240)), box(300, pitch * row, RNG.uniform(350, 500))] for row in range(20)
    ]
    return list(chain(*rows))


def wrapped_table(centred=False):
    """A name and two cells of up to four lines in each row."""
    cells, top = [], 0
    for counts in ((1, 3, 1), (1, 1, 2), (1, 4, 2), (1, 2, 3), (1, 1, 1), (1, 3, 4)):
        for left, width, count in zip((0, 200, 620), (100, 380, 380), counts, strict=True):
            first = top + (PITCH * (max(counts) - count) / 2 if centred else 0)
            cells += [
                box(left, first + PITCH * line, width * (0.5 if line == count - 1 else 0.95)) for line in range(count)
            ]
        top += PITCH * max(counts) + 18
    return cells


def over_a_footer(*footers, lines=18, gap=22):
    """Two columns, and what stands close below them."""
    body = chain(text(0, 0, 480, lines), text(520, 0, 480, lines))
    return [*body, *(box(left, PITCH * (lines - 1) + HEIGHT + gap, width) for left, width in footers)]


def receipt_with_address(lines, width):
    """Centred lines above and below, shorter than the white between the items and their prices."""
    items = [[box(0, 40 + PITCH * (lines + row), 130), box(920, 40 + PITCH * (lines + row), 80)] for row in range(9)]
    above = [box(500 - width / 2, PITCH * line, width) for line in range(lines)]
    below = [box(500 - width / 2, 80 + PITCH * (lines + row), width) for row in (9, 10)]
    return [*above, *chain(*items), *below]


def letter(sender, recipient):
    """The sender on the right, below it the recipient on the left, then the date and the text."""
    top = PITCH * (sender + recipient)
    blocks = [box(700, PITCH * line, RNG.uniform(150, 300)) for line in range(sender)]
    blocks += [box(0, 20 + PITCH * (sender + line), RNG.uniform(150, 300)) for line in range(recipient)]
    return [*blocks, box(750, top + 60, 180), box(0, top + 120, 200), *text(0, top + 180, 1000, 12)]


def chat(messages=16):
    """Messages of one to three lines, on the left and on the right."""
    lines, top = [], 0
    for message in range(messages):
        for _ in range(message % 3 + 1):
            width = RNG.uniform(120, 420)
            lines.append(box(0 if message % 5 in (0, 2, 3) else 1000 - width, top, width))
            top += PITCH
        top += 20
    return lines


def staggered(count, pitch):
    """Columns of widely spaced lines, each of which stands between two lines of the next column."""
    width = (PAGE[0] - 30 * (count - 1)) / count
    return [
        box(number * (width + 30), pitch * line + pitch / 2 * (number % 2), width * RNG.uniform(0.9, 1))
        for number in range(count)
        for line in range(14 - number % 2)
    ]


PAGES = {
    "short heading between two times three columns": short_heading(3),
    "short heading between two times four columns": short_heading(4),
    "receipt with second names": receipt_with_second_names(),
    "two columns with double spacing": [*text(0, 60, 470, 20, 2 * HEIGHT), *text(500, 60, 470, 20, 2 * HEIGHT)],
    "receipt with an address of two lines": receipt_with_address(2, 200),
    "receipt with an address of six lines": receipt_with_address(6, 300),
    "letter": letter(2, 3),
    "letter with long addresses": letter(5, 4),
    "chat": chat(),
    "two staggered columns": staggered(2, 2 * PITCH),
    "three staggered columns": staggered(3, 2 * PITCH),
    "sidebar on the left": with_sidebar(True, 37, 9),
    "sidebar on the right": with_sidebar(False, 45, 5),
    "sidebar whose lines stand level with the text": with_sidebar(True, PITCH),
    "sidebar on every second line of the text": with_sidebar(False, 2 * PITCH),
    "table of three, long cells": spaced_table(3),
    "table of four, long cells": spaced_table(4, pitch=46),
    "table of two, long cells, close rows": spaced_table(2, pitch=32, low=0.4),
    "form with long labels": long_form(),
    "table with cells of several lines": wrapped_table(),
    "table with cells of several lines, centred": wrapped_table(centred=True),
    "page number close below, on the left": over_a_footer((0, 40)),
    "footer of two close below": over_a_footer((0, 300), (960, 40)),
    "two columns under a running header": under_a_running_header(),
    "one column": columns(1),
    "two columns": columns(2),
    "two columns, lines not level with each other": columns(2, offsets=(0, 9)),
    "three columns": columns(3),
    "four columns": columns(4),
    "two articles": two_articles(),
    "table": table(20, 4),
    "table of two": table(20, 2),
    "receipt": receipt(),
    "form": form(),
    "mixed heights": [box(0, 0, 500, 60), box(520, 30, 200, 20), *text(0, 100, 900, 4), box(0, 260, 300, 44)],
}


@pytest.mark.parametrize("degrees", [0, 1, -2, 3, -5, 7, 10, -10, 90, 180, 270, 87, 183, 275])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_as_a_person_reads_it_however_it_lies(name, degrees):
    page = turned(PAGES[name], degrees)
    shuffled = np.random.default_rng(degrees % 7).permutation(len(page))
    assert shuffled[reading_order(page[shuffled])].tolist() == list(range(len(page)))


def test_vertical_columns_go_from_right_to_left():
    """Tall boxes begin at their text's own top-left corner, which is top-right on the picture."""
    poem = [np.roll(box(420 - 110 * column, 50, 60, 310), -1, axis=0) for column in range(4)]
    assert order(*poem[::-1]) == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("rule", "expected"), [("rows", [0, 1, 2, 3]), ("columns", [0, 2, 1, 3]), ("auto", [0, 1, 2, 3])]
)
def test_the_rule_may_be_stated(rule, expected):
    assert order(box(0, 0), box(300, 0), box(0, 40), box(300, 40), rule=rule) == expected


@pytest.mark.parametrize("name", ["two staggered columns", "three staggered columns"])
def test_the_rule_of_columns_holds_for_lines_between_each_other(name):
    page = PAGES[name]
    assert order(*page, rule="columns") == list(range(len(page)))


def test_a_heading_in_the_white_between_columns_is_no_column():
    page = receipt_with_address(3, 200)
    items = list(range(3, 21, 2))
    prices = [item + 1 for item in items]
    assert order(*page, rule="columns") == [0, 1, 2, *items, *prices, 21, 22]


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="rule must be one of auto, rows, columns, not 'diagonal'"):
        order(box(0, 0), rule="diagonal")


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], []),
        ([box(0, 0)], [0]),
        ([box(0, 100), box(0, 0)], [1, 0]),
        ([box(200, 0), box(0, 0)], [1, 0]),
        ([box(200, 4), box(0, 9)], [1, 0]),  # same row: less than half a height apart
        ([box(200, 0), box(0, 11)], [0, 1]),  # next row: more than half a height apart
        ([box(0, 50), box(200, 0), box(0, 3), box(200, 52)], [2, 1, 0, 3]),
    ],
)
def test_rows(boxes, expected):
    for rule in ("auto", "rows"):
        assert order(*boxes, rule=rule) == expected


def test_a_few_lines_that_lean_do_not_turn_the_page():
    stamp = turned([box(400, 600, 200, 40)], 40)[0]
    page = np.concatenate([np.array(text(0, 0, 900, 10), np.float32), stamp[None]])
    assert reading_order(page).tolist() == list(range(11))


def cells(rows, columns, pitch, row_pitch, size):
    """A table of short cells of about one size (width, height)."""
    return [
        box(pitch * column + RNG.uniform(0, 6), row_pitch * row, RNG.uniform(0.9, 1.1) * size[0], size[1])
        for row in range(rows)
        for column in range(columns)
    ]


CELLS = {
    "numbers": cells(20, 5, 200, 40, (60, 28)),
    "three digits": cells(12, 3, 300, 44, (48, 28)),
    "two letters": cells(10, 4, 220, 50, (32, 28)),
    "single letters, as tall as they may be": cells(14, 6, 150, 42, (18, 30)),
}


@pytest.mark.parametrize("degrees", [-10, -6, -1.5, -0.7, 0, 1.5, 4, 10])
@pytest.mark.parametrize("name", CELLS)
def test_short_cells_are_read_row_by_row_however_little_their_boxes_lean(name, degrees):
    """The detector's boxes of a few letters lean with the page only from about three degrees on, single ones never."""
    cells = np.array(CELLS[name], np.float64)
    leaning = turned(cells, degrees)
    upright = cells - cells.mean(axis=1, keepdims=True) + leaning.mean(axis=1, keepdims=True)
    leans = abs(degrees) > 3 and np.ptp(cells[0, :, 0]) > 1.5 * np.ptp(cells[0, :, 1])
    boxes = from_own_top_left(np.float32(leaning if leans else upright))
    assert reading_order(boxes).tolist() == list(range(len(boxes)))


def test_lists_beside_each_other_whose_rows_are_not_level_do_not_turn_the_page():
    lists = [box(200 * column, 40 * row + (0, 9, 4, 12, 2, 6)[column], 60) for row in range(12) for column in range(6)]
    assert level(np.array(lists, np.float32))[:, 1].tolist() == pytest.approx([quad[0][1] for quad in lists], abs=0.01)


@pytest.mark.parametrize("rule", READING_ORDERS)
def test_the_order_does_not_depend_on_resolution(rule):
    boxes = np.array([box(*RNG.uniform(0, 1000, 2), *RNG.uniform(10, 80, 2)) for _ in range(60)], np.float32)
    expected = reading_order(boxes, rule).tolist()
    for scale in (0.1, 0.5, 3, 20):
        assert reading_order(boxes * scale, rule).tolist() == expected


@given(
    st.lists(st.tuples(*[st.integers(0, 500)] * 2, *[st.integers(0, 90)] * 2), max_size=40),
    st.sampled_from(READING_ORDERS),
    st.integers(0, 359),
)
def test_it_is_always_a_permutation(rects, rule, degrees):
    boxes = turned(np.array([box(*rect) for rect in rects]).reshape(-1, 4, 2), degrees)
    assert sorted(reading_order(boxes, rule).tolist()) == list(range(len(rects)))


@pytest.mark.parametrize("degrees", [0, -6, 10, 180])
def test_small_letters_on_the_base_line_of_large_ones_stand_in_their_row(degrees):
    rows = [
        [box(0, top + 30, 120, 28), box(380, top, 150, 58), box(700, top + 32, 100, 24)] for top in range(0, 700, 84)
    ]
    boxes = turned(list(chain(*rows)), degrees)
    assert order(*boxes) == list(range(len(boxes)))
