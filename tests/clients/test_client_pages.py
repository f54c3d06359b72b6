"""Files of several pictures on the command line: every page of a document is read, an animation once."""

import io
import json
import os
import threading
from pathlib import Path, PurePath

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from ocr_client import BadRequestError, OcrClient, OcrResult
from ocr_client.cli import app
from ocr_client.cli.inputs import Source, expand
from ocr_client.cli.pages import count_pages, pages_of


def pages_file(count: int, form: str) -> bytes:
    """A file of so many small pictures, no two alike."""
    file = io.BytesIO()
    first, *others = (Image.new("L", (20 + number, 10), 255 - number) for number in range(count))
    first.save(file, form, save_all=True, append_images=others)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document of three pages, a picture and an animation, in the working folder."""
    (tmp_path / "a.tif").write_bytes(pages_file(3, "TIFF"))
    (tmp_path / "b.png").write_bytes(pages_file(1, "PNG"))
    (tmp_path / "c.gif").write_bytes(pages_file(2, "GIF"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What reaches the client, which reads one line, its page's number, and refuses page 9."""
    pages: list[object] = []

    def ocr(self: OcrClient, image: bytes, **options: object) -> OcrResult:
        page = options.get("page")
        pages.append(page)
        if page == 9:
            raise BadRequestError("page 9 is asked for, but the TIFF file has 3")
        box = [[0, 0], [9, 0], [9, 9], [0, 9]]
        return OcrResult.from_dict({"boxes": [box], "texts": [f"page {page}"], "scores": [1], "box_scores": [1]})

    monkeypatch.setattr(OcrClient, "ocr", ocr)
    return pages


def ocr_client(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, [*arguments, "--concurrency", "1"], input=stdin)


@pytest.mark.parametrize(
    ("content", "pages"),
    [
        (pages_file(1, "TIFF"), 1),
        (pages_file(3, "TIFF"), 3),
        (pages_file(3, "GIF"), 1),
        (pages_file(1, "PNG"), 1),
        (pages_file(3, "TIFF")[:9], 1),
        (b"no picture", 1),
        (b"", 1),
    ],
)
def test_pages_are_those_of_a_document(content: bytes, pages: int, tmp_path: Path) -> None:
    assert count_pages(content) == pages
    (tmp_path / "file").write_bytes(content)
    assert count_pages(tmp_path / "file") == pages


def test_a_file_that_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    source = Source("gone.tif", tmp_path / "gone.tif", PurePath("gone"))
    assert pages_of(source, 0, set()) == [source]


@pytest.mark.usefixtures("folder")
def test_every_page_of_a_document_is_asked_for_and_an_animation_once(asked: list[object]) -> None:
    done = ocr_client("a.tif", "b.png", "c.gif", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["image"], one.get("page"), one["texts"]) for one in documents] == [
        ("a.tif", 1, ["page 1"]),
        ("a.tif", 2, ["page 2"]),
        ("a.tif", 3, ["page 3"]),
        ("b.png", None, ["page None"]),
        ("c.gif", None, ["page None"]),
    ]
    assert asked == [1, 2, 3, None, None]


@pytest.mark.usefixtures("folder", "asked")
def test_text_of_one_document_names_each_page() -> None:
    assert (
        ocr_client("a.tif").stdout == "==> a.tif#1 <==\npage 1\n\n==> a.tif#2 <==\npage 2\n\n==> a.tif#3 <==\npage 3\n"
    )


@pytest.mark.usefixtures("folder")
def test_one_page_can_be_asked_for(asked: list[object]) -> None:
    done = ocr_client("a.tif", "c.gif", "--page", "2", "--format", "tsv")
    assert [row.split("\t")[0] for row in done.stdout.splitlines()[1:]] == ["a.tif#2", "c.gif#2"]
    assert asked == [2, 2]


@pytest.mark.usefixtures("folder", "asked")
def test_a_page_that_fails_is_named() -> None:
    done = ocr_client("a.tif", "--page", "9")
    assert done.exit_code == 1
    assert done.stderr == "1 of 1 failed:\n  a.tif#9: page 9 is asked for, but the TIFF file has 3\n"


@pytest.mark.usefixtures("folder")
def test_a_document_from_standard_input_is_read_whole(asked: list[object]) -> None:
    done = ocr_client("-", stdin=pages_file(2, "TIFF"))
    assert [line for line in done.stdout.splitlines() if line.startswith("==>")] == ["==> -#1 <==", "==> -#2 <=="]
    assert asked == [1, 2]


def test_a_pipe_is_read_once(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    content = pages_file(2, "TIFF")
    writer = threading.Thread(target=(folder / "pipe").write_bytes, args=(content,))
    writer.start()
    pages = pages_of(expand(["pipe"])[0], 0, set())
    writer.join(10)
    assert [(page.page, page.picture) for page in pages] == [(1, content), (2, content)]


@pytest.mark.usefixtures("folder", "asked")
def test_each_page_is_drawn_on_a_file_of_its_own(folder: Path) -> None:
    (folder / "a#2.png").write_bytes(pages_file(1, "PNG"))
    ocr_client("a.tif", "a#2.png", "--overlay", "out")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a#1.jpg", "a#2-2.jpg", "a#2.jpg", "a#3.jpg"]
    sizes = {}
    for path in (folder / "out").iterdir():
        with Image.open(path) as drawn:
            sizes[path.stem] = drawn.size
    assert sizes["a#1"] < sizes["a#2-2"] < sizes["a#3"]  # the pages differ in width
