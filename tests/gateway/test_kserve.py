"""The KServe V2 protocol: clients of the server, unchanged, at the gateway; what both answer is the same."""

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import requests
import tritonclient.http
from PIL import Image
from tests.conftest import SAMPLES
from tests.gateway.conftest import HeldReader

from ocr_client import AsyncOcrClient, OcrClient
from ocr_client.errors import AccessDeniedError, BadRequestError, ServerNotReadyError, ServerUnreachableError
from ocr_client.transports.v2_codec import decode
from ocr_client.transports.v2_tensors import HEADER_LENGTH
from ocr_contract import __version__, canary
from ocr_contract.options import TASKS
from ocr_contract.result import OcrResult

PICTURES = ["receipt.png", "poster.jpg", "rotated.png", "blank.png", "exif.jpg"]
RECEIPT = SAMPLES / "receipt.png"
CANARY = base64.b64encode(canary.picture()).decode()
SEQUENCE = {"sequence_id", "sequence_start", "sequence_end"}  # Triton's keys of every answer of generate


def file(name):
    return (SAMPLES / name).read_bytes()


@pytest.fixture(scope="module")
def lines(server):
    """Three lines of the receipt, as arrays."""
    pixels = np.asarray(Image.open(RECEIPT).convert("RGB"))[..., ::-1]
    with OcrClient(server.http_url) as client:
        boxes = client.detect(RECEIPT).boxes[:3].astype(int)
    return [np.ascontiguousarray(pixels[y0 : y1 + 1, x0 : x1 + 1]) for (x0, y0), (x1, y1) in boxes[:, [0, 2]]]


@pytest.mark.parametrize("name", PICTURES)
def test_our_client_gets_what_the_server_gives(gateway, server, name):
    with OcrClient(gateway) as through, OcrClient(server.http_url) as direct:
        for options in ({}, {"return_word_box": True, "use_doc_orientation_classify": True}):
            assert through.ocr(SAMPLES / name, **options) == direct.ocr(SAMPLES / name, **options)
        assert through.detect(SAMPLES / name) == direct.detect(SAMPLES / name)


def test_our_client_has_lines_read(gateway, server, lines):
    with OcrClient(gateway) as through, OcrClient(server.http_url) as direct:
        assert through.recognize(lines) == direct.recognize(lines)
        assert len(through.recognize(lines)) == 3
        assert through.recognize([]) == direct.recognize([])


def test_our_asynchronous_client_works(gateway, server):
    async def read(url):
        async with AsyncOcrClient(url) as client:
            assert await client.is_ready()
            return await asyncio.gather(*(client.ocr(SAMPLES / name) for name in PICTURES))

    assert asyncio.run(read(gateway)) == asyncio.run(read(server.http_url))


def test_our_command_works(gateway, server):
    def read(url):
        command = [str(Path(sys.prefix) / "bin" / "ocr-client"), "--url", url, str(RECEIPT), "--format", "json"]
        return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout

    assert read(gateway) == read(server.http_url)


def test_our_client_is_told_what_is_wrong_as_by_the_server(gateway, server):
    def refusals(url):
        with OcrClient(url) as client:
            for image, options in [
                (b"no picture", {}),
                (b"", {}),
                (RECEIPT, {"text_det_thresh": 7}),
                (RECEIPT, {"x": 1}),
            ]:
                with pytest.raises(BadRequestError) as refused:
                    client.ocr(image, **options)
                yield str(refused.value)

    for ours, theirs in zip(refusals(gateway), refusals(server.http_url), strict=True):
        assert theirs.removeprefix("the server refused the request: ") in ours


def test_our_client_knows_outages_and_tokens(serve):
    with OcrClient(serve(HeldReader(error=ServerUnreachableError("nobody", retryable=True)))) as client:
        assert not client.is_ready()
        with pytest.raises(ServerNotReadyError) as told:
            client.ocr(RECEIPT)
        assert (told.value.retryable, told.value.retry_after_s) == (True, 2)
    url = serve(HeldReader(), token="secret")  # noqa: S106
    with OcrClient(url) as client, pytest.raises(AccessDeniedError):
        client.ocr(RECEIPT)
    with OcrClient(url, headers={"Authorization": "Bearer secret"}) as client:
        assert client.is_ready()
        assert client.ocr(RECEIPT).texts


