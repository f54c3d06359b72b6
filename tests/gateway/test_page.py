"""The page at /: what a person does with it, in a real browser, over the real gateway."""

import importlib.resources
import io
import json
import re

import img2pdf
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from tests.conftest import SAMPLES, wait_until
from tests.gateway.chromium import OpenedPage, chromium
from tests.gateway.conftest import HeldReader

from ocr_client import OcrClient
from ocr_client.errors import ServerUnreachableError
from ocr_contract.errors import InvalidInput
from ocr_contract.options import OCR, OPTIONS, options_of
from ocr_documents.document import PageResult
from ocr_documents.opening import open_document
from ocr_gateway.readers import STEPS
from ocr_gateway.ways.own.parameters import FORMATS
from ocr_pipeline.clock import STAGES

RECEIPT = SAMPLES / "receipt.png"
BROKEN = {"name": "broken.png", "mimeType": "image/png", "buffer": (SAMPLES / "blank.png").read_bytes()[:60]}
WINDOW = {"locale": "en-US", "viewport": {"width": 1280, "height": 800}}
ALWAYS_SENT = {"format", "name", "return_word_box", "pictures"}


def picture(text="Tea", size=(320, 260), form="PNG"):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((30, 40), text, fill="black", font_size=48)
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def png(name="tea.png", text="Tea"):
    return {"name": name, "mimeType": "image/png", "buffer": picture(text)}


def pdf(*pictures, name="book.pdf"):
    return {"name": name, "mimeType": "application/pdf", "buffer": img2pdf.convert(list(pictures))}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser):
    """Open the page of a gateway; after the test it must have had no error, and have asked nobody else."""
    opened = []

    def start(url, *, is_refused=False, **context):
        window = browser.new_context(**{**WINDOW, **context})
        opened.append(OpenedPage(window, url, is_refused=is_refused))
        return opened[-1]

    yield start
    for page in opened:
        page.check()
        page.page.context.close()


@pytest.fixture(scope="module")
def of_receipt(server):
    """What the client reads on the receipt."""
    with OcrClient(server.http_url) as client:
        return client.ocr(RECEIPT, return_word_box=True)


@pytest.fixture(scope="module")
def receipt_once(browser, gateway):
    opened = OpenedPage(browser.new_context(**WINDOW), gateway, is_refused=False)
    opened.read(RECEIPT)
    yield opened
    opened.check()
    opened.page.context.close()


@pytest.fixture
def receipt(receipt_once):
    """The page with the receipt, which is read once; a test finds it as if it had just been read."""
    page = receipt_once.page
    page.mouse.move(2, 2)
    page.keyboard.press("Escape")
    page.click("#zoom-fit")
    if page.get_attribute("#show-words", "aria-pressed") == "true":
        page.click("#show-words")
    return receipt_once


def transfer(opened, event, files, target="document"):
    """Let a drag or a paste bring files."""
    opened.page.evaluate(
        """([kind, files, field, target]) => {
            const data = new DataTransfer();
            for (const [name, bytes, type] of files) data.items.add(new File([new Uint8Array(bytes)], name, {type}));
            const Kind = kind === "paste" ? ClipboardEvent : DragEvent;
            const where = target === "document" ? document : document.querySelector(target);
            where.dispatchEvent(new Kind(kind, {[field]: data, bubbles: true, cancelable: true}));
        }""",
        [event, files, "clipboardData" if event == "paste" else "dataTransfer", target],
    )


