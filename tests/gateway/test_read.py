"""POST /read and POST /write: documents in, every format out, and each parameter."""

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

import img2pdf
import numpy as np
import pytest
import requests
from PIL import Image
from tests.conftest import SAMPLES
from tests.gateway.conftest import QUAD, HeldReader

from ocr_client import OcrClient
from ocr_contract.errors import InvalidInput
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_documents.document import PageResult
from ocr_documents.opening import open_document
from ocr_gateway.ways.own.parameters import FORMATS

RECEIPT = (SAMPLES / "receipt.png").read_bytes()
BLANK = (SAMPLES / "blank.png").read_bytes()
MEDIA_TYPES = {
    "json": "application/x-ndjson",
    "text": "text/plain; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "hocr": "application/xhtml+xml",
    "alto": "application/xml",
    "markdown": "text/markdown; charset=utf-8",
    "pdf": "application/pdf",
}


def read(url, file=BLANK, **parameters):
    return requests.post(f"{url}/read", file, params=parameters, timeout=60)


def write(url, pages, file=None, **parameters):
    fields = {"pages": (None, pages)}
    if file is not None:
        fields["file"] = ("document", file)
    return requests.post(f"{url}/write", files=fields, params=parameters, timeout=60)


def json_lines(answer):
    assert answer.ok, answer.text
    return [json.loads(line) for line in answer.text.split("\n")[:-1]]


def events(url, file=BLANK, **parameters):
    return json_lines(read(url, file, format="events", **parameters))


def picture(width=200, height=80, level=255):
    file = io.BytesIO()
    Image.new("RGB", (width, height), (level,) * 3).save(file, "PNG")
    return file.getvalue()


def pdf(*pictures):
    return img2pdf.convert(list(pictures))


def tiff(*sizes):
    file, pages = io.BytesIO(), [Image.new("L", size, 255) for size in sizes]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def error(answer, status=422):
    assert answer.status_code == status, answer.text
    (sentence,) = answer.json().values()
    return sentence


@pytest.fixture(scope="module")
def of_receipt(server):
    with OcrClient(server.http_url) as client:
        return client.ocr(RECEIPT, return_word_box=True)


@pytest.fixture
def held(serve):
    """A gateway over a reader that the test holds: (reader, URL)."""
    reader = HeldReader()
    return reader, serve(reader)


@pytest.fixture(scope="module")
def page(of_receipt):
    """The receipt's page."""
    return PageResult(1, *Image.open(SAMPLES / "receipt.png").size, None, "ocr", of_receipt)


class TestFormats:
    @pytest.mark.parametrize("word", FORMATS)
    def test_each_is_what_the_client_writes(self, gateway, page, word):
        answer = read(gateway, RECEIPT, format=word, name="receipt.png", return_word_box="true")
        assert answer.headers["Content-Type"] == MEDIA_TYPES[word]
        assert answer.headers["Content-Disposition"] == f'attachment; filename="result{FORMATS[word].suffix}"'
        if word == "pdf":
            with open_document(answer.content, existing_text="keep") as document:
                kept = document.page(1).text
            assert sorted("".join(kept.texts).replace(" ", "")) == sorted(
                "".join(page.result.texts).replace(" ", "").replace("\u3000", "")
            )
            return
        writer = FORMATS[word].document()
        expected = writer.head("receipt.png", 1) + writer.page(page) + writer.tail()
        assert json.loads(answer.text) == json.loads(expected) if word == "json" else answer.text == expected

    def test_json_is_the_default_and_has_words_only_on_request(self, gateway, of_receipt):
        (page,) = json_lines(read(gateway, RECEIPT))
        assert (page["image"], page["page"], page["origin"]) == ("document", 1, "ocr")
        assert page["texts"] == list(of_receipt.texts)
        assert "words" not in page

    @pytest.mark.parametrize("word", [word for word, form in FORMATS.items() if form.needs_words])
    def test_a_format_that_places_words_asks_for_them(self, held, word):
        reader, url = held
        assert read(url, format=word).ok
        assert reader.options == {"return_word_box": True}
        assert "needs words" in error(read(url, format=word, return_word_box="false"))


