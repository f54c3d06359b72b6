"""Many requests, large ones and lost ones, against the real server."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ocr_client import (
    AsyncOcrClient,
    OcrClient,
    OcrResult,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from ocr_client.request import InferRequest
from ocr_contract.options import Options

UrlOf = Callable[[str], str]
PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])
QUICK = Options(text_det_limit_side_len=320, text_det_limit_type="max")  # for tests of traffic, not of reading


def run_async(work: Callable[[AsyncOcrClient], Any], url: str, protocol: str, **more: Any) -> Any:
    async def run() -> Any:
        async with AsyncOcrClient(url, protocol, **more) as client:
            return await work(client)

    return asyncio.run(run())


def test_a_large_picture_crosses_both_protocols(client: OcrClient) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2400, 3200, 3), dtype=np.uint8)  # 23 MB, which PNG cannot shrink
    assert client.detect(noise, **QUICK).boxes.shape[1:] == (4, 2)


def test_one_client_serves_many_threads(client: OcrClient, page: npt.NDArray[np.uint8]) -> None:
    pages = [page, page[::-1, ::-1]]
    alone = [client.ocr(picture, **QUICK) for picture in pages]
    wrong: list[object] = []

    def work(first: int) -> None:
        try:
            for i in range(first, first + 4):
                if client.ocr(pages[i % 2], **QUICK) != alone[i % 2]:
                    wrong.append(i)
        except Exception as error:  # a thread's error must fail the test
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_leave_no_descriptors_behind(url_of: UrlOf) -> None:
    with OcrClient(url_of("http")) as client:
        client.is_ready()
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            thread = threading.Thread(target=client.is_ready)
            thread.start()
            thread.join()
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


@PROTOCOLS
def test_many_asyncio_requests_are_under_way_at_once(protocol: str, url_of: UrlOf, page_png: bytes) -> None:
    async def many(client: AsyncOcrClient) -> list[OcrResult]:
        return await asyncio.gather(*(client.ocr(page_png, **QUICK) for _ in range(24)))

    results = run_async(many, url_of(protocol), protocol)
    assert all(result == results[0] for result in results)
    assert len(results[0]) > 0


def test_readiness(client: OcrClient) -> None:
    assert client.is_ready()
    assert client.is_ready("text_detection")
    assert not client.is_ready("no_such_model")


@PROTOCOLS
def test_an_answer_that_takes_too_long_is_given_up(protocol: str, url_of: UrlOf) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1500, 2000, 3), dtype=np.uint8)

    async def read(client: AsyncOcrClient) -> object:
        return await client.ocr(noise)

    with (
        OcrClient(url_of(protocol), protocol, timeout_s=0.05) as client,
        pytest.raises(ServerTimeoutError, match=r"within 0\.05 s"),
    ):
        client.ocr(noise)
    with pytest.raises(ServerTimeoutError, match=r"within 0\.05 s"):
        run_async(read, url_of(protocol), protocol, timeout_s=0.05)


@pytest.mark.parametrize(("protocol", "other"), [("http", "grpc"), ("grpc", "http")])
def test_the_other_protocols_port_is_an_error(protocol: str, other: str, url_of: UrlOf) -> None:
    with OcrClient(url_of(other), protocol, timeout_s=10) as client, pytest.raises(ServerUnreachableError):
        client.ocr(b"x")


@PROTOCOLS
def test_an_endpoint_that_the_server_lacks_is_not_ready(protocol: str, url_of: UrlOf, page_png: bytes) -> None:
    with OcrClient(url_of(protocol), protocol) as client, pytest.raises(ServerNotReadyError, match="no_such"):
        client._transport.infer(InferRequest("no_such_model", "image", (page_png,)), 10)