class TestIntake:
    def test_a_chosen_picture_is_read_as_the_client_reads_it(self, receipt, of_receipt):
        assert receipt.lines() == list(of_receipt.texts)
        assert receipt.boxes() == [[pytest.approx(corner) for corner in box] for box in of_receipt.boxes.tolist()]
        assert receipt.page.text_content("#text-count") == f"{len(of_receipt)} lines"
        assert receipt.page.locator("#times .stages div").count() == 4

    def test_files_are_dropped(self, open_page, gateway):
        opened = open_page(gateway)
        dropped = [["tea.png", list(picture("Tea")), "image/png"]]
        transfer(opened, "dragenter", dropped, "main")
        expect(opened.page.locator("#dropping")).to_be_visible()
        transfer(opened, "drop", dropped, "main")
        expect(opened.page.locator("#dropping")).to_be_hidden()
        opened.until_read()
        assert opened.lines() == ["Tea"]

    def test_pictures_are_pasted_and_get_names_of_their_own(self, open_page, gateway):
        opened = open_page(gateway)
        for text in ("Tea", "Milk"):
            transfer(opened, "paste", [["image.png", list(picture(text)), "image/png"]])
            opened.until_read()
            assert opened.lines() == [text]
        assert opened.page.locator(".file .name").all_text_contents() == ["pasted 1.png", "pasted 2.png"]

    def test_a_sample_is_drawn_and_read(self, open_page, gateway):
        opened = open_page(gateway)
        opened.page.click("text=Try a sample")
        opened.until_read()
        assert "Lin Xiaoman" in opened.lines()

    def test_a_photo_can_be_taken_where_there_is_a_camera(self, open_page, serve):
        opened = open_page(serve(HeldReader()), has_touch=True, is_mobile=True)
        expect(opened.page.locator("#welcome >> text=Take a photo")).to_be_visible()
        assert opened.page.get_attribute("#photograph", "capture") == "environment"
        opened.page.set_input_files("#photograph", [png("photo.png")])
        opened.until_read()

    def test_several_files_are_read_one_after_the_other(self, open_page, serve):
        reader = HeldReader(held=True)
        opened = open_page(serve(reader))
        opened.choose(png("one.png"), png("two.png"))
        expect(opened.page.locator(".file")).to_have_text(["one.pngreading", "two.pngwaiting"])
        wait_until(lambda: reader.calls == 1, "the first file is being read")
        reader.held = False
        expect(opened.page.locator(".file")).to_have_text(["one.png1 page", "two.png1 page"])
        opened.page.click("[aria-label='Remove one.png']")
        expect(opened.page.locator(".file")).to_have_text(["two.png1 page"])
        expect(opened.page.locator(".file")).to_be_focused()


class TestPicture:
    def test_a_picture_is_shown_by_the_browser_itself(self, receipt):
        size = receipt.page.locator("#sheet img").evaluate("one => [one.naturalWidth, one.naturalHeight]")
        assert size == list(Image.open(RECEIPT).size)

    def test_a_photo_that_was_taken_upright_lies_under_its_boxes(self, open_page, gateway, server):
        opened = open_page(gateway)
        opened.read(SAMPLES / "exif.jpg")
        width, height = opened.page.locator("#sheet img").evaluate("one => [one.naturalWidth, one.naturalHeight]")
        assert (width, height) == Image.open(SAMPLES / "exif.jpg").size[::-1]
        assert opened.page.get_attribute("#sheet svg", "viewBox") == f"0 0 {width} {height}"
        with OcrClient(server.http_url) as client:
            assert opened.lines() == list(client.ocr(SAMPLES / "exif.jpg").texts)

    def test_hovering_joins_box_and_line_both_ways(self, receipt):
        page = receipt.page
        box, line = page.locator("#sheet .line").nth(4), page.locator("#lines li").nth(4)
        box.hover()
        expect(line).to_have_class("row active")
        expect(page.locator("#caption")).to_have_text(receipt.lines()[4])
        page.locator("#lines li").nth(6).hover()
        expect(page.locator("#sheet .line").nth(6)).to_have_class("line active")
        expect(box).to_have_class("line")

    def test_focus_joins_them_too_and_a_click_holds_until_escape(self, receipt):
        page = receipt.page
        page.locator("#lines li").nth(2).focus()
        expect(page.locator("#sheet .line").nth(2)).to_have_class("line active")
        page.locator("#sheet .line").nth(5).click()
        page.mouse.move(2, 2)
        expect(page.locator("#lines li").nth(5)).to_be_focused()
        expect(page.locator("#sheet .line").nth(5)).to_have_class("line active")
        page.keyboard.press("Escape")
        expect(page.locator("#sheet .active, #lines .active")).to_have_count(0)

    def test_words_are_shown_on_demand(self, receipt, of_receipt):
        page = receipt.page
        words = page.locator("#sheet .word")
        expect(words.first).to_be_hidden()
        page.click("#show-words")
        assert page.get_attribute("#show-words", "aria-pressed") == "true"
        expect(words.first).to_be_visible()
        assert receipt.boxes("word") == [[pytest.approx(c) for c in box] for box in of_receipt.word_boxes.tolist()]
        index = next(index for index, word in enumerate(of_receipt.words) if len(word) > 3)
        words.nth(index).hover()
        expect(page.locator("#lines [data-word].active")).to_have_text(of_receipt.words[index])
        page.locator(f"#lines [data-word='{index + 1}']").hover()
        expect(words.nth(index + 1)).to_have_class("word active")

    def test_zoom(self, receipt):
        page = receipt.page
        at_first = page.locator("#sheet").bounding_box()["width"]
        page.click("#zoom-in")
        assert page.locator("#sheet").bounding_box()["width"] == pytest.approx(1.25 * at_first, rel=0.01)
        page.focus("#stage")
        page.keyboard.press("-")
        page.keyboard.press("-")
        assert page.locator("#sheet").bounding_box()["width"] == pytest.approx(at_first / 1.25, rel=0.01)
        page.keyboard.press("0")
        assert page.locator("#sheet").bounding_box()["width"] == pytest.approx(at_first, rel=0.01)

    def test_zooming_with_the_wheel_keeps_what_is_under_the_pointer(self, receipt):
        page = receipt.page
        corner = page.locator("#sheet .line").nth(10)
        for _ in range(6):
            page.click("#zoom-in")
        corner.scroll_into_view_if_needed()
        before = corner.bounding_box()
        page.mouse.move(before["x"], before["y"])
        page.keyboard.down("Control")
        page.mouse.wheel(0, -100)
        page.keyboard.up("Control")
        page.wait_for_function(
            "width => document.querySelectorAll('#sheet .line')[10].getBoundingClientRect().width > width",
            arg=before["width"],
        )
        after = corner.bounding_box()
        assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=3)


