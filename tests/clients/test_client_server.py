"""Both clients and the command line against the real server."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from ocr_client import (
    AsyncOcrClient,
    BadRequestError,
    OcrClient,
    OcrResult,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from ocr_client.fonts import open_font
from ocr_client.request import InferRequest
from ocr_contract.options import Options

PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])
QUICK = Options(text_det_limit_side_len=320, text_det_limit_type="max")  # for tests of traffic, not of reading
LINES = ("Invoice 2024-0715", "发票号码88123", "Total: 42.50")


class Server(Protocol):
    """The running server of tests/conftest.py."""

    @property
    def http_url(self) -> str: ...

    @property
    def grpc_url(self) -> str: ...


def url_of(server: Server, protocol: str) -> str:
    return server.http_url if protocol == "http" else server.grpc_url


@pytest.fixture(scope="module")
def page() -> npt.NDArray[np.uint8]:
    """A white page with LINES, (H, W, 3) uint8 BGR."""
    image = Image.new("RGB", (640, 300), "white")
    for row, text in enumerate(LINES):
        ImageDraw.Draw(image).text((40, 40 + 80 * row), text, fill="black", font=open_font()(36))
    return np.asarray(image)[:, :, ::-1].copy()


@pytest.fixture(scope="module")
def page_png(page: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", page)[1])


@pytest.fixture(params=["http", "grpc"])
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[OcrClient]:
    with OcrClient(url_of(server, request.param), request.param) as client:
        yield client


def squeezed(texts: tuple[str, ...]) -> list[str]:
    return ["".join(text.split()) for text in texts]


def run_async(work: Callable[[AsyncOcrClient], Any], server: Server, protocol: str, **more: Any) -> Any:
    async def run() -> Any:
        async with AsyncOcrClient(url_of(server, protocol), protocol, **more) as client:
            return await work(client)

    return asyncio.run(run())


def test_a_page_is_read_line_by_line(client: OcrClient, page_png: bytes) -> None:
    result = client.ocr(page_png)
    assert squeezed(result.texts) == squeezed(LINES)
    assert result.boxes.shape == (3, 4, 2)
    assert (result.scores > 0.8).all()
    assert (result.box_scores > 0.6).all()
    tops = result.boxes[:, 0, 1]
    assert np.abs(tops - [45, 125, 205]).max() < 15


def test_bytes_path_and_array_give_one_result(
    client: OcrClient, page: npt.NDArray[np.uint8], page_png: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "page.png"
    file.write_bytes(page_png)
    assert client.ocr(page_png) == client.ocr(file) == client.ocr(str(file)) == client.ocr(page)


@PROTOCOLS
def test_the_asyncio_client_gives_what_the_blocking_one_gives(protocol: str, server: Server, page_png: bytes) -> None:
    async def all_of(client: AsyncOcrClient) -> list[object]:
        return [
            await client.ocr(page_png, text_rec_score_thresh=0.0),
            await client.detect(page_png),
            await client.recognize([page_png, page_png]),
            await client.recognize([]),
            await client.is_ready(),
            await client.is_ready("no_such_model"),
        ]

    with OcrClient(url_of(server, protocol), protocol) as client:
        assert run_async(all_of, server, protocol) == [
            client.ocr(page_png, text_rec_score_thresh=0.0),
            client.detect(page_png),
            client.recognize([page_png, page_png]),
            client.recognize([]),
            True,
            False,
        ]


def test_detection_finds_the_boxes_of_ocr(client: OcrClient, page_png: bytes) -> None:
    found, read = client.detect(page_png), client.ocr(page_png, text_rec_score_thresh=0.0)
    np.testing.assert_array_equal(found.boxes, read.boxes)
    np.testing.assert_array_equal(found.box_scores, read.box_scores)


def test_recognition_reads_lines_in_order(client: OcrClient, page: npt.NDArray[np.uint8]) -> None:
    lines = [page[40 + 80 * row : 90 + 80 * row, 30:420] for row in range(3)]
    result = client.recognize([*lines, lines[0]])
    assert squeezed(result.texts) == squeezed((*LINES, LINES[0]))
    assert result.scores.shape == (4,)


def test_nothing_to_recognize_is_an_empty_result(client: OcrClient) -> None:
    assert len(client.recognize([])) == 0


@pytest.mark.parametrize("shape", [(200, 300), (1, 1), (1, 200)])
def test_a_picture_without_text_is_an_empty_result(client: OcrClient, shape: tuple[int, int]) -> None:
    blank = np.full((*shape, 3), 255, np.uint8)
    assert client.ocr(blank) == OcrResult.empty()
    assert client.detect(blank).boxes.shape == (0, 4, 2)


def test_options_reach_the_server(client: OcrClient, page_png: bytes) -> None:
    assert len(client.ocr(page_png, text_rec_score_thresh=1.0)) == 0
    assert len(client.ocr(page_png, text_det_thresh=0.3, text_det_box_thresh=0.5, text_det_limit_type="max")) == 3
    narrow, wide = (client.detect(page_png, text_det_unclip_ratio=ratio).boxes for ratio in (1.2, 2.0))
    assert (np.ptp(wide[..., 1], axis=1) > np.ptp(narrow[..., 1], axis=1)).all()
    assert client.ocr(page_png, text_det_limit_side_len=64, text_det_limit_type="max") != client.ocr(page_png)


@pytest.mark.parametrize(
    "options",
    [
        {"text_det_threshold": 0.3},
        {"text_det_thresh": "high"},
        {"text_det_limit_type": "mid"},
        {"text_det_thresh": 7.0},
    ],
)
def test_a_wrong_option_is_refused_by_name(client: OcrClient, page_png: bytes, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError, match=next(iter(options))):
        client.ocr(page_png, **options)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut off"])
def test_bytes_that_are_no_picture_are_refused_and_the_next_request_is_served(
    client: OcrClient, data: bytes, page_png: bytes
) -> None:
    with pytest.raises(BadRequestError, match="image"):
        client.ocr(data)
    assert len(client.ocr(page_png)) == 3


def test_a_large_picture_crosses_both_protocols(client: OcrClient) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2400, 3200, 3), dtype=np.uint8)  # 23 MB, which PNG cannot shrink
    assert client.detect(noise, **QUICK).boxes.shape[1:] == (4, 2)


def test_one_client_serves_many_threads(client: OcrClient, page: npt.NDArray[np.uint8]) -> None:
    pages = [cv2.rotate(page, turn) if turn is not None else page for turn in (None, cv2.ROTATE_180)]
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


def test_threads_leave_no_descriptors_behind(server: Server) -> None:
    with OcrClient(server.http_url) as client:
        client.is_ready()
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            thread = threading.Thread(target=client.is_ready)
            thread.start()
            thread.join()
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


@PROTOCOLS
def test_many_asyncio_requests_are_under_way_at_once(protocol: str, server: Server, page_png: bytes) -> None:
    async def many(client: AsyncOcrClient) -> list[OcrResult]:
        return await asyncio.gather(*(client.ocr(page_png, **QUICK) for _ in range(24)))

    results = run_async(many, server, protocol)
    assert all(result == results[0] for result in results)
    assert len(results[0]) > 0


def test_readiness(client: OcrClient) -> None:
    assert client.is_ready()
    assert client.is_ready("text_detection")
    assert not client.is_ready("no_such_model")


@PROTOCOLS
def test_an_answer_that_takes_too_long_is_given_up(protocol: str, server: Server) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1500, 2000, 3), dtype=np.uint8)

    async def read(client: AsyncOcrClient) -> object:
        return await client.ocr(noise)

    with (
        OcrClient(url_of(server, protocol), protocol, timeout_s=0.05) as client,
        pytest.raises(ServerTimeoutError, match=r"within 0\.05 s"),
    ):
        client.ocr(noise)
    with pytest.raises(ServerTimeoutError, match=r"within 0\.05 s"):
        run_async(read, server, protocol, timeout_s=0.05)


@pytest.mark.parametrize(("protocol", "other"), [("http", "grpc"), ("grpc", "http")])
def test_the_other_protocols_port_is_an_error(protocol: str, other: str, server: Server) -> None:
    with OcrClient(url_of(server, other), protocol, timeout_s=10) as client, pytest.raises(ServerUnreachableError):
        client.ocr(b"x")


@PROTOCOLS
def test_an_endpoint_that_the_server_lacks_is_not_ready(protocol: str, server: Server, page_png: bytes) -> None:
    with OcrClient(url_of(server, protocol), protocol) as client, pytest.raises(ServerNotReadyError, match="no_such"):
        client._transport.infer(InferRequest("no_such_model", "image", (page_png,)))


# The command line


def ocr_client(
    *arguments: str | Path, stdin: bytes = b"", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ocr_client.cli", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False, cwd=folder)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def folder(tmp_path: Path, page_png: bytes) -> Path:
    """Two pages, and between them, in the order of names, a file that is no picture."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.png").write_bytes(page_png)
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    (tmp_path / "in" / "sub" / "页.png").write_bytes(page_png)
    return tmp_path


