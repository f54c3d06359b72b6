"""Each request has an id, which the server, the log and the caller know."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.clients.kserve_peer import Kserve, start_kserve

from ocr_client import BadRequestError, OcrClient, ServerNotReadyError, UsageError
from ocr_client.request import detection_call, recognition_call
from ocr_client.transports.v2_codec import encode

BUSY = "503 Service Unavailable"
MADE = r"[0-9a-f]{32}"


def test_a_server_is_told_it_with_every_try(caplog: pytest.LogCaptureFixture) -> None:
    peer = Kserve()
    server, port = start_kserve(peer)
    with OcrClient(f"127.0.0.1:{port}", "grpc") as client:
        client.ocr(b"x", request_id="a-name")
        client.ocr(b"x")
    server.stop(None).wait()
    first, again, other = peer.ids
    assert first == again == "a-name"
    assert re.fullmatch(MADE, other)
    (warning,) = [record for record in caplog.records if record.name == "ocr_client"]
    assert warning.levelno == logging.WARNING
    assert warning.getMessage().startswith("request_id a-name: failed, and is sent again in ")


def test_http_says_it_in_the_head_and_in_the_body(start_peer: Callable[..., str], no_text: bytes) -> None:
    heard = []

    def peer(connection: Any) -> None:
        data = b""
        while not data.endswith(b"x"):
            data += connection.recv(65536)
        heard.append(data)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(no_text)}\r\n\r\n".encode() + no_text)

    with OcrClient(start_peer(peer)) as client:
        client.ocr(b"x", request_id="a-name")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert b"X-Request-ID: a-name\r\n" in head
    assert b'"id": "a-name"' in body


@pytest.mark.parametrize(
    "call", [lambda name: detection_call(b"x", {}, name), lambda name: recognition_call([b"x"], {}, name)]
)
def test_of_every_endpoint(call: Any) -> None:
    body, size = encode(call("a-name").request, 60)
    assert json.loads(body[:size])["id"] == "a-name"


@pytest.mark.parametrize("name", ["", "a" * 129, "two words", "a\nb", "caf\xe9"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="request_id"):
        OcrClient().ocr(b"x", request_id=name)


@pytest.mark.parametrize(("status", "error"), [(BUSY, ServerNotReadyError), ("400 Bad Request", BadRequestError)])
def test_what_cannot_be_sent_again_is_an_error_and_no_warning(
    start_peer: Any, answering: Any, status: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ocr_client")
    with OcrClient(start_peer(answering(status, b"")), retries=0) as client, pytest.raises(error):
        client.ocr(b"x", request_id="a-name")
    (entry,) = [record for record in caplog.records if record.name == "ocr_client"]
    assert entry.levelno == logging.DEBUG
    assert entry.getMessage().startswith("request_id a-name: failed: ")
