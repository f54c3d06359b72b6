"""Files that PaddleX's clients name by URL: fetched where the operator allows it, within limits."""

import http.server
import threading

import pytest
import requests
from tests.conftest import SAMPLES
from tests.gateway.conftest import HeldReader

from ocr_gateway.ways.paddlex import fetching

FILE = (SAMPLES / "blank.png").read_bytes()


@pytest.fixture
def origin():
    """A web server: /file is a picture, /to/X leads to X, /slow never answers, /NNN is answered with that status."""
    seen, done = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, dict(self.headers)))
            if self.path == "/slow":
                done.wait(30)
            elif self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
                self.send_header("Set-Cookie", "name=value")
                self.end_headers()
            elif self.path.startswith("/file"):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(FILE)
            else:
                self.send_error(int(self.path[1:]))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.url, server.seen = f"http://127.0.0.1:{server.server_port}", seen
        yield server
        done.set()
        server.shutdown()
        thread.join()


def ask(url, file, **fields):
    answer = requests.post(f"{url}/ocr", json={"file": file, "visualize": False, **fields}, timeout=60)
    assert answer.status_code == answer.json()["errorCode"] or answer.status_code == 200
    return answer.status_code, answer.json()["errorMsg"]


def test_no_url_is_fetched_unless_the_operator_allows_it(serve, origin):
    status, message = ask(serve(HeldReader()), f"{origin.url}/file")
    assert status == 422
    assert "URL" in message
    assert not origin.seen


@pytest.mark.parametrize("path", ["/file", "/file?a=%2F%20b", "/to//file", "/to//to//to//file"])
def test_a_file_is_fetched_and_read(serve, origin, path, monkeypatch):
    url = serve(HeldReader(), allow_urls=True)
    with requests.Session() as session:
        session.trust_env = False
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody: no proxy is asked
        body = {"file": origin.url + path, "visualize": False}
        answer = session.post(f"{url}/ocr", json=body, timeout=60).json()
    assert answer["result"]["dataInfo"] == {"width": 640, "height": 480, "type": "image"}
    assert origin.seen[0][0] == path
    assert not any("Cookie" in headers for _, headers in origin.seen)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        *[("/404", "HTTP 404"), ("/500", "HTTP 500"), ("/to/file:///etc/passwd", "cannot be fetched")],
        *[("/to/ftp://127.0.0.1/file", "cannot be fetched"), ("/to/" * 12 + "/file", "cannot be fetched")],
    ],
)
def test_what_cannot_be_fetched(serve, origin, path, said):
    status, message = ask(serve(HeldReader(), allow_urls=True), origin.url + path)
    assert (status, said in message) == (422, True), message


@pytest.mark.parametrize(
    "file", ["http://127.0.0.1:9/file", "http://", "https://[", "http://a b/", "http://no.invalid"]
)
def test_addresses_where_nothing_is(serve, file):
    status, message = ask(serve(HeldReader(), allow_urls=True), file)
    assert (status, "cannot be fetched" in message) == (422, True), message


def test_a_url_cannot_write_headers(serve, origin):
    ask(serve(HeldReader(), allow_urls=True), f"{origin.url}/file HTTP/1.0\r\nX-Forged: yes\r\n\r\n")
    assert not any("X-Forged" in headers for _, headers in origin.seen)


def test_other_schemes_are_no_urls(serve):
    assert "base64" in ask(serve(HeldReader(), allow_urls=True), "file:///etc/passwd")[1]


def test_a_file_that_is_too_long(serve, origin):
    status, message = ask(serve(HeldReader(), allow_urls=True, max_body_bytes=1000), f"{origin.url}/file")
    assert (status, "1,000 bytes" in message) == (413, True)


def test_a_file_that_does_not_come_in_time(serve, origin, monkeypatch):
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.3)
    status, message = ask(serve(HeldReader(), allow_urls=True), f"{origin.url}/slow")
    assert (status, "0.3 s" in message) == (422, True)


def test_a_file_of_another_kind_than_it_is_said_to_be(serve, origin):
    status, message = ask(serve(HeldReader(), allow_urls=True), f"{origin.url}/file", fileType=0)
    assert (status, "fileType 0" in message) == (422, True)