@PROTOCOLS
def test_one_picture_prints_its_lines_only(protocol: str, server: Server, folder: Path) -> None:
    done = ocr_client(folder / "in" / "a.png", "--protocol", protocol, "--url", url_of(server, protocol))
    assert (done.returncode, done.stderr) == (0, "")
    assert squeezed(tuple(done.stdout.splitlines())) == squeezed(LINES)


def test_standard_input_is_read(server: Server, page_png: bytes) -> None:
    done = ocr_client("-", "--url", server.http_url, "--format", "json", stdin=page_png)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["image"] == "-"
    assert squeezed(OcrResult.from_dict(document).texts) == squeezed(LINES)


@pytest.mark.parametrize("concurrency", ["1", "8"])
def test_many_pictures_come_in_order_and_failures_are_listed(concurrency: str, server: Server, folder: Path) -> None:
    arguments = ("--url", server.http_url, "--format", "json", "--overlay", "out", "--concurrency", concurrency)
    done = ocr_client("in/sub", "in", *arguments, folder=folder)
    assert done.returncode == 1
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["image"] for document in documents] == ["in/sub/页.png", "in/a.png"]
    assert OcrResult.from_dict(documents[0]) == OcrResult.from_dict(documents[1])
    first, second = done.stderr.splitlines()
    assert first == "1 of 3 failed:"
    assert second.startswith("  in/b.png: the server refused the request: ")
    assert sorted(path.relative_to(folder).as_posix() for path in (folder / "out").rglob("*.jpg")) == [
        "out/a.jpg",
        "out/页.jpg",
    ]
    with Image.open(folder / "out" / "a.jpg") as overlay:
        assert overlay.size == (640, 606)