class TestParameters:
    def test_options_reach_the_reader_as_numbers_words_and_truths(self, held):
        reader, url = held
        given = {
            "text_det_thresh": "0.25",
            "text_det_limit_side_len": "960",
            "text_reading_order": "rows",
            "use_doc_orientation_classify": "true",
        }
        assert read(url, **given).ok
        assert reader.options == {
            "text_det_thresh": 0.25,
            "text_det_limit_side_len": 960,
            "text_reading_order": "rows",
            "use_doc_orientation_classify": True,
        }

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("format", "docx", "format must be one of"),
            ("task", "translate", "task must be one of ocr, detect, recognize"),
            ("pages", "3-1", "pages"),
            ("pages", "a", "pages"),
            ("dpi", "35", "dpi must be a whole number from 36 to 1200"),
            ("dpi", "1201", "dpi must be a whole number"),
            ("dpi", "2e2", "dpi must be a whole number"),
            ("dpi", "000000200999", "dpi must be a whole number"),
            ("dpi", "000000200" + "0" * 5000, "dpi must be a whole number"),
            ("existing_text", "drop", "existing_text must be one of keep, read"),
            ("pictures", "yes", "pictures must be one of true, false"),
            ("text_det_thresh", "2", "text_det_thresh must be a number from 0 to 1"),
            ("return_word_box", "1", "return_word_box must be true or false"),
            ("page", "1", '"page" is not an option of this task'),
            ("colour", "red", 'unknown parameter "colour"'),
            ("x" * 5000, "1", "unknown parameter"),
        ],
    )
    def test_a_wrong_or_unknown_one_is_named(self, held, name, value, said):
        reader, url = held
        sentence = error(read(url, **{name: value}))
        assert said in sentence
        assert len(sentence) < 1000
        assert reader.calls == 0

    def test_one_that_comes_twice_is_an_error(self, held):
        _, url = held
        answer = requests.post(f"{url}/read?format=text&format=json", BLANK, timeout=30)
        assert error(answer) == 'the parameter "format" comes twice'

    def test_pages_and_dpi_say_what_is_drawn(self, held):
        _, url = held
        file = pdf(picture(), picture(400, 80), picture(600, 80))
        found = json_lines(read(url, file, pages="3,1-2", dpi="96"))
        assert [page["page"] for page in found] == [1, 2, 3]
        pages = {dpi: json_lines(read(url, file, pages="2-", dpi=str(dpi))) for dpi in (96, 192)}
        assert [page["page"] for page in pages[96]] == [2, 3]
        assert [page["width"] for page in pages[192]] == [2 * page["width"] for page in pages[96]]
        assert "page" in error(read(url, file, pages="4"))

    def test_the_name_stands_in_results(self, held):
        _, url = held
        (page,) = json_lines(read(url, name="账单 1.png"))
        assert page["image"] == "账单 1.png"


class TestTasks:
    def test_boxes_alone(self, gateway, server):
        with OcrClient(server.http_url) as client:
            expected = client.detect(RECEIPT)
        (page,) = json_lines(read(gateway, RECEIPT, task="detect"))
        assert page["task"] == "detect"
        assert DetectionResult.from_dict(page) == expected
        assert events(gateway, RECEIPT, task="detect")[1]["page"] == page

    def test_each_page_as_one_line(self, gateway, server):
        row = np.asarray(Image.open(SAMPLES / "receipt.png").convert("RGB"))[170:205, 260:610]
        file = io.BytesIO()
        Image.fromarray(row).save(file, "PNG")
        with OcrClient(server.http_url) as client:
            expected = client.recognize([file.getvalue()])
        (page,) = json_lines(read(gateway, file.getvalue(), task="recognize"))
        assert RecognitionResult.from_dict(page) == expected
        assert read(gateway, file.getvalue(), task="recognize", format="text").text == f"{expected.texts[0]}\n"
        assert events(gateway, file.getvalue(), task="recognize")[1]["page"] == page

    @pytest.mark.parametrize(("task", "word"), [("detect", "text"), ("detect", "pdf"), ("recognize", "hocr")])
    def test_a_format_that_a_task_cannot_fill_is_refused(self, held, task, word):
        _, url = held
        assert f"format={word} cannot be made of task={task}" in error(read(url, task=task, format=word))

    def test_options_of_another_task_are_refused(self, held):
        _, url = held
        sentence = error(read(url, task="recognize", text_det_thresh="0.3"))
        assert sentence.startswith('"text_det_thresh" is not an option of this task')
        assert "use_textline_orientation" in sentence


class Strips(HeldReader):
    """Refuses what is very wide."""

    async def ocr(self, image, **options):
        if not isinstance(image, bytes) and image.shape[1] > 4 * image.shape[0]:
            raise InvalidInput("it is a strip")
        return await super().ocr(image, **options)


