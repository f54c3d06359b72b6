"""A searchable PDF is written in a process of its own."""

import io

import pytest
from tests.documents.pages import box, page
from tests.documents.pdf_files import pdf_file

from ocr_documents.errors import BrokenDocument, DocumentTooLarge
from ocr_documents.limits import Limits
from ocr_documents.opening import open_document
from ocr_documents.pdf import text_layer
from ocr_documents.pdf.writing import write_searchable

CONTENT = pdf_file(b"0 0 100 100 re f", b"")
PAGES = [page(("first page", box(100, 100, 300))), page(("第二页", box(100, 100, 300)), number=2)]


@pytest.mark.parametrize("as_path", [False, True])
def test_it_writes_what_is_written_in_this_process(tmp_path, as_path):
    source = tmp_path / "a.pdf"
    source.write_bytes(CONTENT)
    here, there = io.BytesIO(), io.BytesIO()
    text_layer.write_searchable(CONTENT, PAGES, here, replace_text=False)
    write_searchable(source if as_path else CONTENT, PAGES, there, replace_text=False)
    assert here.getvalue() == there.getvalue()
    with open_document(there.getvalue()) as document:
        assert [document.page(number).text.texts for number in (1, 2)] == [("first page",), ("第二页",)]


def test_a_document_longer_than_a_frame_is_whole():
    content = pdf_file(b"% " + b"x" * 5_000_000)
    target = io.BytesIO()
    write_searchable(content, [], target, replace_text=False)
    assert target.getvalue() == content


def test_pages_are_asked_for_one_by_one():
    asked = []

    def pages():
        for made in PAGES:
            asked.append(made.number)
            yield made
        raise ConnectionError("the server is gone")

    target = io.BytesIO()
    with pytest.raises(ConnectionError, match="the server is gone"):
        write_searchable(CONTENT, pages(), target, replace_text=False)
    assert asked == [1, 2]
    assert target.getvalue() == b""


def test_a_broken_document_is_one_error():
    with pytest.raises(BrokenDocument):
        write_searchable(b"%PDF-1.4 nothing", PAGES, io.BytesIO(), replace_text=False)


def test_a_full_disk_is_told_as_it_is():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        write_searchable(CONTENT, PAGES, Full(), replace_text=False)


def test_the_process_that_writes_has_limits():
    with pytest.raises(DocumentTooLarge):
        write_searchable(CONTENT, PAGES, io.BytesIO(), replace_text=False, limits=Limits(page_timeout_s=0.01))