def test_a_table_has_a_row_a_line(server: Server, folder: Path) -> None:
    done = ocr_client("in/a.png", "in/sub/页.png", "--url", server.http_url, "--format", "tsv", folder=folder)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0][0] == "image"
    assert [row[0] for row in rows[1:]] == ["in/a.png"] * 3 + ["in/sub/页.png"] * 3
    assert {len(row) for row in rows} == {11}


def test_text_of_many_pictures_names_each(server: Server, folder: Path) -> None:
    done = ocr_client("in/a.png", "in/sub/页.png", "--url", server.http_url, folder=folder)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("==>")] == ["==> in/a.png <==", "==> in/sub/页.png <=="]
    assert lines[4] == ""


def test_flags_reach_the_server(server: Server, folder: Path) -> None:
    common = ("in/a.png", "--url", server.http_url)
    assert ocr_client(*common, "--text-rec-score-thresh", "1", folder=folder).stdout == ""
    refused = ocr_client(*common, "--text-det-thresh", "7", folder=folder)
    assert refused.returncode == 1
    assert "text_det_thresh" in refused.stderr


def test_results_that_cannot_be_written_end_with_1_and_one_sentence(server: Server, folder: Path) -> None:
    command = [sys.executable, "-m", "ocr_client.cli", "in/a.png", "--url", server.http_url]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False, cwd=folder)
    assert done.returncode == 1
    assert done.stderr.decode() == "ocr-client: cannot write the results: No space left on device\n"
