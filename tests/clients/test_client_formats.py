import json
from pathlib import PurePath
from typing import cast

import numpy as np
import pytest

from ocr_client import OcrResult
from ocr_client.cli.formats import TSV_COLUMNS, Format, header, render
from ocr_client.cli.inputs import Source

EMPTY = OcrResult.empty()
TWO = OcrResult(
    np.array([[[0, 0], [9.96, 0], [9.96, 5], [0, 5]], [[1, 8], [9, 8], [9, 12.5], [1, 12.5]]], np.float32),
    ("发票 No. 7", "tab\there\nand \\ more"),
    np.array([0.9876, 0.5], np.float32),
    np.array([0.9, 0.6], np.float32),
)


def source(name: str, page: int = 0) -> Source:
    return Source(name, None, PurePath(name), page)


def test_text_is_one_line_a_text() -> None:
    assert render(source("a.jpg"), TWO, Format.TEXT, titled=False) == "发票 No. 7\ntab\there and \\ more"


def test_titled_text_names_the_picture() -> None:
    assert render(source("a.jpg"), TWO, Format.TEXT, titled=True).splitlines()[:2] == ["==> a.jpg <==", "发票 No. 7"]


def test_json_is_one_line_that_reads_as_the_result() -> None:
    line = render(source("图.jpg"), TWO, Format.JSON, titled=True)
    document = json.loads(line)
    assert "\n" not in line
    assert "图.jpg" in line
    assert list(document) == ["image", "boxes", "texts", "scores", "box_scores"]
    assert OcrResult.from_dict(document) == TWO


def test_tsv_has_one_row_of_all_columns_a_text() -> None:
    rows = render(source("a\tb.jpg"), TWO, Format.TSV, titled=True).split("\n")
    assert header(Format.TSV) == "\t".join(TSV_COLUMNS)
    assert rows == [
        "a\\tb.jpg\t0.9876\t0\t0\t10\t0\t10\t5\t0\t5\t发票 No. 7",
        "a\\tb.jpg\t0.5000\t1\t8\t9\t8\t9\t12.5\t1\t12.5\ttab\\there\\nand \\\\ more",
    ]


@pytest.mark.parametrize(
    ("form", "titled", "expected"),
    [
        (Format.TEXT, False, ""),
        (Format.TEXT, True, "==> a.jpg <=="),
        (Format.TSV, True, ""),
        (Format.JSON, True, '{"image": "a.jpg", "boxes": [], "texts": [], "scores": [], "box_scores": []}'),
    ],
)
def test_a_picture_without_text_prints_no_rows(form: Format, titled: bool, expected: str) -> None:
    assert render(source("a.jpg"), EMPTY, form, titled=titled) == expected


def test_only_tsv_has_a_header() -> None:
    assert [header(form) is not None for form in (Format.TEXT, Format.JSON, Format.TSV)] == [False, False, True]


def test_a_format_that_nobody_renders_is_not_taken_for_text() -> None:
    with pytest.raises(AssertionError, match="unreachable"):
        render(source("a.jpg"), TWO, cast(Format, "pdf"), titled=False)


def test_a_page_of_a_file_is_named_by_its_number() -> None:
    second = source("a.tif", 2)
    assert render(second, TWO, Format.TEXT, titled=True).splitlines()[0] == "==> a.tif#2 <=="
    assert render(second, TWO, Format.TSV, titled=True).split("\t")[0] == "a.tif#2"
    document = json.loads(render(second, EMPTY, Format.JSON, titled=True))
    assert (document["image"], document["page"]) == ("a.tif", 2)


def test_json_has_the_words_where_there_are_some_and_tsv_stays_a_row_a_line() -> None:
    words = {"words": ["发", "票", "7"], "word_boxes": [[[0, 0]] * 4] * 3, "word_scores": [1, 1, 0.5]}
    result = OcrResult.from_dict({**TWO.to_dict(), **words, "word_lines": [0, 0, 1]})
    document = json.loads(render(source("a.jpg"), result, Format.JSON, titled=False))
    assert (document["words"], document["word_lines"]) == (["发", "票", "7"], [0, 0, 1])
    assert OcrResult.from_dict(document) == result
    rows = render(source("a.jpg"), result, Format.TSV, titled=False)
    assert rows == render(source("a.jpg"), TWO, Format.TSV, titled=False)
