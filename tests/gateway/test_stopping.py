"""A gateway that is told to stop: what is on its way ends as it should, and with it the gateway."""

import json
import signal
import subprocess
import sys
import threading

import pytest
import requests
from tests.conftest import SAMPLES, STOP_LIMIT_S, free_ports, wait_until
from tests.gateway.conftest import HeldReader, is_live

BLANK = (SAMPLES / "blank.png").read_bytes()
# A gateway over a reader that never ends.
PROGRAM = """
import signal, sys
from tests.gateway.conftest import HeldReader
from ocr_gateway.app import create_app
from ocr_gateway.serving import GatewayServer
from ocr_gateway.settings import Settings

async def behind():
    return HeldReader(held=True)

signal.signal(signal.SIGTERM, lambda *_: None)
GatewayServer(create_app(behind, Settings(stop_s=1)), port=int(sys.argv[1])).run()
"""


@pytest.fixture
def stuck_gateway():
    (port,) = free_ports(1)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)])
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_live(url), "it listens")
    yield url, process
    if process.poll() is None:
        process.kill()
        process.wait(STOP_LIMIT_S)


class Requests:
    """Requests on their way."""

    def __init__(self, url, *paths):
        self.answers = {}
        self._threads = [threading.Thread(target=self._send, args=(url, path)) for path in paths]
        for thread in self._threads:
            thread.start()
        flying = f"ocr_gateway_requests_in_flight {len(paths)}.0"
        wait_until(lambda: flying in requests.get(f"{url}/metrics", timeout=10).text, "all are on their way")

    def _send(self, url, path):
        self.answers[path] = requests.post(url + path, data=BLANK, timeout=60)

    def ended(self):
        for thread in self._threads:
            thread.join(STOP_LIMIT_S)
            assert not thread.is_alive()
        return self.answers


def events(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def test_requests_on_their_way_are_answered_and_no_others_are_taken(serve):
    reader = HeldReader(held=True)
    url = serve(reader)
    under_way = Requests(url, "/read?format=text", "/read?format=events")
    serve.stop()
    wait_until(lambda: not is_live(url), "nobody else is let in")
    reader.held = False
    answers = under_way.ended()
    assert answers["/read?format=text"].text == "a line of text\n"
    assert [event["event"] for event in events(answers["/read?format=events"])] == ["opened", "page", "ended"]


def test_those_that_take_longer_than_the_limit_are_told(stuck_gateway):
    url, process = stuck_gateway
    under_way = Requests(url, "/read?format=text", "/read?format=events")
    process.send_signal(signal.SIGTERM)
    answers = under_way.ended()
    plain = answers["/read?format=text"]
    assert (plain.status_code, plain.headers["Retry-After"]) == (503, "2")
    assert "being stopped" in plain.json()["error"]
    opened, broken = events(answers["/read?format=events"])
    assert (opened["event"], broken["event"], broken["status"]) == ("opened", "broken", 503)
    assert "being stopped" in broken["error"]
    assert process.wait(STOP_LIMIT_S) == 0
