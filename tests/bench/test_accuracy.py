"""Model sets read labelled sets, with an interval each, and are held against the first."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ocr_bench.errors import LabelError
from ocr_bench.measurements.accuracy import MeasureAccuracy, Subject, readings, subject
from ocr_bench.scoring.comparison import RULE
from ocr_bench.scoring.labels import Dataset, Page, read_datasets
from ocr_contract.result import OcrResult, RecognitionResult


class Says:
    """A reader that knows the text of every picture."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def ocr(self, picture: Path) -> OcrResult:
        return OcrResult([[[0, 0]] * 4], (self.texts[picture.stem],), [1.0], [1.0])

    def recognize(self, lines: Sequence[Path]) -> RecognitionResult:
        return RecognitionResult(tuple(self.texts[line.stem] for line in lines), [1.0] * len(lines))


SETS = [
    Dataset("pages", "page", (Page(Path("a.png"), "one two"), Page(Path("b.png"), "three"))),
    Dataset("words", "words", (Page(Path("c.png"), "four"),)),
]
GOOD = {"a": "one two", "b": "three", "c": "four"}


def named(model_set: str, precision: str, **texts: str) -> Subject:
    return subject(SETS, Says(**{**GOOD, **texts}), model_set, precision, lambda what, steps: None)  # type: ignore[arg-type]


def test_rows_hold_intervals_and_sets_stand_together() -> None:
    found = readings([named("v1", "f32"), named("v2", "f32", b="free", c="for")])
    table = MeasureAccuracy(folders=[]).table(found)
    at = [
        table.header.index(title) for title in ("set", "model set", "token F1", "token F1, 95 %", "exact lines, 95 %")
    ]
    assert [[row[column] for column in at] for row in table.rows] == [
        ["pages", "v1", 1.0, "[1.000, 1.000]", None],
        ["pages", "v2", pytest.approx(2 / 3), "[0.000, 1.000]", None],
        ["words", "v1", 1.0, "[1.000, 1.000]", "[1.000, 1.000]"],
        ["words", "v2", 0.0, "[0.000, 0.000]", "[0.000, 0.000]"],
    ]


def test_each_subject_is_held_against_the_first_and_the_rule_says_who_passes() -> None:
    found = readings([named("v1", "f32"), named("v2", "f32", b="free", c="for"), named("v3", "f32")])
    _, differences, rule, verdicts = MeasureAccuracy(folders=[]).notes(found)
    assert "| pages | v2, f32 | v1, f32 | -0.333 [-1.000, +0.000] | no difference | – | – |" in differences
    assert (
        "| words | v2, f32 | v1, f32 | -1.000 [-1.000, -1.000] | lower | -1.000 [-1.000, -1.000] | lower |"
        in differences
    )
    assert rule == RULE
    assert "| pages (token F1), words (token F1), words (exact lines) | no |" in verdicts
    assert "| v3, f32 | v1, f32 | +0.000 [+0.000, +0.000] | +0.000 [+0.000, +0.000] | none | yes |" in verdicts


def test_a_precision_is_held_against_the_first_of_its_own_set_too() -> None:
    subjects = [named(model_set, precision) for model_set in ("v1", "v2") for precision in ("f32", "bf16")]
    assert [(each.subject, each.against) for each in readings(subjects).comparisons] == [
        ("v1, bf16", "v1, f32"),
        ("v2, f32", "v1, f32"),
        ("v2, bf16", "v1, f32"),
        ("v2, bf16", "v2, f32"),
    ]


def test_one_subject_alone_is_compared_with_nobody() -> None:
    assert MeasureAccuracy(folders=[]).notes(readings([named("v1", "f32")])) == []


def test_sets_are_told_apart_by_their_names_and_have_pictures(tmp_path: Path) -> None:
    folders = [tmp_path / "one" / "set", tmp_path / "two" / "set"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "a.png").write_bytes(b"")
        (folder / "page_gt.txt").write_text("a.png\ttext\n", encoding="utf-8")
    assert [dataset.name for dataset in read_datasets(folders[:1])] == ["set"]
    with pytest.raises(LabelError, match="several of set; rename them"):
        read_datasets(folders)
    (folders[1] / "page_gt.txt").write_text("", encoding="utf-8")
    with pytest.raises(LabelError, match="at least one picture, found none"):
        read_datasets(folders[1:])
