"""More requests than a server takes, and requests that nobody waits for any more."""

import asyncio
import base64
import json
import shutil
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from tests.conftest import SAMPLES, wait_until
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from ocr_client import AsyncOcrClient, OcrClient, ServerNotReadyError, ServerTimeoutError
from ocr_gateway.health import Health
from ocr_gateway.metrics import Metrics
from ocr_pipeline.tickets import Tickets
from ocr_serve.probe import problem

RECEIPT = SAMPLES / "receipt.png"
MAX_IN_FLIGHT = 2
MAX_AT_WORK = 8  # of a server as it is shipped
PAGES_LOOKED_AT = 'ocr_stage_count{model="det_batcher",stage="db_postprocess"}'
PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])


@pytest.fixture(scope="module")
def small_server(launch_server, quick_repository, tmp_path_factory):
    """A server that takes few requests at a time."""
    repository = tmp_path_factory.mktemp("few") / "models"
    shutil.copytree(quick_repository, repository, symlinks=True)
    config = repository / "admit" / "config.pbtxt"
    config.write_text(config.read_text().replace('"64"', f'"{MAX_IN_FLIGHT}"'))
    return launch_server(repository)


def url(server, protocol):
    return server.http_url if protocol == "http" else server.grpc_url


def under_way(server):
    return Tickets(server.claim.models).under_way()


def counted(server, metric):
    with urllib.request.urlopen(f"http://{server.metrics_url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(metric))


def refused(server, reason):
    """What ocr_requests_refused says of a reason."""
    return counted(server, f'ocr_requests_refused{{reason="{reason}"')


@PROTOCOLS
def test_what_is_too_much_is_refused_at_once_and_what_is_taken_is_right(small_server, protocol):
    before = refused(small_server, "in_flight")
    with OcrClient(url(small_server, protocol), protocol, retries=0) as client:
        expected = client.ocr(RECEIPT)
        together = threading.Barrier(16)

        def read(_):
            together.wait()
            try:
                return client.ocr(RECEIPT)
            except ServerNotReadyError as error:
                return error

        with ThreadPoolExecutor(16) as pool:
            outcomes = list(pool.map(read, range(16)))
    errors = [outcome for outcome in outcomes if isinstance(outcome, ServerNotReadyError)]
    assert len(outcomes) - len(errors) >= MAX_IN_FLIGHT
    assert errors
    assert all(error.retryable and "2 requests are under way" in str(error) for error in errors)
    assert all(outcome == expected for outcome in outcomes if outcome not in errors)
    assert refused(small_server, "in_flight") == before + len(errors)
    assert under_way(small_server) == 0


def test_clients_that_try_again_are_all_served(small_server):
    with OcrClient(small_server.http_url, retries=100) as client:
        expected = client.recognize([SAMPLES / "poster.jpg"]), client.detect(RECEIPT)
        with ThreadPoolExecutor(8) as pool:
            lines = [pool.submit(client.recognize, [SAMPLES / "poster.jpg"]) for _ in range(3)]
            boxes = [pool.submit(client.detect, RECEIPT) for _ in range(3)]
            assert {one.result().texts for one in lines} == {expected[0].texts}
            assert all(one.result() == expected[1] for one in boxes)
    assert under_way(small_server) == 0


def gateway_is_ready(server, **options):
    """What a gateway that has just been started says of a server."""

    async def asked():
        async with AsyncOcrClient(server.grpc_url, "grpc", retries=0) as client:
            return await Health(client, Metrics()).is_ready(**options)

    return asyncio.run(asked())


def test_a_probe_may_take_a_server_that_is_at_too_much_for_a_well_one(small_server):
    """Whoever restarts or leaves out a busy server makes the others busier."""
    asked = ("127.0.0.1", small_server.http_port, 30.0)
    is_over = threading.Event()

    def read_on(_):
        with OcrClient(small_server.http_url, retries=0) as client:
            while not is_over.is_set():
                with suppress(ServerNotReadyError):
                    client.ocr(RECEIPT)

    with ThreadPoolExecutor(8) as pool:
        readers = pool.map(read_on, range(8))
        try:
            wait_until(lambda: "requests are under way" in (problem(*asked) or ""), "a refusal")
            assert {problem(*asked, accepts_busy=True) for _ in range(10)} == {None}
            wait_until(lambda: not gateway_is_ready(small_server), "a gateway before it is refused")
            assert {gateway_is_ready(small_server, accepts_busy=True) for _ in range(10)} == {True}
        finally:
            is_over.set()
        assert list(readers) == [None] * 8


@PROTOCOLS
def test_clients_that_give_up_leave_room_for_others(small_server, protocol):
    with OcrClient(url(small_server, protocol), protocol, timeout_s=0.05, retries=0) as hasty:
        for _ in range(3 * MAX_IN_FLIGHT):
            with pytest.raises((ServerTimeoutError, ServerNotReadyError)):
                hasty.ocr(RECEIPT)
    with OcrClient(url(small_server, protocol), protocol, retries=100) as client:
        assert client.ocr(RECEIPT).texts
    wait_until(lambda: under_way(small_server) == 0, "every ticket comes back")


def test_of_requests_whose_grpc_clients_have_gone_few_are_read(server):
    def read_or_give_up(_):
        picture = InferInput("image", [1], "BYTES")
        picture.set_data_from_numpy(np.array([RECEIPT.read_bytes()], object))
        with InferenceServerClient(server.grpc_url) as client:
            try:
                return client.infer("ocr", [picture], client_timeout=0.2)
            except InferenceServerException as error:
                assert error.status() == "StatusCode.DEADLINE_EXCEEDED"

    wait_until(lambda: under_way(server) == 0, "nothing else is under way")
    before, gone_before = counted(server, PAGES_LOOKED_AT), refused(server, "deadline")
    with ThreadPoolExecutor(40) as pool:
        answers = [answer for answer in pool.map(read_or_give_up, range(40)) if answer is not None]
    wait_until(lambda: under_way(server) == 0, "every ticket comes back")
    # Those at work, and as many that took their places while Triton was still to hear that the clients had gone.
    few = 2 * MAX_AT_WORK
    assert counted(server, PAGES_LOOKED_AT) - before <= len(answers) + few
    assert refused(server, "deadline") - gone_before >= 40 - len(answers) - few


@pytest.mark.parametrize("timeout", [1, 1000])
def test_a_request_is_dropped_when_its_own_time_has_passed(small_server, timeout):
    before = refused(small_server, "deadline")
    body = {"image": base64.b64encode(RECEIPT.read_bytes()).decode(), "timeout": timeout}
    request = urllib.request.Request(
        f"http://{small_server.http_url}/v2/models/ocr/generate",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=60)
    assert refusal.value.code == 400  # Triton has none of its own for CANCELLED
    assert "its timeout, has passed" in json.load(refusal.value)["error"]
    assert refused(small_server, "deadline") == before + 1
    assert under_way(small_server) == 0
