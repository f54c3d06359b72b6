"""What stands behind the gateway: a server, or the models in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import tritonclient.grpc.aio
from anyio import to_thread
from tritonclient.utils import InferenceServerException

from ocr_client import AsyncOcrClient
from ocr_client.address import Address
from ocr_client.transports.cancelling import cancelled_as_asked
from ocr_client.transports.grpc import CHANNEL
from ocr_contract.options import OCR, Options, Value
from ocr_contract.reader import AsyncReader, Picture
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_gateway.requests import current
from ocr_gateway.stage_times import Spent

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ocr_predictor import LocalOcr

_T = TypeVar("_T")
STEPS = ("wait_turn", "det_batcher", "rec_batcher", "ctc_decode")  # of the endpoint ocr, one after the other
_STATISTICS_TIMEOUT_S = 2.0
RETRIES = 2  # a server that is started anew is back before the client has to know


class Server:
    """A server behind the gateway.

    Attributes:
        reader: asks it.
        takes_pixels: whether the reader is in this process, and no picture need be encoded for it.
        defaults: options, as far as it is known what they are where a request does not set them; a server has its
            model set's, and does not tell them.
    """

    takes_pixels = False
    defaults: Mapping[str, Value] = MappingProxyType({})

    def __init__(self, url: str, timeout_s: float) -> None:
        """Know a server; nothing is sent yet. To be called in the event loop.

        Args:
            url: host:port of its gRPC port, or grpcs://host:port.
            timeout_s: seconds that a request to it may take.

        Raises:
            UsageError: the address is malformed.
        """
        address = Address.parse(url, "grpc")
        self.reader: AsyncReader = _Naming(AsyncOcrClient(url, "grpc", timeout_s=timeout_s, retries=RETRIES))
        self._client = tritonclient.grpc.aio.InferenceServerClient(
            address.authority, ssl=address.tls, channel_args=list(CHANNEL)
        )

    async def spent(self) -> Spent:
        """Return what the steps of `ocr` have spent, waiting included; nothing where the server does not say it."""
        try:
            answer = await cancelled_as_asked(
                self._client.get_inference_statistics(as_json=True, client_timeout=_STATISTICS_TIMEOUT_S)
            )
        except InferenceServerException:
            return Spent()
        models: dict[str, Any] = {model["name"]: model["inference_stats"] for model in answer.get("model_stats", ())}
        if OCR not in models:
            return Spent()
        ns = {step: int(models[step]["success"].get("ns", 0)) for step in STEPS if step in models}
        return Spent(int(models[OCR]["success"].get("count", 0)), ns)

    async def close(self) -> None:
        """Close the connections."""
        await self.reader.close()
        await self._client.close()


class _Naming:
    """A client that sends the id of the request that the running task answers."""

    def __init__(self, client: AsyncOcrClient) -> None:
        self._client = client
        self.is_ready, self.close = client.is_ready, client.close

    async def ocr(self, image: Picture, **options: Unpack[Options]) -> OcrResult:
        return await self._client.ocr(image, request_id=_id(), **options)

    async def detect(self, image: Picture, **options: Unpack[Options]) -> DetectionResult:
        return await self._client.detect(image, request_id=_id(), **options)

    async def recognize(self, images: Sequence[Picture], **options: Unpack[Options]) -> RecognitionResult:
        return await self._client.recognize(images, request_id=_id(), **options)


def _id() -> str | None:
    request = current()
    return None if request is None else request.id


class Local:
    """The models in this process: an `AsyncReader` over `LocalOcr`, which reads each picture in a thread.

    A picture cannot be given up half-way: who is cancelled does not wait for it.
    """

    takes_pixels = True

    def __init__(self, reader: LocalOcr, threads: int) -> None:
        """Begin with models that are loaded; to be called in the event loop.

        Args:
            reader: reads the pictures.
            threads: pictures under way at a time.
        """
        from ocr_predictor import StageTimes  # noqa: PLC0415 -- installed where there is a LocalOcr

        self._local = reader
        self._limiter = anyio.CapacityLimiter(threads)
        self._new_times = StageTimes
        self._spent = Spent()
        self.defaults = reader.defaults

    @property
    def reader(self) -> AsyncReader:
        """Itself."""
        return self

    async def ocr(self, image: Picture, **options: Unpack[Options]) -> OcrResult:
        """Read the text of a picture."""
        times = self._new_times()
        result = await self._call(partial(self._local.ocr_timed, image, times, **options))
        self._spent = self._spent.plus(times.spent_ns)
        return result

    async def detect(self, image: Picture, **options: Unpack[Options]) -> DetectionResult:
        """Find the text lines of a picture without reading them."""
        return await self._call(partial(self._local.detect, image, **options))

    async def recognize(self, images: Sequence[Picture], **options: Unpack[Options]) -> RecognitionResult:
        """Read pictures of one text line each."""
        return await self._call(partial(self._local.recognize, images, **options))

    async def is_ready(self, endpoint: str = OCR) -> bool:
        """Tell whether a request to the endpoint would be answered."""
        return self._local.is_ready(endpoint)

    async def spent(self) -> Spent:
        """Return what the stages of `ocr` have spent."""
        return self._spent

    async def close(self) -> None:
        """Wait for the pictures under way, and give the models back."""
        await to_thread.run_sync(self._local.close)

    async def _call(self, read: Callable[[], _T]) -> _T:
        return await to_thread.run_sync(read, limiter=self._limiter, abandon_on_cancel=True)


Backend = Server | Local