class TestEvents:
    def test_a_picture(self, gateway, of_receipt):
        opened, page, ended = events(gateway, RECEIPT, return_word_box="true")
        assert opened == {"event": "opened", "kind": "picture", "count": 1, "pages": [1]}
        assert OcrResult.from_dict(page["page"]) == of_receipt
        assert "picture" not in page
        assert (ended["event"], ended["read"], ended["failed"]) == ("ended", 1, 0)
        assert [stage["stage"] for stage in ended["stages"]] == [
            "wait_turn",
            "det_batcher",
            "rec_batcher",
            "ctc_decode",
        ]

    @pytest.mark.parametrize(
        ("file", "kind", "numbers"),
        [
            (pdf(picture(), picture(400, 80), picture()), "pdf", [1, 3]),
            (tiff((50, 40), (60, 40), (70, 40)), "tiff", [1, 3]),
        ],
    )
    def test_some_pages_of_a_document(self, held, file, kind, numbers):
        _, url = held
        opened, *pages, ended = events(url, file, pages="1,3")
        assert opened == {"event": "opened", "kind": kind, "count": 3, "pages": numbers}
        assert [page["page"]["page"] for page in pages] == numbers
        assert ended["read"] == 2

    @pytest.mark.parametrize(("file", "size"), [(tiff((300, 200)), (300, 200)), (picture(5000, 1000), (2000, 400))])
    def test_pictures_are_upright_and_of_bounded_size(self, held, file, size):
        _, url = held
        _, page, _ = events(url, file, pictures="true")
        head, _, body = page["picture"].partition(",")
        assert head == "data:image/jpeg;base64"
        assert Image.open(io.BytesIO(base64.b64decode(body))).size == size

    def test_the_picture_of_a_photo_is_turned_as_its_boxes_are(self, held):
        _, url = held
        _, page, _ = events(url, (SAMPLES / "exif.jpg").read_bytes(), pictures="true")
        shown = Image.open(io.BytesIO(base64.b64decode(page["picture"].partition(",")[2]))).size
        assert shown == (page["page"]["width"], page["page"]["height"]) == Image.open(SAMPLES / "exif.jpg").size[::-1]

    def test_a_page_that_fails_is_told_and_the_others_go_on(self, serve):
        url = serve(Strips())
        file = pdf(picture(), picture(900, 80), picture())
        found = events(url, file)
        assert [one["event"] for one in found] == ["opened", "page", "failed", "page", "ended"]
        assert found[2] == {"event": "failed", "number": 2, "error": "it is a strip", "status": 422}
        assert (found[4]["read"], found[4]["failed"]) == (2, 1)
        assert error(read(url, file)) == "page 2: it is a strip"

    def test_what_cannot_be_opened_has_a_status_of_its_own(self, held):
        _, url = held
        for file in (b"", b"hello", BLANK[:60], pdf(picture())[:500]):
            assert "document" in error(read(url, file, format="events"))

    def test_the_time_limit_ends_it_with_a_word(self, serve):
        url = serve(HeldReader(held=True), timeout_s=1.5)
        opened, broken = events(url)
        assert opened["event"] == "opened"
        assert broken == {
            "event": "broken",
            "error": "there was no answer within 1.5 s, which is the limit",
            "status": 504,
        }

    def test_lines_are_lines_whatever_the_text_holds(self, serve):
        texts = ("a\u2028b\u0085c", "\ud800", "\x7f")
        _, page, _ = events(serve(HeldReader(texts=texts)))
        assert page["page"]["texts"] == list(texts)


