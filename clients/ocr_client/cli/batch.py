"""Many pictures through one reader: several requests under way, results in the order of the pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from ocr_client.cli.inputs import Source
from ocr_client.errors import ServerUnreachableError
from ocr_client.picture import picture_bytes
from ocr_contract.errors import OcrError
from ocr_contract.result import OcrResult

_WAITING_PER_WORKER = 4  # answers that may wait for a slow one before them


@dataclass(frozen=True)
class Outcome:
    """What became of one picture: `result` and `error` exclude each other.

    Attributes:
        source: the picture.
        image: its bytes; b"" when they could not be read.
        result: what was read on it.
        error: why it was not.
    """

    source: Source
    image: bytes
    result: OcrResult | None
    error: OcrError | None


def read_all(sources: Iterable[Source], read: Callable[[bytes, int], OcrResult], concurrency: int) -> Iterator[Outcome]:
    """Yield the outcome of each picture in order.

    Args:
        sources: pictures; taken as they are needed.
        read: reads one picture, or that page of it; called from `concurrency` threads at once.
        concurrency: requests under way at a time.

    Raises:
        ServerUnreachableError: when nobody answers; what has not been sent is not tried.
    """

    def attempt(source: Source) -> Outcome:
        image = b""
        try:
            image = picture_bytes(source.picture)
            return Outcome(source, image, read(image, source.page), None)
        except ServerUnreachableError:
            raise
        except OcrError as error:
            return Outcome(source, image, None, error)

    executor = ThreadPoolExecutor(concurrency, thread_name_prefix="ocr-client")
    under_way: deque[Future[Outcome]] = deque()
    left = iter(sources)
    try:
        while True:
            while len(under_way) < concurrency * _WAITING_PER_WORKER and (source := next(left, None)) is not None:
                under_way.append(executor.submit(attempt, source))
            if not under_way:
                return
            yield under_way.popleft().result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
