"""The blocking client of the three endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from ocr_client.endpoint import DEFAULT_TIMEOUT_S, Endpoint
from ocr_client.errors import ServerNotReadyError, ServerTimeoutError, ServerUnreachableError, UsageError
from ocr_client.request import Call, Result, detection_call, ocr_call, recognition_call
from ocr_client.transport import GrpcTransport, HttpTransport, Transport
from ocr_contract.options import OCR, Options
from ocr_contract.reader import Picture
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class OcrClient:
    """Reads pictures through a running server.

    One client may be used by any number of threads at once: HTTP opens a connection for each request under way and
    keeps it for the next, gRPC carries all of them over one channel. Do not carry a client over a fork.

    Args:
        url: `host:port`, or a URL whose scheme fits the protocol (https:// and grpcs:// for TLS). None is this
            machine's server: localhost:8000 for HTTP, localhost:8001 for gRPC.
        protocol: "http" or "grpc".
        timeout_s: seconds a request may take, connecting included.
        headers: sent with every request (HTTP headers, gRPC metadata), for a gateway that wants a token.

    Raises:
        UsageError: when the url, the protocol or the timeout cannot work. Nothing is connected yet.
    """

    def __init__(
        self,
        url: str | None = None,
        protocol: str = "http",
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.endpoint = Endpoint.parse(url, protocol)
        check_timeout(timeout_s)
        make = GrpcTransport if self.endpoint.protocol == "grpc" else HttpTransport
        self._transport: Transport = make(self.endpoint, timeout_s, headers or {})
        self._closed = False

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
            self._transport.close()

    def ocr(self, image: Picture, **options: Unpack[Options]) -> OcrResult:
        """Read the text of a picture.

        Args:
            image: bytes of an image file, the path of one, or an array (H, W, 3) uint8 BGR (images.Image has it all).
            options: see request.Options.

        Raises:
            OcrClientError: of the kinds in errors.py.
        """
        return self._infer(ocr_call(image, options))

    def detect(self, image: Picture, **options: Unpack[Options]) -> DetectionResult:
        """Find the text lines of a picture without reading them. Arguments and errors as in `ocr`."""
        return self._infer(detection_call(image, options))

    def recognize(self, images: Sequence[Picture], **options: Unpack[Options]) -> RecognitionResult:
        """Read pictures of one text line each, all in one request. No picture gives an empty result unasked.

        Options and errors as in `ocr`.
        """
        call = recognition_call(images, options)
        if not call.request.payload:
            return RecognitionResult.empty()
        return self._infer(call)

    def is_ready(self, model: str = OCR) -> bool:
        """Tell whether a server answers and says that it and the endpoint are ready; False when nobody answers."""
        self._check_open()
        try:
            return self._transport.ready(model)
        except (ServerUnreachableError, ServerTimeoutError, ServerNotReadyError):
            return False

    def _infer(self, call: Call[Result]) -> Result:
        self._check_open()
        return call.read(self._transport.infer(call.request))

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("this client is closed: make another one")


def check_timeout(timeout_s: float) -> None:
    """Raise UsageError unless timeout_s is a number of seconds above 0, at most a day."""
    if not 0 < timeout_s <= 86400:
        raise UsageError(f"timeout_s: expected seconds, above 0 and at most 86400, got {timeout_s!r}")
