"""Clients that hold a connection and do not go on: they are sent away, and nobody else notices them."""

import socket
import threading
import time

import pytest
import requests
from tests.conftest import SAMPLES, wait_until
from tests.gateway.conftest import HeldReader
from tests.gateway.test_admission import figure, raw_request, read

from ocr_gateway import admission, connections

BLANK = (SAMPLES / "blank.png").read_bytes()


def connect(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def rest(connection):
    """What comes until the connection ends."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


class TestHead:
    @pytest.fixture
    def url(self, serve, monkeypatch):
        monkeypatch.setattr(connections, "HEAD_S", 0.5)
        return serve(HeldReader())

    def test_one_that_is_not_ended(self, url):
        with connect(url) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            assert rest(connection).startswith(b"HTTP/1.1 408 ")
        assert figure(url, "ocr_gateway_connections_dropped_total") == 1

    @pytest.mark.parametrize("sent", [b"", b"\r\n"])
    def test_one_that_is_not_begun_is_closed_without_a_word(self, url, sent):
        with connect(url) as connection:
            connection.sendall(sent)
            assert rest(connection) == b""
        assert figure(url, "ocr_gateway_connections_dropped_total") == 1

    def test_one_that_comes_drop_by_drop(self, url):
        with connect(url) as connection:

            def drip():
                for _ in range(100):
                    try:
                        connection.sendall(b"X-A: b\r\n")
                    except OSError:
                        return
                    time.sleep(0.05)

            connection.sendall(b"GET / HTTP/1.1\r\n")
            thread = threading.Thread(target=drip)
            thread.start()
            assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
            connection.shutdown(socket.SHUT_RDWR)
            thread.join(30)

    def test_a_second_one_on_a_connection_that_was_used(self, url):
        with connect(url) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in connection.recv(65536)
            connection.sendall(b"\r\n")  # ends the time that a connection may be idle
            assert rest(connection) == b""

    def test_the_rest_of_a_body_that_nobody_wants(self, url):
        with connect(url) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            assert b" 200 " in connection.recv(65536)
            connection.sendall(b"x")
            assert rest(connection) == b""

    def test_one_that_is_too_long(self, url):
        with connect(url) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nX-A: " + bytes(60_000).replace(b"\0", b"a"))
            time.sleep(0.1)
            connection.sendall(bytes(10_000).replace(b"\0", b"a"))
            assert connection.recv(100).startswith(b"HTTP/1.1 431 ")

    def test_a_whole_request_takes_its_time(self, serve, monkeypatch):
        monkeypatch.setattr(connections, "HEAD_S", 0.2)
        reader = HeldReader(held=True)
        url = serve(reader)
        with raw_request(url) as connection:
            wait_until(lambda: reader.calls == 1, "it is read")
            time.sleep(0.5)
            reader.held = False
            assert b" 200 " in connection.recv(65536)


def test_a_body_that_comes_drop_by_drop(serve, monkeypatch):
    monkeypatch.setattr(admission, "BODY_GRACE_S", 0.5)
    url = serve(HeldReader())
    with raw_request(url, b"", 1000) as connection:
        for _ in range(20):
            connection.sendall(b"x")
            time.sleep(0.05)
        assert b" 408 " in connection.recv(65536)
    wait_until(lambda: figure(url, "ocr_gateway_requests_in_flight") == 0, "its place is free again")
    assert figure(url, "ocr_gateway_requests_refused_total") == 1


class TestAnswer:
    """More text than the kernel holds for a client that does not take it."""

    TEXTS = ("a line of text " * 100,) * 10_000

    def test_one_that_is_not_taken(self, serve, monkeypatch):
        monkeypatch.setattr(connections, "TICK_S", 0.3)
        url = serve(HeldReader(texts=self.TEXTS))
        with raw_request(url) as connection:
            wait_until(lambda: figure(url, "ocr_gateway_connections_dropped_total") == 1, "it is given up")
            wait_until(lambda: figure(url, "ocr_gateway_requests_in_flight") == 0, "its place is free again")
            with pytest.raises(ConnectionResetError):  # nor does the kernel hold it any longer
                rest(connection)

    def test_one_that_is_taken_slowly(self, serve, monkeypatch):
        monkeypatch.setattr(connections, "TICK_S", 0.3)
        url = serve(HeldReader(texts=self.TEXTS))
        with raw_request(url) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            length = 0
            for _ in range(20):
                length += len(connection.recv(200_000))
                time.sleep(0.1)
            while length < 15_000_000:
                length += len(connection.recv(1 << 20))
            assert figure(url, "ocr_gateway_connections_dropped_total") == 0


class TestNumber:
    def test_of_all_addresses(self, serve):
        url = serve(HeldReader(), max_connections=3)
        held = [connect(url) for _ in range(3)]
        wait_until(lambda: refused(url), "there are too many")
        for connection in held:
            connection.close()
        wait_until(lambda: not refused(url), "there is room again")
        assert read(url).ok

    def test_of_one_address(self, serve):
        url = serve(HeldReader(), max_connections_per_address=3)
        held = [connect(url) for _ in range(3)]
        wait_until(lambda: refused(url), "there are too many")
        held.pop().close()
        wait_until(lambda: not refused(url), "there is room again")
        for connection in held:
            connection.close()


def refused(url):
    answer = requests.get(f"{url}/health/live", timeout=10)
    if answer.ok:
        return False
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    return True
