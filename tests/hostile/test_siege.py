"""Hostile requests to a real server and its gateway: each is answered or refused, and nothing ends.

`ocr-bench hostile` sends thousands of them; bench/RESULTS.md has what came of it.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psutil
import pytest
from tests.gateway.conftest import launch_gateway

from ocr_bench.hostile import corpus
from ocr_bench.hostile.large import LARGE
from ocr_bench.hostile.pdfs import PDFS
from ocr_bench.hostile.sending import Outcome, Sender
from ocr_client import OcrClient
from ocr_contract import canary

SEED = 20
RANDOM = 350  # requests
# Those that take long to draw or to read: `ocr-bench hostile` sends them.
LONG = {*LARGE, *(name for name in PDFS if any(word in name for word in ("lines", "states", "10^9", "512 MiB")))}
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def addresses(server, tmp_path_factory):
    gateway = launch_gateway(tmp_path_factory.mktemp("gateway") / "gateway.log", "--triton-url", server.grpc_url)
    yield {"http": server.http_url, "grpc": server.grpc_url, "gateway": gateway.url.removeprefix("http://")}
    assert gateway.stop() == 0


@pytest.fixture
def nothing_ends(server, addresses):
    """What is sent in the test ends no process of the server, and disturbs no honest request after it."""

    def members():
        tree = psutil.Process(server.tritonserver).children(recursive=True)
        return {server.tritonserver, *(process.pid for process in tree)}

    before = members()
    yield
    assert members() == before
    with OcrClient(server.http_url, timeout_s=TIMEOUT_S) as client:
        assert client.ocr(canary.picture()).texts == (canary.TEXT,)


def outcomes(addresses, asks):
    """What came of all requests, two at a time."""
    with Sender(addresses, TIMEOUT_S) as one, Sender(addresses, TIMEOUT_S) as other, ThreadPoolExecutor(2) as threads:
        halves = asks[::2], asks[1::2]
        return [
            result
            for results in threads.map(lambda sender, half: [sender.send(ask) for ask in half], (one, other), halves)
            for result in results
        ]


def odd(results):
    """Those that are neither answers nor refusals."""
    fine = (Outcome.ANSWERED, Outcome.REFUSED, Outcome.TRITON)
    return [
        (one.ask.kind, one.ask.to, one.ask.path, one.status, one.said)
        for one in results
        if one.outcome not in fine
        # A forged ticket whose deadline has passed.
        and not (one.ask.kind.startswith("tensors: ") and "its timeout, has passed" in one.said)
    ]


@pytest.mark.usefixtures("nothing_ends")
def test_every_file_of_the_corpus_is_read_or_refused(addresses):
    random = Random(SEED)  # noqa: S311 -- no secret
    results = outcomes(addresses, [corpus.of_file(name, random) for name in corpus.FILES if name not in LONG])
    assert not odd(results)
    assert {one.outcome for one in results} >= {Outcome.ANSWERED, Outcome.REFUSED}


@pytest.mark.usefixtures("nothing_ends")
def test_any_request_is_answered_or_refused(addresses):
    results = outcomes(addresses, list(itertools.islice(corpus.requests(SEED, names=()), RANDOM)))
    assert not odd(results)