class TestText:
    @pytest.fixture
    def copied(self, receipt):
        receipt.page.context.grant_permissions(["clipboard-read", "clipboard-write"])

        def copied():
            expect(receipt.page.locator("#toast")).to_have_text("Copied")
            return receipt.page.evaluate("navigator.clipboard.readText()")

        return copied

    def test_all_text_is_copied(self, receipt, copied, of_receipt):
        receipt.page.click("#copy")
        assert copied() == "\n".join(of_receipt.texts)

    def test_a_line_is_copied(self, receipt, copied, of_receipt):
        row = receipt.page.locator("#lines li").nth(3)
        row.hover()
        row.locator(".copy").click()
        assert copied() == of_receipt.texts[3]

    def test_what_was_read_is_text_and_nothing_else(self, open_page, serve):
        texts = ("<img src=x onerror=alert(1)>", "مرحبا بالعالم", "&lt;b&gt;")
        opened = open_page(serve(HeldReader(texts=texts)))
        opened.read(png("<i>name</i>.png"))
        assert opened.lines() == list(texts)
        assert opened.page.locator("#lines img, .file i").count() == 0
        directions = opened.page.locator(".line-text").evaluate_all(
            "all => all.map(one => getComputedStyle(one).direction)"
        )
        assert directions == ["ltr", "rtl", "ltr"]

    def test_a_page_without_text_says_so(self, open_page, serve):
        opened = open_page(serve(HeldReader(texts=())))
        opened.read(png())
        expect(opened.page.locator("#empty")).to_have_text("No text was found on this page.")


def _letters(texts):
    """Without spaces, and without the breaks of lines: a PDF's reader joins what stands side by side."""
    return "".join("".join(texts).split())


class TestDownloads:
    def saved(self, opened, form):
        opened.page.click("#open-download")
        with opened.page.expect_download() as download:
            opened.page.click(f"[data-format={form}]")
        return download.value.suggested_filename, download.value.path().read_bytes()

    def test_each_format_holds_what_was_read_and_nothing_is_read_again(self, receipt, of_receipt):
        page = PageResult(1, *Image.open(RECEIPT).size, None, "ocr", of_receipt)
        for word in FORMATS.keys() - {"pdf"}:
            name, content = self.saved(receipt, word)
            assert name == f"receipt{FORMATS[word].suffix}"
            writer = FORMATS[word].document()
            expected = writer.head("receipt.png", 1) + writer.page(page) + writer.tail()
            if word == "json":
                assert json.loads(content) == json.loads(expected)
            else:
                assert content.decode() == expected
        assert len(receipt.asked("read")) == 1

    def test_the_pdf_can_be_searched(self, receipt, of_receipt):
        name, content = self.saved(receipt, "pdf")
        assert name == "receipt.pdf"
        with open_document(content, existing_text="keep") as document:
            text = document.page(1).text
        assert _letters(text.texts) == _letters(of_receipt.texts)

    def test_a_file_that_cannot_be_made_is_told(self, open_page, serve):
        opened = open_page(serve(HeldReader()), is_refused=True)
        opened.read(png())
        opened.page.route(
            "**/write?*", lambda route: route.fulfill(status=422, json={"error": "the document is signed."})
        )
        opened.page.click("#open-download")
        opened.page.click("[data-format=pdf]")
        expect(opened.page.locator("#problem-text")).to_have_text("The file could not be made: the document is signed.")
        expect(opened.page.locator("#again")).to_be_hidden()
        assert opened.lines() == ["a line of text"]


