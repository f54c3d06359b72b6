"""POST /ocr and GET /health as PaddleX's and PaddleOCR 3's clients know them."""

import base64
import io
import json
import uuid

import numpy as np
import pikepdf
import pytest
import requests
from PIL import Image, ImageDraw
from tests.conftest import SAMPLES
from tests.documents.pdf_files import pdf_file, text
from tests.gateway.conftest import HeldReader
from tests.gateway.test_admission import figure

from ocr_client import OcrClient
from ocr_client.drawing.fonts import open_font
from ocr_client.errors import ServerFailureError, ServerUnreachableError
from ocr_documents.limits import Limits
from ocr_gateway.ways.paddlex import protocol
from ocr_pipeline.repository import ModelRepository

PICTURES = ("receipt.png", "poster.jpg", "rotated.png", "exif.jpg", "small_lines.png")
ALL_FIELDS = [
    *("model_settings", "doc_preprocessor_res", "dt_polys", "text_det_params", "text_type"),
    *("textline_orientation_angles", "text_rec_score_thresh", "return_word_box"),
    *("rec_texts", "rec_scores", "rec_polys", "rec_boxes", "text_word_boxes", "text_word"),
]
ONLY_WHERE_ASKED = ("doc_preprocessor_res", "text_word_boxes", "text_word")
QUIET = {"visualize": False}


def base64_of(file):
    return base64.b64encode(file if isinstance(file, bytes) else (SAMPLES / file).read_bytes()).decode()


def ask(url, file, **fields):
    answer = requests.post(f"{url}/ocr", json={"file": base64_of(file), **QUIET, **fields}, timeout=120)
    assert answer.headers["Content-Type"] == "application/json"
    return answer


def result(url, file, **fields):
    answer = ask(url, file, **fields)
    assert answer.status_code == 200, answer.text
    whole = answer.json()
    assert list(whole) == ["logId", "result", "errorCode", "errorMsg"]
    assert (whole["errorCode"], whole["errorMsg"]) == (0, "Success")
    assert list(whole["result"]) == ["ocrResults", "dataInfo"]
    return whole["result"]


def pruned(url, file, **fields):
    """`prunedResult` of the only page."""
    (page,) = result(url, file, **fields)["ocrResults"]
    return page["prunedResult"]


def refused(answer, status):
    """What is said of a request that gets no result."""
    body = answer.json()
    assert answer.status_code == status == body["errorCode"]
    assert list(body) == ["logId", "errorCode", "errorMsg"]
    return body["errorMsg"]


