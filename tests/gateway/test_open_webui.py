"""Open WebUI's external engine: requests as its loader sends them, and what it reads of the answers."""

import io
from urllib.parse import quote

import pytest
import requests
from PIL import Image
from tests.conftest import SAMPLES
from tests.documents.pdf_files import pdf_file, text
from tests.gateway.conftest import HeldReader

from ocr_client import OcrClient
from ocr_client.errors import ServerUnreachableError

RECEIPT = SAMPLES / "receipt.png"
NAME = "b1c9_收据 2025/50%.png"


def process(url, content, kind="application/octet-stream", **headers):
    """As the loader sends: it wants a key, and sends it to everybody."""
    headers = {"Content-Type": kind, "X-Filename": quote(NAME), "Authorization": "Bearer any word", **headers}
    return requests.put(f"{url}/process", data=content, headers=headers, timeout=60)


def detail(answer):
    """What Open WebUI shows of an error."""
    return answer.json()["detail"]


def test_a_picture_is_one_page_of_markdown(gateway, server):
    answer = process(gateway, RECEIPT.read_bytes(), "image/png")
    assert answer.status_code == 200
    (page,) = answer.json()
    assert page["metadata"] == {"source": NAME, "page": 0, "page_label": "1", "total_pages": 1}
    with OcrClient(server.http_url) as client:
        texts = client.ocr(RECEIPT).texts
    plain = page["page_content"].replace("\\", "")
    assert all(line in plain for line in texts)
    assert plain.count("\n\n") > 3  # it has paragraphs
    assert plain == plain.strip()


def test_pages_of_a_pdf_keep_their_text_and_empty_ones_are_left_out(serve):
    reader = HeldReader(texts=())
    answer = process(serve(reader), pdf_file(text("first of three"), b"0 0 m 600 700 l S", text("last of three")))
    pages = answer.json()
    assert [page["page_content"] for page in pages] == ["first of three", "last of three"]
    assert [page["metadata"]["page"] for page in pages] == [0, 2]
    assert {page["metadata"]["total_pages"] for page in pages} == {3}
    assert reader.calls == 1  # for the page without text


def test_pages_of_a_tiff_file_are_read(serve):
    file = io.BytesIO()
    frames = [Image.new("L", (80, 40), shade) for shade in (0, 255)]
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
    pages = process(serve(HeldReader(texts=("some text",))), file.getvalue(), "image/tiff").json()
    assert [(page["page_content"], page["metadata"]["page"]) for page in pages] == [("some text", 0), ("some text", 1)]


def test_a_document_without_text_is_said_to_have_none(gateway):
    answer = process(gateway, (SAMPLES / "blank.png").read_bytes(), "image/png")
    assert answer.status_code == 422
    assert "No extractable text" in detail(answer)


@pytest.mark.parametrize("content", [b"", b"Plain text.", b"PK\3\4 and so on", b"%PDF-1.7\nbroken"])
def test_what_is_no_document_is_said_in_one_sentence(gateway, content):
    answer = process(gateway, content, "text/plain")
    assert answer.status_code == 422
    assert "document" in detail(answer) or "image" in detail(answer)


def test_no_header_is_needed(serve):
    (page,) = requests.put(f"{serve(HeldReader())}/process", data=RECEIPT.read_bytes(), timeout=60).json()
    assert page["metadata"]["source"] == "document"


def test_limits_and_outages_have_the_form_too(serve):
    url = serve(HeldReader(error=ServerUnreachableError("nobody", retryable=True)), max_body_bytes=100_000)
    answer = process(url, RECEIPT.read_bytes()[:50_000] + bytes(100_000))
    assert (answer.status_code, "100,000 bytes" in detail(answer)) == (413, True)
    small = io.BytesIO()
    Image.new("L", (80, 40)).save(small, "PNG")
    answer = process(url, small.getvalue())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert detail(answer)
    assert requests.get(f"{url}/process", timeout=60).json() == {"detail": "Method Not Allowed"}


def test_the_token_is_the_key_of_open_webui(serve):
    url = serve(HeldReader(), token="secret")  # noqa: S106
    answer = process(url, RECEIPT.read_bytes())
    assert (answer.status_code, "token" in detail(answer)) == (401, True)
    assert process(url, RECEIPT.read_bytes(), Authorization="Bearer secret").ok