class TestOptions:
    def test_only_what_was_changed_is_sent(self, open_page, serve):
        reader = HeldReader()
        opened = open_page(serve(reader))
        page = opened.page
        opened.read(png())
        assert set(opened.asked("read")[0]) == ALWAYS_SENT
        page.click("#open-options")
        page.fill("[name=text_det_box_thresh]", "0.7")
        page.select_option("[name=text_reading_order]", "rows")
        page.check("[name=use_textline_orientation]")
        page.click("text=Apply and read again")
        expect(page.locator("#options-count")).to_have_text("3")
        wait_until(lambda: len(opened.asked("read")) == 2 or page.wait_for_timeout(20), "it is read again")
        opened.until_read()
        assert reader.options == {
            "text_det_box_thresh": 0.7,
            "text_reading_order": "rows",
            "use_textline_orientation": True,
            "return_word_box": True,
        }
        page.click("#open-options")
        expect(page.locator("[name=text_det_box_thresh]")).to_have_value("0.7")
        page.click("#options-reset")
        page.click("#options-apply")
        expect(page.locator("#options-count")).to_be_hidden()

    def test_the_form_has_each_option_of_the_table_with_its_range(self, open_page, gateway):
        page = open_page(gateway).page
        page.click("#open-options")
        for name in set(options_of(OCR)) - {"page", "return_word_box"}:
            option, field = OPTIONS[name], page.locator(f"[name={name}]")
            expect(page.locator(f"#option-{name}-about")).to_have_text(option.meaning)
            if option.range.bounds:
                assert [float(field.get_attribute(end)) for end in ("min", "max")] == list(option.range.bounds)
            elif option.range.choices:
                values = field.locator("option").evaluate_all("all => all.map(one => one.value)")
                assert (values, field.input_value()) == (list(option.range.choices), option.default)
            else:
                assert field.is_checked() == option.default

    @pytest.mark.parametrize(
        ("name", "wrong", "sentence"),
        [
            ("text_det_thresh", "7", "A number from 0 to 1."),
            ("text_det_limit_side_len", "31.5", "A whole number from 32 to 4,000."),
            ("pages", "1-,x", "Page numbers and ranges, such as 1-3,8-"),
            ("dpi", "10", "A whole number from 36 to 1,200."),
        ],
    )
    def test_a_wrong_value_is_told_at_once_and_not_taken(self, open_page, gateway, name, wrong, sentence):
        page = open_page(gateway).page
        page.click("#open-options")
        field = page.locator(f"[name={name}]")
        field.fill(wrong)
        page.click("#options-apply")
        expect(page.locator(f"#option-{name}-wrong")).to_have_text(sentence)
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        page.keyboard.press("Escape")
        expect(page.locator("#options")).to_be_hidden()
        expect(page.locator("#options-count")).to_be_hidden()


class FailingPages(HeldReader):
    """Reads all pages but those that are very wide."""

    async def ocr(self, image, **options):
        if not isinstance(image, bytes) and image.shape[1] > 4 * image.shape[0]:
            raise InvalidInput("it is a strip")
        return await super().ocr(image, **options)


