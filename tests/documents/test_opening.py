"""What a file is, is told by what it holds."""

import io
import os
import threading

import pytest
from PIL import Image
from tests.documents.pdf_files import pdf_file, text

from ocr_documents.errors import BrokenDocument, DocumentError, EncryptedDocument, NoSuchPage
from ocr_documents.opening import open_document


def picture(kind="PNG", **options):
    file = io.BytesIO()
    Image.new("RGB", (30, 20), "white").save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF"])
def test_a_picture_is_known_by_its_content(tmp_path, kind):
    path = tmp_path / "named.pdf"
    path.write_bytes(picture(kind))
    with open_document(path) as document:
        page = document.page(1)
        assert (len(document), page.width_px, page.height_px) == (1, 30, 20)
        assert page.picture == path.read_bytes()


@pytest.mark.parametrize("junk", [b"", b"\r\n", b"BM" + b"x" * 900, b"From: me\n" * 90])
def test_a_pdf_file_may_have_junk_before_its_header(junk):
    with open_document(junk + pdf_file(text("Hello"))) as document:
        assert document.page(1).text.texts == ("Hello",)


def test_a_picture_that_names_pdf_is_a_picture():
    content = picture("JPEG", comment=b"%PDF-1.7")
    with open_document(content) as document:
        assert document.page(1).picture == content


@pytest.mark.parametrize(
    "content", [b"", b"x", b"plain text", b"\x00" * 5000, b"GIF89a", b"II*\x00", b"MM\x00+\0\0\0\0"]
)
def test_what_is_no_document_is_refused(content):
    with pytest.raises(BrokenDocument):
        open_document(content)


@pytest.mark.parametrize("content", [b"%PDF-1.4", b"%PDF-1.7\nnothing of a PDF", b"%PDF-1.4\n" + b"<<" * 100_000])
def test_a_broken_pdf_file_is_refused(content):
    with pytest.raises(BrokenDocument, match="is not a PDF file, or a broken one"):
        open_document(content)


def test_a_file_that_cannot_be_read_is_one_error(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read: No such file"):
        open_document(tmp_path / "absent.pdf")
    with pytest.raises(DocumentError, match="cannot be read: Is a directory"):
        open_document(tmp_path)


def test_a_pipe_is_read_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    content = picture()
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    with open_document(tmp_path / "pipe") as document:
        assert document.page(1).picture == document.page(1).picture == content
    writer.join()


@pytest.mark.parametrize("content", [picture("PNG"), picture("TIFF"), pdf_file(b"")])
@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_page_that_is_not_there_is_said_to_be_so(content, number):
    with open_document(content) as document, pytest.raises(NoSuchPage, match=f"has 1 page, and no page {number}"):
        document.page(number)


def encrypted(user):
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf_file(text("secret")))) as pdf:
        file = io.BytesIO()
        pdf.save(file, encryption=pikepdf.Encryption(owner="owner", user=user))
    return file.getvalue()


def test_a_file_that_needs_a_password_is_said_to_be_encrypted():
    with pytest.raises(EncryptedDocument, match="is encrypted"):
        open_document(encrypted("user"))


def test_a_file_that_needs_a_password_only_to_be_changed_is_read():
    with open_document(encrypted("")) as document:
        assert document.page(1).text.texts == ("secret",)
