"""Documents on the command line: all their pages, files that are whole or not there, runs that go on after a kill."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from ocr_client import BadRequestError, OcrClient, OcrResult
from ocr_client.cli import app
from ocr_client.cli.formats import OutputFormat
from ocr_documents.document import Page
from ocr_documents.formats import FORMATS

# What the client reads of a page is its width, and how often it was asked for: no two pages here are as wide.
Read = list[tuple[int, dict[str, object]]]


def width_of(image: bytes) -> int:
    with Image.open(io.BytesIO(image)) as picture:
        return picture.size[0]


def result_of(text: str) -> OcrResult:
    box = [[0, 0], [9, 0], [9, 9], [0, 9]]
    return OcrResult.from_dict({"boxes": [box], "texts": [text], "scores": [1], "box_scores": [1]})


def pages_file(widths: list[int], form: str = "TIFF") -> bytes:
    file = io.BytesIO()
    first, *others = (Image.new("L", (width, 10), width % 250) for width in widths)
    first.save(file, form, save_all=bool(others), **({"append_images": others} if others else {}))
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three documents, a file that is none, and an animation beside them; in the working folder."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.tif").write_bytes(pages_file([21, 22, 23]))
    (tmp_path / "in" / "b.png").write_bytes(pages_file([24], "PNG"))
    (tmp_path / "in" / "sub" / "c.tif").write_bytes(pages_file([25, 26]))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    black, white = (Image.new("L", (30, 10), level) for level in (0, 255))
    black.save(tmp_path / "moving.gif", save_all=True, append_images=[white])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """What reaches the client, which refuses pages that are 99 pixels wide."""
    asked: Read = []

    def ocr(self: OcrClient, image: bytes, **options: object) -> OcrResult:
        width = width_of(image)
        asked.append((width, options))
        if width == 99:
            raise BadRequestError("too wide")
        return result_of(f"width {width}")

    monkeypatch.setattr(OcrClient, "ocr", ocr)
    return asked


def ocr_client(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, [*arguments, "--concurrency", "2"], input=stdin)


def files(folder: Path) -> dict[str, bytes]:
    """All files of a folder but notes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ocr-client" not in path.parts
    }


def test_every_format_of_documents_is_one_of_the_command_line() -> None:
    assert [form.value for form in OutputFormat] == [*FORMATS, "pdf"]


@pytest.mark.usefixtures("folder")
def test_every_page_of_a_document_is_read_and_an_animation_once(read: Read) -> None:
    done = ocr_client("in/a.tif", "in/b.png", "moving.gif", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["image"], one["page"], one["texts"]) for one in objects] == [
        *(("in/a.tif", 1, ["width 21"]), ("in/a.tif", 2, ["width 22"]), ("in/a.tif", 3, ["width 23"])),
        *(("in/b.png", 1, ["width 24"]), ("moving.gif", 1, ["width 30"])),
    ]
    assert [options for _, options in read] == [{}] * 5


@pytest.mark.usefixtures("folder", "read")
def test_text_of_several_pages_names_each() -> None:
    titled = "==> in/a.tif#1 <==\nwidth 21\n\n==> in/a.tif#2 <==\nwidth 22\n\n==> in/a.tif#3 <==\nwidth 23\n"
    assert ocr_client("in/a.tif").stdout == titled
    assert ocr_client("in/b.png").stdout == "width 24\n"
    assert ocr_client("in/b.png", "moving.gif").stdout == "==> in/b.png <==\nwidth 24\n\n==> moving.gif <==\nwidth 30\n"


@pytest.mark.usefixtures("folder")
def test_text_that_is_printed_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OcrClient, "ocr", lambda *_, **__: result_of("a\x1b[2J\x07\nb"))
    assert ocr_client("in/b.png").stdout == "a\ufffd[2J\ufffd b\n"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("flag", ["--pages", "--page"])