class TestDocuments:
    def test_pages_of_a_pdf_are_read_shown_and_written(self, open_page, gateway):
        opened = open_page(gateway)
        page = opened.page
        opened.read(pdf(*map(picture, ("Tea", "Milk", "Honey"))))
        assert opened.lines() == ["Tea"]
        expect(page.locator("#page-count")).to_have_text("of 3")
        expect(page.locator("#previous")).to_be_disabled()
        page.click("#next")
        expect(page.locator(".line-text")).to_have_text(["Milk"])
        page.fill("#page-number", "3")
        page.keyboard.press("Enter")
        expect(page.locator(".line-text")).to_have_text(["Honey"])
        expect(page.locator("#next")).to_be_disabled()
        page.focus("#stage")
        page.keyboard.press("PageUp")
        expect(page.locator(".line-text")).to_have_text(["Milk"])
        name, content = TestDownloads().saved(opened, "text")
        assert (name, content) == ("book.txt", b"Tea\n\fMilk\n\fHoney\n")
        name, content = TestDownloads().saved(opened, "pdf")
        with open_document(content, existing_text="keep") as document:
            assert [document.page(number).text.texts for number in (1, 2, 3)] == [("Tea",), ("Milk",), ("Honey",)]

    def test_text_that_a_pdf_carries_is_kept_until_reading_is_asked_for(self, open_page, serve):
        reader = HeldReader()
        opened = open_page(serve(reader))
        page = opened.page
        file = pdf(picture())
        opened.read(file)
        _, written = TestDownloads().saved(opened, "pdf")
        opened.choose({**file, "buffer": written})
        expect(page.locator("#notice-text")).to_have_text("This page carries its own text, which was kept.")
        calls = reader.calls
        page.click("text=Read it all the same")
        expect(page.locator("#notice")).to_be_hidden()
        opened.until_read()
        assert (opened.lines(), reader.calls) == (["a line of text"], calls + 1)

    def test_pages_of_a_tiff_are_shown(self, open_page, serve):
        opened = open_page(serve(HeldReader()))
        file, pages = io.BytesIO(), [Image.new("RGB", (300, 100 + 50 * n), "white") for n in range(2)]
        pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
        opened.read({"name": "fax.tif", "mimeType": "image/tiff", "buffer": file.getvalue()})
        opened.page.click("#next")
        expect(opened.page.locator("#sheet svg")).to_have_attribute("viewBox", "0 0 300 150")
        assert opened.page.locator("#sheet img").evaluate("one => [one.naturalWidth, one.naturalHeight]") == [300, 150]

    def test_progress_is_told_and_reading_can_be_cancelled(self, open_page, serve):
        reader = HeldReader(held=True)
        opened = open_page(serve(reader, concurrency=1))
        page = opened.page
        opened.choose(pdf(*map(picture, ("Tea", "Milk", "Honey"))))
        expect(page.locator("#progress-text")).to_have_text("0 of 3 pages read")
        expect(page.locator("#announcements")).to_have_text("0 of 3 pages read")
        expect(page.locator("#note")).to_have_text("Page 1 is not read yet.")
        wait_until(lambda: reader.calls == 1, "the first page is being read")
        page.click("#cancel")
        expect(page.locator("#progress")).to_be_hidden()
        expect(page.locator(".file")).to_have_text(["book.pdfstopped"])
        expect(page.locator("#again")).to_be_focused()
        wait_until(lambda: reader.cancelled == reader.calls, "the gateway has given up too")
        reader.held = False
        page.click("#again")
        opened.until_read()
        expect(page.locator(".file")).to_have_text(["book.pdf3 pages"])

    def test_pages_that_failed_are_named_with_their_reason(self, open_page, serve):
        opened = open_page(serve(FailingPages(), concurrency=1))
        page = opened.page
        opened.choose(pdf(picture(), picture(size=(900, 160)), picture(size=(900, 160)), picture()))
        expect(page.locator("#failed-text")).to_have_text("2 pages could not be read:")
        expect(page.locator(".file")).to_have_text(["book.pdf2 of 4 pages failed"])
        page.click("#failed-pages >> text=Page 3")
        expect(page.locator("#note")).to_have_text("Page 3 could not be read: it is a strip.")
        page.click("#next")
        expect(page.locator("#note")).to_be_hidden()
        assert opened.lines() == ["a line of text"]

    def test_a_long_document_stays_light(self, open_page, serve):
        opened = open_page(serve(HeldReader()))
        page = opened.page
        page.click("#open-options")
        page.fill("[name=dpi]", "36")
        page.click("#options-apply")
        count = 120
        opened.read(pdf(*(picture(f"{n}") for n in range(count))))
        expect(page.locator("#page-count")).to_have_text(f"of {count}")
        for number in (57, 3, count):
            page.fill("#page-number", str(number))
            page.keyboard.press("Enter")
            expect(page.locator("#sheet img")).to_have_attribute("alt", f"book.pdf, page {number}")
        assert page.locator("img").count() == 1
        assert page.locator("*").count() < 400


