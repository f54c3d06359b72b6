"""Readers of PaddleOCR's label formats."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_bench.errors import LabelError
from ocr_bench.scoring.labels import find_pictures, read_dataset

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((20, 40, 3), 255, np.uint8))
    return path


def write(folder: Path, name: str, *rows: str) -> Path:
    (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_lines_keep_text_polygon_and_do_not_care(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    items = [{"transcription": "你好 a", "points": SQUARE}, {"transcription": "###", "points": SQUARE[:3]}]
    dataset = read_dataset(write(tmp_path, "Label.txt", f"a.png\t{json.dumps(items)}"))
    (page,) = dataset.pages
    assert (dataset.kind, dataset.name, page.text) == ("lines", tmp_path.name, "你好 a")
    assert [line.care for line in page.lines] == [True, False]
    assert page.lines[0].polygon.tolist() == SQUARE
    assert page.lines[1].polygon.shape == (3, 2)
    assert not page.complete


def test_a_picture_without_lines_is_a_page(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (page,) = read_dataset(write(tmp_path, "Label.txt", "a.png\t[]")).pages
    assert page.lines == ()
    assert page.text == ""
    assert page.complete


@pytest.mark.parametrize(("file", "kind"), [("page_gt.txt", "page"), ("rec_gt.txt", "words")])
def test_texts_without_boxes(tmp_path: Path, file: str, kind: str) -> None:
    picture(tmp_path / "a.png")
    dataset = read_dataset(write(tmp_path, file, "a.png\tone\u2028line\twith a tab", "", ""))
    assert dataset.kind == kind
    assert [page.text for page in dataset.pages] == ["one\u2028line\twith a tab"]
    assert dataset.pages[0].complete


def test_ppocrlabel_names_pictures_from_the_folder_above(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "a.png")
    dataset = read_dataset(write(tmp_path / "set", "Label.txt", "set/a.png\t[]"))
    assert dataset.pages[0].path == tmp_path / "set" / "a.png"


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "rec_gt.txt").write_bytes("\ufeffa.png\ttext\r\n".encode())
    assert read_dataset(tmp_path).pages[0].text == "text"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.png []", "no tab"),
        ("b.png\t[]", "no picture 'b.png'"),
        ("a.png\t[", "Label.txt:1"),
        ('a.png\t[{"points": [[0, 0], [1, 0], [1, 1]]}]', "transcription"),
        ('a.png\t[{"transcription": "x", "points": [[0, 0], [1, 1]]}]', "at least 3 points"),
        ('a.png\t[{"transcription": "x", "points": [[0, 0], [1], [1, 1]]}]', "expected"),
        ('a.png\t{"transcription": "x"}', "expected"),
    ],
)
def test_broken_labels_say_where_and_what(tmp_path: Path, row: str, said: str) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(LabelError, match=r".*") as caught:
        read_dataset(write(tmp_path, "Label.txt", row))
    assert said in str(caught.value)
    assert "Label.txt" in str(caught.value)


def test_a_folder_must_have_exactly_one_label_file(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="found none"):
        read_dataset(tmp_path)
    write(tmp_path, "Label.txt")
    write(tmp_path, "rec_gt.txt")
    with pytest.raises(LabelError, match=r"Label\.txt, rec_gt\.txt"):
        read_dataset(tmp_path)


def test_pictures_of_folders_are_sorted_and_files_keep_their_place(tmp_path: Path) -> None:
    for name in ("z/b.PNG", "z/a.png", "c.png"):
        picture(tmp_path / name)
    (tmp_path / "z" / "Label.txt").write_text("", encoding="utf-8")
    found = find_pictures([tmp_path / "z", tmp_path / "c.png"])
    assert [path.name for path in found] == ["a.png", "b.PNG", "c.png"]
    assert [path.name for path in find_pictures([tmp_path / "z", tmp_path / "c.png"], 1)] == ["a.png", "c.png"]


def test_no_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no picture"):
        find_pictures([tmp_path])
    with pytest.raises(LabelError, match="no such file"):
        find_pictures([tmp_path / "gone"])