def test_pages_can_be_picked_also_the_pictures_of_an_animation(flag: str, read: Read) -> None:
    done = ocr_client("in/a.tif", "moving.gif", flag, "2", "--format", "json")
    assert [(one["image"], one["page"]) for one in map(json.loads, done.stdout.splitlines())] == [
        ("in/a.tif", 2),
        ("moving.gif", 2),
    ]
    assert sorted(read, key=str) == [(22, {}), (30, {"page": 2})]


@pytest.mark.usefixtures("folder")
def test_pictures_of_an_mpo_file_can_be_picked_and_each_has_its_own_size(read: Read) -> None:
    Path("two.jpg").write_bytes(pages_file([31, 32], "MPO"))
    done = ocr_client("two.jpg", "--pages", "2", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    (page,) = map(json.loads, done.stdout.splitlines())
    assert [page[name] for name in ("page", "width", "height")] == [2, 32, 10]
    assert [options for _, options in read] == [{"page": 2}]


@pytest.mark.usefixtures("folder", "read")
def test_a_page_that_a_document_lacks_is_its_failure() -> None:
    done = ocr_client("in/a.tif", "in/b.png", "--pages", "3")
    assert done.exit_code == 1
    assert done.stdout == "==> in/a.tif#3 <==\nwidth 23\n"
    assert done.stderr == "1 of 2 failed:\n  in/b.png: has 1 page, and no page 3\n"


@pytest.mark.usefixtures("folder", "read")
def test_more_pages_than_the_limit_fail_and_a_pick_of_them_does_not() -> None:
    done = ocr_client("in/a.tif", "--max-pages", "2")
    assert done.stderr == "1 of 1 failed:\n  in/a.tif: has 3 pages, and the limit is 2\n"
    assert ocr_client("in/a.tif", "--max-pages", "2", "--pages", "2-").exit_code == 0


@pytest.mark.usefixtures("folder", "read")
def test_a_document_from_standard_input_is_read_whole() -> None:
    done = ocr_client("-", stdin=pages_file([31, 32]))
    assert [line for line in done.stdout.splitlines() if line.startswith("==>")] == ["==> -#1 <==", "==> -#2 <=="]


@pytest.mark.usefixtures("read")
def test_pages_that_fail_on_standard_output_are_listed_and_the_others_printed(folder: Path) -> None:
    (folder / "d.tif").write_bytes(pages_file([41, 99, 43]))
    done = ocr_client("d.tif", "bad.png", "in/b.png")
    assert done.exit_code == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("width")] == [
        "width 41",
        "width 43",
        "width 24",
    ]
    first, second, third = done.stderr.splitlines()
    assert (first, second) == ("2 of 5 failed:", "  d.tif#2: too wide")
    assert third.startswith("  bad.png: ")


@pytest.mark.usefixtures("read")
def test_a_format_of_one_document_is_printed_whole_or_not_at_all(folder: Path) -> None:
    whole = ocr_client("in/a.tif", "--format", "tsv")
    assert whole.exit_code == 0
    assert whole.stdout.count("\twidth\n") == 3
    (folder / "d.tif").write_bytes(pages_file([41, 99, 43]))
    failed = ocr_client("d.tif", "--format", "hocr")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr == "1 of 1 failed:\n  d.tif#2: too wide\n"


@pytest.mark.usefixtures("folder")
def test_formats_that_place_words_ask_for_them(read: Read) -> None:
    for form in ("hocr", "json"):
        assert ocr_client("in/b.png", "--format", form).exit_code == 0
    assert [options for _, options in read] == [{"return_word_box": True}, {}]