class TestErrors:
    def sentence(self, opened, file=None):
        opened.choose(file or png())
        expect(opened.page.locator("#problem")).to_be_visible(timeout=15_000)
        expect(opened.page.locator(".file").last).to_contain_text("failed")
        return opened.page.text_content("#problem-text")

    def test_a_file_that_is_none(self, open_page, gateway):
        opened = open_page(gateway, is_refused=True)
        sentence = self.sentence(opened, BROKEN)
        assert sentence.startswith("The file could not be read: the document is a broken picture")
        expect(opened.page.locator("#note")).to_have_text("This file cannot be shown.")
        expect(opened.page.locator("#copy")).to_be_disabled()

    def test_a_file_that_is_too_large_is_not_even_sent(self, open_page, serve):
        opened = open_page(serve(HeldReader(), max_body_bytes=1 << 20))
        big = {"name": "big.png", "mimeType": "image/png", "buffer": bytes((1 << 20) + 1)}
        assert self.sentence(opened, big) == "The file is too large: the gateway takes up to 1 MiB."
        assert opened.asked("read") == []

    def test_too_much_to_do(self, open_page, serve):
        opened = open_page(serve(HeldReader(), max_requests=0), is_refused=True)
        assert self.sentence(opened) == "The gateway has too much to do now: try again in 2 s."

    def test_a_server_that_is_down_and_comes_back(self, open_page, serve):
        reader = HeldReader(error=ServerUnreachableError("connection refused"))
        opened = open_page(serve(reader))
        assert self.sentence(opened) == "The OCR server is not ready now: try again in 2 s."
        reader.error = None
        opened.page.click("#again")
        opened.until_read()
        expect(opened.page.locator("#problem")).to_be_hidden()

    def test_too_late(self, open_page, serve):
        opened = open_page(serve(HeldReader(held=True), timeout_s=2))
        assert self.sentence(opened).startswith("It took longer than the gateway's limit of 2 s")

    def test_no_connection(self, open_page, serve):
        opened = open_page(serve(HeldReader()))
        opened.page.route("**/read?*", lambda route: route.abort("connectionrefused"))
        assert self.sentence(opened) == "The gateway cannot be reached: check the connection, and try again."
        opened.complaints.clear()  # the browser's own word on that

    def test_a_connection_that_breaks_keeps_what_was_read(self, open_page, serve):
        opened = open_page(serve(HeldReader()))
        opened.read(png())
        events = requests.post(f"{opened.url}/read?format=events", picture(), timeout=30).text.splitlines(keepends=True)
        body = "".join(events[:2]) + events[2][:20]
        opened.page.route("**/read?*", lambda route: route.fulfill(body=body, content_type="application/x-ndjson"))
        sentence = self.sentence(opened, png("second.png"))
        assert sentence == "The connection was lost: what was read until then is kept, and you can try again."
        assert opened.lines() == ["a line of text"]

    def test_a_gateway_that_is_gone_when_the_page_begins(self, browser, serve):
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        page.route("**/about", lambda route: route.abort())
        page.goto(serve(HeldReader()))
        expect(page.locator("#welcome-problem")).to_have_text(
            "The gateway cannot be reached: check the connection, and try again."
        )
        context.close()


class TestToken:
    TOKEN = "a-secret"  # noqa: S105

    def enter(self, opened, token):
        opened.page.fill("#token-value", token)
        opened.page.keyboard.press("Enter")

    def test_it_is_asked_for_and_remembered_for_this_tab_alone(self, open_page, serve):
        url = serve(HeldReader(), token=self.TOKEN)
        opened = open_page(url, is_refused=True)
        page = opened.page
        opened.choose(png())
        expect(page.locator("#token-why")).to_contain_text("kept until this tab is closed")
        self.enter(opened, "wrong")
        expect(page.locator("#token-why")).to_have_text("That token was not accepted. Check it, and try again.")
        self.enter(opened, self.TOKEN)
        opened.until_read()
        TestDownloads().saved(opened, "text")
        page.reload()
        opened.read(png())
        assert self.TOKEN not in page.evaluate("JSON.stringify(localStorage) + document.cookie")
        assert page.evaluate("sessionStorage.length") == 1
        other = page.context.new_page()
        other.goto(url)
        other.set_input_files("#choose", [png()])
        expect(other.locator("#token")).to_be_visible()

    def test_who_has_none_may_go_on_without(self, open_page, serve):
        opened = open_page(serve(HeldReader(), token=self.TOKEN))
        opened.choose(png())
        expect(opened.page.locator("#token")).to_be_visible()
        opened.page.keyboard.press("Escape")
        expect(opened.page.locator("#problem-text")).to_have_text("The gateway wants a token: try again, and enter it.")


