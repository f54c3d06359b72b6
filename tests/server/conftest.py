"""Requests byte by byte, with headers that no HTTP or gRPC library would send."""

import socket

import pytest

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


def send_http(port, method, path, headers):
    """What a server answers to a request with `headers`, written as they are."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: x",
        "Content-Length: 2",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return _exchange(port, "\r\n".join([*lines, "Connection: close", "", "{}"]).encode())


def send_grpc(port, method, headers):
    """What a server answers to an empty message with `headers` as metadata, written as they are."""
    usual = [
        *((":method", "POST"), (":scheme", "http"), (":path", f"/inference.GRPCInferenceService/{method}")),
        *((":authority", "x"), ("content-type", "application/grpc"), ("te", "trailers")),
    ]
    # RFC 7541, 6.2.2: literals that are not indexed, with a new name and without Huffman's code.
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in (*usual, *headers))
    message = b"\0" * 5
    frames = _frame(SETTINGS, 0, 0, b"") + _frame(HEADERS, END_HEADERS, 1, block) + _frame(DATA, END_STREAM, 1, message)
    return _exchange(port, HTTP2_PREFACE + frames)


@pytest.fixture(scope="session")
def raw_http():
    """`send_http`."""
    return send_http


@pytest.fixture(scope="session")
def raw_grpc():
    """`send_grpc`."""
    return send_grpc


def _text(text):
    assert len(text) < 127
    return bytes([len(text)]) + text.encode()


def _frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _exchange(port, request):
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.settimeout(1)
        connection.sendall(request)
        try:
            while piece := connection.recv(65536):
                answer += piece
                if b"grpc-status" in answer:  # the last that is said, but the connection stays open
                    connection.settimeout(0.05)
        except (TimeoutError, ConnectionError):
            pass
    return answer
