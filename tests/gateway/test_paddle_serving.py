"""Clients of Paddle Serving: their requests, in our own words, to the address that they know."""

import ast
import base64
import json
import string

import cv2
import numpy as np
import pytest
import requests
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.conftest import SAMPLES
from tests.gateway.conftest import HeldReader

from ocr_client import OcrClient
from ocr_client.errors import ServerUnreachableError
from ocr_gateway.ways.paddle_serving.boxes import order_of, plain_boxes

RECEIPT = SAMPLES / "receipt.png"
BLANK = SAMPLES / "blank.png"
EVERYTHING = {"text_rec_score_thresh": 0.0}


def text_of(path):
    return base64.b64encode(path.read_bytes()).decode()


def web(url, body):
    """As ocr_web_client.py sends."""
    headers = {"Content-type": "application/json"}
    return requests.post(f"{url}/ocr/prediction", data=json.dumps(body), headers=headers, timeout=60)


def pipeline(url, body):
    """As pipeline_http_client.py sends: no type is declared."""
    return requests.post(f"{url}/ocr/prediction", data=json.dumps(body), timeout=60)


@pytest.fixture(scope="module")
def page(server):
    with OcrClient(server.http_url) as client:
        return client.ocr(RECEIPT, **EVERYTHING)


@pytest.mark.parametrize("name", ["x", "image"])
def test_the_web_service_gives_the_texts_of_all_lines(gateway, page, name):
    answer = web(gateway, {"feed": [{name: text_of(RECEIPT)}], "fetch": ["res"]})
    assert answer.status_code == 200
    assert list(answer.json()) == ["result"]
    assert list(answer.json()["result"]) == ["res"]
    assert sorted(answer.json()["result"]["res"]) == sorted(page.texts)


def test_the_web_service_looks_at_the_first_picture_alone(gateway, page):
    feed = [{"x": text_of(RECEIPT)}, {"x": "no picture"}]
    answer = web(gateway, {"feed": feed, "fetch": []})
    assert len(answer.json()["result"]["res"]) == len(page)


def test_the_pipeline_service_gives_lines_as_python_text(gateway, page):
    answer = pipeline(gateway, {"key": ["image"], "value": [text_of(RECEIPT)]})
    assert answer.status_code == 200
    document = answer.json()
    assert list(document) == ["err_no", "err_msg", "key", "value", "tensors"]
    assert (document["err_no"], document["err_msg"], document["key"], document["tensors"]) == (0, "", ["result"], [])
    lines = ast.literal_eval(document["value"][0])
    scores = page.to_dict()["scores"]
    assert sorted(line[0] for line in lines) == sorted(zip(page.texts, scores, strict=True))
    quads = np.array([quad for _, quad in lines])
    assert np.array_equal(quads, np.rint(quads))
    assert list(order_of(quads)) == list(range(len(quads)))


def test_both_services_give_the_same_lines_in_the_same_order(gateway):
    of_web = web(gateway, {"feed": [{"x": text_of(RECEIPT)}], "fetch": ["res"]}).json()
    of_pipeline = pipeline(gateway, {"key": ["image"], "value": [text_of(RECEIPT)]}).json()
    assert of_web["result"]["res"] == [line[0][0] for line in ast.literal_eval(of_pipeline["value"][0])]


def test_the_detection_service_gives_boxes(start_gateway, server):
    url = start_gateway("--triton-url", server.grpc_url, "--paddle-serving-service", "det").url
    with OcrClient(server.http_url) as client:
        found = client.detect(RECEIPT)
    quads = web(url, {"feed": [{"x": text_of(RECEIPT)}], "fetch": ["dt_boxes"]}).json()["result"]["dt_boxes"]
    assert all(isinstance(side, float) for quad in quads for corner in quad for side in corner)
    assert sorted(quads) == sorted(plain_boxes(found.boxes).tolist())
    document = pipeline(url, {"key": ["image"], "value": [text_of(RECEIPT)]}).json()
    assert (document["key"], ast.literal_eval(document["value"][0])) == (["dt_boxes"], quads)


