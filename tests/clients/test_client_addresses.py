"""Several addresses: whatever one of them does, a request is answered by another, or it is said what is wrong."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.clients.kserve_peer import Kserve, start_kserve
from tests.clients.stub_server import Exchange, StubServer
from tritonclient.grpc import service_pb2
from typer.testing import CliRunner

from ocr_client import (
    AccessDeniedError,
    AsyncOcrClient,
    BadRequestError,
    OcrClient,
    OcrClientError,
    OcrResult,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
    UsageError,
)
from ocr_client.cli import app

Read = Callable[..., OcrResult]
Stub = Callable[..., StubServer]
NOTHING = OcrResult.empty()
TURNS = 4  # requests after which each of two servers has been chosen


class Ready(Kserve):
    """A gRPC server that is never busy, and says whether it is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.looked, self.ready = 1, 0, True

    def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.looked += 1
        return service_pb2.ServerReadyResponse(ready=self.ready)

    def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        return service_pb2.ModelReadyResponse(ready=self.ready)

    @property
    def answered(self) -> int:
        """How many requests it has answered."""
        return self.asked - 1


def _read_many(client: OcrClient, count: int) -> bool:
    return all(client.ocr(b"x") == NOTHING for _ in range(count))


def _until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Start a server that answers as said."""
    started: list[StubServer] = []

    def start(answer: Callable[[Exchange], None], port: int = 0) -> StubServer:
        started.append(StubServer(answer, port))
        return started[-1]

    yield start
    for each in started:
        if not each.over.is_set():
            each.stop()


@pytest.fixture
def good(stub: Stub, no_text: bytes) -> StubServer:
    """A server that finds no text."""
    return stub(lambda exchange: exchange.say(200, no_text))


def hang(exchange: Exchange) -> None:
    exchange.over.wait(20)


def hang_up(exchange: Exchange) -> None:
    exchange.hang_up()


def busy(exchange: Exchange) -> None:
    exchange.say(503, b'{"error": "too much to do"}', Retry_After="3600")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_one_that_is_down_from_the_start_costs_no_request(
    read: Read, protocol: str, closed_port: str, good: StubServer
) -> None:
    server, port = start_kserve(Ready())
    answers = good.url if protocol == "http" else f"127.0.0.1:{port}"
    for _ in range(TURNS):
        assert read([closed_port, answers], protocol, retries=0, timeout_s=20) == NOTHING
    server.stop(None).wait()


def test_a_name_that_is_unknown_costs_no_request(read: Read, good: StubServer) -> None:
    for _ in range(TURNS):
        assert read(["host.invalid:1", good.url], retries=0) == NOTHING


@pytest.mark.parametrize("trouble", [hang_up, busy])
def test_what_one_does_not_take_another_gets_at_once(
    read: Read, trouble: Callable[[Exchange], None], stub: Stub, good: StubServer
) -> None:
    bad = stub(trouble)
    for _ in range(2 * TURNS):
        assert read([bad.url, good.url], retries=0) == NOTHING
    assert bad.asked > 0
    assert good.asked == 2 * TURNS


def test_a_grpc_call_whose_connection_breaks_is_answered_by_another(read: Read) -> None:
    taken = threading.Event()

    class Dying(Ready):
        def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
            taken.set()
            time.sleep(0.2)
            return super().ModelInfer(request, context)

    other, port = start_kserve(Ready())
    for _ in range(20):  # until the one that dies is chosen
        taken.clear()
        dying, its_port = start_kserve(Dying())
        killer = threading.Thread(target=lambda: taken.wait(3) and dying.stop(0).wait())  # noqa: B023 -- joined below
        killer.start()
        assert read([f"127.0.0.1:{its_port}", f"127.0.0.1:{port}"], "grpc", retries=0, timeout_s=20) == NOTHING
        was_chosen = taken.is_set()
        taken.set()
        killer.join()
        if was_chosen:
            break
    assert was_chosen
    other.stop(None).wait()


@pytest.mark.parametrize(
    ("status", "kind"), [(400, BadRequestError), (401, AccessDeniedError), (500, ServerFailureError)]
)
def test_what_was_refused_or_failed_is_not_asked_of_another(
    read: Read, status: int, kind: type[OcrClientError], stub: Stub
) -> None:
    servers = [stub(lambda exchange: exchange.say(status, b'{"error": "no"}')) for _ in range(2)]
    with pytest.raises(kind):
        read([each.url for each in servers])
    assert sum(each.asked for each in servers) == 1


def test_where_all_are_busy_the_request_is_sent_again_after_a_pause(read: Read, stub: Stub, no_text: bytes) -> None:
    asked: Counter[int] = Counter()

    def answer(number: int) -> Callable[[Exchange], None]:
        def say(exchange: Exchange) -> None:
            asked[number] += 1
            exchange.say(503 if sum(asked.values()) <= 2 else 200, no_text)

        return say

    servers = [stub(answer(number)) for number in range(2)]
    assert read([each.url for each in servers], retries=1) == NOTHING
    assert sorted(asked.values()) == [1, 2]


def test_where_all_are_busy_each_is_named_with_what_it_says(read: Read, stub: Stub, closed_port: str) -> None:
    servers = [stub(busy), stub(busy)]
    with pytest.raises(ServerNotReadyError) as caught:
        read([servers[0].url, closed_port, servers[1].url], retries=0)
    assert str(caught.value) == (
        f"no server takes the request now: http://{servers[0].url} (too much to do), "
        f"http://{closed_port} (connection refused), http://{servers[1].url} (too much to do)"
    )
    assert caught.value.retry_after_s == 3600


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_where_nobody_answers_one_sentence_names_all(read: Read, protocol: str, closed_port: str) -> None:
    with pytest.raises(ServerUnreachableError) as caught:
        read([closed_port, "host.invalid:1"], protocol, retries=1, timeout_s=20)
    assert str(caught.value) == (
        f"no server answers at {protocol}://{closed_port} (connection refused), {protocol}://host.invalid:1 "
        "(unknown host name): start one with `make serve`, or give the addresses of yours (url=, --url)"
    )
    assert isinstance(caught.value.__cause__, ServerUnreachableError)


def test_the_command_line_takes_several_and_names_all(closed_port: str, tmp_path: Path) -> None:
    Image.new("L", (20, 10), 255).save(tmp_path / "a.png")
    done = CliRunner().invoke(
        app, [str(tmp_path / "a.png"), "--url", closed_port, "--url", "127.0.0.1:9", "--retries", "0"]
    )
    assert done.exit_code == 1
    assert f"no server answers at http://{closed_port} (connection refused), http://127.0.0.1:9 (" in done.stderr


def test_where_three_are_busy_the_others_are_spared(read: Read, stub: Stub) -> None:
    servers = [stub(busy) for _ in range(5)]
    with pytest.raises(ServerNotReadyError):
        read([each.url for each in servers], retries=0)
    assert sum(each.asked for each in servers) == 3


def test_a_request_that_breaks_servers_does_not_break_all_of_them(read: Read, stub: Stub) -> None:
    servers = [stub(hang_up) for _ in range(5)]
    with pytest.raises(ServerUnreachableError, match="the connection broke"):
        read([each.url for each in servers], retries=0)
    assert sum(each.asked for each in servers) == 2


def test_one_that_hangs_is_left_for_another_within_the_time_limit(read: Read, stub: Stub, good: StubServer) -> None:
    bad = stub(hang)
    bad.ready = None
    for _ in range(20):  # until it is chosen
        assert read([bad.url, good.url], timeout_s=2, retries=0) == NOTHING
        if bad.asked:
            return
    pytest.fail("it was never asked")


def test_one_that_hangs_is_left_over_grpc_too(read: Read, start_peer: Callable[..., str]) -> None:
    taken, over = threading.Event(), threading.Event()

    def peer(_: socket.socket) -> None:
        """Take the connection, and say nothing."""
        taken.set()
        over.wait(20)

    server, port = start_kserve(Ready())
    url = start_peer(peer)
    while not taken.is_set():
        assert read([url, f"127.0.0.1:{port}"], "grpc", timeout_s=2, retries=0) == NOTHING
    over.set()
    server.stop(None).wait()


def test_one_that_is_slow_and_says_that_it_is_ready_is_waited_for(read: Read, stub: Stub, no_text: bytes) -> None:
    def slowly(exchange: Exchange) -> None:
        exchange.over.wait(0.8)
        exchange.say(200, no_text)

    servers = [stub(slowly) for _ in range(2)]
    assert read([each.url for each in servers], timeout_s=1.6, retries=0) == NOTHING
    assert sum(each.asked for each in servers) == 1
    assert sum(each.looked for each in servers) > 0


def test_where_all_hang_the_time_limit_holds_and_all_are_named(read: Read, stub: Stub) -> None:
    servers = [stub(hang), stub(hang)]
    for each in servers:
        each.ready = None
    begun = time.monotonic()
    with pytest.raises(ServerTimeoutError, match="no answer in time from") as caught:
        read([each.url for each in servers], timeout_s=1)
    assert time.monotonic() - begun < 5
    for each in servers:
        assert each.url in str(caught.value)
    assert "no answer within 1 s" in str(caught.value)


def test_one_that_is_back_gets_requests_once_it_is_ready(stub: Stub, good: StubServer, no_text: bytes) -> None:
    gone = stub(lambda exchange: exchange.say(200, no_text))
    with OcrClient([good.url, gone.url], retries=0) as client:
        gone.stop()
        _read_many(client, TURNS)
        back = stub(lambda exchange: exchange.say(200, no_text), gone.port)
        back.ready = False
        _until(lambda: _read_many(client, 1) and back.looked >= 1)
        assert back.asked == 0
        back.ready = True
        _until(lambda: _read_many(client, 1) and back.asked >= 1)


def test_one_that_is_back_gets_requests_over_grpc_and_no_thread_is_left() -> None:
    servers = [start_kserve(Ready()) for _ in range(2)]
    with OcrClient([f"127.0.0.1:{port}" for _, port in servers], "grpc", retries=0) as client:
        servers[1][0].stop(None).wait()
        _read_many(client, TURNS)
        back = Ready()
        back.ready = False
        servers[1] = start_kserve(back, servers[1][1])
        _until(lambda: _read_many(client, 1) and back.looked >= 1)
        assert back.answered == 0
        back.ready = True
        _until(lambda: _read_many(client, 1) and back.answered >= 1)
    assert "ocr-client-ready" not in [each.name for each in threading.enumerate()]
    for server, _ in servers:
        server.stop(None).wait()


def test_a_page_that_takes_long_keeps_only_its_own_server_from_work(stub: Stub, no_text: bytes) -> None:
    release = threading.Event()

    def slow_then_quick(exchange: Exchange) -> None:
        release.wait(20)
        exchange.say(200, no_text)

    slow, quick = stub(slow_then_quick), stub(lambda exchange: exchange.say(200, no_text))
    with OcrClient([slow.url, quick.url]) as client, ThreadPoolExecutor(2) as pool:
        first = [pool.submit(client.ocr, b"x") for _ in range(2)]
        futures.wait(first, 20, return_when=futures.FIRST_COMPLETED)
        for _ in range(5):
            assert client.ocr(b"x") == NOTHING
        release.set()
    assert (slow.asked, quick.asked) == (1, 6)


def test_the_log_says_who_answered_who_is_left_out_and_who_is_back(
    closed_port: str, good: StubServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ocr_client")
    with OcrClient([closed_port, good.url]) as client:
        for _ in range(TURNS):
            client.ocr(b"x", request_id="order-4711")
    assert caplog.messages.count(f"http://{closed_port} is left out (connection refused), until it is ready") == 1
    assert caplog.messages.count(f"request_id order-4711: answered by http://{good.url}") == TURNS


def test_headers_go_to_all(stub: Stub, no_text: bytes) -> None:
    servers = [stub(lambda exchange: exchange.say(200, no_text)) for _ in range(2)]
    with OcrClient([each.url for each in servers], headers={"Authorization": "Bearer a"}) as client:
        _read_many(client, TURNS)
    assert [each.headers["Authorization"] for each in servers] == ["Bearer a", "Bearer a"]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_one_that_is_ready_is_enough(protocol: str, closed_port: str, good: StubServer) -> None:
    peer = Ready()
    server, port = start_kserve(peer)
    answers: Any = good if protocol == "http" else peer
    urls = [closed_port, good.url if protocol == "http" else f"127.0.0.1:{port}"]

    async def ask() -> bool:
        async with AsyncOcrClient(urls, protocol) as client:
            return await client.is_ready()

    for is_ready in (True, False):
        answers.ready = is_ready
        with OcrClient(urls, protocol) as client:
            assert client.is_ready() is is_ready
        assert asyncio.run(ask()) is is_ready
    server.stop(None).wait()


def test_a_request_that_is_cancelled_gives_its_place_back(stub: Stub, no_text: bytes) -> None:
    calm = threading.Event()

    def answer(exchange: Exchange) -> None:
        if not calm.is_set():
            exchange.over.wait(20)
        exchange.say(200, no_text)

    servers = [stub(answer), stub(answer)]

    async def work() -> None:
        async with AsyncOcrClient([each.url for each in servers]) as client:
            tasks = [asyncio.create_task(client.ocr(b"x")) for _ in range(5)]
            await asyncio.sleep(0.2)
            for task in tasks:
                task.cancel()
            assert all(
                isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*tasks, return_exceptions=True)
            )
            calm.set()
            for each in servers:
                each.asked = 0
            for _ in range(4):
                await client.ocr(b"x")

    asyncio.run(work())
    assert [each.asked for each in servers] == [2, 2]


def test_a_request_that_is_cancelled_leaves_no_look_at_its_server_behind(stub: Stub) -> None:
    servers = [stub(hang), stub(hang)]
    for each in servers:
        each.ready = None

    async def work() -> None:
        async with AsyncOcrClient([each.url for each in servers], timeout_s=4) as client:
            task = asyncio.create_task(client.ocr(b"x"))
            while not any(each.looked for each in servers):
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(work())


def test_a_client_that_is_closed_amid_requests_ends_them_with_an_error(stub: Stub) -> None:
    servers = [stub(hang), stub(hang)]
    client = OcrClient([each.url for each in servers], retries=0)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(client.ocr, b"x") for _ in range(4)]
        _until(lambda: sum(each.asked for each in servers) == 4)
        client.close()
        for each in asked:
            assert isinstance(each.exception(20), OcrClientError)


def test_closing_does_not_wait_for_a_server_that_is_asked_whether_it_is_back(
    stub: Stub, good: StubServer, start_peer: Callable[..., str]
) -> None:
    over = threading.Event()
    silent = stub(hang_up)
    silent.ready = None
    server, port = start_kserve(Ready())
    for urls, protocol in (
        ([silent.url, good.url], "http"),
        ([start_peer(lambda _: over.wait(20) and None), f"127.0.0.1:{port}"], "grpc"),
    ):
        client = OcrClient(urls, protocol, timeout_s=2)
        _read_many(client, TURNS)
        begun = time.monotonic()
        client.close()
        assert time.monotonic() - begun < 1
        assert "ocr-client-ready" not in [each.name for each in threading.enumerate()]
    over.set()
    server.stop(None).wait()


def test_grpc_takes_turns_among_the_addresses_of_a_name() -> None:
    peer = Ready()
    server, port = start_kserve(peer)
    with OcrClient(f"dns:///localhost:{port}", "grpc") as client:
        assert client.is_ready()
        assert _read_many(client, 2)
    assert peer.answered == 2
    server.stop(None).wait()


@pytest.mark.parametrize("several", [False, True])
def test_a_client_refuses_to_work_in_a_fork_and_goes_on_in_the_parent(
    good: StubServer, stub: Stub, no_text: bytes, several: bool
) -> None:
    other = stub(lambda exchange: exchange.say(200, no_text))
    with OcrClient([good.url, other.url] if several else good.url, timeout_s=20) as client:
        assert client.ocr(b"picture") == NOTHING
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                client.ocr(b"picture")
            except UsageError as error:
                os.write(tell, str(error).encode())
            client.close()
            os._exit(0)
        os.close(tell)
        with os.fdopen(told, "rb") as said:
            assert said.read() == b"this client was made before a fork: make another one in this process"
        assert os.waitpid(child, 0)[1] == 0
        assert client.ocr(b"picture") == NOTHING
