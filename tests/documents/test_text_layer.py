"""Searchable PDF, seen through pdfminer.six and pdfium, which know nothing of how it was made."""

import io

import img2pdf
import numpy as np
import pikepdf
import pypdfium2
import pytest
from pdfminer.high_level import extract_text
from PIL import Image, ImageDraw
from tests.documents.pages import HEIGHT, SIZE, WIDTH, box, page, turned

from ocr_documents.pdf.text_layer import write_searchable

DPI = 100
UNIT = 72 / DPI  # user space units a pixel


def searchable(source, *pages, replace_text=False):
    target = io.BytesIO()
    write_searchable(source, pages, target, replace_text=replace_text)
    assert not pikepdf.open(io.BytesIO(target.getvalue())).check_pdf_syntax()
    return target.getvalue()


def scan(**entries):
    """A PDF of one scanned page with bars for lines, WIDTH x HEIGHT pixels; entries are of its page."""
    picture = Image.new("L", (WIDTH, HEIGHT), 230)
    for top in range(100, HEIGHT - 100, 90):
        ImageDraw.Draw(picture).rectangle((80, top, WIDTH - 200, top + 25), fill=20)
    stored = io.BytesIO()
    picture.save(stored, "PNG", dpi=(DPI, DPI))
    return changed(img2pdf.convert(stored.getvalue()), **entries)


def changed(data, **entries):
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for key, value in entries.items():
            pdf.pages[0].obj["/" + key] = value
        return saved(pdf)


def saved(pdf, **options):
    written = io.BytesIO()
    pdf.save(written, **options)
    return written.getvalue()


def drawn(data):
    """All pages as arrays."""
    with pypdfium2.PdfDocument(data) as pdf:
        return [np.asarray(page.render(scale=1).to_pil()) for page in pdf]


def same_pictures(before, after):
    return all(np.array_equal(a, b) for a, b in zip(drawn(before), drawn(after), strict=True))


def pdfium_text(data, number=1):
    with pypdfium2.PdfDocument(data) as pdf:
        return pdf[number - 1].get_textpage().get_text_range()


def pdfium_boxes(data, number=1):
    """Characters with their boxes (left, bottom, right, top) in user space."""
    with pypdfium2.PdfDocument(data) as pdf:
        text = pdf[number - 1].get_textpage()
        return [(text.get_text_range(i, 1), text.get_charbox(i)) for i in range(text.count_chars())]


def words_on(text, left, top, size=SIZE, gap=None):
    """A line's words where a typewriter puts them: [(text, box, 0)]; by another gap in pixels than a space."""
    at, words = left, []
    for word in text.split():
        words.append((word, box(at, top, len(word) * size / 2, size), 0))
        at += len(word) * size / 2 + (size / 2 if gap is None else gap)
    return words


def whole_line(text, words):
    """The line of words in a row."""
    first, last = np.array(words[0][1]), np.array(words[-1][1])
    return text, [first[0], last[1], last[2], first[3]]


def read(text, left=100, top=100, turn=0, **more):
    """A page of one line."""
    words = words_on(text, left, top, **more)
    line = whole_line(text, words)
    if turn:
        (line,) = turned([line], turn)
        words = [(word, quad, 0) for word, quad in turned([(word, quad) for word, quad, _ in words], turn)]
    return page(line, words=words)


def lines(*texts, left=100, top=100, pitch=26):
    """A page of lines with words, one under the other."""
    every, words = [], []
    for number, text in enumerate(texts):
        own = words_on(text, left, top + number * pitch)
        every.append(whole_line(text, own))
        words += [(word, quad, number) for word, quad, _ in own]
    return page(*every, words=words)


SOME = ("Tea is picked by hand", "one bud and one leaf", "12.50 a pound, at noon")


