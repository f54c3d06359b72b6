"""A request has one name: in its answer, in the log, and in everything behind the gateway."""

import io
import json
import logging
import re

import pytest
import requests
from tests.clients.kserve_peer import Kserve, start_kserve
from tests.conftest import SAMPLES, wait_until
from tests.gateway.conftest import HeldReader

from ocr_gateway.logs import set_up
from ocr_gateway.readers import Server

BLANK = (SAMPLES / "blank.png").read_bytes()
MADE = re.compile(r"[0-9a-f]{32}")


def read(url, **headers):
    return requests.post(f"{url}/read?format=text", data=BLANK, headers=headers, timeout=60)


class TestHeader:
    @pytest.fixture
    def url(self, serve):
        return serve(HeldReader(), max_body_bytes=100_000)

    @pytest.mark.parametrize("name", ["a", "Root=1-67891233-abcdef012345678912345678", "a" * 128])
    def test_it_comes_back(self, url, name):
        assert read(url, **{"X-Request-ID": name}).headers["X-Request-ID"] == name

    @pytest.mark.parametrize("name", [None, "", "a" * 129, "two words", "a\tb", "caf\xe9", 'a"b', "<a>", "$(a)"])
    def test_what_is_no_name_is_replaced(self, url, name):
        given = {} if name is None else {"X-Request-ID": name}
        assert MADE.fullmatch(read(url, **given).headers["X-Request-ID"])

    def test_of_errors_too(self, url):
        for answer in (
            requests.get(f"{url}/nowhere", timeout=10),
            requests.post(f"{url}/read", bytes(200_000), timeout=10),
        ):
            assert not answer.ok
            assert MADE.fullmatch(answer.headers["X-Request-ID"])

    def test_the_body_of_kserve_may_name_it(self, url):
        body = {"id": "by-body", "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["eA=="]}]}
        answers = [
            requests.post(f"{url}/v2/models/ocr/infer", json=body, headers=headers, timeout=10)
            for headers in ({}, {"X-Request-ID": "by-head"})
        ]
        assert [answer.headers["X-Request-ID"] for answer in answers] == ["by-body", "by-head"]
        assert [answer.json()["id"] for answer in answers] == ["by-body", "by-body"]


def test_the_server_behind_is_told_it(serve):
    peer = Kserve()
    server, port = start_kserve(peer)
    url = serve(lambda: Server(f"127.0.0.1:{port}", timeout_s=60))
    assert read(url, **{"X-Request-ID": "a-name"}).ok
    assert peer.ids == ["a-name", "a-name"]  # the first time the server was too busy
    server.stop(None).wait()


class TestLog:
    @pytest.fixture
    def written(self):
        """Set up a form; what is logged from then on is in the buffer that is returned."""
        root, level = logging.getLogger(), logging.getLogger("ocr_gateway").level
        before = root.handlers[:]

        def begin(form):
            set_up(form)
            (handler,) = root.handlers
            handler.setStream(io.StringIO())
            return handler.stream

        yield begin
        root.handlers[:] = before
        logging.getLogger("ocr_gateway").setLevel(level)
        logging.captureWarnings(False)

    def test_lines(self, serve, written):
        log = written("text")
        read(serve(HeldReader()), **{"X-Request-ID": "a-name"})
        line = r"\S+ \S+ INFO ocr_gateway.admission: POST /read 200 \d+ ms \[request_id a-name\]\n"
        wait_until(lambda: re.search(line, log.getvalue()), "the request is logged")

    def test_objects(self, serve, written):
        log = written("json")
        reader = HeldReader(error=RuntimeError("of ours\nin two lines"))
        read(serve(reader), **{"X-Request-ID": "a-name"})
        wait_until(lambda: "POST /read 500" in log.getvalue(), "the request is logged")
        entries = [json.loads(line) for line in log.getvalue().splitlines()]
        named = [entry for entry in entries if entry.get("request_id") == "a-name"]
        (answered,) = [entry for entry in named if "status" in entry]
        expected = {"protocol": "gateway", "method": "POST", "path": "/read", "status": 500, "level": "info"}
        assert expected.items() <= answered.items()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answered["time"])
        (failed,) = [entry for entry in named if "exception" in entry]
        assert failed["level"] == "error"
        assert "of ours\nin two lines" in failed["exception"]


def test_every_line_of_the_command_is_an_object(start_gateway):
    gateway = start_gateway("--triton-url", "127.0.0.1:1", "--log-format", "json")
    assert read(gateway.url, **{"X-Request-ID": "a-name"}).status_code == 503
    assert gateway.stop() == 0
    entries = [json.loads(line) for line in gateway.log.read_text().splitlines()]
    assert any(entry["message"].startswith("listening at http://") for entry in entries)
    levels = {entry["level"] for entry in entries if entry.get("request_id") == "a-name"}
    assert levels == {"info", "warning"}  # that it was answered; that it was sent again, and why there is no result