def as_file(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def opened(name):
    with Image.open(SAMPLES / name) as file:
        return file.convert("RGB")


def shown(page, field):
    """A picture of an answer."""
    with Image.open(io.BytesIO(base64.b64decode(page[field], validate=True))) as file:
        assert file.format == "JPEG"
        file.load()
        return file


@pytest.fixture(scope="module")
def client(server):
    with OcrClient(server.grpc_url, "grpc") as reader:
        yield reader


class TestFields:
    @pytest.mark.parametrize("name", PICTURES)
    def test_texts_and_scores_are_those_of_the_client(self, gateway, client, name):
        read, page = client.ocr(SAMPLES / name), pruned(gateway, name)
        assert sorted(zip(page["rec_texts"], page["rec_scores"], strict=True)) == sorted(
            zip(read.texts, read.scores.tolist(), strict=True)
        )
        assert len(page["rec_texts"]) > 2

    @pytest.mark.parametrize("name", PICTURES)
    def test_every_field_has_its_type_and_size(self, gateway, name):
        page = pruned(gateway, name, returnWordBox=True, useDocOrientationClassify=True, useTextlineOrientation=True)
        assert list(page) == ALL_FIELDS
        polys, lines = page["dt_polys"], len(page["rec_texts"])
        for field in ("rec_scores", "rec_polys", "rec_boxes", "text_word", "text_word_boxes"):
            assert len(page[field]) == lines
        assert len(page["textline_orientation_angles"]) == len(polys) >= lines
        for quads in (polys, page["rec_polys"]):
            assert np.shape(quads) == (len(quads), 4, 2)
            assert np.array(quads).dtype == np.int64
        assert np.shape(page["rec_boxes"]) == (lines, 4)
        assert all(isinstance(score, float) and 0 <= score <= 1 for score in page["rec_scores"])
        assert all(isinstance(line, str) for line in page["rec_texts"])
        for quad, extent in zip(page["rec_polys"], page["rec_boxes"], strict=True):
            assert quad in polys
            assert extent == [*np.min(quad, axis=0).tolist(), *np.max(quad, axis=0).tolist()]
            assert extent[0] < extent[2]
            assert extent[1] < extent[3]
        assert page["text_type"] == "general"

    def test_what_is_not_asked_for_is_not_there(self, gateway):
        page = pruned(gateway, "receipt.png")
        assert list(page) == [field for field in ALL_FIELDS if field not in ONLY_WHERE_ASKED]
        assert page["model_settings"] == {"use_doc_preprocessor": False, "use_textline_orientation": False}
        assert set(page["textline_orientation_angles"]) == {-1}
        assert page["return_word_box"] is False

    def test_an_empty_picture(self, gateway):
        answer = result(gateway, "blank.png", returnWordBox=True)
        (page,) = answer["ocrResults"]
        page = page["prunedResult"]
        assert "textline_orientation_angles" not in page
        for name in ("dt_polys", "rec_texts", "rec_scores", "rec_polys", "rec_boxes", "text_word", "text_word_boxes"):
            assert page[name] == []
        assert answer["dataInfo"] == {"width": 640, "height": 480, "type": "image"}

    def test_words_lie_in_their_lines(self, gateway):
        page = pruned(gateway, "receipt.png", returnWordBox=True)
        for line, extent, words, boxes in zip(
            page["rec_texts"], page["rec_boxes"], page["text_word"], page["text_word_boxes"], strict=True
        ):
            assert "".join(words) == line.replace(" ", "")
            assert np.shape(boxes) == (len(words), 4)
            low, high = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
            assert (low >= np.array(extent[:2]) - 1).all()
            assert (high <= np.array(extent[2:]) + 1).all()

    def test_the_page_of_a_picture_is_as_large_as_a_person_sees_it(self, gateway):
        with Image.open(SAMPLES / "exif.jpg") as file:
            width, height = file.size[::-1]  # EXIF data turn it by a quarter
        info = result(gateway, "exif.jpg")["dataInfo"]
        assert info == {"width": width, "height": height, "type": "image"}


class TestThreshold:
    def test_every_line_has_a_box_and_sure_ones_a_text(self, gateway):
        every, some = (pruned(gateway, "receipt.png", textRecScoreThresh=thresh) for thresh in (0, 0.98))
        assert every["dt_polys"] == some["dt_polys"] == every["rec_polys"]
        sure = [i for i, score in enumerate(every["rec_scores"]) if score >= 0.98]
        assert 0 < len(sure) < len(every["rec_texts"])
        assert some["rec_texts"] == [every["rec_texts"][i] for i in sure]
        assert some["rec_boxes"] == [every["rec_boxes"][i] for i in sure]
        assert some["text_rec_score_thresh"] == 0.98

    def test_where_the_request_does_not_say_it_is_the_servers(self, gateway):
        page = pruned(gateway, "receipt.png")
        assert page["text_rec_score_thresh"] == 0.5
        assert page["rec_texts"] == pruned(gateway, "receipt.png", textRecScoreThresh=0.5)["rec_texts"]


class TestTurnedPages:
    @pytest.mark.parametrize("angle", [0, 90, 180, 270])
    def test_coordinates_are_those_of_the_upright_page(self, gateway, angle):
        """`angle` is by how much a page is turned counter-clockwise to stand upright."""
        upright = opened("receipt.png")
        sent = upright.rotate(-angle, expand=True)
        answer = result(gateway, as_file(sent), useDocOrientationClassify=True)
        page, straight = answer["ocrResults"][0]["prunedResult"], pruned(gateway, as_file(upright))
        assert page["doc_preprocessor_res"] == {
            "model_settings": {"use_doc_orientation_classify": True, "use_doc_unwarping": False},
            "angle": angle,
        }
        assert page["model_settings"]["use_doc_preprocessor"] is True
        assert page["rec_texts"] == straight["rec_texts"]
        assert np.abs(np.subtract(page["rec_polys"], straight["rec_polys"])).max() <= 1
        assert (answer["dataInfo"]["width"], answer["dataInfo"]["height"]) == sent.size

    def test_a_page_of_columns_that_stands_is_not_turned(self, gateway):
        """Its text runs down, as that of a page does that lies turned clockwise."""
        columns = Image.new("RGB", (500, 800), "white")
        draw, font = ImageDraw.Draw(columns), open_font()(36)
        poems = ("床前明月光疑是地上霜举头望明月", "白日依山尽黄河入海流欲穷千里目", "春眠不觉晓处处闻啼鸟夜来风雨声")
        for column, poem in enumerate(poems):
            for row, character in enumerate(poem):
                draw.text((100 + 130 * column, 80 + 40 * row), character, "black", font)
        page = pruned(gateway, as_file(columns), useDocOrientationClassify=True)
        assert page["doc_preprocessor_res"]["angle"] == 0
        assert len(page["rec_boxes"]) == len(poems)
        assert all(bottom - top > 4 * (right - left) for left, top, right, bottom in page["rec_boxes"])

    def test_lines_that_are_upside_down(self, gateway):
        sent = as_file(opened("receipt.png").rotate(180))
        angles = pruned(gateway, sent, useTextlineOrientation=True)["textline_orientation_angles"]
        assert set(angles) <= {0, 1}
        assert np.mean(angles) > 0.8
        angles = pruned(gateway, "receipt.png", useTextlineOrientation=True)["textline_orientation_angles"]
        assert np.mean(angles) < 0.2


class TestDocuments:
    PDF = pdf_file(*(text(f"Page number {i} of three", 100, 600, 20) for i in (1, 2, 3)))

    @pytest.mark.parametrize("fields", [{}, {"fileType": 0}, {"fileType": None}])
    def test_every_page_of_a_pdf(self, gateway, fields):
        answer = result(gateway, self.PDF, **fields)
        pages = ["".join(page["prunedResult"]["rec_texts"]).replace(" ", "") for page in answer["ocrResults"]]
        assert pages == [f"Pagenumber{i}ofthree" for i in (1, 2, 3)]
        # 612 x 792 points at 144 dpi
        size = {"width": 1224, "height": 1584}
        assert answer["dataInfo"] == {"numPages": 3, "pages": [size] * 3, "type": "pdf"}
        left, top, _, bottom = answer["ocrResults"][0]["prunedResult"]["rec_boxes"][0]
        assert abs(left - 200) < 12
        assert top < 2 * (792 - 600) < bottom + 12

    def test_every_page_of_a_tiff_file(self, gateway):
        first, second = opened("receipt.png"), opened("blank.png")
        file = as_file(first, "TIFF", save_all=True, append_images=[second])
        answer = result(gateway, file, fileType=1)
        assert answer["dataInfo"] == {
            "numPages": 2,
            "pages": [{"width": 900, "height": 1260}, {"width": 640, "height": 480}],
            "type": "tiff",
        }
        texts = [page["prunedResult"]["rec_texts"] for page in answer["ocrResults"]]
        assert texts == [pruned(gateway, "receipt.png")["rec_texts"], []]

    def test_a_tiff_file_of_one_page_is_an_image(self, gateway):
        answer = result(gateway, as_file(opened("blank.png"), "TIFF"), fileType=1)
        assert answer["dataInfo"] == {"width": 640, "height": 480, "type": "image"}

    def test_text_that_a_page_carries_is_read_all_the_same(self, gateway):
        """Invisible text is not seen."""
        assert pruned(gateway, pdf_file(text("hidden", mode=3)))["rec_texts"] == []

    def test_more_pages_than_the_limit_are_refused(self, serve):
        url = serve(HeldReader(), documents=Limits(pages=2))
        message = refused(ask(url, pdf_file(*[text("page")] * 3)), 422)
        assert "3 pages" in message
        assert "limit is 2" in message

    @pytest.mark.parametrize(
        ("file", "said"),
        [
            (b"no file of any kind", "neither a picture"),
            (b"", "empty"),
            (b"%PDF-1.7 and then nothing", "the document"),
            (pdf_file(text("wide"), MediaBox=pikepdf.Array([0, 0, 14400, 14400])), "pixels"),  # 200 inches
        ],
    )
    def test_bad_files(self, serve, file, said):
        assert said in refused(ask(serve(HeldReader()), file), 422)

    def test_a_file_that_needs_a_password(self, serve):
        with pikepdf.open(io.BytesIO(pdf_file(text("secret")))) as pdf:
            file = io.BytesIO()
            pdf.save(file, encryption=pikepdf.Encryption(owner="owner", user="user"))
        assert "needs a password" in refused(ask(serve(HeldReader()), file.getvalue()), 422)

    @pytest.mark.parametrize(("file", "kind"), [(pdf_file(text("page")), 1), ("blank.png", 0)])
    def test_a_file_of_another_kind_than_it_is_said_to_be(self, serve, file, kind):
        assert f"fileType {kind}" in refused(ask(serve(HeldReader()), file, fileType=kind), 422)


class TestRequests:
    """What a body may hold; nothing is read here."""

    @pytest.fixture
    def reader(self):
        return HeldReader()

    @pytest.fixture
    def url(self, serve, reader):
        return serve(reader)

    def test_options_are_passed_on(self, url, reader):
        pruned(
            url,
            "blank.png",
            **{"useDocOrientationClassify": False, "useDocUnwarping": False, "useTextlineOrientation": True},
            **{"textDetLimitSideLen": 960, "textDetLimitType": "max", "textDetThresh": 0.2},
            **{"textDetBoxThresh": 0.5, "textDetUnclipRatio": 2, "textRecScoreThresh": 0.9, "returnWordBox": True},
        )
        assert reader.options == {
            "use_doc_orientation_classify": False,
            "use_textline_orientation": True,
            "text_det_limit_side_len": 960,
            "text_det_limit_type": "max",
            "text_det_thresh": 0.2,
            "text_det_box_thresh": 0.5,
            "text_det_unclip_ratio": 2.0,
            "text_rec_score_thresh": 0.0,  # all lines, for dt_polys
            "return_word_box": True,
        }

    def test_what_is_null_or_unknown_is_not_asked_for(self, url, reader):
        nulls = dict.fromkeys(("fileType", "textDetThresh", "returnWordBox", "useDocUnwarping", "logId"))
        pruned(url, "blank.png", **nulls, textDetMaxSideLimit=1, text_det_thresh=9, somethingElse=[1])
        assert reader.options == {"text_rec_score_thresh": 0.0}

    def test_numbers_may_come_as_text(self, url, reader):
        pruned(url, "blank.png", textDetLimitSideLen="960", textDetThresh="0.25", returnWordBox="true")
        assert reader.options["text_det_limit_side_len"] == 960
        assert reader.options["text_det_thresh"] == 0.25
        assert reader.options["return_word_box"] is True

    def test_params_are_those_that_are_known(self, url, reader):
        assert pruned(url, "blank.png")["text_det_params"] == {}
        assert pruned(url, "blank.png", textDetThresh=0.25)["text_det_params"] == {"thresh": 0.25}
        reader.defaults = {"text_det_box_thresh": 0.7, "text_rec_score_thresh": 0.95}
        page = pruned(url, "blank.png", textDetThresh=0.25)
        assert page["text_det_params"] == {"thresh": 0.25, "box_thresh": 0.7}
        assert (page["text_rec_score_thresh"], page["rec_texts"]) == (0.95, [])

    @pytest.mark.parametrize("form", ["{}", "data:image/png;base64,{}", "\n {}\r\n"])
    def test_base64_may_be_broken_into_lines_or_stand_in_a_data_url(self, url, form):
        text = base64_of("blank.png")
        body = {"file": form.format(text[:76] + "\n" + text[76:]), **QUIET}
        assert requests.post(f"{url}/ocr", json=body, timeout=30).status_code == 200

    def test_a_body_need_not_say_that_it_is_json(self, url):
        body = json.dumps({"file": base64_of("blank.png"), **QUIET})
        answer = requests.post(f"{url}/ocr", data=body, headers={"Content-Type": "text/plain"}, timeout=30)
        assert answer.status_code == 200

    @pytest.mark.parametrize("file", ["not base64!", "iVBORw0KGg", "é", "data:image/png,abcd", "data:;base64"])
    def test_wrong_base64(self, url, file):
        answer = requests.post(f"{url}/ocr", json={"file": file}, timeout=30)
        assert "base64" in refused(answer, 422)

    @pytest.mark.parametrize(
        ("body", "kind", "place"),
        [
            ({}, "missing", "body.file"),
            ({"file": None}, "string_type", "body.file"),
            ({"file": ["a"]}, "string_type", "body.file"),
            ({"file": "", "fileType": 2}, "literal_error", "body.fileType"),
            ({"file": "", "textDetThresh": "much"}, "float_parsing", "body.textDetThresh"),
            ({"file": "", "textDetLimitSideLen": 1.5}, "int_from_float", "body.textDetLimitSideLen"),
            ({"file": "", "returnWordBox": "perhaps"}, "bool_parsing", "body.returnWordBox"),
            ({"file": "", "logId": 5}, "string_type", "body.logId"),
        ],
    )
    def test_wrong_types_are_listed(self, url, body, kind, place):
        (error,) = json.loads(refused(requests.post(f"{url}/ocr", json=body, timeout=30), 422))
        assert list(error) == ["type", "loc", "msg"]
        assert (error["type"], error["loc"]) == (kind, place)

    def test_every_wrong_field_is_listed(self, url):
        body = {"fileType": 7, "visualize": []}
        errors = json.loads(refused(requests.post(f"{url}/ocr", json=body, timeout=30), 422))
        assert [error["loc"] for error in errors] == ["body.file", "body.fileType", "body.visualize"]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"feed=1", b"[" * 100_000])
    def test_what_is_no_json_object(self, url, body):
        (error,) = json.loads(refused(requests.post(f"{url}/ocr", data=body, timeout=30), 422))
        assert error["loc"] == "body"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *[("textDetThresh", 1.5), ("textDetThresh", float("nan")), ("textDetLimitType", "middle")],
            *[("textDetLimitSideLen", 0), ("textRecScoreThresh", -1), ("textDetUnclipRatio", 1e9)],
        ],
    )
    def test_values_out_of_range_are_named_as_the_client_names_them(self, url, field, value):
        body = json.dumps({"file": base64_of("blank.png"), field: value})
        message = refused(requests.post(f"{url}/ocr", data=body, timeout=30), 422)
        assert message.startswith(f"{field} must be ")

    def test_unwarping_is_refused(self, url, reader):
        assert "useDocUnwarping" in refused(ask(url, "blank.png", useDocUnwarping=True), 422)
        assert reader.calls == 0


