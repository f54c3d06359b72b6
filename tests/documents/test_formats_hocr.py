"""hOCR: what its specification says of elements and properties."""

import re

import pytest
from lxml import etree
from tests.documents.pages import HEIGHT, WIDTH, box, page, prose, turned, written

from ocr_documents.formats.hocr import Hocr

HTML = "{http://www.w3.org/1999/xhtml}"
LINE = ("Longjing tea", box(50, 100, 240))
WORDS = [("Longjing", box(50, 100, 160), 0), ("tea", box(230, 100, 60), 0)]
# From the grammar of hOCR 1.2 (section "The properties of hOCR").
NUMBER = r"-?\d+(\.\d+)?"
PROPERTIES = {
    "ocr_page": [r'image "[^"]*"', rf"bbox 0 0 {WIDTH} {HEIGHT}", r"ppageno \d+", r"scan_res \d+ \d+"],
    "ocr_carea": [r"bbox( \d+){4}"],
    "ocr_par": [r"bbox( \d+){4}"],
    "ocr_line": [r"bbox( \d+){4}", rf"baseline {NUMBER} -?\d+|textangle {NUMBER}", r"poly( \d+){8}"],
    "ocrx_word": [r"bbox( \d+){4}", r"x_wconf \d{1,2}|x_wconf 100"],
}
TAGS = {"ocr_page": "div", "ocr_carea": "div", "ocr_par": "p", "ocr_line": "span", "ocrx_word": "span"}
PARENTS = {"ocr_carea": "ocr_page", "ocr_par": "ocr_carea", "ocr_line": "ocr_par", "ocrx_word": "ocr_line"}


def tree(*pages, **options):
    return etree.fromstring(written(Hocr, *pages, **options).encode())


def elements(root, kind):
    return root.xpath(f"//*[@class='{kind}']")


def properties(element):
    return dict(part.split(" ", 1) for part in element.get("title").split("; "))


@pytest.mark.parametrize("degrees", [0, 3, 30, 90, 180, 270])
def test_elements_nest_and_have_the_properties_of_the_specification(degrees):
    lines = turned(
        [*prose(300, 500, 400, "One bud and one leaf are taken at a time"), ("春茶", box(600, 500, 40))], degrees
    )
    root = tree(page(*lines), page(*lines, number=2, dpi=None))
    for element in root.xpath("//*[@class]"):
        kind = element.get("class")
        assert element.tag == HTML + TAGS[kind]
        assert element.getparent().get("class") == PARENTS.get(kind)
        for part in element.get("title").split("; "):
            assert any(re.fullmatch(pattern, part) for pattern in PROPERTIES[kind]), part
    identifiers = root.xpath("//@id")
    assert len(identifiers) == len(set(identifiers))


def test_the_head_names_the_system_the_capabilities_and_the_pages():
    head = {meta.get("name"): meta.get("content") for meta in tree(page(LINE), page(number=2)).iter(HTML + "meta")}
    assert head["ocr-system"].startswith("triton-paddleocr ")
    assert set(PROPERTIES) | {"ocrp_poly", "ocrp_dir"} == set(head["ocr-capabilities"].split())
    assert head["ocr-number-of-pages"] == "2"


def test_pages_are_counted_from_nought_and_say_their_resolution():
    root = tree(page(LINE, number=3, dpi=299.7), page(LINE, number=4, dpi=None))
    assert [properties(element) for element in elements(root, "ocr_page")] == [
        {"image": '"scan.pdf"', "bbox": "0 0 1000 1400", "ppageno": "2", "scan_res": "300 300"},
        {"image": '"scan.pdf"', "bbox": "0 0 1000 1400", "ppageno": "3"},
    ]


def test_names_of_files_do_not_end_the_property_that_they_stand_in():
    (element,) = elements(tree(page(), name='a "b"; bbox 1 2 3 4; <c>&100%.pdf'), "ocr_page")
    assert properties(element)["image"] == '"a %22b%22%3B bbox 1 2 3 4%3B <c>&100%25.pdf"'


def test_spaces_stand_between_words_where_the_text_has_them():
    words = [("绿", box(50, 100, 20), 0), ("茶", box(70, 100, 20), 0), ("tea", box(100, 100, 60), 0)]
    (line,) = elements(tree(page(("绿茶 tea", box(50, 100, 110)), words=words)), "ocr_line")
    assert "".join(line.itertext()) == "绿茶 tea"


def test_a_level_line_has_a_baseline_and_no_polygon():
    (line,) = elements(tree(page(LINE)), "ocr_line")
    assert properties(line) == {"bbox": "50 100 290 120", "baseline": "0 -4"}


def test_a_tilted_line_has_a_sloping_baseline_and_its_corners():
    (line,) = elements(tree(page(("tilted", [[100, 100], [500, 200], [495, 220], [95, 120]]))), "ocr_line")
    # The lower side runs from (95, 120) to (495, 220), and the letters stand a fifth of the height above it.
    assert properties(line) == {
        "bbox": "95 100 500 220",
        "baseline": "0.25 -104",
        "poly": "100 100 500 200 495 220 95 120",
    }


@pytest.mark.parametrize(("degrees", "angle"), [(90, "270"), (180, "180"), (270, "90")])
def test_a_turned_line_says_its_angle_counter_clockwise(degrees, angle):
    (line,) = elements(tree(page(*turned([LINE], degrees))), "ocr_line")
    assert properties(line)["textangle"] == angle
    assert "baseline" not in properties(line)


def test_right_to_left_paragraphs_are_marked():
    root = tree(page(("שלום עולם", box(50, 100, 240)), ("Longjing", box(50, 400, 240))))
    assert [element.get("dir") for element in elements(root, "ocr_par")] == ["rtl", None]
