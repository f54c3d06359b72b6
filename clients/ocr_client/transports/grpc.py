"""gRPC, blocking and asynchronous, through tritonclient's own clients.

Its time limit is one for the whole request, and the blocking client may be used from any thread: nothing to add.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.grpc.aio
from tritonclient.utils import InferenceServerException

from ocr_client.address import Address
from ocr_client.errors import closed_client
from ocr_client.request import InferRequest
from ocr_client.transports.cancelling import cancelled_as_asked
from ocr_client.transports.failures import Failures
from ocr_client.transports.v2_tensors import timeout_us
from ocr_contract.result import Tensors

# What tritonclient raises on an answer that is not what it should be: it trusts what it reads.
_MALFORMED = (InferenceServerException, AttributeError, LookupError, TypeError, ValueError, struct.error)

CHANNEL = (
    ("grpc.max_send_message_length", tritonclient.grpc.MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", tritonclient.grpc.MAX_GRPC_MESSAGE_SIZE),
    ("grpc.enable_http_proxy", 0),  # no proxy from the environment, as with HTTP
    ("grpc.initial_reconnect_backoff_ms", 100),  # so that a server that was started anew is soon found
    ("grpc.max_reconnect_backoff_ms", 2000),
)
EVERY = (("grpc.lb_policy_name", "round_robin"),)  # of all addresses that a name has


class _Grpc:
    """What both have in common: how arguments are given, answers read and errors told."""

    def __init__(self, address: Address, headers: Mapping[str, str], failures: Failures) -> None:
        self._address = address
        self._headers = {name.lower(): value for name, value in headers.items()}  # gRPC metadata is lower case
        self._failures = failures
        self._is_closed = False

    def _open(self, kind: Any) -> Any:
        address = self._address
        target, policy = (address.url, EVERY) if address.is_every else (address.authority, ())
        return kind(target, ssl=address.tls, channel_args=[*CHANNEL, *policy])

    def _inputs(self, request: InferRequest) -> list[Any]:
        array = np.empty(len(request.payload), dtype=np.object_)
        array[:] = request.payload
        tensor = tritonclient.grpc.InferInput(request.input_name, [len(request.payload)], "BYTES")
        return [tensor.set_data_from_numpy(array)]

    def _asked(self, request: InferRequest, limit_s: float) -> dict[str, Any]:
        return {
            **self._common(limit_s),
            "model_name": request.model,
            "request_id": request.id,
            "inputs": self._inputs(request),
            "parameters": dict(request.parameters),
            "timeout": timeout_us(limit_s),
        }

    def _common(self, limit_s: float) -> dict[str, Any]:
        return {"headers": self._headers, "client_timeout": max(limit_s, 0.001)}

    def _tensors(self, result: Any) -> Tensors:
        try:
            return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}
        except _MALFORMED as error:
            raise self._failures.not_an_answer(error) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            raise self._failures.from_grpc(error) from error
        except ValueError as error:
            if self._is_closed:  # by another thread or task, while this one was between two servers
                raise closed_client() from error
            raise


class GrpcTransport(_Grpc):
    """gRPC for blocking callers, any number of threads at once."""

    def __init__(self, address: Address, headers: Mapping[str, str], failures: Failures) -> None:
        super().__init__(address, headers, failures)
        self._client = self._open(tritonclient.grpc.InferenceServerClient)
        self._beginning = threading.Lock()

    def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request and return the output tensors by name."""
        with self._translated():
            result = self._client.infer(**self._asked(request, limit_s))
        return self._tensors(result)

    def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether the server and the model say that they are ready."""
        until = time.monotonic() + limit_s
        with self._translated():
            return bool(
                self._client.is_server_ready(**self._common(limit_s))
                and self._client.is_model_ready(model, **self._common(until - time.monotonic()))
            )

    def begin(self, request: InferRequest, limit_s: float) -> Future[Tensors]:
        """`infer` without waiting; the future's cancel() gives it up."""
        answer: Future[Tensors] = Future()

        def end(result: Any, error: InferenceServerException | None) -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                with self._translated():
                    if error is not None:
                        raise error
                    answer.set_result(self._tensors(result))
            except BaseException as failure:  # whoever waits has to hear of it
                answer.set_exception(failure)

        asked = self._asked(request, limit_s)
        with self._translated(), self._beginning:  # tritonclient keeps the call in an attribute while it begins it
            call = self._client.async_infer(callback=end, **asked)
        answer.add_done_callback(lambda done: call.cancel() if done.cancelled() else None)
        return answer

    def begin_ready(self, model: str, limit_s: float) -> Future[bool]:
        """`ready` without waiting: in a thread, which ends with the answer, after `limit_s`, or when this is closed."""
        answer: Future[bool] = Future()

        def ask() -> None:
            try:
                answer.set_result(self.ready(model, limit_s))
            except BaseException as error:  # whoever waits has to hear of it
                answer.set_exception(error)

        answer.set_running_or_notify_cancel()
        threading.Thread(target=ask, name="ocr-client-ready", daemon=True).start()
        return answer

    def close(self) -> None:
        """Close the channel."""
        self._is_closed = True
        self._client.close()


class AsyncGrpcTransport(_Grpc):
    """gRPC for asyncio."""

    def __init__(self, address: Address, headers: Mapping[str, str], failures: Failures) -> None:
        super().__init__(address, headers, failures)
        self._client: Any = None  # made inside the event loop, by the first request

    async def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request and return the output tensors by name."""
        with self._translated():
            result = await cancelled_as_asked(self._opened().infer(**self._asked(request, limit_s)))
        return self._tensors(result)

    async def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether the server and the model say that they are ready."""
        until = time.monotonic() + limit_s
        with self._translated():
            return bool(
                await cancelled_as_asked(self._opened().is_server_ready(**self._common(limit_s)))
                and await cancelled_as_asked(
                    self._opened().is_model_ready(model, **self._common(until - time.monotonic()))
                )
            )

    async def close(self) -> None:
        """Close the channel."""
        self._is_closed = True
        if self._client is not None:
            await self._client.close()

    def _opened(self) -> Any:
        if self._is_closed:
            raise closed_client()
        if self._client is None:
            self._client = self._open(tritonclient.grpc.aio.InferenceServerClient)
        return self._client
