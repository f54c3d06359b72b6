"""Texts joined to paragraphs, and put on one line."""

import pytest

from ocr_documents.texts import is_right_to_left, join_lines, one_line, text_width, words_in


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["One bud", "and a leaf"], "One bud and a leaf"),
        (["  One bud ", " and a leaf"], "One bud and a leaf"),
        (["一芽一叶的嫩", "尖要赶在"], "一芽一叶的嫩尖要赶在"),
        (["雨水偏少，", "GPU 7.5%"], "雨水偏少，GPU 7.5%"),
        (["首班车", "Bus 206"], "首班车 Bus 206"),
        (["아침에 차를", "마신다"], "아침에 차를 마신다"),
        (["a well-", "known tea"], "a well-known tea"),
        (["pages 10-", "12"], "pages 10-12"),
        (["a soft hy\u00ad", "phen"], "a soft hyphen"),
        (["a dash -", "and more"], "a dash - and more"),
        (["so-", "(called)"], "so- (called)"),
    ],
)
def test_lines_of_a_paragraph_are_joined(lines, text):
    assert join_lines(lines) == text


@pytest.mark.parametrize(
    ("page", "text"),
    [("a tea garden", "the garden"), ("Gardens, the Garden.", "the garden"), ("gar den", "the gar-den")],
)
def test_a_hyphen_goes_where_the_page_has_the_whole_word_too(page, text):
    assert join_lines(["the gar-", "den"], words_in(page)) == text


def test_a_name_with_a_hyphen_keeps_it():
    assert join_lines(["Anna-", "Maria"], words_in("annamaria")) == "Anna-Maria"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\r\nc\td\u2028e\x0bf", "a b c d e f"),
        ("a\x00b\x1bc\x7fd\x9be", "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("\ud800\udfff\ufffe\uffff", "\ufffd" * 4),
        ("茶 🍵 é שלום", "茶 🍵 é שלום"),
    ],
)
def test_a_text_on_one_line_holds_what_every_file_can(text, line):
    assert one_line(text) == line
    assert len(one_line(text).splitlines()) == 1


def test_the_direction_is_that_of_most_letters():
    assert is_right_to_left("שלום 123 tea")
    assert is_right_to_left("مرحبا")
    assert not any(map(is_right_to_left, ("", "123", "tea", "茶", "tea of Tel Aviv של")))


def test_cjk_characters_count_as_two():
    assert [text_width(text) for text in ("", "tea", "茶a", "한글")] == [0, 3, 3, 4]
