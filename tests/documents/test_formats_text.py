"""The formats text, JSON Lines and TSV."""

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest
from tests.documents.pages import box, page, prose, written

import ocr_documents.formats
from ocr_contract.errors import InvalidResult
from ocr_contract.result import DetectionResult, RecognitionResult
from ocr_documents.document import RESULTS, PageResult
from ocr_documents.formats.json import Json
from ocr_documents.formats.text import Text
from ocr_documents.formats.tsv import Tsv

SCHEMA = json.loads((Path(ocr_documents.formats.__file__).parent / "page.schema.json").read_text())
LINE = ("Longjing tea", box(50, 100, 240))
WORDS = [("Longjing", box(50, 100, 160), 0), ("tea", box(230, 100, 60), 0)]
FOUND = PageResult(4, 100, 50, None, "ocr", DetectionResult([box(1, 2, 30)], [0.5]))
LINE_OF_TEXT = PageResult(
    5, 100, 50, None, "ocr", RecognitionResult(("tea",), [0.5], ("tea",), [box(1, 2, 30)], [0.5], [0])
)
READ, CARRIED = page(LINE, words=WORDS), page(LINE, LINE, number=2, dpi=None, origin="document")


def test_text_has_a_line_for_each_line_and_form_feeds_between_pages():
    second = page(("two\nparts", box(50, 50, 200)), ("", box(50, 90, 200)), number=2)
    assert written(Text, READ, second) == "Longjing tea\n\ftwo parts\n\n"


def test_json_lines_read_back_as_the_pages_that_were_written():
    lines = written(Json, READ, CARRIED).splitlines()
    assert [PageResult.from_dict(json.loads(line)) for line in lines] == [READ, CARRIED]


def test_pages_of_other_tasks_are_read_back_where_they_are_asked_for():
    lines = [json.loads(line) for line in written(Json, READ, FOUND, LINE_OF_TEXT).splitlines()]
    assert [PageResult.from_dict(line, tuple(RESULTS)) for line in lines] == [READ, FOUND, LINE_OF_TEXT]
    assert written(Text, LINE_OF_TEXT) == "tea\n"
    del lines[0]["task"]
    assert PageResult.from_dict(lines[0]) == READ
    for line in lines[1:]:
        with pytest.raises(InvalidResult, match=f"expected a page of the task ocr, got '{line['task']}'"):
            PageResult.from_dict(line)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": ["ocr"]}, "page 1: expected a page of the task ocr"),
        ({"schema_version": 2}, "schema version 2: this program reads version 1"),
        ({"origin": "guess"}, "page 1: .*'guess'"),
    ],
)
def test_a_page_of_another_version_or_origin_is_refused(change, message):
    line = json.loads(written(Json, READ))
    with pytest.raises(InvalidResult, match=message):
        PageResult.from_dict({**line, **change})


def test_json_keeps_to_its_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    lines = [
        json.loads(line) for line in written(Json, READ, CARRIED, page(number=3), FOUND, LINE_OF_TEXT).splitlines()
    ]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    assert {key for line in lines for key in line} == set(SCHEMA["properties"])
    assert [(line["schema_version"], line["image"], line["page"], line["pages"]) for line in lines] == [
        (1, "scan.pdf", number, 5) for number in (1, 2, 3, 4, 5)
    ]


@pytest.mark.parametrize(
    "change",
    [
        *({"schema_version": 2}, {"page": 0}, {"origin": "guess"}, {"boxes": [[1, 2]]}, {"scores": [7]}),
        *({"task": "guess"}, {"task": "detect"}, {"task": "recognize"}),
    ],
)
def test_the_schema_refuses_what_is_no_page(change):
    line = json.loads(written(Json, READ))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**line, **change}, SCHEMA)
    for name in ("boxes", "texts", "scores", "box_scores"):
        lacking = {key: value for key, value in line.items() if key != name}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(lacking, SCHEMA)


def test_json_stays_on_one_line_and_keeps_every_character():
    text = "a\nb\u2028c\x85d\ud800e\x00f"
    lines = written(Json, page((text, box(50, 50, 300)))).encode().decode().splitlines()
    assert [json.loads(line)["texts"] for line in lines] == [[text]]


def rows(text):
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_tsv_is_tesseracts_table():
    # Columns, order and -1 as `tesseract FILE OUT tsv` (5.3.0) writes them.
    assert written(Tsv, READ) == (
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
        "1\t1\t0\t0\t0\t0\t0\t0\t1000\t1400\t-1\t\n"
        "2\t1\t1\t0\t0\t0\t50\t100\t240\t20\t-1\t\n"
        "3\t1\t1\t1\t0\t0\t50\t100\t240\t20\t-1\t\n"
        "4\t1\t1\t1\t1\t0\t50\t100\t240\t20\t-1\t\n"
        "5\t1\t1\t1\t1\t1\t50\t100\t160\t20\t75.00\tLongjing\n"
        "5\t1\t1\t1\t1\t2\t230\t100\t60\t20\t75.00\ttea\n"
    )


def test_tsv_counts_words_in_lines_lines_in_paragraphs_paragraphs_in_blocks():
    first = prose(50, 100, 300, "One bud and one leaf are taken at a time by noon")
    second = [("1. Sold", box(50, 300, 70)), ("2. Kept", box(50, 326, 70))]
    found = [
        (int(row["block_num"]), int(row["par_num"]), int(row["line_num"]), int(row["word_num"]), row["text"])
        for row in rows(written(Tsv, page(*first, *second)))
        if row["level"] == "5"
    ]
    assert found[0] == (1, 1, 1, 1, "One")
    assert found[-4:] == [(2, 1, 1, 1, "1."), (2, 1, 1, 2, "Sold"), (2, 2, 1, 1, "2."), (2, 2, 1, 2, "Kept")]
    assert {row[:3] for row in found[:-4]} == {(1, 1, 1), (1, 1, 2)}


def test_tsv_has_no_tab_or_line_break_in_a_text():
    words = [('a\t"b\nc', box(50, 100, 100), 0)]
    (row,) = [row for row in rows(written(Tsv, page(('a\t"b\nc', box(50, 100, 100)), words=words))) if row["text"]]
    assert row["text"] == 'a "b c'