class TestLanguages:
    def test_the_browsers_language_is_spoken_and_can_be_changed(self, open_page, serve):
        url = serve(HeldReader())
        opened = open_page(url, locale="zh-CN")
        page = opened.page
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(page.locator("#welcome-title")).to_have_text(re.compile("把图片或 PDF 拖到这里"))
        opened.read(png())
        expect(page.locator("#copy")).to_have_text("复制全部")
        page.click("#language")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator("#copy")).to_have_text("Copy all")
        expect(page.locator(".file")).to_have_text(["tea.png1 page"])
        page.reload()
        expect(page.locator("#welcome-title")).to_have_text(re.compile("Drop a picture or a PDF here"))

    def test_every_string_is_there_in_both(self, open_page, serve):
        page = open_page(serve(HeldReader())).page
        strings = page.evaluate("import(`${location.href}web/strings.js`).then(all => all.STRINGS)")
        for key, forms in strings.items():
            assert forms.keys() == {"en", "zh"}, key
            texts = [text for form in forms.values() for text in ([form] if isinstance(form, str) else form)]
            assert all(texts), key
            places = {tuple(sorted(set(re.findall(r"\{\w+\}", text)))) for text in texts}
            assert len(places) == 1, key
        web = importlib.resources.files("ocr_gateway") / "web"
        sources = [file.read_text("utf-8") for file in web.iterdir() if file.suffix in (".js", ".html")]
        used = {key for text in sources for key in re.findall(r'\bt\("([\w.]+)"|data-t(?:-label)?="([\w.]+)"', text)}
        assert {one or other for one, other in used} <= strings.keys()

    def test_every_option_format_and_stage_has_its_words(self, open_page, serve):
        page = open_page(serve(HeldReader())).page
        strings, chinese = page.evaluate(
            "import(`${location.href}web/strings.js`).then(all => [all.STRINGS, all.CHINESE])"
        )
        shown = set(options_of(OCR)) - {"page", "return_word_box"}
        assert chinese["options"].keys() == shown
        assert chinese["formats"].keys() == FORMATS.keys()
        wanted = [
            *(f"option.{name}" for name in shown),
            *(f"choice.{choice}" for name in shown for choice in OPTIONS[name].range.choices),
            *(f"format.{word}" for word in FORMATS),
            *(f"stage.{stage}" for stage in (*STAGES, *STEPS)),
        ]
        assert set(wanted) <= strings.keys()

    def test_options_are_explained_in_chinese(self, open_page, serve):
        opened = open_page(serve(HeldReader()), locale="zh-CN")
        opened.page.click("#open-options")
        for text in opened.page.locator(
            "#options label, #options p:not([hidden]), #options legend"
        ).all_text_contents():
            assert re.search("[\u4e00-\u9fff]", text), text


class TestLooks:
    def test_light_and_dark_follow_the_system_and_the_switch(self, open_page, serve):
        opened = open_page(serve(HeldReader()), color_scheme="dark")
        page = opened.page

        def brightness():
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3

        assert brightness() < 60
        page.get_by_role("button", name="Use light colours").click()
        assert brightness() > 200
        page.reload()
        assert brightness() > 200
        page.get_by_role("button", name="Use dark colours").click()
        assert brightness() < 60

    @pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
    def test_nothing_sticks_out_of_a_narrow_window(self, open_page, serve, locale):
        opened = open_page(serve(FailingPages()), locale=locale, is_refused=True)
        page = opened.page

        def check(*parts):
            for width in (320, 360, 820, 1100):
                page.set_viewport_size({"width": width, "height": 740})
                assert opened.width_scrolled() == 0, width
                for part in parts:
                    assert page.locator(part).evaluate("one => one.scrollWidth - one.clientWidth") <= 0, (part, width)

        check(".bar", ".drop")
        name = f"{'a-rather-long-name' * 3}.pdf"
        opened.choose(pdf(picture(), picture(size=(900, 160)), picture(), name=name), png(), BROKEN)
        expect(page.locator("#failed")).to_be_visible()
        check(".bar", ".toolbar", ".text-head", ".failed")
        page.click("#open-download")
        check("#formats")
        page.keyboard.press("Escape")
        page.click("text=broken.png")
        expect(page.locator("#problem")).to_be_visible()
        check("#problem")
        page.click("#open-options")
        check("#options-fields")

    def test_who_wants_no_motion_gets_none(self, open_page, serve):
        reader = HeldReader(held=True)
        opened = open_page(serve(reader), reduced_motion="reduce")
        opened.choose(png())
        expect(opened.page.locator(".symbol.reading")).to_be_visible()
        opened.page.wait_for_timeout(100)
        moving = "document.getAnimations().filter(one => one.playState === 'running').length"
        assert opened.page.evaluate(moving) == 0
        reader.held = False


