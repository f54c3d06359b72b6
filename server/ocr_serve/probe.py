"""`ocr-serve probe`: is a small picture read right, through every step? What a container's health check asks."""

from __future__ import annotations

import base64
import http
import http.client
import json

from ocr_contract import canary
from ocr_contract.errors import LIMIT_SETTING


def problem(host: str, port: int, timeout_s: float, *, accepts_busy: bool = False) -> str | None:
    """What is wrong with a server, in one sentence; None where it has read the picture right.

    Args:
        host: name or IP address.
        port: of its HTTP service.
        timeout_s: seconds that it may take.
        accepts_busy: whether nothing is wrong with a server that takes no picture now because it is at so many.
    """
    picture = base64.b64encode(canary.picture()).decode()
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        body = json.dumps({"image": picture, "timeout": int(timeout_s * 1e6)})
        connection.request("POST", "/v2/models/ocr/generate", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer from {host}, port {port}: {error or type(error).__name__}"
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        if accepts_busy and LIMIT_SETTING.encode() in content:
            return None
        return f"the server answers {answer.status}: {content[:200].decode('utf-8', 'replace')}"
    try:
        texts = json.loads(content)["texts"]
    except (ValueError, KeyError, TypeError) as error:
        return f"the server's answer is not one of the endpoint ocr: {error!r}"
    read = texts if isinstance(texts, list) else [texts]  # Triton writes an array of one as that one
    return None if canary.is_right(read) else f"the server read {read} where {canary.TEXT!r} stands"