def test_the_recognition_service_reads_many_lines_in_order(start_gateway, server, line_pictures):
    url = start_gateway("--triton-url", server.grpc_url, "--paddle-serving-service", "rec").url
    with OcrClient(server.http_url) as client:
        texts = list(client.recognize(line_pictures).texts)
    assert len(set(texts)) > 1
    feed = [{"x": base64.b64encode(picture).decode()} for picture in line_pictures]
    assert web(url, {"feed": feed, "fetch": ["res"]}).json() == {"result": {"res": texts}}
    one = pipeline(url, {"key": ["image"], "value": [feed[0]["x"]]}).json()
    assert (one["key"], one["value"]) == (["res"], [str(texts[:1])])


@pytest.fixture(scope="module")
def line_pictures(server):
    """Lines cut from the receipt, as PNG files."""
    pixels = cv2.imread(str(RECEIPT))
    with OcrClient(server.http_url) as client:
        boxes = client.detect(RECEIPT).boxes[:3]
    corners = [(np.floor(box.min(axis=0)).astype(int), np.ceil(box.max(axis=0)).astype(int)) for box in boxes]
    return [
        cv2.imencode(".png", pixels[top:bottom, left:right])[1].tobytes() for (left, top), (right, bottom) in corners
    ]


def test_a_page_without_text_is_an_empty_list(gateway):
    assert web(gateway, {"feed": [{"x": text_of(BLANK)}], "fetch": ["res"]}).json() == {"result": {"res": []}}
    document = pipeline(gateway, {"key": ["image"], "value": [text_of(BLANK)]}).json()
    assert (document["err_no"], document["value"]) == (0, ["[]"])


@pytest.mark.parametrize("value", ["not base64!", "aGVsbG8=", "", "aGVsbG8", "\N{SNOWMAN}"])
def test_what_is_no_picture_is_an_error_in_the_form_of_each_service(gateway, value):
    answer = web(gateway, {"feed": [{"x": value}], "fetch": ["res"]})
    assert answer.status_code == 422
    assert isinstance(answer.json()["result"], str)
    assert "image" in answer.json()["result"]
    answer = pipeline(gateway, {"key": ["image"], "value": [value]})
    assert answer.status_code == 200
    document = answer.json()
    assert (document["err_no"], document["key"], document["value"], document["tensors"]) == (5000, [], [], [])
    assert "image" in document["err_msg"]


@pytest.mark.parametrize(
    "body",
    [
        {"key": ["image", "image"], "value": ["aGVsbG8=", "aGVsbG8="]},
        {"key": ["image"], "value": []},
        {"key": [], "value": []},
        {"key": ["image"]},
        {"value": ["aGVsbG8="]},
    ],
)
def test_the_pipeline_service_takes_one_picture(gateway, body):
    document = pipeline(gateway, body).json()
    assert document["err_no"] == 5000
    assert document["err_msg"].startswith("one key with one value")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[]", "should be an object"),
        ("null", "should be an object"),
        ("{}", "send"),
        ('{"feed": [{"x": "aGVsbG8="}]}', "send"),
        ('{"fetch": ["res"]}', "send"),
        ('{"feed": "aGVsbG8=", "fetch": ["res"]}', "feed"),
        ('{"feed": [{}], "fetch": ["res"]}', "feed.0.x"),
        ('{"feed": [{"x": 5}], "fetch": ["res"]}', "feed.0.x"),
        ('{"key": "image", "value": ["aGVsbG8="]}', "key"),
        ('{"key": ["image"], "value": [null]}', "value.0"),
        ("[" * 100_000, "JSON"),
        ('{"feed":' + "[" * 100_000, "JSON"),
    ],
)
def test_a_body_that_is_of_no_service_is_an_error_in_both_forms(gateway, body, said):
    answer = requests.post(f"{gateway}/ocr/prediction", data=body, timeout=60)
    assert answer.status_code == 400
    document = answer.json()
    assert said in document["result"]
    assert document["err_msg"] == document["result"]
    assert document["err_no"] == 5000


