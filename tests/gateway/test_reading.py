"""Documents are read page by page."""

import weakref
from contextlib import aclosing

import anyio
import pytest
import requests
from tests.documents.pdf_files import pdf_file, text
from tests.gateway.conftest import HeldReader

from ocr_contract.errors import InvalidInput
from ocr_contract.options import DETECTION
from ocr_gateway.gateway import Gateway
from ocr_gateway.metrics import Metrics
from ocr_gateway.reading import ReadRequest
from ocr_gateway.refusals import NotUnderstood
from ocr_gateway.settings import Settings

PAGES = 12


async def pictures(reader):
    """References to the pictures of a document's pages, and how many of them were there after each page."""
    gateway = Gateway(Settings(concurrency=1), Metrics())
    gateway.start(reader)
    seen, held = [], []
    opened = gateway.documents.open(pdf_file(*[text("page")] * PAGES), ReadRequest(dpi=36))
    async with opened as document, aclosing(document.read_pages()) as pages:
        async for page in pages:
            seen.append(weakref.ref(page.page.picture))
            del page
            held.append(sum(picture() is not None for picture in seen))
    return seen, held


def test_pictures_are_let_go_page_by_page():
    seen, held = anyio.run(pictures, HeldReader())
    assert len(seen) == PAGES
    assert max(held) <= 2


def test_a_page_that_fails_is_named():
    with pytest.raises(NotUnderstood, match=r"^page 1: out of range"):
        anyio.run(pictures, HeldReader(error=InvalidInput("out of range")))


def test_a_server_is_sent_files_also_of_pages_that_carry_text():
    class FileReader(HeldReader):
        takes_pixels = False
        kinds = ()

        async def detect(self, image, **options):
            self.kinds += (type(image),)
            return await super().detect(image, **options)

    async def found():
        gateway = Gateway(Settings(), Metrics())
        gateway.start(reader)
        request = ReadRequest(DETECTION, dpi=36, existing_text="keep")
        async with (
            gateway.documents.open(pdf_file(text("page")), request) as document,
            aclosing(document.pages()) as pages,
        ):
            return [page.origin async for page in pages]

    reader = FileReader()
    assert anyio.run(found) == ["ocr"]
    assert reader.kinds == (bytes,)


def test_an_empty_body_is_said_to_be_empty(serve):
    answer = requests.post(f"{serve(HeldReader())}/read", data=b"", timeout=30)
    assert answer.status_code == 422
    assert "the body is empty" in answer.json()["error"]
