"""A PDF file is opened in a process of its own, which is never left behind and brings nobody down."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from tests.documents.pdf_files import pdf_file, text

from ocr_documents.errors import BrokenDocument, DocumentError, DocumentTooLarge
from ocr_documents.limits import Limits
from ocr_documents.opening import open_document

SLOW = b"0 0 m 600 700 l S " * 3_000_000  # takes far longer than a limit of some seconds


def process_of(document):
    return document._child._process


def test_pages_are_drawn_for_several_threads_at_once():
    content = pdf_file(*(text(f"page {number}") for number in range(1, 13)))
    with open_document(content) as document, ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(document.page, range(1, 13)))
    assert [page.text.texts for page in pages] == [(f"page {number}",) for number in range(1, 13)]
    assert [page.number for page in pages] == list(range(1, 13))


def test_a_page_is_pixels_with_their_size_and_resolution(tmp_path):
    (tmp_path / "a.pdf").write_bytes(pdf_file(b"1 0 0 rg 0 0 600 100 re f", b""))
    with open_document(tmp_path / "a.pdf", dpi=36) as document:
        assert len(document) == 2
        first, second = document.page(1), document.page(2)
    assert first.picture.shape == (396, 306, 3)
    assert second.picture.shape == (396, 306)
    assert first.picture.dtype == np.uint8
    assert (first.width_px, first.height_px, first.dpi) == (306, 396, 36.0)


def test_text_is_kept_or_left_to_be_read():
    content = pdf_file(text("Hello"), b"")
    with open_document(content, existing_text="keep") as document:
        assert document.page(1).text.texts == ("Hello",)
        assert document.page(2).text is None
    with open_document(content, existing_text="read") as document:
        assert document.page(1).text is None


@pytest.mark.parametrize("mode", [(), ("-X", "dev")])
def test_the_traceback_of_what_failed_is_shown_in_pythons_development_mode(mode):
    ask = (
        "from ocr_documents.limits import Limits; from ocr_documents.pdf.child import Child\n"
        "Child(Limits()).ask({'do': 'page', 'number': 1, 'dpi': 72, 'with_text': False})  # nothing is open"
    )
    ended = subprocess.run([sys.executable, *mode, "-c", ask], capture_output=True, text=True, check=False)
    assert "BrokenDocument: is broken: AttributeError" in ended.stderr
    assert ("ERROR:ocr_documents.pdf.worker:a request failed" in ended.stderr) == bool(mode)


def test_the_process_ends_with_the_document():
    with open_document(pdf_file(b"")) as document:
        process = process_of(document)
        assert process.poll() is None
    assert process.returncode is not None
    document.close()
    with pytest.raises(DocumentError, match="has been closed"):
        document.page(1)


def test_the_process_ends_with_a_document_that_is_dropped():
    document = open_document(pdf_file(b""))
    process = process_of(document)
    del document
    assert process.wait(20) is not None


def test_a_file_that_cannot_be_opened_leaves_no_process():
    before = children()
    with pytest.raises(BrokenDocument):
        open_document(b"%PDF-1.4")
    assert children() == before


def children():
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def test_a_page_that_takes_too_long_is_one_error_and_the_next_is_drawn():
    with open_document(pdf_file(SLOW, text("next")), limits=Limits(page_timeout_s=3)) as document:
        with pytest.raises(DocumentTooLarge, match="page 1 cannot be drawn within 3 s"):
            document.page(1)
        assert document.page(2).text.texts == ("next",)


def test_a_page_that_takes_too_much_memory_is_one_error_and_the_next_is_drawn():
    with pikepdf.open(io.BytesIO(pdf_file(text("bomb"), text("next")))) as pdf:
        pdf.pages[0].obj.Contents = pdf.make_stream(b" " * 300_000_000)
        file = io.BytesIO()
        pdf.save(file)
    with open_document(file.getvalue(), limits=Limits(memory_bytes=400 << 20)) as document:
        with pytest.raises(DocumentTooLarge, match="page 1 cannot be drawn with 400 MiB of memory"):
            document.page(1)
        assert document.page(2).text.texts == ("next",)


def test_a_process_that_dies_is_started_again():
    with open_document(pdf_file(text("first"), text("second"))) as document:
        document.page(1)
        process_of(document).kill()
        assert document.page(2).text.texts == ("second",)


def test_a_page_that_ends_the_process_twice_is_one_error(monkeypatch):
    with open_document(pdf_file(text("first"), text("second"))) as document:
        document.page(1)
        started = []
        open_again = document._open

        def open_and_break():
            pages = open_again()
            started.append(process_of(document))
            started[-1].send_signal(signal.SIGSEGV)
            return pages

        monkeypatch.setattr(document, "_open", open_and_break)
        process_of(document).send_signal(signal.SIGSEGV)
        with pytest.raises(BrokenDocument, match="page 2 cannot be drawn: it is broken"):
            document.page(2)
        assert len(started) == 1
        monkeypatch.undo()
        assert document.page(1).text.texts == ("first",)


def test_closing_does_not_wait_for_a_page():
    document = open_document(pdf_file(SLOW))
    process = process_of(document)
    failures = []

    def draw():
        try:
            document.page(1)
        except DocumentError as error:
            failures.append(str(error))

    thread = threading.Thread(target=draw)
    thread.start()
    while not document._lock.locked():
        time.sleep(0.01)
    document.close()
    thread.join(20)
    assert not thread.is_alive()
    assert process.returncode is not None
    assert failures == ["has been closed"]


PARENT = """
import sys
from pathlib import Path
from ocr_documents.opening import open_document
document = open_document(Path(sys.argv[1]))
print(document._child._process.pid, flush=True)
document.page(1)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_process_ends_with_its_parent(tmp_path, how):
    (tmp_path / "slow.pdf").write_bytes(pdf_file(SLOW))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "slow.pdf")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - ignored in a shell's background
    ) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(how)
        parent.wait(20)
    deadline = time.monotonic() + 20
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_modules_in_the_current_folder_are_not_taken(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('taken')")
    (tmp_path / "numpy.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(tmp_path)
    with open_document(pdf_file(text("Hello"))) as document:
        assert document.page(1).text.texts == ("Hello",)


def test_what_a_process_answers_is_never_longer_than_a_page(monkeypatch):
    monkeypatch.setattr("ocr_documents.pdf.child.CHANNELS", 0)
    with open_document(pdf_file(b""), dpi=200) as document, pytest.raises(BrokenDocument):
        document.page(1)
