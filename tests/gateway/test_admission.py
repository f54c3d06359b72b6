"""Who is let in, with how much, for how long; and what comes of those who are not."""

import asyncio
import logging
import re
import socket
import threading

import pytest
import requests
from tests.conftest import SAMPLES, wait_until
from tests.gateway.conftest import HeldReader

from ocr_client.errors import (
    BadRequestError,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from ocr_contract.result import OcrResult
from ocr_gateway import health

BLANK = (SAMPLES / "blank.png").read_bytes()


def read(url, **kwargs):
    return requests.post(f"{url}/read?format=text", data=BLANK, timeout=60, **kwargs)


def figure(url, name):
    text = requests.get(f"{url}/metrics", timeout=10).text
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (.*)$", text, re.M))


def raw_request(url, body=BLANK, length=None):
    """A connection on which a request has been sent, the answer not yet read."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    head = f"POST /read?format=text HTTP/1.1\r\nHost: x\r\nContent-Length: {length or len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


class TestToken:
    TOKEN = "a-secret"  # noqa: S105

    @pytest.fixture
    def url(self, serve):
        return serve(HeldReader(), token=self.TOKEN)

    @pytest.mark.parametrize(
        "header", [None, "", "Bearer", "Bearer wrong", "Basic a-secret", "Bearer a-secret2", "Bearer \xff", "a-secret"]
    )
    def test_without_it_nobody_gets_in(self, url, header):
        answer = read(url, headers={} if header is None else {"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "token" in answer.json()["error"]
        assert self.TOKEN not in answer.text

    @pytest.mark.parametrize("header", ["Bearer a-secret", "bearer a-secret", "Bearer  a-secret "])
    def test_with_it_everybody_does(self, url, header):
        assert read(url, headers={"Authorization": header}).text == "a line of text\n"

    @pytest.mark.parametrize("path", ["/", "/about", "/health", "/health/live", "/health/ready"])
    def test_the_page_and_health_are_open(self, url, path):
        assert requests.get(url + path, timeout=10).status_code in (200, 404)

    @pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/nowhere", "/health/../metrics", "//metrics"])
    def test_everything_else_is_not(self, url, path):
        with requests.Session() as session:
            request = requests.Request("GET", url).prepare()
            request.url = url + path
            assert session.send(request, timeout=10).status_code == 401


class TestBody:
    def test_one_that_is_too_long_is_refused_by_its_length(self, serve):
        answer = requests.post(f"{serve(HeldReader(), max_body_bytes=1000)}/read", data=bytes(1001), timeout=10)
        assert answer.status_code == 413
        assert "1,000 bytes" in answer.json()["error"]

    def test_one_whose_length_is_not_said_is_refused_where_it_passes_the_limit(self, serve):
        reader = HeldReader()
        parts = (bytes(300) for _ in range(100_000))
        answer = requests.post(f"{serve(reader, max_body_bytes=1000)}/read", data=parts, timeout=30)
        assert answer.status_code == 413
        assert reader.calls == 0

    def test_a_client_that_still_sends_gets_to_read_why(self, serve):
        url = serve(HeldReader(), max_body_bytes=1000)
        answer = requests.post(f"{url}/read", data=bytes(50 << 20), timeout=30)
        assert answer.status_code == 413

    def test_one_at_the_limit_is_taken(self, serve):
        assert read(serve(HeldReader(), max_body_bytes=len(BLANK))).ok

    def test_one_that_does_not_come_in_time(self, serve):
        with raw_request(serve(HeldReader(), timeout_s=0.3), BLANK[:10], len(BLANK)) as connection:
            assert b" 408 " in connection.recv(100)

    def test_one_whose_client_hangs_up_half_way_leaves_nothing(self, serve):
        reader = HeldReader()
        url = serve(reader)
        raw_request(url, BLANK[:10], len(BLANK)).close()
        wait_until(lambda: figure(url, "ocr_gateway_requests_total") >= 2, "the request is counted")
        assert figure(url, "ocr_gateway_requests_in_flight") == 0
        assert reader.calls == 0


class TestTimeAndNumber:
    def test_more_than_the_limit_are_sent_away_until_others_are_answered(self, serve):
        reader = HeldReader(held=True)
        url = serve(reader, max_requests=2)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(read(url))) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: figure(url, "ocr_gateway_requests_in_flight") == 2, "both are in flight")
        refused = read(url)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert "2 requests" in refused.json()["error"]
        reader.held = False
        for thread in threads:
            thread.join(30)
        assert [answer.status_code for answer in answers] == [200, 200]
        assert read(url).ok

    def test_no_answer_in_time(self, serve):
        reader = HeldReader(held=True)
        answer = read(serve(reader, timeout_s=0.3))
        assert answer.status_code == 504
        assert "0.3 s" in answer.json()["error"]
        assert reader.cancelled == 1

    def test_no_answer_in_the_time_that_a_request_of_kserve_gives_itself(self, serve):
        reader = HeldReader(held=True)
        url = serve(reader)
        body = {"image": "eA==", "timeout": 300_000}
        answer = requests.post(f"{url}/v2/models/ocr/generate", json=body, timeout=30)
        assert answer.status_code == 504
        assert "0.3 s" in answer.json()["error"]
        wait_until(lambda: reader.cancelled == 1, "nobody reads it any more")
        for wrong in (-1, 1 << 63, 1.5, "soon", True):
            answer = requests.post(f"{url}/v2/models/ocr/generate", json={**body, "timeout": wrong}, timeout=30)
            assert answer.status_code == 400
            assert "timeout" in answer.json()["error"]

    def test_events_that_take_too_long_end_with_a_word_about_it(self, serve):
        url = serve(HeldReader(held=True), timeout_s=1)
        answer = requests.post(f"{url}/read?format=events", data=BLANK, timeout=30)
        events = [line.split('"')[3] for line in answer.text.splitlines()]
        assert events == ["opened", "broken"]

    def test_a_client_that_hangs_up_ends_its_request(self, serve):
        reader = HeldReader(held=True)
        url = serve(reader)
        connection = raw_request(url)
        wait_until(lambda: reader.calls == 1, "it is read")
        connection.close()
        wait_until(lambda: reader.cancelled == 1, "nobody reads it any more")
        wait_until(lambda: figure(url, "ocr_gateway_requests_in_flight") == 0, "it is no longer in flight")

    def test_pages_of_all_requests_together_are_bounded(self, serve):
        reader = HeldReader(held=True)
        url = serve(reader, concurrency=2)
        threads = [threading.Thread(target=read, args=(url,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        wait_until(lambda: figure(url, "ocr_gateway_requests_in_flight") == 5, "all are in flight")
        wait_until(lambda: reader.calls == 2, "two pages are under way")
        reader.held = False
        for thread in threads:
            thread.join(30)
        assert reader.calls == 5


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "status", "retry_after"),
        [
            (ServerUnreachableError("nobody at inside:8001", retryable=True), 503, "2"),
            (ServerUnreachableError("busy", retryable=True, retry_after_s=6.5), 503, "7"),
            (ServerTimeoutError("inside:8001 took too long"), 504, None),
            (ServerFailureError("inside:8001 failed"), 502, None),
            (BadRequestError("text_det_thresh must be a number"), 422, None),
            (RuntimeError("a fault of ours"), 500, None),
        ],
    )
    def test_each_has_its_status_and_tells_nothing_of_what_is_inside(self, serve, error, status, retry_after):
        reader = HeldReader(error=error)
        url = serve(reader)
        answer = read(url)
        assert answer.status_code == status
        assert answer.headers.get("Retry-After") == retry_after
        assert "inside" not in answer.json()["error"]
        reader.error = None
        assert read(url).ok

    def test_an_address_that_does_not_exist(self, serve):
        url = serve(HeldReader())
        assert requests.get(f"{url}/nowhere", timeout=10).status_code == 404
        answer = requests.get(f"{url}/read", timeout=10)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


class TestHealth:
    def test_ready_means_that_a_picture_was_read_right(self, serve):
        reader = HeldReader()
        assert requests.get(f"{serve(reader)}/health/ready", timeout=10).json() == {"ready": True}

    def test_a_reader_that_fails_is_not_ready(self, serve):
        reader = HeldReader(error=ServerFailureError("a dead stub"))
        url = serve(reader)
        assert requests.get(f"{url}/health/ready", timeout=10).status_code == 503
        assert requests.get(f"{url}/health/live", timeout=10).status_code == 200
        assert figure(url, "ocr_gateway_ready") == 0

    def test_a_reader_that_reads_something_else_is_not_ready(self, serve):
        class Wrong(HeldReader):
            async def ocr(self, image, **options):
                return OcrResult.empty()

        assert requests.get(f"{serve(Wrong())}/health/ready", timeout=10).status_code == 503

    def test_a_request_that_fails_ends_what_an_earlier_one_has_proved(self, serve):
        reader = HeldReader()
        url = serve(reader)
        assert read(url).ok
        reader.error = ServerUnreachableError("gone")
        assert read(url).status_code == 503
        assert figure(url, "ocr_gateway_ready") == 0
        assert requests.get(f"{url}/health/ready", timeout=10).status_code == 503

    FULL = "64 requests are under way, and this server takes no more at a time; raise max_in_flight"

    def ready(self, url, query="?accept_busy=true"):
        return requests.get(f"{url}/health/ready{query}", timeout=30).status_code

    def test_a_server_with_too_many_requests_is_ready_for_those_who_accept_that(self, serve):
        url = serve(HeldReader(error=ServerNotReadyError(self.FULL, retryable=True)))
        assert self.ready(url) == 200
        assert self.ready(url, "") == self.ready(url, "?accept_busy=false") == 503
        assert self.ready(url) == 200  # what was found out is kept, and no picture is sent
        assert figure(url, "ocr_gateway_ready") == 0

    @pytest.mark.parametrize(
        "error",
        [
            ServerNotReadyError("the endpoint is not there"),
            ServerNotReadyError("the server is being stopped", retryable=True),
            ServerUnreachableError("gone"),
            ServerFailureError("a dead stub"),
        ],
        ids=str,
    )
    def test_one_that_fails_is_ready_for_nobody(self, serve, error):
        assert self.ready(serve(HeldReader(error=error))) == 503

    @pytest.mark.parametrize(("says", "status"), [(True, 200), (False, 503)])
    def test_one_that_does_not_come_to_the_picture_is_busy_if_it_says_that_it_is_ready(
        self, serve, monkeypatch, says, status
    ):
        class Slow(HeldReader):
            async def ocr(self, image, **options):
                await asyncio.sleep(60)

            async def is_ready(self, endpoint="ocr"):
                return says

        monkeypatch.setattr(health, "TIMEOUT_S", 0.2)
        url = serve(Slow())
        assert self.ready(url) == status
        assert self.ready(url, "") == 503

    def test_one_that_keeps_silent_is_ready_for_nobody(self, serve, monkeypatch):
        class Silent(HeldReader):
            async def ocr(self, image, **options):
                await asyncio.sleep(60)

            async def is_ready(self, endpoint="ocr"):
                await asyncio.sleep(60)

        monkeypatch.setattr(health, "TIMEOUT_S", 0.2)
        monkeypatch.setattr(health, "_SAYS_READY_S", 0.2)
        assert self.ready(serve(Silent())) == 503

    @pytest.mark.parametrize("query", ["?accept_busy=yes", "?accept_busy=true&accept_busy=true", "?busy=true"])
    def test_what_is_asked_otherwise_is_refused(self, serve, query):
        assert self.ready(serve(HeldReader()), query) == 422

    def test_many_who_ask_send_one_picture(self, serve):
        reader = HeldReader(error=ServerFailureError("a dead stub"))
        url = serve(reader)
        threads = [threading.Thread(target=requests.get, args=(f"{url}/health/ready",)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert reader.canaries == 1

    def test_figures_become_true_without_anybody_who_asks_for_health(self, serve):
        reader = HeldReader()
        url = serve(reader)
        wait_until(lambda: figure(url, "ocr_gateway_ready") == 1, "a picture was read")
        assert reader.canaries == 1


def test_no_path_breaks_a_line_of_the_log(serve, caplog):
    caplog.set_level(logging.INFO, "ocr_gateway")
    url = serve(HeldReader())
    requests.get(f"{url}/a%0Ab%1B[2J%ED%A0%80/" + "c" * 5000, timeout=10)
    wait_until(lambda: "/a%0Ab%1B%5B2J" in caplog.text, "the request is logged")
    assert all(len(record.getMessage()) < 1000 for record in caplog.records)


def test_the_log_holds_neither_texts_nor_names(serve, caplog):
    caplog.set_level(logging.DEBUG, "ocr_gateway")
    url = serve(HeldReader(texts=("private text",)))
    answer = requests.post(f"{url}/read?format=text&name=private-name", data=BLANK, timeout=10)
    assert answer.text == "private text\n"
    wait_until(lambda: "POST /read 200" in caplog.text, "the request is logged")
    assert "private" not in caplog.text