@pytest.mark.usefixtures("read")
def test_one_document_goes_to_a_file_and_several_to_a_folder(folder: Path) -> None:
    assert ocr_client("in/a.tif", "-o", "new/a.txt").stdout == ""
    assert ocr_client("in", "-o", "out", "--format", "json").exit_code == 0
    assert ocr_client("in/b.png", "-o", "out").exit_code == 0
    assert ocr_client("in/sub", "-o", "one").exit_code == 0  # a folder stays one, however many files are in it
    assert files(folder / "new") == {"a.txt": b"width 21\n\fwidth 22\n\fwidth 23\n"}
    assert sorted(files(folder / "out")) == ["a.jsonl", "b.jsonl", "b.txt", "sub/c.jsonl"]
    assert sorted(files(folder / "one")) == ["c.txt"]


@pytest.mark.usefixtures("read")
def test_outputs_are_replaced_and_those_of_one_name_numbered(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "a.txt").write_bytes(b"old")
    (folder / "in" / "a.png").write_bytes(pages_file([50], "PNG"))
    assert ocr_client("in", "-o", "out").exit_code == 0
    assert files(folder / "out")["a.txt"] == b"width 50\n"
    assert files(folder / "out")["a-2.txt"].startswith(b"width 21\n")


@pytest.mark.usefixtures("read")
def test_a_document_that_fails_leaves_no_file_and_the_others_go_on(folder: Path) -> None:
    (folder / "in" / "b.tif").write_bytes(pages_file([41, 99, 43]))
    (folder / "out").mkdir()
    (folder / "out" / "b-2.txt").write_bytes(b"old")
    done = ocr_client("bad.png", "in", "-o", "out")
    assert done.exit_code == 1
    assert files(folder / "out") == {
        **{"a.txt": b"width 21\n\fwidth 22\n\fwidth 23\n", "b.txt": b"width 24\n", "b-2.txt": b"old"},
        "sub/c.txt": b"width 25\n\fwidth 26\n",
    }
    assert done.stderr.splitlines()[0] == "2 of 5 failed:"
    assert done.stderr.splitlines()[2] == "  in/b.tif#2: too wide"


@pytest.mark.usefixtures("read")
def test_an_output_that_cannot_be_written_is_one_failure_and_the_others_go_on(folder: Path) -> None:
    (folder / "out" / "a.txt").mkdir(parents=True)
    (folder / "out" / "sub").write_bytes(b"")
    done = ocr_client("in", "-o", "out")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == "2 of 3 failed:"
    assert done.stderr.splitlines()[1].startswith("  in/a.tif: cannot write 'out/a.txt': ")
    assert files(folder / "out") == {"b.txt": b"width 24\n", "sub": b""}


@pytest.mark.usefixtures("read")
def test_a_disk_that_is_full_is_one_sentence_for_each_document(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "a.txt").symlink_to("/dev/full")
    done = ocr_client("in", "-o", "out")
    assert done.exit_code == 1
    assert done.stderr == "1 of 3 failed:\n  in/a.tif: cannot write 'out/a.txt': No space left on device\n"
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.txt", "b.txt", "sub"]


@pytest.mark.usefixtures("read")
def test_names_in_an_archive_do_not_lead_out_of_the_output(folder: Path) -> None:
    (folder / "deep").mkdir()
    with zipfile.ZipFile("evil.zip", "w") as archive:
        for name in ("../up.png", "/tmp/up.png", "a/../../up.png"):
            archive.writestr(name, pages_file([24], "PNG"))
    before = {path for path in folder.parent.rglob("*") if "deep" not in path.parts}
    assert ocr_client("evil.zip", "-o", "deep/out").exit_code == 0
    assert {path for path in folder.parent.rglob("*") if "deep" not in path.parts} == before
    assert len(files(folder / "deep" / "out")) == 3


@pytest.mark.usefixtures("folder", "read")
def test_an_output_that_is_an_input_is_refused_before_anything_is_read(read: Read) -> None:
    os.link("in/b.png", "in/b.txt")
    done = ocr_client("in/b.png", "-o", "in/b.txt")
    assert done.exit_code == 2
    assert "is an input, and would be overwritten" in done.stderr
    assert read == []


