"""The asyncio transports: tritonclient's own, which open their connections inside the running event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import aiohttp
import tritonclient.grpc.aio
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

from ocr_client import translate
from ocr_client.codec import MALFORMED, grpc_channel_args, grpc_inputs, http_inputs, not_an_answer, read_tensors
from ocr_client.endpoint import Endpoint
from ocr_client.request import InferRequest
from ocr_contract.result import Tensors

_T = TypeVar("_T")


class AsyncTransport(Protocol):
    """What AsyncOcrClient needs of a protocol."""

    async def infer(self, request: InferRequest) -> Tensors:
        """Send a request and return the output tensors by name."""
        ...

    async def ready(self, model: str) -> bool:
        """Tell whether the server and the model say that they are ready."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class AsyncHttpTransport:
    """HTTP through aiohttp; as many connections as there are requests under way."""

    def __init__(self, endpoint: Endpoint, timeout_s: float, headers: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._headers = dict(headers)
        self._client: Any = None  # made inside the event loop, by the first request

    async def infer(self, request: InferRequest) -> Tensors:
        """Send a request and return the output tensors by name."""
        inputs, parameters = http_inputs(request), dict(request.parameters)
        # tritonclient adds its own headers to the dict it is given
        result = await self._call(
            lambda client: client.infer(request.model, inputs, headers=dict(self._headers), parameters=parameters)
        )
        return read_tensors(result, self._endpoint)

    async def ready(self, model: str) -> bool:
        """Tell whether the server and the model say that they are ready."""
        if not await self._call(lambda client: client.is_server_ready(headers=dict(self._headers))):
            return False
        return bool(await self._call(lambda client: client.is_model_ready(model, headers=dict(self._headers))))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _call(self, ask: Callable[[Any], Awaitable[_T]]) -> _T:
        """Await ask(client). A kept-alive connection that the server closed meanwhile is replaced, once."""
        if self._client is None:
            self._client = tritonclient.http.aio.InferenceServerClient(
                self._endpoint.authority + self._endpoint.path,
                conn_limit=0,
                conn_timeout=self._timeout_s,
                ssl=self._endpoint.tls,
                ssl_context=ssl.create_default_context() if self._endpoint.tls else True,
            )
        try:
            try:
                return await ask(self._client)
            except (aiohttp.ServerDisconnectedError, ConnectionError) as error:
                if isinstance(error, aiohttp.ClientConnectorError):
                    raise
                return await ask(self._client)
        except InferenceServerException as error:
            raise translate.from_triton(error, self._endpoint.url, self._timeout_s) from error
        except asyncio.TimeoutError as error:  # TimeoutError is another class in Python 3.10
            raise translate.timed_out(self._endpoint.url, self._timeout_s) from error
        except aiohttp.ClientConnectorError as error:
            raise translate.from_os_error(error.os_error, self._endpoint.url, self._timeout_s) from error
        except OSError as error:
            raise translate.from_os_error(error, self._endpoint.url, self._timeout_s) from error
        except aiohttp.ClientResponseError as error:
            raise translate.not_http(self._endpoint.url) from error
        except aiohttp.ClientError as error:
            reason = str(error) or type(error).__name__
            raise translate.unreachable(self._endpoint.url, reason) from error
        except MALFORMED as error:
            raise not_an_answer(self._endpoint, error) from error


class AsyncGrpcTransport:
    """gRPC through grpc.aio."""

    def __init__(self, endpoint: Endpoint, timeout_s: float, headers: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._headers = {name.lower(): value for name, value in headers.items()}  # gRPC metadata is lower case
        self._client: Any = None  # made inside the event loop, by the first request

    async def infer(self, request: InferRequest) -> Tensors:
        """Send a request and return the output tensors by name."""
        result = await self._call(
            lambda client: client.infer(
                request.model,
                grpc_inputs(request),
                headers=self._headers,
                client_timeout=self._timeout_s,
                parameters=dict(request.parameters),
            )
        )
        return read_tensors(result, self._endpoint)

    async def ready(self, model: str) -> bool:
        """Tell whether the server and the model say that they are ready."""
        common = {"headers": self._headers, "client_timeout": self._timeout_s}
        if not await self._call(lambda client: client.is_server_ready(**common)):
            return False
        return bool(await self._call(lambda client: client.is_model_ready(model, **common)))

    async def close(self) -> None:
        """Close the channel."""
        if self._client is not None:
            await self._client.close()

    async def _call(self, ask: Callable[[Any], Awaitable[_T]]) -> _T:
        if self._client is None:
            self._client = tritonclient.grpc.aio.InferenceServerClient(
                self._endpoint.authority, ssl=self._endpoint.tls, channel_args=grpc_channel_args()
            )
        try:
            return await ask(self._client)
        except InferenceServerException as error:
            raise translate.from_triton(error, self._endpoint.url, self._timeout_s) from error
