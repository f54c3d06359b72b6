"""The asyncio twin of OcrClient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from ocr_client.address import read_addresses
from ocr_client.errors import ServerNotReadyError, ServerTimeoutError, ServerUnreachableError, closed_client
from ocr_client.request import Call, Result, check_headers, detection_call, ocr_call, recognition_call
from ocr_client.retry import Patience
from ocr_client.transports import open_async_transport
from ocr_contract.options import OCR, Options
from ocr_contract.reader import Picture
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class AsyncOcrClient:
    """OcrClient for asyncio: same arguments, methods and errors.

    Any number of tasks may share one client; it belongs to the event loop of its first request. Bound the requests
    under way yourself (asyncio.Semaphore): each one waits its timeout_s from the moment it is sent.
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        protocol: str = "http",
        *,
        timeout_s: float = Patience.timeout_s,
        headers: Mapping[str, str] | None = None,
        retries: int = Patience.retries,
    ) -> None:
        self._patience = Patience(timeout_s, retries)
        self._transport = open_async_transport(read_addresses(url, protocol), check_headers(headers or {}), timeout_s)
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. A closed client takes no more requests."""
        if not self._closed:
            self._closed = True
            await self._transport.close()

    async def ocr(self, image: Picture, *, request_id: str | None = None, **options: Unpack[Options]) -> OcrResult:
        """Read the text of a picture; see OcrClient.ocr. A path is read in the calling task."""
        return await self._infer(ocr_call(image, options, request_id))

    async def detect(
        self, image: Picture, *, request_id: str | None = None, **options: Unpack[Options]
    ) -> DetectionResult:
        """Find the text lines of a picture without reading them; see OcrClient.detect."""
        return await self._infer(detection_call(image, options, request_id))

    async def recognize(
        self, images: Sequence[Picture], *, request_id: str | None = None, **options: Unpack[Options]
    ) -> RecognitionResult:
        """Read pictures of one text line each, all in one request; see OcrClient.recognize."""
        call = recognition_call(images, options, request_id)
        return await self._infer(call) if call.request.payload else RecognitionResult.empty()

    async def is_ready(self, endpoint: str = OCR) -> bool:
        """Tell whether a server answers and says that it and the endpoint are ready; False when nobody answers."""
        self._check_open()
        try:
            return await self._transport.ready(endpoint, self._patience.timeout_s)
        except (ServerUnreachableError, ServerTimeoutError, ServerNotReadyError):
            return False

    async def _infer(self, call: Call[Result]) -> Result:
        self._check_open()
        return call.read(
            await self._patience.call_async(lambda left_s: self._transport.infer(call.request, left_s), call.request.id)
        )

    def _check_open(self) -> None:
        if self._closed:
            raise closed_client()