@pytest.mark.usefixtures("read")
def test_each_page_is_drawn_on_a_file_of_its_own(folder: Path) -> None:
    (folder / "a#2.png").write_bytes(pages_file([24], "PNG"))
    assert ocr_client("in/a.tif", "a#2.png", "--overlay", "out").exit_code == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a#1.jpg", "a#2-2.jpg", "a#2.jpg", "a#3.jpg"]


@pytest.mark.usefixtures("read")
def test_an_overlay_that_fails_is_listed_and_the_result_stands(folder: Path) -> None:
    (folder / "drawn" / "b.jpg").mkdir(parents=True)
    done = ocr_client("in/b.png", "--overlay", "drawn")
    assert (done.exit_code, done.stdout) == (1, "width 24\n")
    assert done.stderr.startswith("1 of 1 failed:\n  in/b.png: the overlay: cannot write ")


def test_finished_documents_are_left_alone_and_read_pages_are_not_read_again(folder: Path, read: Read) -> None:
    (folder / "in" / "b.tif").write_bytes(pages_file([41, 42, 99]))
    first = ocr_client("in", "-o", "out", "--resume")
    assert first.exit_code == 1
    assert len(read) == 9
    written = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.txt")}
    read.clear()
    again = ocr_client("in", "-o", "out", "--resume")
    assert [width for width, _ in read] == [99]
    assert again.stderr == "3 documents were finished before\n1 of 4 failed:\n  in/b.tif#3: too wide\n"
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.txt")} == written


@pytest.mark.parametrize(
    ("change", "widths"),
    [
        (lambda folder: None, []),
        (lambda folder: (folder / "out" / "b.txt").unlink(), [24]),
        (lambda folder: (folder / "in" / "b.png").write_bytes(pages_file([77], "PNG")), [77]),
        (lambda folder: (folder / "in" / "b.png").rename(folder / "in" / "d.png"), [24]),
        (lambda folder: ocr_client("in/sub/c.tif", "-o", "out/b.txt"), [24]),  # another run took its name
    ],
)
def test_a_document_is_read_again_where_its_output_is_not_what_it_was(
    change: Callable[[Path], object], widths: list[int], folder: Path, read: Read
) -> None:
    assert ocr_client("in", "-o", "out", "--resume").exit_code == 0
    change(folder)
    read.clear()
    assert ocr_client("in", "-o", "out", "--resume").exit_code == 0
    assert [width for width, _ in read] == widths
    assert not list((folder / "out" / ".ocr-client" / "parts").iterdir())


@pytest.mark.parametrize(
    "flags",
    [
        ["--format", "json"],
        ["--text-det-thresh", "0.4"],
        ["--dpi", "100"],
        ["--pages", "1"],
        ["--existing-text", "read"],
    ],
)
@pytest.mark.usefixtures("folder")
def test_another_way_to_read_or_write_is_another_result(flags: list[str], read: Read) -> None:
    assert ocr_client("in/b.png", "-o", "b.txt", "--resume").exit_code == 0
    read.clear()
    assert ocr_client("in/b.png", "-o", "b.txt", "--resume", *flags).exit_code == 0
    assert len(read) == 1


@pytest.mark.usefixtures("folder", "read")
def test_two_runs_on_one_folder_do_not_mix() -> None:
    from ocr_documents.parts import JobState

    with JobState(Path("out", ".ocr-client")):
        done = ocr_client("in", "-o", "out", "--resume")
    assert done.exit_code == 1
    assert done.stderr == "ocr-client: another process works on 'out': let it end, or stop it\n"


# A client that reads widths, in a process of its own; what happens at the page of a number is the test's.
PROGRAM = """
import io, os, signal, sys, threading, time
from PIL import Image
from ocr_client import OcrClient, OcrResult
from ocr_client.cli import main
count, lock = [0], threading.Lock()
def ocr(self, image, **options):
    with lock:
        count[0] += 1
        number = count[0]
    at = int(os.environ["AT"])
    if number >= at:
        {event}
    width = Image.open(io.BytesIO(image)).size[0]
    box = [[0, 0], [9, 0], [9, 9], [0, 9]]
    return OcrResult.from_dict({{"boxes": [box], "texts": [f"width {{width}}"], "scores": [1 / 3], "box_scores": [1]}})
OcrClient.ocr = ocr
main()
"""