class TestLogId:
    def test_comes_back(self, serve):
        url = serve(HeldReader())
        assert ask(url, "blank.png", logId="mine").json()["logId"] == "mine"
        assert ask(url, "blank.png", logId="mine", fileType=0).json()["logId"] == "mine"
        assert ask(url, "blank.png", logId="mine", fileType="x").json()["logId"] == "mine"

    @pytest.mark.parametrize("given", [None, "", 5])
    def test_is_a_uuid_where_none_is_given(self, serve, given):
        url = serve(HeldReader())
        ids = {ask(url, "blank.png", logId=given).json()["logId"] for _ in range(2)}
        assert {uuid.UUID(one).version for one in ids} == {4}
        assert len(ids) == 2


class TestErrors:
    def test_limits_are_in_this_form(self, serve):
        url = serve(HeldReader(), max_body_bytes=100)
        assert "100 bytes" in refused(ask(url, "blank.png"), 413)
        url = serve(HeldReader(held=True), timeout_s=0.3)
        assert "0.3 s" in refused(ask(url, "blank.png"), 504)

    def test_a_token(self, serve):
        url = serve(HeldReader(), token="a-secret")  # noqa: S106
        answer = ask(url, "blank.png")
        assert "token" in refused(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert requests.get(f"{url}/health", timeout=10).status_code == 200

    def test_what_is_behind(self, serve):
        reader = HeldReader(error=ServerUnreachableError("inside:8001", retryable=True))
        url = serve(reader)
        answer = ask(url, "blank.png")
        assert "inside" not in refused(answer, 503)
        assert int(answer.headers["Retry-After"]) >= 1
        reader.error = ServerFailureError("inside")
        refused(ask(url, "blank.png"), 502)
        reader.error = RuntimeError("a fault of ours")
        assert "ours" not in refused(ask(url, "blank.png"), 500)
        reader.error = None
        assert ask(url, "blank.png").status_code == 200

    def test_methods_and_addresses(self, serve):
        url = serve(HeldReader())
        answer = requests.get(f"{url}/ocr", timeout=10)
        refused(answer, 405)
        assert answer.headers["Allow"] == "POST"
        assert requests.get(f"{url}/health/nowhere", timeout=10).json() == {"error": "Not Found"}

    def test_one_page_that_cannot_be_read_is_named(self, serve):
        pages = [text("page"), text("page")]
        with pikepdf.open(io.BytesIO(pdf_file(*pages))) as pdf:
            pdf.pages[1].obj.MediaBox = pikepdf.Array([0, 0, 14400, 14400])
            file = io.BytesIO()
            pdf.save(file)
        assert refused(ask(serve(HeldReader()), file.getvalue()), 422).startswith("page 2: ")


class TestHealth:
    def test_healthy(self, serve):
        answer = requests.get(f"{serve(HeldReader())}/health", timeout=10)
        body = answer.json()
        assert (answer.status_code, body["errorCode"], body["errorMsg"]) == (200, 0, "Healthy")
        assert uuid.UUID(body["logId"]).version == 4

    def test_not_healthy(self, serve):
        answer = requests.get(f"{serve(HeldReader(error=ServerFailureError('a dead stub')))}/health", timeout=10)
        refused(answer, 503)
        assert "Retry-After" in answer.headers

    def test_requests_are_counted_by_protocol(self, serve):
        url = serve(HeldReader())
        ask(url, "blank.png")
        requests.get(f"{url}/health/ready", timeout=10)
        metrics = requests.get(f"{url}/metrics", timeout=10).text
        assert 'ocr_gateway_requests_total{protocol="paddlex",status="200"} 1.0' in metrics
        assert figure(url, "ocr_gateway_pages_total") == 1


class TestPictures:
    @pytest.mark.parametrize("fields", [{"visualize": True}, {"visualize": None}])
    def test_of_an_upright_page(self, gateway, fields):
        (page,) = result(gateway, "receipt.png", **fields)["ocrResults"]
        assert list(page) == ["prunedResult", "ocrImage", "inputImage"]
        assert shown(page, "inputImage").size == (900, 1260)
        drawn = np.asarray(shown(page, "ocrImage"), int)
        width = drawn.shape[1] // 2
        assert 900 < drawn.shape[1] <= 2000
        assert np.abs(drawn[:, :width].mean() - drawn[:, width:].mean()) > 20  # a photograph, and a white page

    def test_of_a_turned_page(self, gateway):
        sent = opened("receipt.png").rotate(-90, expand=True)
        (page,) = result(gateway, as_file(sent), useDocOrientationClassify=True, returnWordBox=True, visualize=True)[
            "ocrResults"
        ]
        assert shown(page, "inputImage").size == sent.size == (1260, 900)
        width, height = shown(page, "docPreprocessingImage").size
        assert width == 2000
        assert height == pytest.approx(2000 * 1290 / (1260 + 900 + 900), abs=1)
        upright = np.asarray(shown(page, "ocrImage").resize((1806, 1260)).convert("L"), float)[:, :900]
        straight = np.asarray(opened("receipt.png").convert("L"), float)
        assert np.corrcoef(upright[::9, ::9].ravel(), straight[::9, ::9].ravel())[0, 1] > 0.9

    def test_of_a_pdf_are_in_the_pixels_of_its_coordinates(self, serve):
        (page,) = result(serve(HeldReader()), pdf_file(text("page")), visualize=True)["ocrResults"]
        assert shown(page, "inputImage").size == (1224, 1584)

    def test_large_ones_are_reduced(self, serve):
        url = serve(HeldReader())
        (page,) = result(url, as_file(Image.new("L", (5000, 300), 255)), visualize=True)["ocrResults"]
        assert shown(page, "inputImage").size == (2000, 120)
        assert max(shown(page, "ocrImage").size) <= 2000

    def test_none_without_visualize(self, serve):
        url = serve(HeldReader(), visualize=False)
        for fields in ({"visualize": None}, {"visualize": False}):
            (page,) = result(url, "blank.png", **fields)["ocrResults"]
            assert list(page) == ["prunedResult"]
        (page,) = result(url, "blank.png", visualize=True)["ocrResults"]
        assert "ocrImage" in page

    def test_of_many_pages_are_refused(self, serve, monkeypatch):
        monkeypatch.setattr(protocol, "MAX_DRAWN_PAGES", 2)
        url, file = serve(HeldReader()), pdf_file(*[text("page")] * 3)
        assert "visualize: false" in refused(ask(url, file, visualize=True), 422)
        assert len(result(url, file)["ocrResults"]) == 3


class TestClients:
    """What clients of others send and look at, as they were seen to."""

    @pytest.mark.parametrize(
        "fields",
        [
            {"fileType": 1, "useDocOrientationClassify": False, "useDocUnwarping": False},
            {"useDocOrientationClassify": False, "useDocUnwarping": False, "useTextlineOrientation": False},
            {"fileType": 1, "useTextlineOrientation": True, "textRecScoreThresh": 0.5},
        ],
    )
    def test_paddleocr_mcp(self, gateway, fields):
        """Version 0.8.5, self_hosted: it takes text, score and box of every line; a file may come without its type."""
        pages = result(gateway, "receipt.png", **fields)["ocrResults"]
        for page in (page["prunedResult"] for page in pages):
            for i, line in enumerate(page["rec_texts"]):
                assert line.strip()
                assert page["rec_scores"][i] > 0
                assert len(page["rec_boxes"][i]) == 4

    def test_paperless_paddleocr(self, gateway):
        """Version 0.1.0 of Maxinger15: one page a request, and every box must have an area on it."""
        picture = opened("poster.jpg")
        body = {
            "file": base64_of(as_file(picture)),
            **{"fileType": 1, "visualize": False, "useDocOrientationClassify": False, "useDocUnwarping": False},
            "useTextlineOrientation": False,
        }
        headers = {"Accept": "application/json", "Authorization": "Bearer any-word"}
        answer = requests.post(f"{gateway}/ocr", json=body, headers=headers, timeout=60).json()
        assert answer["errorCode"] == 0
        (page,) = answer["result"]["ocrResults"]
        page = page["prunedResult"]
        assert len(page["rec_texts"]) == len(page["rec_scores"]) == len(page["rec_boxes"]) == len(page["rec_polys"])
        for left, top, right, bottom in page["rec_boxes"]:
            assert 0 <= left < right <= picture.width
            assert 0 <= top < bottom <= picture.height


def test_models_in_the_same_process_say_every_parameter(start_gateway, model_repository):
    gateway = start_gateway("--local", "--model-repository", str(model_repository), "--no-visualize")
    (page,) = result(gateway.url, "receipt.png", textDetThresh=0.25, visualize=None)["ocrResults"]
    assert list(page) == ["prunedResult"]
    own = ModelRepository(model_repository).parameters().options
    assert page["prunedResult"]["text_det_params"] == {
        "limit_side_len": own.get("text_det_limit_side_len", 736),
        "limit_type": own.get("text_det_limit_type", "min"),
        "thresh": 0.25,
        "max_side_limit": own.get("text_det_max_side_limit", 2000),
        "box_thresh": own.get("text_det_box_thresh", 0.6),
        "unclip_ratio": own.get("text_det_unclip_ratio", 1.5),
    }
    assert len(page["prunedResult"]["rec_texts"]) > 20