class TestText:
    def test_is_found_line_by_line_in_reading_order(self):
        made = searchable(scan(), lines(*SOME))
        assert extract_text(io.BytesIO(made)).split("\n\n")[0].splitlines() == list(SOME)
        assert pdfium_text(made).splitlines() == list(SOME)

    def test_of_columns_stays_in_the_order_of_the_result(self):
        left, right = lines(*SOME, left=80), lines("and so on", "to the end", left=420)
        both = page(
            *zip(left.result.texts + right.result.texts, [*left.result.boxes, *right.result.boxes], strict=True),
            words=[
                *zip(left.result.words, left.result.word_boxes, left.result.word_lines, strict=True),
                *zip(right.result.words, right.result.word_boxes, right.result.word_lines + 3, strict=True),
            ],
        )
        assert pdfium_text(searchable(scan(), both)).splitlines() == [*SOME, "and so on", "to the end"]

    def test_of_lines_without_words_is_written_as_well(self):
        made = searchable(scan(), page(("Tea is picked by hand", box(100, 100, 400))))
        assert pdfium_text(made) == "Tea is picked by hand"

    def test_in_any_script_comes_back_as_it_is(self):
        texts = ("naïve Łódź", "цена чая", "𠮷野家 😀", "ราคาชา", "mañana ½ €")
        found = pdfium_text(searchable(scan(), lines(*texts, pitch=40))).splitlines()
        assert found == list(texts)

    def test_of_chinese_has_no_spaces_between_its_characters_though_they_stand_apart(self):
        text = "春眠不觉晓"
        words = [(character, box(100 + 30 * i, 100, 20), 0) for i, character in enumerate(text)]
        made = searchable(scan(), page((text, box(100, 100, 140)), words=words))
        assert extract_text(io.BytesIO(made)).strip() == text
        assert pdfium_text(made) == text

    def test_has_its_spaces_though_the_boxes_of_words_touch(self):
        made = searchable(scan(), read("so close they touch", gap=0))
        assert extract_text(io.BytesIO(made)).strip() == "so close they touch"
        assert pdfium_text(made) == "so close they touch"

    @pytest.mark.parametrize("upright", [False, True])
    def test_of_a_vertical_column_is_one_line_from_top_to_bottom(self, upright):
        text = "茶摘八十八夜"
        quads = [box(500, 100 + 22 * i, 20, 22) for i in range(len(text))]
        line = box(500, 100, 20, 22 * len(text))
        if not upright:  # as the pipeline gives them: begun at the corner where the turned line begins
            quads, line = [np.roll(quad, -1, axis=0) for quad in quads], np.roll(line, -1, axis=0)
        made = searchable(scan(), page((text, line), words=[(c, q, 0) for c, q in zip(text, quads, strict=True)]))
        assert pdfium_text(made) == text
        tops = [char_box[3] for _, char_box in pdfium_boxes(made)]
        assert tops == sorted(tops, reverse=True)

    def test_from_right_to_left_comes_back_as_it_is_read(self):
        words = [("שלום", box(500, 100, 60), 0), ("עולם", box(420, 100, 60), 0), ("123", box(370, 100, 30), 0)]
        made = searchable(scan(), page(("שלום עולם 123", box(370, 100, 190)), words=words))
        assert pdfium_text(made) == "שלום עולם 123"
        assert "שלום עולם" in extract_text(io.BytesIO(made))

    def test_that_no_file_can_hold_is_replaced(self):
        made = searchable(scan(), page(("a\x00b\ud800c", box(100, 100, 100))))
        assert extract_text(io.BytesIO(made)).strip() == "a\ufffdb\ufffdc"


class TestPlace:
    @pytest.mark.parametrize("turn", [0, 3, -8, 10, 25, 90, -90])
    def test_of_every_word_is_where_it_is_printed(self, turn):
        result = read("along the tilt it goes", left=400, top=700, turn=turn)
        made = searchable(scan(), result)
        spans = [[], [], [], [], []]
        word = 0
        for character, char_box in pdfium_boxes(made):
            if character.isspace():
                word += character == " "
            else:
                spans[word].append(char_box)
        for number, quad in enumerate(result.result.word_boxes):
            boxes = np.array(spans[number])
            found = [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]
            printed = np.array([quad[:, 0] * UNIT, (HEIGHT - quad[:, 1]) * UNIT]).T
            middle = (found[0] + found[2]) / 2, (found[1] + found[3]) / 2
            assert np.abs(printed.mean(axis=0) - middle).max() < 0.25 * SIZE * UNIT

    @pytest.mark.parametrize("turns", [0, 1, 2, 3, -1, 5])
    @pytest.mark.parametrize("boxes", [{}, {"CropBox": [30, 50, 600, 900]}, {"MediaBox": [-80, 40, 640, 1048]}])
    def test_follows_the_page_as_it_is_shown(self, turns, boxes):
        """A dark square on the shown page, a word on it: they meet in the page's own coordinates."""
        with pikepdf.open(io.BytesIO(scan(Rotate=90 * turns, **boxes))) as pdf:
            pdf.pages[0].contents_add(b"1 g 0 0 2000 2000 re f 0 g 200 300 40 20 re f")
            source = saved(pdf)
        (picture,) = drawn(source)
        rows, columns = np.nonzero(picture[..., 0] < 128)
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        shown = page(("Tea", [[left, top], [right, top], [right, bottom], [left, bottom]]))
        height, width = picture.shape[:2]
        made = searchable(source, type(shown)(1, width, height, 72.0, "ocr", shown.result))
        found = np.array([char_box for _, char_box in pdfium_boxes(made)])
        assert found[:, 0].min() == pytest.approx(200, abs=8)
        assert found[:, 2].max() == pytest.approx(240, abs=8)
        assert found[:, 1].min() == pytest.approx(300, abs=8)
        assert found[:, 3].max() == pytest.approx(320, abs=8)
        assert same_pictures(source, made)