def test_an_empty_feed_is_an_error(gateway):
    answer = web(gateway, {"feed": [], "fetch": ["res"]})
    assert (answer.status_code, answer.json()["err_no"]) == (422, 5000)


def test_a_service_of_another_name_is_said_to_be_unknown(gateway):
    answer = requests.post(f"{gateway}/uci/prediction", data='{"key": ["x"], "value": ["1"]}', timeout=60)
    assert answer.status_code == 404
    document = answer.json()
    assert document["err_no"] == 3002
    assert '"uci"' in document["err_msg"]
    assert "/ocr/prediction" in document["result"]


def test_an_outage_is_told_in_both_forms_with_the_time_to_wait(serve):
    url = serve(HeldReader(error=ServerUnreachableError("nobody answers at 10.0.0.1", retryable=True)))
    for send, body in ((web, {"feed": [{"x": "aGVsbG8="}], "fetch": []}), (pipeline, {"key": ["x"], "value": [""]})):
        answer = send(url, body)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert answer.json()["err_no"] == 9000
        assert answer.json()["result"] == answer.json()["err_msg"]
        assert "10.0.0.1" not in answer.text


def test_limits_are_told_in_both_forms(serve):
    url = serve(HeldReader(), max_body_bytes=100)
    answer = web(url, {"feed": [{"x": "a" * 200}], "fetch": ["res"]})
    assert (answer.status_code, answer.json()["err_no"]) == (413, 5000)
    assert "100 bytes" in answer.json()["result"]
    answer = requests.get(f"{url}/ocr/prediction", timeout=60)
    assert (answer.status_code, answer.json()["err_no"]) == (405, 3000)


NAMES = st.sampled_from(["feed", "fetch", "key", "value", "x", "image", "tensors"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(string.printable, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("body", [{"key": [1] * 5000}, {"value": [1] * 5000}, {"feed": [{}] * 5000, "fetch": []}])
def test_of_many_faults_the_first_one_is_told(serve, body):
    answer = web(serve(HeldReader()), body)
    assert answer.status_code == 400
    assert len(answer.content) < 500


def test_no_json_makes_the_gateway_fail(serve):
    url = serve(HeldReader())

    @hypothesis_settings(max_examples=150)
    @given(st.dictionaries(NAMES, VALUES, max_size=5) | VALUES)
    def check(body):
        answer = pipeline(url, body)
        assert answer.status_code in (200, 400, 422)
        document = answer.json()
        assert "result" in document or {"err_no", "err_msg", "key", "value", "tensors"} == set(document)

    check()


def test_corners_are_told_by_where_they_lie():
    turned = np.array([[[90, 10], [90, 60], [10, 60], [10, 10]]], np.float32)  # its text runs downwards
    assert plain_boxes(turned).tolist() == [[[10.0, 10.0], [90.0, 10.0], [90.0, 60.0], [10.0, 60.0]]]
    assert plain_boxes(turned + 0.4).tolist() == plain_boxes(turned).tolist()
    assert plain_boxes(np.empty((0, 4, 2), np.float32)).shape == (0, 4, 2)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12))
def test_the_order_is_that_of_a_pass_along_lines_by_their_first_corners(corners):
    boxes = np.zeros((len(corners), 4, 2))
    boxes[:, 0] = np.array(corners).reshape(-1, 2)
    expected = sorted(corners, key=lambda corner: (corner[1], corner[0]))
    for here in range(len(expected) - 1):
        (x, y), (next_x, next_y) = expected[here], expected[here + 1]
        if abs(next_y - y) < 10 and next_x < x:
            expected[here : here + 2] = expected[here + 1], expected[here]
    assert [tuple(corner) for corner in boxes[order_of(boxes), 0].astype(int)] == expected


def test_any_other_address_of_the_service_has_an_error_in_its_form(gateway):
    answer = requests.post(f"{gateway}/ocr/prediction2", json={"key": ["image"], "value": ["eA=="]}, timeout=30)
    assert answer.status_code == 404
    assert answer.json()["err_no"] == 3002
