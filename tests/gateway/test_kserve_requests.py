"""Whatever is sent under /v2: what the reader gets was sent, and all else is refused."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_client.request import InferRequest
from ocr_client.transports.v2_codec import decode, encode
from ocr_contract.errors import InvalidInput
from ocr_contract.options import DETECTION, OCR, RECOGNITION, TASKS
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_gateway.refusals import NotUnderstood
from ocr_gateway.ways.kserve.answers import generate_answer, infer_answer
from ocr_gateway.ways.kserve.requests import InferenceRequest

QUAD = [[1.5, 2], [9, 2], [9, 5], [1.5, 5]]
RESULTS = {
    OCR: OcrResult([QUAD, QUAD], ("发票", ""), [0.1, 0.9], [1 / 3, 0.5], ("发",), [QUAD], [0.7], [0]),
    DETECTION: DetectionResult([QUAD], [1 / 7]),
    RECOGNITION: RecognitionResult.empty(),
}
ENDPOINT = st.sampled_from(TASKS)
KEYS = st.sampled_from(
    ["inputs", "outputs", "parameters", "id", "name", "shape", "datatype", "data", "binary_data_size", "binary_data",
     "binary_data_output", "image", "images", "page", "text_det_thresh", "return_word_box"]
)  # fmt: skip
WORDS = st.sampled_from(["image", "images", "BYTES", "FP32", "texts", "scores", "true", "aGVsbG8="]) | st.text(
    max_size=6
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(0, 99))
def test_what_our_client_encodes_is_read(pictures, page):
    for endpoint, name, options in ((RECOGNITION, "images", {}), (OCR, "image", {"page": page})):
        sent = tuple(pictures) if endpoint == RECOGNITION else (b"".join(pictures),)
        body, size = encode(InferRequest(endpoint, name, sent, options, id="a-name"), 1.5)
        request = InferenceRequest.of_infer(endpoint, body, str(size))
        assert (tuple(request.pictures), request.options, request.is_binary) == (sent, options, True)
        assert (request.id, request.timeout_s) == ("a-name", 1.5)


@pytest.mark.parametrize("endpoint", TASKS)
@pytest.mark.parametrize("is_binary", [True, False])
def test_what_is_answered_our_client_decodes(endpoint, is_binary):
    result = RESULTS[endpoint]
    body, size = infer_answer(endpoint, result, InferenceRequest([], {}, is_binary=is_binary))
    assert type(result).from_tensors(decode(body, size)) == result
    assert (size is not None) == is_binary


def test_outputs_come_in_the_order_that_was_asked_for():
    request = InferenceRequest([], {}, outputs={"scores": True, "texts": False})
    body, size = infer_answer(OCR, RESULTS[OCR], request)
    tensors = decode(body, size)
    assert list(tensors) == ["scores", "texts"]
    assert body[size:] == struct.pack("<2f", 0.1, 0.9)
    assert tensors["texts"].tolist() == ["发票".encode(), b""]


def test_generate_gives_a_single_value_as_it_is():
    answer = json.loads(generate_answer(OCR, RESULTS[OCR], InferenceRequest([], {}, "a")))
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("a", "ocr", "1")
    assert (answer["texts"], answer["words"], answer["word_lines"]) == (["发票", ""], "发", 0)
    assert np.array_equal(np.array(answer["boxes"], np.float32).reshape(2, 4, 2), RESULTS[OCR].boxes)
    assert json.loads(generate_answer(RECOGNITION, RESULTS[RECOGNITION], InferenceRequest([], {})))["texts"] == []


@given(ENDPOINT, JSON, st.binary(max_size=20), st.integers(-3, 3) | st.none())
def test_any_json_is_a_request_or_refused(endpoint, document, rest, shift):
    text = json.dumps(document).encode()
    header = None if shift is None else str(len(text) + shift)
    read_or_refused(InferenceRequest.of_infer, endpoint, text + rest, header)
    read_or_refused(InferenceRequest.of_generate, endpoint, text)


@given(ENDPOINT, st.binary(max_size=60), st.text(max_size=4) | st.integers(-9, 70).map(str) | st.none())
def test_any_bytes_are_a_request_or_refused(endpoint, body, header):
    read_or_refused(InferenceRequest.of_infer, endpoint, body, header)
    read_or_refused(InferenceRequest.of_generate, endpoint, body)


@given(st.integers(0, 400), st.integers(0, 255), st.integers(-20, 20))
def test_a_request_that_was_changed_is_a_request_or_refused(at, byte, shift):
    body, size = encode(
        InferRequest(RECOGNITION, "images", (b"one", b"", b"three"), {"use_textline_orientation": True}), 1.5
    )
    broken = bytearray(body)
    broken[at % len(broken)] = byte
    read_or_refused(InferenceRequest.of_infer, RECOGNITION, bytes(broken), str(max(size + shift, 0)))


@pytest.mark.parametrize("length", ["0" * 19 + "59", "0" * 19 + "5" + "9" * 5000, "9" * 21])
def test_a_length_of_too_many_digits_is_refused(length):
    with pytest.raises(NotUnderstood, match="must be a whole number"):
        InferenceRequest.of_infer(OCR, b'{"inputs": []}' * 9, length)


@pytest.mark.parametrize("depth", [10, 200, 450, 900, 980, 1000, 5000, 50_000])
def test_no_depth_of_nesting_breaks_the_reading(depth):
    for body in (
        '{"image": X}',
        '{"image": "a", "page": X}',
        '{"id": X}',
        '{"inputs": [{"name": X}]}',
        '{"outputs": X}',
    ):
        for deep in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            text = body.replace("X", deep).encode()
            read_or_refused(InferenceRequest.of_infer, OCR, text, None)
            read_or_refused(InferenceRequest.of_generate, OCR, text)


def read_or_refused(read, endpoint, *arguments):
    try:
        request = read(endpoint, *arguments)
    except InvalidInput as error:
        assert 0 < len(str(error)) < 1500
        return
    assert all(isinstance(picture, bytes) for picture in request.pictures)
    assert endpoint == RECOGNITION or len(request.pictures) == 1
