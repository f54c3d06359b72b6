"""Two real servers, one of which is killed while clients of both protocols read."""

import io
import logging
import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from ocr_client import OcrClient
from ocr_client.drawing.fonts import open_font
from ocr_contract.options import Options

REQUESTS, THREADS, KILLED_AFTER = 500, 8, 125
QUICK = Options(text_det_limit_side_len=64, text_det_limit_type="min")


@pytest.fixture(scope="module")
def lines_of_text() -> list[bytes]:
    """Pictures of one line each, and no two alike."""
    pictures = []
    for number in range(4711, 5500, 97):
        image, file = Image.new("L", (150, 48), 255), io.BytesIO()
        ImageDraw.Draw(image).text((12, 6), f"No {number}", fill=0, font=open_font()(28))
        image.save(file, "PNG")
        pictures.append(file.getvalue())
    return pictures


def test_a_server_that_is_killed_costs_no_request(
    server: Any,
    start_server: Callable[..., Any],
    quick_repository: Path,
    wait_for: Callable[..., None],
    lines_of_text: list[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    second = start_server(quick_repository)
    caplog.set_level(logging.DEBUG, "ocr_client")
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(THREADS))
        alone = stack.enter_context(OcrClient(server.http_url))
        clients = [
            stack.enter_context(OcrClient([server.http_url, second.http_url], retries=0)),
            stack.enter_context(OcrClient([server.grpc_url, second.grpc_url], "grpc", retries=0)),
        ]
        expected = [alone.ocr(picture, **QUICK) for picture in lines_of_text]
        assert len({page.texts for page in expected}) == len(expected)

        def read(number: int) -> bool:
            which = number // 2 % len(expected)
            return clients[number % 2].ocr(lines_of_text[which], **QUICK) == expected[which]

        asked = [pool.submit(read, number) for number in range(REQUESTS)]
        wait_for(lambda: sum(each.done() for each in asked) >= KILLED_AFTER, "both servers answer")
        for process in (second.tritonserver, second.process.pid):
            os.kill(process, signal.SIGKILL)
        before = _answered_by(caplog)
        assert all(each.result() for each in asked)
    after = _answered_by(caplog)
    theirs = {"http": (server.http_url, second.http_url), "grpc": (server.grpc_url, second.grpc_url)}
    for protocol, (stays, killed) in theirs.items():
        assert before[f"{protocol}://{killed}"] > 0
        assert after[f"{protocol}://{stays}"] > before[f"{protocol}://{stays}"]
    assert sum(after.values()) == REQUESTS
    wait_for(lambda: not second.left_behind(), "nothing of the killed server is left in shared memory")


def _answered_by(caplog: pytest.LogCaptureFixture) -> Counter[str]:
    """How many requests each address has answered."""
    return Counter(message.split()[-1] for message in list(caplog.messages) if "answered by" in message)