def begin(event: str, at: int, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM.format(event=event), *arguments, "--concurrency", "2"]
    return subprocess.Popen(
        command,
        env={**os.environ, "AT": str(at)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509 - it takes no lock
    )


def heed_ctrl_c() -> None:
    """Undo what a shell does to commands in its background, where the tests themselves may run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_run_that_is_killed_twice_gives_what_an_unbroken_one_does(folder: Path) -> None:
    (folder / "in" / "long.tif").write_bytes(pages_file(list(range(100, 130))))
    job = ("in", "-o", "broken", "--format", "json", "--resume")
    for at in (9, 15):
        begun = begin("os.kill(os.getpid(), signal.SIGKILL)", at, *job)
        begun.communicate(timeout=120)
        assert begun.returncode == -signal.SIGKILL
        assert "long.jsonl" not in files(folder / "broken")
    last = begin("pass", 0, *job)
    assert last.communicate(timeout=120)[0] == ""
    unbroken = begin("pass", 0, "in", "-o", "unbroken", "--format", "json")
    unbroken.communicate(timeout=120)
    assert (last.returncode, unbroken.returncode) == (0, 0)
    assert files(folder / "broken") == files(folder / "unbroken")
    assert len(files(folder / "broken")) == 4
    assert not list((folder / "broken" / ".ocr-client" / "parts").iterdir())


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_leaves_nothing_half_written(sent: signal.Signals, code: int, folder: Path) -> None:
    (folder / "long.tif").write_bytes(pages_file(list(range(100, 130))))
    begun = begin("time.sleep(0.1); open('reached', 'w').close()", 5, "long.tif", "-o", "out/long.txt")
    give_up = time.monotonic() + 60
    while not (folder / "reached").exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    begun.send_signal(sent)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == code
    assert said == ("ocr-client: stopped\n" if sent is signal.SIGINT else "")
    assert list((folder / "out").iterdir()) == []


def test_a_reader_that_has_seen_enough_ends_the_run_quietly(folder: Path) -> None:
    (folder / "long.tif").write_bytes(pages_file(list(range(100, 160))))
    command = [sys.executable, "-c", PROGRAM.format(event="time.sleep(0.02)"), "long.tif", "--concurrency", "2"]
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1', "_", *command],
        env={**os.environ, "AT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("==> long.tif#1 <==\n", "")


@pytest.mark.usefixtures("folder")
def test_no_more_pages_are_under_way_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def ocr(self: OcrClient, image: bytes, **options: object) -> OcrResult:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return OcrResult.empty()

    monkeypatch.setattr(OcrClient, "ocr", ocr)
    assert ocr_client("in").exit_code == 0
    assert most == [2]


class HalfRead:
    """A document whose first two pages carry text."""

    def __len__(self) -> int:
        return 3

    def page(self, number: int) -> Page:
        return Page(number, pages_file([60 + number], "PNG"), 9, 9, None, result_of("carried") if number < 3 else None)

    def close(self) -> None:
        pass


@pytest.mark.usefixtures("folder")
def test_pages_that_carry_text_are_kept_and_that_is_said(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    monkeypatch.setattr("ocr_client.cli.sources.open_document", lambda *_, **__: HalfRead())
    done = ocr_client("in/b.png", "-o", "b.txt")
    assert done.exit_code == 0
    assert done.stderr == "2 pages carry text already and were kept; --existing-text read reads them too\n"
    assert [width for width, _ in read] == [63]
    assert Path("b.txt").read_text() == "carried\n\fcarried\n\fwidth 63\n"
