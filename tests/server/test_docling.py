"""docling_ocr: what Docling's engine kserve_v2_ocr sends, byte by byte, is read as `ocr` reads the same pixels."""

import gzip
import hashlib
import json
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from grpc import RpcError, insecure_channel
from tritonclient.grpc import InferenceServerClient, InferInput, service_pb2
from tritonclient.utils import InferenceServerException

from ocr_client import OcrClient
from ocr_contract.options import DOCLING, options_of

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
OUTPUTS = ("boxes", "txts", "scores")
DTYPES = {"FP32": np.float32, "UINT8": np.uint8}
# SHA-256 of what Docling 2.143 sends of PATTERN with the language english and OPTION: body of HTTP, message of gRPC.
RECORDED = {
    "http binary": "b3bbfca923e1afefd50664cfe68a62d91b34ace600a6533d4b1a03d88b864692",
    "http json": "376f8282cb967e765a9b00d6658a1c4c8d89225bd8500b76bebae07a495f9f60",
    "grpc": "d9c32c82178d4a553836469687877504ac0e58ac5fdb2a5fbc1669995138998a",
    "grpc version 1": "9fd114b69dbebddd9b44ca60d95e19ebde51c94044c8bfe16aea0c852a638d5e",
}
PATTERN = (np.arange(5 * 7 * 3) * 37 % 256).astype(np.uint8).reshape(1, 5, 7, 3)
OPTION = {"text_rec_score_thresh": 0.6}
BLANK = np.full((1, 60, 80, 3), 255, np.uint8)
TAKEN = ", ".join(sorted(options_of(DOCLING)))
WAYS = ("http binary", "http json", "grpc")


class RefusedError(Exception):
    """The server's refusal: HTTP status or gRPC code, and its words."""

    def __init__(self, code, words):
        super().__init__(f"{code}: {words}")
        self.code, self.words = code, words


def language(name="english"):
    return np.array([[name]], dtype=object)


def tensors_of(rgb, lang="english"):
    return {"lang_type": language(lang), "image": rgb}


def datatype(tensor):
    return "BYTES" if tensor.dtype == object else {np.dtype(kind): name for name, kind in DTYPES.items()}[tensor.dtype]