@pytest.fixture
def triton(gateway, server):
    """tritonclient's own clients of the gateway and of the server."""
    clients = [
        tritonclient.http.InferenceServerClient(url.removeprefix("http://")) for url in (gateway, server.http_url)
    ]
    yield clients
    for client in clients:
        client.close()


def test_tritonclient_is_told_the_same_of_models(triton):
    ours, theirs = triton
    assert ours.is_server_live()
    assert ours.is_server_ready()
    for endpoint in TASKS:
        for version in ("", "1"):
            assert ours.is_model_ready(endpoint, version)
            told, expected = (client.get_model_metadata(endpoint, version) for client in triton)
            for kind in ("inputs", "outputs"):
                assert sorted(told.pop(kind), key=str) == sorted(expected.pop(kind), key=str)
            assert told == expected
    assert not ours.is_model_ready("other")
    assert set(ours.get_server_metadata()) == set(theirs.get_server_metadata())
    assert ours.get_server_metadata()["version"] == __version__


@pytest.mark.parametrize("is_binary_input", [True, False])
@pytest.mark.parametrize(
    "outputs", [None, {"texts": True, "boxes": True}, {"texts": False, "scores": True, "boxes": False}]
)
def test_tritonclient_gets_the_same_tensors(triton, is_binary_input, outputs):
    picture = file("receipt.png") if is_binary_input else base64.b64encode(file("receipt.png"))
    tensor = tritonclient.http.InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([picture], np.object_), binary_data=is_binary_input)
    wanted = outputs and [tritonclient.http.InferRequestedOutput(name, binary_data=b) for name, b in outputs.items()]
    ours, theirs = (
        client.infer(
            "ocr",
            [tensor],
            outputs=wanted,
            request_id="a 7",
            timeout=60_000_000,
            priority=1,
            parameters={"text_rec_score_thresh": "0.6"},
        )
        for client in triton
    )
    assert ours.get_response()["id"] == theirs.get_response()["id"] == "a 7"
    names = {output["name"] for output in theirs.get_response()["outputs"]}
    assert {output["name"] for output in ours.get_response()["outputs"]} == names
    assert names == (set(outputs) if outputs else {*names, "words", "box_scores"})
    for name in names:
        told, expected = ours.as_numpy(name), theirs.as_numpy(name)
        assert told.dtype == expected.dtype
        assert told.tolist() == expected.tolist()
        assert {**ours.get_output(name), "data": 0} == {**theirs.get_output(name), "data": 0}


def post(url, path, body, **headers):
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return requests.post(f"{url}/v2/models/{path}", data=data, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ocr/generate", {"image": CANARY, "id": "one", "return_word_box": True}),
        ("ocr/versions/1/generate", {"image": [CANARY], "text_rec_score_thresh": "0.9"}),
        ("ocr/generate", {"image": base64.b64encode(file("receipt.png")).decode()}),
        ("ocr/generate", {"image": base64.b64encode(file("blank.png")).decode(), "parameters": {"page": 0}}),
        ("text_detection/generate", {"image": CANARY, "text_det_box_thresh": 0.5}),
        ("text_recognition/generate", {"images": [CANARY, CANARY]}),
        ("text_recognition/generate", {"images": CANARY}),
        ("text_recognition/generate", {"images": []}),
    ],
)
def test_generate_answers_as_the_server_does(gateway, server, path, body):
    ours, theirs = post(gateway, path, body), post(f"http://{server.http_url}", path, body)
    assert ours.status_code == theirs.status_code == 200
    assert ours.headers["Content-Type"] == "application/json"
    assert ours.json() == {name: value for name, value in theirs.json().items() if name not in SEQUENCE}


def test_a_body_without_json_is_a_picture(gateway, server):
    answers = [
        post(url, "ocr/infer", canary.picture(), **{HEADER_LENGTH: "0"})
        for url in (gateway, f"http://{server.http_url}")
    ]
    ours, theirs = (OcrResult.from_tensors(decode(one.content, int(one.headers[HEADER_LENGTH]))) for one in answers)
    assert ours == theirs
    assert ours.texts == (canary.TEXT,)


