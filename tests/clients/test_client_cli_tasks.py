"""`ocr-client --task`: pages whose lines are only found, and pages that are one line, with the real server."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import ocr_documents.formats
from ocr_client import DetectionResult, OcrClient, RecognitionResult
from ocr_client.cli import app
from ocr_client.cli.tasks import Task
from ocr_contract.options import TASKS
from ocr_documents.document import RESULTS

UrlOf = Callable[[str], str]
SCHEMA = json.loads((Path(ocr_documents.formats.__file__).parent / "page.schema.json").read_text())


def ocr_client(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def objects(done: Result) -> list[dict[str, object]]:
    """What a run has printed as JSON; each object keeps to the schema."""
    assert (done.exit_code, done.stderr) == (0, "")
    pages = [json.loads(line) for line in done.stdout.splitlines()]
    for page in pages:
        jsonschema.validate(page, SCHEMA)
    return pages


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path, page: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> Path:
    """page.png, two of its lines as pictures in lines/ and as pages of lines.pdf; the working folder."""
    (tmp_path / "lines").mkdir()
    (tmp_path / "page.png").write_bytes(png(page))
    cut = [page[top : top + 60] for top in (30, 190)]
    for number, line in enumerate(cut):
        (tmp_path / "lines" / f"{number}.png").write_bytes(png(line))
    first, second = map(Image.fromarray, cut)
    first.save(tmp_path / "lines.pdf", save_all=True, append_images=[second], resolution=72)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tasks_are_those_of_pages_and_of_endpoints() -> None:
    assert [task.value for task in Task] == list(RESULTS)
    assert {task.endpoint for task in Task} == set(TASKS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--task", "detect", "--format", "text"],
            "--format text needs texts and their places on the page, which --task detect does not give: "
            "use --format json",
        ),
        (["--task", "detect", "--format", "pdf", "-o", "x.pdf"], "--format pdf needs texts and their places"),
        (["--task", "recognize", "--format", "hocr"], "does not give: use --format text or --format json"),
        (["--task", "detect", "--text-rec-score-thresh", "0.5"], "detect does not take --text-rec-score-thresh"),
        (["--task", "detect", "--no-return-word-box"], "--task detect does not take --return-word-box"),
        (
            ["--task", "recognize", "--text-det-thresh", "0.3", "--text-reading-order", "rows"],
            "--task recognize does not take --text-det-thresh, --text-reading-order",
        ),
        (["--task", "detect", "--existing-text", "keep"], "looks at the picture of every page: leave out --existing"),
    ],
)
def test_what_a_task_has_no_use_for_is_a_mistake_of_the_command(
    arguments: list[str], message: str, folder: Path
) -> None:
    done = ocr_client("page.png", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_flags_say_which_tasks_take_them() -> None:
    shown = " ".join(CliRunner().invoke(app, ["--help"], terminal_width=200).stdout.split())
    assert "at least this. [a number from 0 to 1] (--task ocr) " in shown
    assert 'rows. ["auto" or "rows" or "columns"] (--task ocr, detect) ' in shown
    assert "the right way up. --" in shown  # of use_textline_orientation, which all take
    for task in Task:
        assert f"{task.value}: {task.meaning}" in shown


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_boxes_alone_are_what_the_client_finds(protocol: str, url_of: UrlOf, folder: Path, page_png: bytes) -> None:
    options = {"text_det_unclip_ratio": 1.9, "use_textline_orientation": True}
    flags = ("--text-det-unclip-ratio", "1.9", "--use-textline-orientation")
    server = ("--protocol", protocol, "--url", url_of(protocol))
    (page,) = objects(ocr_client("page.png", "--task", "detect", *flags, *server, "--overlay", "drawn"))
    with OcrClient(url_of(protocol), protocol) as client:
        assert DetectionResult.from_dict(page) == client.detect(page_png, **options)
    assert len(page["boxes"]) == 3
    assert not {"texts", "scores", "words"} & set(page)
    assert (page["task"], page["origin"], page["width"], page["height"]) == ("detect", "ocr", 640, 300)
    with Image.open("drawn/page.jpg") as drawn:
        assert drawn.size == (640, 300)  # the picture alone: there is no text to stand beside it


def test_each_picture_is_one_line(url_of: UrlOf, folder: Path, lines: tuple[str, ...]) -> None:
    server = ("--task", "recognize", "--url", url_of("http"))
    text = ocr_client("lines/0.png", *server)
    assert (text.exit_code, "".join(text.stdout.split())) == (0, "".join(lines[0].split()))
    pages = objects(ocr_client("lines", *server, "--format", "json", "--return-word-box", "--overlay", "drawn"))
    assert ["".join(page["texts"][0].split()) for page in pages] == ["".join(line.split()) for line in lines[::2]]
    for page in pages:
        assert page["task"] == "recognize"
        assert not {"boxes", "box_scores"} & set(page)
        corners = np.array(page["word_boxes"])
        assert (corners.min(axis=(0, 1)) >= 0).all()
        assert (corners.max(axis=(0, 1)) <= (page["width"], page["height"])).all()
        assert RecognitionResult.from_dict(page).word_lines.tolist() == [0] * len(corners)
    with Image.open("drawn/0.jpg") as drawn:
        assert drawn.width >= 640


def test_each_page_of_a_pdf_is_one_line(url_of: UrlOf, folder: Path, lines: tuple[str, ...]) -> None:
    done = ocr_client("lines.pdf", "--task", "recognize", "--url", url_of("http"), "--format", "json", "--dpi", "100")
    pages = objects(done)
    assert [page["page"] for page in pages] == [1, 2]
    assert ["".join(page["texts"][0].split()) for page in pages] == ["".join(line.split()) for line in lines[::2]]


def test_pages_that_carry_text_are_looked_at_all_the_same(url_of: UrlOf, folder: Path, page_png: bytes) -> None:
    server = ("--url", url_of("http"))
    assert ocr_client("page.png", "--format", "pdf", "-o", "text.pdf", *server).exit_code == 0
    assert len(pypdfium2.PdfDocument("text.pdf")[0].get_textpage().get_text_range()) > 20
    for task, field in (("detect", "boxes"), ("recognize", "texts")):
        (page,) = objects(ocr_client("text.pdf", "--task", task, "--format", "json", *server))
        assert page["origin"] == "ocr"
        assert len(page[field]) == (3 if task == "detect" else 1)


def test_an_animation_is_one_line(url_of: UrlOf, folder: Path) -> None:
    first, second = (Image.open(path) for path in sorted(Path("lines").iterdir()))
    first.save("moving.webp", save_all=True, append_images=[second], lossless=True)
    server = ("--url", url_of("http"), "--format", "json")
    assert len(objects(ocr_client("moving.webp", "--task", "recognize", *server))) == 1
    picked = ocr_client("moving.webp", "--task", "recognize", "--pages", "2", *server)
    assert (picked.exit_code, picked.stderr) == (1, "1 of 1 failed:\n  moving.webp: has 1 page, and no page 2\n")
    (page,) = objects(ocr_client("moving.webp", "--task", "detect", "--pages", "2", *server))
    assert page["page"] == 2


def test_local_prints_what_the_server_gives(url_of: UrlOf, folder: Path, model_repository: Path) -> None:
    for arguments in (
        ("page.png", "--task", "detect", "--use-textline-orientation"),
        ("lines", "--task", "recognize", "--return-word-box", "--format", "json"),
    ):
        served = ocr_client(*arguments, "--url", url_of("http"))
        local = ocr_client(*arguments, "--local", "--model-repository", model_repository)
        assert (local.exit_code, local.stderr) == (0, "")
        assert local.stdout == served.stdout
        assert local.stdout


def test_a_run_goes_on_with_notes_of_its_own_task_alone(
    url_of: UrlOf, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("ocr", "detect", "recognize"):
        real = getattr(OcrClient, name)

        def spied(self: OcrClient, *given: object, _real: Callable[..., object] = real, _name: str = name) -> object:
            asked.append(_name)
            return _real(self, *given)

        monkeypatch.setattr(OcrClient, name, spied)
    run = ("page.png", "-o", "page.jsonl", "--resume", "--format", "json", "--url", url_of("http"))
    for task in ("ocr", "detect", "recognize", "recognize", "detect"):
        done = ocr_client(*run, "--task", task)
        assert done.exit_code == 0
        assert json.loads(Path("page.jsonl").read_text())["task"] == task
    assert asked == ["ocr", "detect", "recognize", "detect"]  # the second recognize found its output there


def test_pages_that_were_noted_are_not_read_again(url_of: UrlOf, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = (
        "lines.pdf",
        "-o",
        "out.jsonl",
        "--resume",
        "--format",
        "json",
        "--url",
        url_of("http"),
        "--concurrency",
        "1",
    )
    real, left = OcrClient.recognize, [1]

    def failing(self: OcrClient, *given: object) -> object:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return real(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(OcrClient, "recognize", failing)
        assert ocr_client(*run, "--task", "recognize").exit_code == 130
    left.append(1)
    monkeypatch.setattr(OcrClient, "recognize", failing)
    assert ocr_client(*run, "--task", "recognize").exit_code == 0
    assert [json.loads(line)["page"] for line in Path("out.jsonl").read_text().splitlines()] == [1, 2]
