"""What the clients give of the real server's answers, over both protocols."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ocr_client import AsyncOcrClient, BadRequestError, OcrClient, OcrResult

UrlOf = Callable[[str], str]
PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])


def squeezed(texts: tuple[str, ...]) -> list[str]:
    return ["".join(text.split()) for text in texts]


def run_async(work: Callable[[AsyncOcrClient], Any], url: str, protocol: str, **more: Any) -> Any:
    async def run() -> Any:
        async with AsyncOcrClient(url, protocol, **more) as client:
            return await work(client)

    return asyncio.run(run())


def test_a_page_is_read_line_by_line(client: OcrClient, page_png: bytes, lines: tuple[str, ...]) -> None:
    result = client.ocr(page_png)
    assert squeezed(result.texts) == squeezed(lines)
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
def test_the_asyncio_client_gives_what_the_blocking_one_gives(protocol: str, url_of: UrlOf, page_png: bytes) -> None:
    async def all_of(client: AsyncOcrClient) -> list[object]:
        return [
            await client.ocr(page_png, text_rec_score_thresh=0.0),
            await client.detect(page_png),
            await client.recognize([page_png, page_png]),
            await client.recognize([]),
            await client.is_ready(),
            await client.is_ready("no_such_model"),
        ]

    with OcrClient(url_of(protocol), protocol) as client:
        assert run_async(all_of, url_of(protocol), protocol) == [
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


def test_recognition_reads_lines_in_order(
    client: OcrClient, page: npt.NDArray[np.uint8], lines: tuple[str, ...]
) -> None:
    pictures = [page[40 + 80 * row : 90 + 80 * row, 30:420] for row in range(3)]
    result = client.recognize([*pictures, pictures[0]])
    assert squeezed(result.texts) == squeezed((*lines, lines[0]))
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