def infer(**changes):
    return {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [CANARY], **changes}]}


def binary(size, *rest, **changes):
    """A request in the binary form: its JSON, and the bytes after it."""
    described = infer(parameters={"binary_data_size": size}, **changes)
    del described["inputs"][0]["data"]
    return json.dumps(described).encode() + b"".join(rest)


DEEP = "[" * 300 + "]" * 300
BAD = {
    "nothing": "",
    "half of an object": '{"inputs": [',
    "no object": "[1]",
    "null": "null",
    "no inputs": {},
    "inputs of another type": {"inputs": 5},
    "no input": {"inputs": []},
    "two inputs": {"inputs": infer()["inputs"] * 2},
    "an input of another type": {"inputs": ["image"]},
    "another name": infer(name="img"),
    "another datatype": infer(datatype="FP32"),
    "a datatype of another type": infer(datatype=["BYTES"]),
    "two pictures": infer(shape=[2], data=[CANARY, CANARY]),
    "fewer strings than the shape says": infer(data=[]),
    "more strings than the shape says": infer(data=[CANARY, CANARY]),
    "a negative shape": infer(shape=[-1]),
    "two dimensions": infer(shape=[1, 1]),
    "no dimension": infer(shape=[]),
    "a shape of text": infer(shape="1"),
    "a broken shape": infer(shape=[1.5]),
    "a shape of true": infer(shape=[True]),
    "numbers for strings": infer(data=[5]),
    "an object for strings": infer(data={"a": 1}),
    "half of a surrogate pair": json.dumps(infer()).replace(CANARY, "\\ud800"),
    "strings of no list": infer(data=CANARY),
    "data and bytes": infer(parameters={"binary_data_size": 1}),
    "shared memory": infer(parameters={"shared_memory_region": "a"}),
    "parameters of another type": {**infer(), "parameters": [1]},
    "parameters of an input of another type": infer(parameters=5),
    "an unknown option": {**infer(), "parameters": {"nope": 1}},
    "an option out of range": {**infer(), "parameters": {"text_det_thresh": 7}},
    "an option of no number": json.dumps({**infer(), "parameters": {"text_det_thresh": float("nan")}}),
    "the text of no number": {**infer(), "parameters": {"text_det_thresh": "nan"}},
    "a huge number": {**infer(), "parameters": {"text_det_thresh": 10**400}},
    "a number of too many digits": '{"inputs": ' + "9" * 10_000 + "}",
    "an option of null": {**infer(), "parameters": {"text_det_thresh": None}},
    "an option of a list": {**infer(), "parameters": {"text_det_thresh": [0.5]}},
    "an option of many lists": json.dumps({**infer(), "parameters": {"page": 0}}).replace(": 0}", f": {DEEP}}}"),
    "binary_data_output of another type": {**infer(), "parameters": {"binary_data_output": 1}},
    "an id of another type": {**infer(), "id": 5},
    "outputs of another type": {**infer(), "outputs": "texts"},
    "an output of another type": {**infer(), "outputs": ["texts"]},
    "an unknown output": {**infer(), "outputs": [{"name": "nope"}]},
    "an output without a name": {**infer(), "outputs": [{}]},
    "an output that is classified": {**infer(), "outputs": [{"name": "texts", "parameters": {"classification": 1}}]},
    "an output in shared memory": {**infer(), "outputs": [{"name": "boxes", "parameters": {"shared_memory_size": 1}}]},
    "lists without end": "[" * 100_000,
    "objects without end": '{"a":' * 100_000,
    "nested strings": json.dumps(infer(data=0)).replace('"data": 0', f'"data": {DEEP}'),
    "a nested name": json.dumps(infer(name=0)).replace('"name": 0', f'"name": {DEEP}'),
}  # fmt: skip


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_a_bad_request_is_an_error_of_one_sentence(gateway, body):
    answer = post(gateway, "ocr/infer", body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"]
    assert len(answer.json()["error"]) < 1000


BAD_BINARY = {
    "header longer than the body": (binary(0), "99999"),
    "a huge header": (binary(0), "9" * 5000),
    "a negative header": (binary(0), "-1"),
    "a header of text": (binary(0), "ten"),
    "a header of other digits": (binary(0), "\N{SUPERSCRIPT TWO}"),
    "a header too short": (binary(0), "10"),
    "more bytes said than came": (binary(10, b"1234"), None),
    "fewer bytes said than came": (binary(4, b"\0\0\0\0and more"), None),
    "bytes that end in a length": (binary(2, b"\1\0"), None),
    "a string longer than its tensor": (binary(6, b"\xff\0\0\0ab"), None),
    "two strings": (binary(8, bytes(8)), None),
    "no strings": (binary(0), None),
    "a negative size": (binary(-1), None),
    "a size of text": (binary("4", b"\0\0\0\0"), None),
    "a size of true": (binary(True, b"\0"), None),
}


@pytest.mark.parametrize(("body", "header"), BAD_BINARY.values(), ids=BAD_BINARY.keys())
def test_a_bad_request_in_the_binary_form_is_an_error_of_one_sentence(gateway, body, header):
    size = str(body.rindex(b"}") + 1) if header is None else header
    answer = post(gateway, "ocr/infer", body, **{HEADER_LENGTH: size})
    assert answer.status_code == 400
    assert answer.json()["error"]


BAD_GENERATE = {
    "nothing": "",
    "a list": [1],
    "no image": {"id": "1"},
    "null": {"image": None},
    "a number": {"image": 5},
    "an object": {"image": {"a": CANARY}},
    "two pictures": {"image": [CANARY, CANARY]},
    "no picture": {"image": []},
    "an empty text": {"image": ""},
    "no base64": {"image": "no picture"},
    "an unknown option": {"image": CANARY, "nope": 1},
    "an option of null": {"image": CANARY, "page": None},
    "an option beside of an object": {"image": CANARY, "parameters": {"text_det_thresh": 7}},
    "parameters of another type": {"image": CANARY, "parameters": 7},
    "an id of another type": {"image": CANARY, "id": 7},
    "lists without end": '{"image":' + "[" * 100_000,
    "many lists": f'{{"image": {DEEP}}}',
}


@pytest.mark.parametrize("body", BAD_GENERATE.values(), ids=BAD_GENERATE.keys())
def test_a_bad_request_to_generate_is_an_error_of_one_sentence(gateway, body):
    answer = post(gateway, "ocr/generate", body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_compressed_body_is_refused(gateway):
    answer = post(gateway, "ocr/infer", infer(), **{"Content-Encoding": "gzip"})
    assert (answer.status_code, "Content-Encoding" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "models/other/infer", 404),
        ("POST", "models/ocr/versions/2/infer", 404),
        ("GET", "models/other", 404),
        ("GET", "models/det/ready", 404),
        ("GET", "models/ocr/config", 404),
        ("POST", "repository/index", 404),
        ("POST", "models/ocr/ready", 405),
        ("GET", "models/ocr/infer", 405),
        ("GET", "shared/memory", 404),
    ],
)
def test_nothing_else_of_triton_is_reached(gateway, method, path, status):
    answer = requests.request(method, f"{gateway}/v2/{path}", timeout=60)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_readiness_needs_a_picture_that_was_read_right(serve):
    for reader, status in (
        (HeldReader(), 200),
        (HeldReader(error=ServerUnreachableError("nobody", retryable=True)), 503),
    ):
        url = serve(reader)
        # KServe's own clients read the bodies, Triton's the status.
        for path, expected, body in (
            ("health/live", 200, {"live": True}),
            ("health/ready", status, {"ready": status == 200}),
            ("models/ocr/ready", status, {"name": "ocr", "ready": status == 200}),
        ):
            answer = requests.get(f"{url}/v2/{path}", timeout=60)
            assert (answer.status_code, answer.json()) == (expected, body)


def test_pictures_are_counted_with_the_pages_of_documents(serve):
    url = serve(HeldReader())
    tensor = {"name": "images", "shape": [3], "datatype": "BYTES", "data": [CANARY] * 3}
    assert post(url, "text_recognition/infer", {"inputs": [tensor]}).ok
    figures = requests.get(f"{url}/metrics", timeout=60).text
    assert 'ocr_gateway_pages_total{outcome="ocr",protocol="kserve"} 3.0' in figures
