"""What answers tell browsers."""

import pytest
import requests
from tests.conftest import SAMPLES
from tests.gateway.conftest import HeldReader

BLANK = (SAMPLES / "blank.png").read_bytes()


@pytest.fixture
def url(serve):
    return serve(HeldReader(), token="a-secret")  # noqa: S106


def asked(url, path):
    if path == "/read":
        headers = {"Authorization": "Bearer a-secret"}
        return requests.post(url + path, data=BLANK, headers=headers, timeout=10)
    return requests.get(url + path, timeout=10)


@pytest.mark.parametrize("path", ["/", "/web/app.js", "/about", "/nowhere", "/metrics", "/health/ready", "/read"])
def test_every_answer_is_closed_to_other_sites(url, path):
    headers = asked(url, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Access-Control-Allow-Origin" not in headers


def test_what_was_read_is_kept_by_no_cache(url):
    assert asked(url, "/read").headers["Cache-Control"] == "no-store"
    assert asked(url, "/web/app.js").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/web/app.js", "text/javascript; charset=utf-8"),
        ("/web/style.css", "text/css; charset=utf-8"),
        ("/web/icon.svg", "image/svg+xml"),
        ("/about", "application/json"),
        ("/read", "application/x-ndjson"),
        ("/nowhere", "application/json"),
    ],
)
def test_types_are_what_the_answers_are(url, path, kind):
    assert asked(url, path).headers["Content-Type"] == kind


class TestOtherSites:
    @pytest.mark.parametrize("path", ["/read", "/write", "/ocr", "/process", "/v2/models/ocr/infer"])
    def test_their_pages_cannot_send_requests(self, serve, path):
        reader = HeldReader()
        method = "PUT" if path == "/process" else "POST"
        headers = {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
        answer = requests.request(method, serve(reader) + path, data=BLANK, headers=headers, timeout=10)
        assert answer.status_code == 403
        assert reader.calls == 0

    @pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
    def test_the_gateways_own_page_can(self, serve, site):
        url = serve(HeldReader())
        answer = requests.post(f"{url}/read", data=BLANK, headers={"Sec-Fetch-Site": site}, timeout=10)
        assert answer.ok
