"""What every answer tells a browser and its client: what it must not do with it, and which request it answers."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

from ocr_gateway.requests import HEADER, current

_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# Scripts and styles are files of the gateway's own; nothing is written into the page.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


def add_headers(headers: MutableHeaders) -> None:
    """Add them to those of an answer; a policy or a rule for caches that it has stays."""
    headers.update(_ALWAYS)
    headers.setdefault("Content-Security-Policy", _NOTHING)
    headers.setdefault("Cache-Control", "no-store")
    request = current()
    if request is not None:
        headers[HEADER] = request.id
