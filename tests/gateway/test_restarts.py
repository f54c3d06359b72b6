"""The server behind the gateway loses a step and is started anew, while clients of every protocol read."""

import base64
import io
import os
import signal
import threading
import time

import requests
from PIL import Image
from tests.conftest import SAMPLES, wait_until
from tests.server.test_supervisor import steps_of


def head_of_receipt():
    """A picture that is soon read."""
    file = io.BytesIO()
    receipt = Image.open(SAMPLES / "receipt.png")
    receipt.crop((0, 0, receipt.width, 200)).save(file, "PNG")
    return file.getvalue()


PICTURE = head_of_receipt()
TEXT = base64.b64encode(PICTURE).decode()
FEED = {"feed": [{"x": TEXT}], "fetch": ["res"]}
PIPELINE = {"key": ["image"], "value": [TEXT]}
# One for each protocol: method, address, what `requests` is given, and what of the answer is compared.
PROTOCOLS = {
    "own": ("POST", "/read?format=text", {"data": PICTURE}, lambda answer: answer.text),
    "events": ("POST", "/read?format=events", {"data": PICTURE}, lambda answer: answer.text.splitlines()[1]),
    "web_service": ("POST", "/ocr/prediction", {"json": FEED}, lambda answer: answer.json()["result"]),
    "pipeline": ("POST", "/ocr/prediction", {"json": PIPELINE}, lambda answer: answer.json()["value"]),
    "paddlex": (
        "POST",
        "/ocr",
        {"json": {"file": TEXT, "visualize": False}},
        lambda answer: answer.json()["result"]["ocrResults"][0]["prunedResult"]["rec_texts"],
    ),
    "open_webui": ("PUT", "/process", {"data": PICTURE}, lambda answer: answer.json()[0]["page_content"]),
    "kserve": (
        "POST",
        "/v2/models/ocr/generate",
        {"json": {"image": TEXT}},
        lambda answer: answer.json()["texts"],
    ),
}


class Reader:
    """A client that reads one picture over and over, and keeps what it gets."""

    def __init__(self, url, protocol):
        self._method, path, self._body, self._of = PROTOCOLS[protocol]
        self._url = url + path
        self.expected = self._of(self._send())
        self.right = 0
        self.refused, self.others = [], []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _send(self):
        return requests.request(self._method, self._url, timeout=60, **self._body)

    def _run(self):
        while not self._over.is_set():
            try:
                answer = self._send()
            except requests.RequestException as error:
                self.others.append(repr(error))
                return
            if answer.status_code == 503:
                self.refused.append(answer)
                time.sleep(0.2)
            elif '"event": "failed"' in answer.text and '"status": 503' in answer.text:
                time.sleep(0.2)  # events have begun before there is a page: of one page they tell the same
            elif answer.ok and self._of(answer) == self.expected:
                self.right += 1
            else:
                self.others.append(f"{answer.status_code} {answer.text[:300]}")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(90)
        assert not self._thread.is_alive(), "a request hangs"


def test_every_client_gets_the_right_answer_or_is_asked_to_come_again(start_server, start_gateway, quick_repository):
    server = start_server(quick_repository)
    gateway = start_gateway("--triton-url", server.grpc_url)
    readers = [Reader(gateway.url, protocol) for protocol in PROTOCOLS]

    def all_read_more():
        before = [reader.right for reader in readers]
        wait_until(
            lambda: all(now.right > then or now.others for now, then in zip(readers, before, strict=True)), "all read"
        )

    for reader in readers:
        reader.__enter__()
    try:
        all_read_more()
        before = server.tritonserver
        (step, *_) = steps_of(server, "rec_batcher")
        os.kill(step, signal.SIGKILL)
        wait_until(lambda: not is_ready(gateway), "the gateway is not ready")
        wait_until(lambda: is_ready(gateway), "the gateway is ready again")
        assert server.tritonserver != before
        all_read_more()
    finally:
        for reader in readers:
            reader.__exit__()
    assert [reader.others for reader in readers] == [[]] * len(readers)
    refused = [answer for reader in readers for answer in reader.refused]
    assert refused
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)


def is_ready(gateway):
    return requests.get(f"{gateway.url}/health/ready", timeout=30).ok