def raw(tensor):
    """A tensor as binary data of the KServe protocol."""
    if tensor.dtype != object:
        return tensor.tobytes()
    texts = [text.encode() for text in tensor.reshape(-1)]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def binary_body(tensors, options):
    """The body of an HTTP request with `use_binary_data`, and its headers."""
    payload = {
        "inputs": [
            {
                **{"name": name, "shape": list(tensor.shape), "datatype": datatype(tensor)},
                "parameters": {"binary_data_size": len(raw(tensor))},
            }
            for name, tensor in tensors.items()
        ],
        "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in OUTPUTS],
        **({"parameters": options} if options else {}),
    }
    head = json.dumps(payload, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return head + b"".join(map(raw, tensors.values())), headers


def json_body(tensors, options):
    """The body of an HTTP request without `use_binary_data`, and its headers."""
    payload = {
        "inputs": [
            {
                **{"name": name, "shape": list(tensor.shape), "datatype": datatype(tensor)},
                "data": tensor.reshape(-1).tolist(),
            }
            for name, tensor in tensors.items()
        ],
        "outputs": [{"name": name} for name in OUTPUTS],
        **({"parameters": options} if options else {}),
    }
    return json.dumps(payload).encode(), {"Content-Type": "application/json"}


def grpc_message(tensors, options, version=""):
    """The message of a gRPC request."""
    request = service_pb2.ModelInferRequest(model_name="docling_ocr", model_version=version)
    for name, value in options.items():
        kind = {bool: "bool_param", int: "int64_param", float: "double_param", str: "string_param"}[type(value)]
        setattr(request.parameters[name], kind, value)
    for name, tensor in tensors.items():
        one = request.inputs.add(name=name, datatype=datatype(tensor), shape=tensor.shape)
        one.parameters["binary_data"].bool_param = True
        request.raw_input_contents.append(raw(tensor))
    for name in OUTPUTS:
        request.outputs.add(name=name).parameters["binary_data"].bool_param = True
    return request.SerializeToString()


def array_of(kind, shape, data):
    """A tensor out of binary data."""
    if kind != "BYTES":
        return np.frombuffer(data, DTYPES[kind]).reshape(shape)
    texts = []
    while data:
        end = 4 + int.from_bytes(data[:4], "little")
        texts.append(data[4:end].decode())
        data = data[end:]
    return np.array(texts, dtype=object).reshape(shape)


def over_http(server, body, headers, version=""):
    """Ask as `requests` does, with the headers that it adds; the answer's tensors."""
    path = f"docling_ocr/versions/{version}" if version else "docling_ocr"
    usual = {
        "User-Agent": "python-requests/2.34.2",
        "Accept-Encoding": "gzip, deflate",
        "Accept": "*/*",
        "X-Key": "an operator's own",
    }
    request = urllib.request.Request(f"http://{server.http_url}/v2/models/{path}/infer", body, {**usual, **headers})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            data, told = answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        raise RefusedError(error.code, error.read().decode()) from error
    unpack = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(told.get("Content-Encoding"), bytes)
    data, tensors = unpack(data), {}
    length = int(told.get("Inference-Header-Content-Length", len(data)))
    rest = data[length:]
    for output in json.loads(data[:length])["outputs"]:
        kind, shape = output["datatype"], output["shape"]
        if "data" in output:
            tensors[output["name"]] = np.array(output["data"], DTYPES.get(kind, object)).reshape(shape)
            continue
        size = output["parameters"]["binary_data_size"]
        tensors[output["name"]], rest = array_of(kind, shape, rest[:size]), rest[size:]
    assert not rest
    return tensors


def over_grpc(server, message):
    """Send a message as it is, with metadata; the answer's tensors."""
    options = [("grpc.max_send_message_length", -1)]
    with insecure_channel(server.grpc_url, options) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        try:
            data = infer(message, timeout=120, metadata=[("x-key", "an operator's own")])
        except RpcError as error:
            raise RefusedError(error.code().name, error.details()) from error
    answer = service_pb2.ModelInferResponse.FromString(data)
    pairs = zip(answer.outputs, answer.raw_output_contents, strict=True)
    return {output.name: array_of(output.datatype, list(output.shape), content) for output, content in pairs}


def ask(server, way, tensors, options=None, version=""):
    """`boxes`, `txts` and `scores`, asked for in one of Docling's ways."""
    if way == "grpc":
        return over_grpc(server, grpc_message(tensors, options or {}, version))
    body = (binary_body if way == "http binary" else json_body)(tensors, options or {})
    return over_http(server, *body, version)


def head_of_receipt():
    """(1, H, W, 3) uint8, RGB: the uppermost lines of a sample picture."""
    return cv2.cvtColor(cv2.imread(str(SAMPLES / "receipt.png"))[:400], cv2.COLOR_BGR2RGB)[None]


@pytest.fixture(scope="module")
def client(server):
    with OcrClient(server.http_url) as client:
        yield client


def as_png(client, rgb, **options):
    """What `ocr` reads in the same pixels."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(rgb[0], cv2.COLOR_RGB2BGR))
    assert ok
    return client.ocr(data.tobytes(), **options)


def assert_alike(tensors, page):
    assert tuple(tensors["txts"]) == page.texts
    assert np.array_equal(tensors["boxes"], page.boxes)
    assert np.array_equal(tensors["scores"], page.scores)


def test_the_requests_of_these_tests_are_doclings():
    tensors = tensors_of(PATTERN)
    built = {
        "http binary": binary_body(tensors, OPTION)[0],
        "http json": json_body(tensors, OPTION)[0],
        "grpc": grpc_message(tensors, OPTION),
        "grpc version 1": grpc_message(tensors, OPTION, "1"),
    }
    assert {name: hashlib.sha256(data).hexdigest() for name, data in built.items()} == RECORDED


@pytest.mark.parametrize("way", WAYS)
def test_pixels_are_read_as_their_png_file_is(server, client, way):
    rgb = head_of_receipt()
    page = as_png(client, rgb)
    assert "山海茶事" in page.texts
    assert_alike(ask(server, way, tensors_of(rgb)), page)
    assert_alike(ask(server, way, tensors_of(rgb), version="1"), page)


def test_red_and_blue_are_not_swapped(server, client):
    rgb = np.full((1, 200, 700, 3), (0, 0, 120), np.uint8)
    cv2.putText(rgb[0], "RED ON BLUE", (40, 130), cv2.FONT_HERSHEY_SIMPLEX, 2.5, (200, 0, 0), 6, cv2.LINE_AA)
    page, swapped = as_png(client, rgb), as_png(client, rgb[..., ::-1])
    assert page.texts
    assert not np.array_equal(page.scores, swapped.scores)
    assert_alike(ask(server, "http binary", tensors_of(rgb)), page)


@pytest.mark.parametrize("way", WAYS)
def test_a_page_without_text_is_an_answer_of_no_lines(server, way):
    found = ask(server, way, tensors_of(BLANK))
    assert {name: tensor.shape for name, tensor in found.items()} == {"boxes": (0, 4, 2), "txts": (0,), "scores": (0,)}


@pytest.mark.parametrize("lang", ["chinese", "", "x" * 100_000])
def test_the_language_changes_nothing(server, client, lang):
    rgb = head_of_receipt()
    assert_alike(ask(server, "grpc", tensors_of(rgb, lang)), as_png(client, rgb))


@pytest.mark.parametrize("way", WAYS)
def test_request_parameters_are_options(server, client, way):
    rgb = np.ascontiguousarray(np.rot90(head_of_receipt(), axes=(1, 2)))
    options = {
        "text_rec_score_thresh": 0.9,
        "use_doc_orientation_classify": True,
        "text_reading_order": "rows",
        "text_det_limit_side_len": 960,
    }
    page = as_png(client, rgb, **options)
    assert "山海茶事" in page.texts
    assert_alike(ask(server, way, tensors_of(rgb), options), page)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text_det_tresh": 0.3}, f'unknown option "text_det_tresh"; it takes {TAKEN}'),
        ({"page": 2}, f'"page" is not an option of this endpoint; it takes {TAKEN}'),
        ({"return_word_box": True}, f'"return_word_box" is not an option of this endpoint; it takes {TAKEN}'),
        ({"text_det_thresh": 1.5}, "text_det_thresh must be a number from 0 to 1, not 1.5"),
    ],
)
def test_an_option_that_it_does_not_take_is_refused(server, way, options, words):
    with pytest.raises(RefusedError) as refusal:
        ask(server, way, tensors_of(BLANK), options)
    assert refusal.value.code in (400, "INVALID_ARGUMENT")
    assert words in refusal.value.words.replace('\\"', '"')


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (tensors_of(BLANK.astype(np.float32)), "data-type is 'FP32', but model 'docling_ocr' expects 'UINT8'"),
        (tensors_of(language()), "data-type is 'BYTES', but model 'docling_ocr' expects 'UINT8'"),
        (tensors_of(BLANK[0]), "Expected [1,-1,-1,3], got [60,80,3]"),
        (tensors_of(np.concatenate([BLANK, BLANK])), "Expected [1,-1,-1,3], got [2,60,80,3]"),
        (tensors_of(BLANK[..., :1]), "Expected [1,-1,-1,3], got [1,60,80,1]"),
        (tensors_of(BLANK[:0]), "Expected [1,-1,-1,3], got [0,60,80,3]"),
        (tensors_of(BLANK[:, :0]), "a picture has at least one pixel, got 80 x 0"),
        (tensors_of(BLANK[:, :, :0]), "a picture has at least one pixel, got 0 x 60"),
        ({"image": BLANK}, "missing required input(s) ['lang_type']"),
        ({"lang_type": language()}, "missing required input(s) ['image']"),
        ({"lang_type": language()[0], "image": BLANK}, "Expected [1,1], got [1]"),
    ],
)
def test_a_picture_of_another_kind_is_refused(server, way, tensors, words):
    with pytest.raises(RefusedError) as refusal:
        ask(server, way, tensors)
    assert refusal.value.code in (400, "INVALID_ARGUMENT")
    assert words in refusal.value.words


@pytest.mark.parametrize("side", [100_000, 2**31])
def test_a_size_that_the_bytes_do_not_fill_is_refused(server, side):
    message = service_pb2.ModelInferRequest.FromString(grpc_message(tensors_of(BLANK), {}))
    message.inputs[1].shape[1:3] = [side, side]
    with pytest.raises(RefusedError) as refusal:
        over_grpc(server, message.SerializeToString())
    assert refusal.value.code == "INVALID_ARGUMENT"
    assert "input byte size mismatch for input 'image'" in refusal.value.words


@pytest.mark.parametrize("way", ["http binary", "grpc"])
def test_pixels_above_the_limit_are_refused(server, way):
    with pytest.raises(RefusedError) as refusal:
        ask(server, way, tensors_of(np.zeros((1, 7_200, 7_000, 3), np.uint8)))
    assert refusal.value.code in (400, "INVALID_ARGUMENT")
    assert "image has 7000 x 7200 pixels, the limit is 50000000 for raw pixels" in refusal.value.words


@pytest.mark.parametrize("both", [False, True])
def test_the_inner_model_takes_one_picture(server, both):
    inputs = InferInput("image", [1], "BYTES"), InferInput("rgb", [1, 60, 80, 3], "UINT8")
    inputs[0].set_data_from_numpy(np.array([b"x"], dtype=object))
    inputs[1].set_data_from_numpy(BLANK)
    ticket = InferInput("ticket", [2], "INT64")
    ticket.set_data_from_numpy(np.zeros(2, np.int64))
    with (
        InferenceServerClient(server.grpc_url) as client,
        pytest.raises(InferenceServerException, match="either image or rgb") as refusal,
    ):
        client.infer("det_batcher", inputs if both else [ticket])
    assert refusal.value.status() == "StatusCode.INVALID_ARGUMENT"