class TestAccess:
    def press(self, opened, *keys):
        for key in keys:
            opened.page.keyboard.press(key)

    def tab_to(self, opened, selector):
        for _ in range(40):
            if opened.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            opened.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not reach {selector}")

    def test_all_is_done_with_the_keyboard_alone(self, open_page, serve):
        opened = open_page(serve(HeldReader(texts=("first", "second", "third"))))
        page = opened.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        choosers = []
        page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108 -- Playwright keeps no bound method
        self.tab_to(opened, "[data-do=choose]")
        self.press(opened, "Enter")
        wait_until(lambda: choosers or page.wait_for_timeout(20), "files may be chosen")
        choosers[0].set_files([png()])
        opened.until_read()
        self.tab_to(opened, "#show-words")
        self.press(opened, "Space")
        assert page.get_attribute("#show-words", "aria-pressed") == "true"
        self.tab_to(opened, "#open-download")
        self.press(opened, "Enter", "Tab")
        expect(page.locator("[data-format=pdf]")).to_be_focused()
        self.press(opened, "Escape")
        expect(page.locator("#formats")).to_be_hidden()
        expect(page.locator("#open-download")).to_be_focused()
        self.tab_to(opened, "#lines li")
        self.press(opened, "ArrowDown", "ArrowDown", "ArrowUp")
        expect(page.locator("#sheet .line").nth(1)).to_have_class("line active")
        self.press(opened, "Enter")
        expect(page.locator("#toast")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == "second"
        self.press(opened, "Tab")
        expect(page.locator("#lines li").nth(1).locator(".copy")).to_be_focused()
        self.press(opened, "Shift+Tab", "End", "Home")
        expect(page.locator("#lines li").nth(0)).to_be_focused()

    def test_a_dialog_takes_the_focus_and_gives_it_back(self, open_page, serve):
        opened = open_page(serve(HeldReader()))
        self.tab_to(opened, "#open-options")
        self.press(opened, "Enter")
        for _ in range(30):
            self.press(opened, "Tab")
            assert opened.page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('#options')"
            )
        self.press(opened, "Escape")
        expect(opened.page.locator("#open-options")).to_be_focused()

    def test_what_has_the_focus_is_seen(self, open_page, serve):
        opened = open_page(serve(HeldReader()))
        opened.read(png())
        seen = set()
        for _ in range(30):
            self.press(opened, "Tab")
            name, width = opened.page.evaluate(
                "(() => { const one = document.activeElement; return [one.outerHTML.slice(0, 80),"
                " parseFloat(getComputedStyle(one).outlineWidth)]; })()"
            )
            if not name.startswith("<body"):
                seen.add(name)
                assert width >= 2, name
        assert len(seen) > 12

    @pytest.mark.parametrize("colours", ["light", "dark"])
    def test_axe_finds_nothing(self, open_page, serve, colours):
        opened = open_page(serve(FailingPages()), color_scheme=colours, reduced_motion="reduce", is_refused=True)
        page = opened.page

        def check(what):
            found = Axe().run(page)
            assert found.violations_count == 0, f"{what}: {found.generate_report()}"

        check("welcome")
        opened.choose(pdf(picture(), picture(size=(900, 160)), picture()), BROKEN)
        opened.until_read()
        page.click("#show-words")
        page.locator("#lines li").first.focus()
        check("document")
        page.click("#open-download")
        check("menu")
        page.keyboard.press("Escape")
        page.click("text=broken.png")
        expect(page.locator("#problem")).to_be_visible()
        check("error")
        page.click("#open-options")
        page.fill("[name=dpi]", "3")
        page.keyboard.press("Tab")
        check("options")

    def test_a_screen_reader_is_told_what_happens(self, open_page, serve):
        opened = open_page(serve(HeldReader(texts=("one", "two"))))
        opened.read(png())
        expect(opened.page.locator("#announcements")).to_have_text(
            re.compile(r"tea\.png: done, 2 lines in [\d.]+ seconds")
        )
        landmarks = opened.page.get_by_role("region").or_(opened.page.get_by_role("navigation"))
        names = landmarks.evaluate_all("all => all.map(one => one.getAttribute('aria-label') ?? one.id)")
        assert names == ["Files", "Picture", "text"]


class TestPolicy:
    def test_nothing_but_the_gateway_may_be_asked_and_nothing_inline_run(self, gateway):
        for path in ("/", "/web/app.js", "/web/style.css"):
            answer = requests.get(gateway + path, timeout=10)
            policy = answer.headers["Content-Security-Policy"]
            for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:"):
                assert f"{rule};" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
