import json
from typing import cast

import numpy as np
import pytest

from ocr_client import OcrResult
from ocr_client.cli.formats import TSV_COLUMNS, Format, header, render

EMPTY = OcrResult.empty()
TWO = OcrResult(
    np.array([[[0, 0], [9.96, 0], [9.96, 5], [0, 5]], [[1, 8], [9, 8], [9, 12.5], [1, 12.5]]], np.float32),
    ("发票 No. 7", "tab\there\nand \\ more"),
    np.array([0.9876, 0.5], np.float32),
    np.array([0.9, 0.6], np.float32),
)


def test_text_is_one_line_a_text() -> None:
    assert render("a.jpg", TWO, Format.TEXT, titled=False) == "发票 No. 7\ntab\there and \\ more"


def test_titled_text_names_the_picture() -> None:
    assert render("a.jpg", TWO, Format.TEXT, titled=True).splitlines()[:2] == ["==> a.jpg <==", "发票 No. 7"]


def test_json_is_one_line_that_reads_as_the_result() -> None:
    line = render("图.jpg", TWO, Format.JSON, titled=True)
    document = json.loads(line)
    assert "\n" not in line
    assert "图.jpg" in line
    assert list(document) == ["image", "boxes", "texts", "scores", "box_scores"]
    assert OcrResult.from_dict(document) == TWO


def test_tsv_has_one_row_of_all_columns_a_text() -> None:
    rows = render("a\tb.jpg", TWO, Format.TSV, titled=True).split("\n")
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
    assert render("a.jpg", EMPTY, form, titled=titled) == expected


def test_only_tsv_has_a_header() -> None:
    assert [header(form) is not None for form in (Format.TEXT, Format.JSON, Format.TSV)] == [False, False, True]


def test_a_format_that_nobody_renders_is_not_taken_for_text() -> None:
    with pytest.raises(AssertionError, match="unreachable"):
        render("a.jpg", TWO, cast(Format, "pdf"), titled=False)
