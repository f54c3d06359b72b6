"""Options and bodies of JSON that no honest client sends, to the server and to the gateway's protocols."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import urlencode

from ocr_bench.hostile.asks import JSON_LENGTH, Ask, Server, Tensor, infer_grpc, infer_http, json_body, strings
from ocr_bench.hostile.pictures import damage, picture
from ocr_contract.options import OPTIONS, TASKS

VALUES: tuple[Any, ...] = (
    *(float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 1e-320, -1, 0, 2**31, 2**63 - 1, 2**63, 10**400),
    *("", "nan", "inf", "1e308", "-1", "0x10", "١٢", "1_0", " 3 ", "9" * 5000, "true", "\0", "\ud800", "'; --"),
    *(None, True, [], [1], {}, {"a": 1}, [[[[]]]], {"text_det_thresh": 0.3}),
)
_NAMES = (
    *OPTIONS,
    "page ",
    "PAGE",
    "__class__",
    "text_det_thresh\0",
    "priority",
    "timeout",
    "sequence_id",
    "id",
    "x" * 300,
)
_PICTURE = base64.b64encode(picture()).decode()


def hostile_options(random: Random) -> Ask:
    """A picture with options of odd values."""
    options = {random.choice(_NAMES): random.choice(VALUES) for _ in range(random.choice((1, 1, 2, 5)))}
    model = random.choice(TASKS)
    field = "images" if model == "text_recognition" else "image"
    kind = f"options: {model}"
    way = random.randrange(5)
    if way == 0:
        return json_body(
            kind, random.choice(("http", "gateway")), f"/v2/models/{model}/generate", {field: _PICTURE, **options}
        )
    if way == 1:
        return json_body(kind, "gateway", "/ocr", {"file": _PICTURE, "fileType": 1, **options, **_as_paddlex(options)})
    if way == 2:
        query = urlencode({name: _unicode(str(value))[:2000] for name, value in options.items()})
        return Ask(kind, "gateway", f"/read?{query}", picture())
    tensors = [Tensor(field, "BYTES", (1,), strings(picture()))]
    if way == 3:
        return infer_http(kind, model, tensors, parameters=options, to=random.choice(("http", "gateway")))
    said = {name: _unicode(value) if isinstance(value, str) else value for name, value in options.items()}
    return infer_grpc(kind, model, tensors, parameters=said)


def _unicode(text: str) -> str:
    """Text without halves of characters, which neither a URL nor gRPC can say."""
    return text.encode("utf-8", "replace").decode()


def _as_paddlex(options: dict[str, Any]) -> dict[str, Any]:
    """The same names as PaddleX writes them: textDetThresh."""
    words = {name: name.split("_") for name in options}
    return {w[0] + "".join(map(str.title, w[1:])): options[name] for name, w in words.items()}


_KEYS = (
    *("inputs", "outputs", "parameters", "id", "name", "shape", "datatype", "data", "binary_data_size"),
    *("image", "images", "file", "fileType", "key", "value", "feed", "fetch", "lod", "page", "visualize"),
)


def _document(random: Random, depth: int = 0) -> Any:
    """JSON of keys that the protocols know, in places where they do not expect them."""
    what = random.randrange(8 if depth < 4 else 3)
    if what < 3:
        return random.choice((*VALUES, _PICTURE, "BYTES", "image", "ocr"))
    if what < 5:
        return [_document(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(_KEYS): _document(random, depth + 1) for _ in range(random.randrange(5))}


_HONEST: tuple[tuple[Server, str, Any], ...] = (
    ("http", "/v2/models/ocr/generate", {"image": _PICTURE}),
    (
        "http",
        "/v2/models/ocr/infer",
        {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [_PICTURE]}]},
    ),
    ("http", "/v2/models/text_recognition/generate", {"images": [_PICTURE, _PICTURE]}),
    ("gateway", "/v2/models/ocr/generate", {"image": _PICTURE}),
    (
        "gateway",
        "/v2/models/ocr/infer",
        {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [_PICTURE]}]},
    ),
    ("gateway", "/ocr", {"file": _PICTURE, "fileType": 1, "visualize": False}),
    ("gateway", "/ocr/prediction", {"key": ["image"], "value": [_PICTURE]}),
    ("gateway", "/ocr/prediction", {"feed": [{"image": _PICTURE}], "fetch": ["res"]}),
)


def _deep(depth: int) -> bytes:
    return b'{"image":' + b"[" * depth + b"]" * depth + b"}"


_RAW: tuple[Callable[[Random], bytes], ...] = (
    lambda random: b"",
    lambda random: b"{",
    lambda random: b"null",
    lambda random: random.randbytes(random.randrange(200)),
    lambda random: _deep(random.choice((10, 100, 500, 2000))),
    lambda random: b'{"image": "' + b"\xff\xfe" * 20 + b'"}',
    lambda random: b'{"image": "x", "image": "y"}',
    lambda random: b"\xef\xbb\xbf{}",
    lambda random: b'{"image": "' + b"\\u0000" * 1000 + b'"}',
    lambda random: b"--x\r\nContent-Disposition: form-data; name=pages\r\n\r\n{}\r\n--x--",
)
_HEADERS: tuple[dict[str, str], ...] = (
    {},
    {JSON_LENGTH: "-1"},
    {JSON_LENGTH: "0"},
    {JSON_LENGTH: "99999999999999999999"},
    {JSON_LENGTH: "1e3"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "deflate"},
    {"Content-Type": "text/html"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Accept-Encoding": "gzip, deflate, br, nonsense"},
    {"X-Request-ID": "a" * 5000},
    {"X-Filename": "..%2F..%2Fetc%2Fpasswd%00"},
)


def hostile_body(random: Random) -> Ask:
    """A body that is not what the address asks for."""
    to, path, document = random.choice(_HONEST)
    headers = {"Content-Type": "application/json", **random.choice(_HEADERS)}
    how = random.randrange(4)
    if how == 0:
        _, body = damage(json.dumps(document).encode(), random)
    elif how == 1:
        body = json.dumps(_document(random)).encode()
    elif how == 2:
        body = json.dumps(
            {**document, **{key: _document(random) for key in random.sample(sorted(document), 1)}}
        ).encode()
    else:
        body = random.choice(_RAW)(random)
        path = random.choice(
            (path, "/read", "/write", "/process", "/v2/models/nothing/infer", "/v2/models/ocr/versions/9/infer")
        )
    method = "PUT" if path == "/process" else "POST"
    return Ask(f"body: {to} {path}", to, path, body, headers, method)


def hostile_message(random: Random) -> Ask:
    """A message of gRPC that was changed, or is none."""
    whole = infer_grpc("", "ocr", [Tensor("image", "BYTES", (1,), strings(picture()))], parameters={"page": 1})
    body = damage(whole.body, random)[1] if random.random() < 0.7 else random.randbytes(random.randrange(300))
    return Ask("message of gRPC", "grpc", whole.path, body)
