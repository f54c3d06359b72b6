"""Blocks, paragraphs and headings of pages whose layout is known."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.documents.pages import PITCH, SIZE, box, prose, result, turned

from ocr_contract.result import OcrResult
from ocr_documents.blocks import blocks_of

FIRST = "The tea garden lies on a south slope, above the sea. Pine woods stand on three sides of it, and mist fills it."
SECOND = "Picking starts in the last week of March. One bud and one leaf are taken at a time, and carried down by noon."


def layout(*lines):
    """Texts of each paragraph of each block, and headings as (level, text)."""
    page = result(*lines)
    return [
        [
            (paragraph.heading, text) if paragraph.heading else text
            for paragraph in block.paragraphs
            for text in [" ".join(page.texts[line] for line in paragraph.lines)]
        ]
        for block in blocks_of(page)
    ]


def shifted(quad, right):
    return [[x + right, y] for x, y in quad]


def below(lines, gap=0.0):
    """Where the next line goes, with a gap more than usual."""
    return lines[-1][1][0][1] + PITCH + gap


def test_a_page_without_text_has_no_blocks():
    assert blocks_of(OcrResult.empty()) == ()
    assert layout((" ", box(0, 0, 100)), ("\t", box(0, 50, 100))) == []


def test_lines_of_a_text_are_one_paragraph():
    assert layout(*prose(50, 100, 500, FIRST)) == [[FIRST]]


@pytest.mark.parametrize("degrees", [0, 7, -12, 90, 180, 270])
def test_a_page_has_the_same_blocks_however_it_lies(degrees):
    heading = [("South Hill News", box(50, 20, 300, 44))]
    first = prose(50, 100, 400, FIRST)
    lines = [*heading, *first, *prose(50, below(first, 20), 400, SECOND), *prose(550, 100, 400, SECOND)]
    expected = [[(1, "South Hill News"), FIRST, SECOND], [SECOND]]
    assert layout(*turned(lines, degrees)) == expected


def test_white_space_parts_paragraphs_and_more_of_it_blocks():
    first = prose(50, 100, 500, FIRST)
    assert layout(*first, *prose(50, below(first, SIZE * 0.8), 500, SECOND)) == [[FIRST, SECOND]]
    assert layout(*first, *prose(50, below(first, SIZE * 2), 500, SECOND)) == [[FIRST], [SECOND]]


def test_two_lines_far_apart_are_two_blocks():
    assert layout(("above, a long line of text", box(50, 50, 400)), ("below", box(50, 900, 400))) == [
        ["above, a long line of text"],
        ["below"],
    ]


def test_widely_spaced_lines_are_still_one_paragraph():
    lines = [(text, (np.array(quad) * (1, 2)).tolist()) for text, quad in prose(50, 100, 500, FIRST)]
    level = [(text, box(quad[0][0], quad[0][1], quad[1][0] - quad[0][0])) for text, quad in lines]
    assert layout(*level) == [[FIRST]]


def test_a_line_that_left_room_for_the_next_word_ends_a_paragraph():
    short = "Once a tin is opened, it tastes best."
    first = prose(50, 100, 800, short)
    assert layout(*first, *prose(50, below(first), 500, FIRST)) == [[short, FIRST]]


def test_an_indented_line_begins_a_paragraph():
    first = prose(50, 100, 500, FIRST)
    text, last = first[-1]
    first[-1] = text, box(50, last[0][1], 500)  # as if it filled its line
    second = prose(50, below(first), 500, SECOND)
    second[0] = second[0][0], shifted(second[0][1], 30)
    assert layout(*first, *second) == [[FIRST, SECOND]]


@pytest.mark.parametrize("mark", ["1.", "12)", "(a)", "•", "-", "三、"])
def test_items_of_a_list_are_paragraphs_with_their_hanging_lines(mark):
    first = prose(50, 100, 500, f"{mark} {FIRST}")
    hanging = [first[0], *((text, shifted(quad, 30)) for text, quad in first[1:])]
    second = prose(50, below(first), 500, f"{mark} {SECOND}")
    assert layout(*hanging, *second) == [[f"{mark} {FIRST}", f"{mark} {SECOND}"]]


def test_a_number_at_the_start_of_a_line_is_no_item():
    lines = [("It was sold for a price of about", box(50, 100, 500)), ("7.5% more than last year.", box(50, 126, 400))]
    assert layout(*lines) == [["It was sold for a price of about 7.5% more than last year."]]


def test_a_heading_over_two_columns_is_a_block_and_so_are_the_columns():
    heading = ("News of the south hill tea garden in spring, all on a line", box(50, 70, 900))
    first, second = prose(50, 100, 420, FIRST), prose(530, 100, 420, SECOND)
    assert layout(heading, *first, *second) == [[heading[0]], [FIRST], [SECOND]]


def test_columns_of_unequal_length_stay_whole():
    long, short = prose(50, 100, 420, f"{FIRST} {FIRST}"), prose(530, 100, 420, SECOND)
    footer = (
        "Page 7 of the spring number of our garden news, free to take, which spans both columns",
        box(50, 500, 900),
    )
    assert layout(*long, *short, footer) == [[f"{FIRST} {FIRST}"], [SECOND], [footer[0]]]


@pytest.mark.parametrize(("height", "level"), [(20, 0), (24, 0), (30, 2), (40, 1)])
def test_headings_are_clearly_taller_than_the_text(height, level):
    text = prose(50, 200, 500, FIRST)
    (((number, *_),),) = [
        [(paragraph.heading,) for paragraph in block.paragraphs if 0 in paragraph.lines]
        for block in blocks_of(result(("Weekly meeting", box(50, 120, 300, height)), *text))
        if 0 in block.lines
    ]
    assert number == level


@pytest.mark.parametrize("text", ["1980.00", "¥ 250", "x" * 101])
def test_prices_and_long_texts_are_no_headings(text):
    paragraphs = layout((text, box(50, 100, 800, 44)), *prose(50, 200, 500, FIRST))
    assert paragraphs[0][0] == text


def test_two_lines_of_a_heading_are_one():
    lines = [("A meeting", box(300, 20, 300, 44)), ("of the tea makers", box(200, 70, 500, 44))]
    assert layout(*lines, *prose(50, 200, 500, FIRST))[0] == [(1, "A meeting of the tea makers")]


def test_rows_of_a_receipt_have_cells():
    names = ["Longjing", "Jasmine pearls", "Biluochun"]
    cells = [
        [(name, box(50, 100 + PITCH * row, 150)), (f"{row}.00", box(600, 102 + PITCH * row, 60))]
        for row, name in enumerate(names)
    ]
    total = ("Thank you for your visit", box(50, 100 + PITCH * 3, 300))
    (block,) = blocks_of(result(*chain(*cells), total))
    assert [paragraph.rows for paragraph in block.paragraphs] == [
        (((0,), (1,)), ((2,), (3,)), ((4,), (5,))),
        (((6,),),),
    ]


def test_pieces_of_a_line_with_a_word_space_between_are_one_cell():
    lines = [("Longjing, first", box(50, 100, 200)), ("flush, of this spring", box(260, 101, 300))]
    (block,) = blocks_of(result(*lines))
    assert block.paragraphs[0].rows == (((0, 1),),)


def test_cells_read_column_by_column_are_not_joined():
    names = ["明前龙井", "雨前龙井", "白毫银针"]
    column = [(name, box(50, 100 + PITCH * row, 80)) for row, name in enumerate(names)]
    assert layout(*column) == [names]


def test_centred_lines_are_paragraphs():
    texts = ["OLD STREET BOOKS", "since 1986", "open from half past nine"]
    lines = [(text, box(500 - 6 * len(text), 100 + PITCH * row, 12 * len(text))) for row, text in enumerate(texts)]
    assert layout(*lines) == [texts]


def test_vertical_columns_are_lines_of_a_paragraph():
    texts = ["春眠不覺曉處處聞啼鳥", "夜來風雨聲花落知多少", "白日依山盡"]
    # Each begun at its own top-left corner: turned clockwise, that is the upper right.
    columns = [
        (text, [[x + SIZE, 100], [x + SIZE, 100 + SIZE * len(text)], [x, 100 + SIZE * len(text)], [x, 100]])
        for text, x in zip(texts, (500, 470, 440), strict=True)
    ]
    assert layout(*columns) == [[" ".join(texts)]]


def test_right_to_left_paragraphs_end_at_the_left():
    lines = prose(50, 100, 500, FIRST.replace("a", "ש").replace("e", "ל").translate({ord(c): "א" for c in "abcdhino"}))
    mirrored = [(text, box(1000 - quad[1][0], quad[0][1], quad[1][0] - quad[0][0])) for text, quad in lines]
    assert len(layout(*mirrored)) == len(layout(*mirrored)[0]) == 1


SIDES = st.integers(-50, 1500)


@given(
    st.lists(st.tuples(st.sampled_from(["", " ", "a", "1. b", "中文", "אב"]), SIDES, SIDES, SIDES, SIDES), max_size=12)
)
def test_every_line_that_is_not_blank_stands_in_one_place_and_in_its_order(lines):
    page = result(*((text, [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) for text, x0, y0, x1, y1 in lines))
    placed = [line for block in blocks_of(page) for paragraph in block.paragraphs for line in paragraph.lines]
    assert placed == [number for number, text in enumerate(page.texts) if text.strip()]