class TestWrite:
    @pytest.mark.parametrize("word", [word for word in FORMATS if word != "pdf"])
    def test_it_writes_what_reading_would(self, held, page, word):
        _, url = held
        answer = write(url, json.dumps(page.to_dict()), format=word, name="a.png")
        writer = FORMATS[word].document()
        assert answer.headers["Content-Type"] == MEDIA_TYPES[word]
        assert answer.content.decode() == writer.head("a.png", 1) + writer.page(page) + writer.tail()

    def test_a_searchable_pdf_of_some_pages(self, held):
        _, url = held
        file = pdf(picture(), picture())
        pages = read(url, file, pages="2", return_word_box="true").content
        answer = write(url, pages, file, format="pdf")
        assert answer.headers["Content-Type"] == "application/pdf"
        with open_document(answer.content, existing_text="keep") as document:
            assert len(document) == 2
            assert document.page(1).text is None
            assert document.page(2).text.texts == ("a line of text",)

    def test_no_pages_are_an_empty_file(self, held):
        _, url = held
        assert write(url, b"", format="text").text == ""

    def test_boxes_without_texts_are_written_as_json_alone(self, held):
        _, url = held
        pages = read(url, task="detect").content
        assert write(url, pages, format="json").ok
        assert "expected a page of the task" in error(write(url, pages, format="text"))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"schema_version": 9}, "schema version"),
            ({"width": "wide"}, "width: expected a whole number"),
            ({"height": 0}, "height: expected a whole number"),
            ({"page": 1.5}, "page: expected a whole number"),
            ({"dpi": -1}, "dpi: expected a number above 0"),
            ({"dpi": True}, "dpi: expected a number above 0"),
            ({"origin": "heaven"}, "expected an origin"),
            ({"texts": [1]}, "texts: expected texts"),
            ({"texts": []}, "one entry per text line"),
            ({"texts": None}, "pages: "),
            ({"boxes": [[1, 2]]}, "boxes: expected shape"),
            ({"boxes": [[[10**400, 1], [2, 1], [2, 2], [1, 2]]]}, "pages: "),
            ({"words": ["a"], "word_lines": [10**20]}, "pages: "),
            ({"boxes": "none"}, "pages: "),
            ({"scores": [float("nan")]}, "not a number"),
        ],
    )
    @pytest.mark.parametrize("word", ["hocr", "json"])
    def test_pages_that_are_none_are_refused(self, held, change, said, word):
        _, url = held
        page = PageResult(1, 100, 50, None, "ocr", OcrResult([QUAD], ("text",), [0.9], [0.9])).to_dict()
        assert write(url, json.dumps(page), format=word).ok
        assert said in error(write(url, json.dumps({**page, **change}), format=word))

    @pytest.mark.parametrize("pages", [b"{", b"[]", b"3", b"null", b"{}", b"\xff", b"[" * 100_000])
    def test_what_is_no_page_at_all_is_refused(self, held, pages):
        _, url = held
        assert error(write(url, pages, format="text")).startswith("pages: ")

    @pytest.mark.parametrize("word", FORMATS)
    def test_hostile_texts_are_written_all_the_same(self, held, word):
        _, url = held
        texts = ("\ud800", "\x00\x1b[2J", "<b>&amp;", "a\tb\nc\u2028d", "\u202eevil")
        page = PageResult(1, 200, 80, None, "ocr", OcrResult([QUAD] * 5, texts, [0.9] * 5, [0.9] * 5)).to_dict()
        assert write(url, json.dumps(page), picture(), format=word).ok

    def test_a_page_of_more_lines_than_can_be_written_is_refused(self, held):
        _, url = held
        count = 50_001
        page = {"schema_version": 1, "page": 1, "width": 9, "height": 9, "dpi": None, "origin": "ocr"}
        page |= {"boxes": [[[1, 1]] * 4] * count, "texts": [""] * count, "scores": [1] * count}
        answer = write(url, json.dumps({**page, "box_scores": [1] * count}), format="text")
        assert "page 1 has 50,001 lines, and the limit is 50,000" in error(answer)

    @pytest.mark.parametrize("word", ["hocr", "pdf"])
    def test_the_time_limit_holds_for_writing_and_the_gateway_answers_meanwhile(self, serve, word):
        url = serve(HeldReader(), timeout_s=2)
        count = 20_000
        boxes = [[[1, row], [50, row], [50, row + 9], [1, row + 9]] for row in range(count)]
        result = OcrResult(boxes, ("two words",) * count, [0.9] * count, [0.9] * count)
        pages = json.dumps(PageResult(1, 100, count + 9, None, "ocr", result).to_dict())
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(write, url, "\n".join([pages] * 5), picture(), format=word)
            healthy = 0
            while not answer.done():
                healthy += requests.get(f"{url}/health/live", timeout=30).ok
        assert answer.result().status_code == 504
        assert healthy > 1

    def test_a_form_that_lacks_something_is_refused(self, held):
        _, url = held
        assert (
            error(requests.post(f"{url}/write?format=text", b"pages", timeout=30)) == 'the form lacks the field "pages"'
        )
        assert error(write(url, b"", format="pdf")) == 'the form lacks the field "file"'
        assert "unknown parameter" in error(write(url, b"", format="text", colour="red"))
        assert "format must be one of" in error(write(url, b"", format="events"))
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        broken = requests.post(f"{url}/write?format=text", b"--x\r\nnothing", headers=headers, timeout=30)
        assert "pages" in error(broken)
