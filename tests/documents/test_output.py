"""Files that appear when they are whole, and not before."""

import io
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pytest

from ocr_contract.result import OcrResult
from ocr_documents.document import PageResult
from ocr_documents.errors import CannotWrite
from ocr_documents.output import GatheredDocument, NewFile, TextDocument


def page(number: int, *texts: str) -> PageResult:
    box = [[0, 0], [9, 0], [9, 9], [0, 9]]
    ones = [1.0] * len(texts)
    result = OcrResult.from_dict({"boxes": [box] * len(texts), "texts": texts, "scores": ones, "box_scores": ones})
    return PageResult(number, 10, 10, None, "ocr", result)


class Lines:
    """A format for tests."""

    def head(self, name: str, pages: int | None = None) -> str:
        return f"{name} {pages}\n"

    def page(self, page: PageResult) -> str:
        return f"{page.number}: {' '.join(page.result.texts)}\n"

    def tail(self) -> str:
        return "end\n"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    with NewFile(tmp_path / "new" / "a.txt") as file:
        file.write(b"half")
        assert "a.txt" not in names(tmp_path / "new")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"half"
    assert names(tmp_path / "new") == ["a.txt"]


def test_a_file_that_fails_leaves_nothing_and_the_old_one_stays(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), NewFile(tmp_path / "a.txt") as file:
        file.write(b"half")
        _ = 1 / 0
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"old"


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with NewFile(tmp_path / "a"):
        pass
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    with NewFile(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    taken: list[bytes] = []
    reader = threading.Thread(target=lambda: taken.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    with NewFile(tmp_path / "pipe") as file:
        file.write(b"x")
    reader.join(10)
    assert taken == [b"x"]
    assert (tmp_path / "pipe").is_fifo()


def test_an_open_file_of_this_process_is_written_to_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"before ")
    with (tmp_path / "log").open("ab", buffering=0) as log:
        (tmp_path / "link").symlink_to(f"/dev/fd/{log.fileno()}")
        with NewFile(tmp_path / "link") as file:
            file.write(b"x")
        log.write(b" after")
    assert (tmp_path / "log").read_bytes() == b"before x after"


def test_a_pipe_of_this_process_is_written_to() -> None:
    end, begin = os.pipe()
    with NewFile(Path(f"/dev/fd/{begin}")) as file:
        file.write(b"x")
    os.close(begin)
    with os.fdopen(end, "rb") as pipe:
        assert pipe.read() == b"x"


def test_where_nothing_can_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(CannotWrite, match=r"cannot write '.*below': "):
        NewFile(tmp_path / "taken" / "below")


def test_a_full_disk_is_one_sentence() -> None:
    file = NewFile(Path("/dev/full"))
    file.write(b"x")
    with pytest.raises(CannotWrite, match="cannot write '/dev/full': No space left on device"):
        file.commit()


def test_a_text_document_is_written_page_by_page(tmp_path: Path) -> None:
    document = TextDocument(Lines(), "scan.pdf", 2, NewFile(tmp_path / "a.txt"))
    document.page(page(1, "发票", "half \ud800"))
    document.page(page(2))
    document.finish()
    assert (tmp_path / "a.txt").read_text("utf-8") == "scan.pdf 2\n1: 发票 half ?\n2: \nend\n"


def upper(pages: Iterable[PageResult], target: BinaryIO) -> None:
    for one in pages:
        target.write(" ".join(one.result.texts).upper().encode())


def test_a_document_that_is_written_at_the_end_gets_all_pages_as_they_were(tmp_path: Path) -> None:
    kept = [page(number, f"text {number}", "发") for number in (1, 2, 5)]
    got: list[PageResult] = []
    document = GatheredDocument(lambda pages, _: got.extend(pages), NewFile(tmp_path / "a.pdf"))
    for one in kept:
        document.page(one)
    document.finish()
    assert got == kept
    assert names(tmp_path) == ["a.pdf"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), CannotWrite("x"), KeyboardInterrupt()])
def test_a_document_whose_writing_fails_leaves_nothing(error: BaseException, tmp_path: Path) -> None:
    def fail(pages: Iterable[PageResult], target: BinaryIO) -> None:
        target.write(b"half")
        raise error

    document = GatheredDocument(fail, NewFile(tmp_path / "a.pdf"))
    document.page(page(1))
    with pytest.raises((CannotWrite, KeyboardInterrupt)):
        document.finish()
    assert names(tmp_path) == []


def test_discarded_documents_leave_nothing(tmp_path: Path) -> None:
    for document in (
        TextDocument(Lines(), "a", 1, NewFile(tmp_path / "a.txt")),
        GatheredDocument(upper, NewFile(tmp_path / "a.pdf")),
    ):
        document.page(page(1, "x"))
        document.discard()
    assert names(tmp_path) == []


def test_a_head_that_cannot_be_written_leaves_nothing() -> None:
    class Full:
        path, folder, file = Path("full"), None, io.BytesIO()
        gone = False

        def write(self, content: bytes) -> None:
            raise CannotWrite("full")

        def commit(self) -> None:
            raise AssertionError

        def discard(self) -> None:
            self.gone = True

    target = Full()
    with pytest.raises(CannotWrite):
        TextDocument(Lines(), "a", 1, target)
    assert target.gone
