"""The blocking client of the three endpoints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from ocr_client.address import read_addresses
from ocr_client.errors import (
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
    UsageError,
    closed_client,
)
from ocr_client.request import Call, Result, check_headers, detection_call, ocr_call, recognition_call
from ocr_client.retry import Patience
from ocr_client.transports import open_transport
from ocr_contract.options import OCR, Options
from ocr_contract.reader import Picture
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class OcrClient:
    """Reads pictures through a running server: a `Reader`.

    One client may be used by any number of threads at once: HTTP opens a connection for each request under way and
    keeps it for the next, gRPC carries all of them over one channel. Do not carry a client over a fork.

    Args:
        url: `host:port`, or a URL whose scheme fits the protocol (https:// and grpcs:// for TLS). None is this
            machine's server: localhost:8000 for HTTP, localhost:8001 for gRPC. A list names several servers of one
            model set: each request goes to the one that has the fewest of this client's, and from one that does not
            take it to another at once. One that is gone gets no requests until it says that it is ready.
        protocol: "http" or "grpc".
        timeout_s: seconds that a request may take, from looking up the host to the last byte, retries included.
        headers: sent with every request (HTTP headers, gRPC metadata), for a gateway that wants a token.
        retries: how often a request is sent again at most when nobody took it or the server is too busy (retry.py).
            Of several servers: when none did; to go on to another one does not count.

    Raises:
        UsageError: when an argument cannot work. Nothing is connected yet.
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
        self._transport = open_transport(read_addresses(url, protocol), check_headers(headers or {}), timeout_s)
        self._closed = False
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. A closed client takes no more requests."""
        if not self._closed:
            self._closed = True
            if self._process == os.getpid():  # in a fork they are still those of the parent
                self._transport.close()

    def ocr(self, image: Picture, *, request_id: str | None = None, **options: Unpack[Options]) -> OcrResult:
        """Read the text of a picture.

        Args:
            image: bytes of an image file, the path of one, or an array (H, W, 3) uint8 BGR (see `Picture`).
            request_id: names the request in the logs of all who work on it; by default a new one is made.
            **options: see `Options`; what is not given is the server's.

        Raises:
            OcrClientError: of the kinds in errors.py.
        """
        return self._infer(ocr_call(image, options, request_id))

    def detect(self, image: Picture, *, request_id: str | None = None, **options: Unpack[Options]) -> DetectionResult:
        """Find the text lines of a picture without reading them. Arguments and errors as in `ocr`."""
        return self._infer(detection_call(image, options, request_id))

    def recognize(
        self, images: Sequence[Picture], *, request_id: str | None = None, **options: Unpack[Options]
    ) -> RecognitionResult:
        """Read pictures of one text line each, all in one request. No picture gives an empty result unasked.

        Options and errors as in `ocr`. Boxes of words are in pixels of their own line's picture.
        """
        call = recognition_call(images, options, request_id)
        return self._infer(call) if call.request.payload else RecognitionResult.empty()

    def is_ready(self, endpoint: str = OCR) -> bool:
        """Tell whether a server answers and says that it and the endpoint are ready; False when nobody answers.

        Of several servers one that is ready is enough.
        """
        self._check_open()
        try:
            return self._transport.ready(endpoint, self._patience.timeout_s)
        except (ServerUnreachableError, ServerTimeoutError, ServerNotReadyError):
            return False

    def _infer(self, call: Call[Result]) -> Result:
        self._check_open()
        return call.read(
            self._patience.call(lambda left_s: self._transport.infer(call.request, left_s), call.request.id)
        )

    def _check_open(self) -> None:
        if self._closed:
            raise closed_client()
        if self._process != os.getpid():  # its connections would be taken from the parent, which hangs then
            raise UsageError("this client was made before a fork: make another one in this process")
