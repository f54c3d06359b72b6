"""ocr-gateway: what the operator says, and the web server."""

from __future__ import annotations

import logging
import os
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from ocr_client.address import Address
from ocr_client.cli.flags import flag
from ocr_client.errors import UsageError
from ocr_client.local import open_local
from ocr_contract.errors import OcrError
from ocr_documents.limits import Limits
from ocr_gateway.app import create_app
from ocr_gateway.logs import LOG_FORMATS, set_up
from ocr_gateway.readers import Backend, Local, Server
from ocr_gateway.serving import GatewayServer
from ocr_gateway.settings import PADDLE_SERVING_SERVICES, Settings

TOKEN_VARIABLE = "OCR_GATEWAY_TOKEN"  # noqa: S105 -- its name
_MIB = 1 << 20
_DEFAULTS = Settings()
_log = logging.getLogger("ocr_gateway")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def serve(
    triton_url: Annotated[
        str | None, flag("The OCR server: host:port of its gRPC port, or grpcs://host:port.", metavar="HOST:PORT")
    ] = None,
    local: Annotated[bool, flag("Read in this process, without a server.", "--local")] = False,
    model_repository: Annotated[
        Path | None, flag("With --local: folder with the models; by default model_repository.")
    ] = None,
    device: Annotated[str, flag("With --local: where the models run.", metavar="<cpu|gpu>")] = "cpu",
    precision: Annotated[
        str,
        flag(
            "With --local: arithmetic on a CPU; auto: BF16 where the processor has it, else float32.",
            metavar="<auto|f32|bf16>",
        ),
    ] = "auto",
    address: Annotated[str, flag("IP address to listen on; 0.0.0.0 for every interface.")] = "127.0.0.1",
    port: Annotated[list[int], flag("TCP port; may be given several times.", min=1, max=65535)] = [8080],  # noqa: B006
    paddle_serving_service: Annotated[
        str,
        flag("Which of Paddle Serving's web services answers at /ocr/prediction.", metavar="<ocr|det|rec>"),
    ] = _DEFAULTS.paddle_serving_service,
    max_body_mib: Annotated[int, flag("Longest body of a request, in MiB.", min=1, max=2047)] = (
        _DEFAULTS.max_body_bytes // _MIB
    ),
    max_pages: Annotated[int, flag("Most pages that are read of a document.", min=1)] = _DEFAULTS.documents.pages,
    max_requests: Annotated[int, flag("Most requests in flight.", min=1)] = _DEFAULTS.max_requests,
    concurrency: Annotated[int, flag("Pages under way at the reader.", min=1, max=1024)] = _DEFAULTS.concurrency,
    timeout: Annotated[float, flag("Seconds that a request may take.", min=1, max=86400)] = _DEFAULTS.timeout_s,
    stop_timeout: Annotated[
        float, flag("Seconds that requests in flight have when the gateway is stopped.", min=0, max=3600)
    ] = _DEFAULTS.stop_s,
    max_connections: Annotated[int, flag("Most connections that are open.", min=1)] = _DEFAULTS.max_connections,
    max_connections_per_address: Annotated[
        int | None, flag("Most connections from one IP address; by default only their sum counts.", min=1)
    ] = _DEFAULTS.max_connections_per_address,
    log_format: Annotated[
        str, flag("How the log is written: lines to read, or a JSON object a line.", metavar="<text|json>")
    ] = LOG_FORMATS[0],
    token_file: Annotated[
        Path | None, flag(f"File with the token that requests must carry; or set {TOKEN_VARIABLE}.")
    ] = None,
    allow_urls: Annotated[
        bool,
        flag("Let PaddleX's clients name files by URL, which the gateway fetches, also from inside.", "--allow-urls"),
    ] = False,
    visualize: Annotated[
        bool,
        flag("Give PaddleX's clients pictures of what was read where they do not say.", "--visualize/--no-visualize"),
    ] = _DEFAULTS.visualize,
    tls_certificate: Annotated[Path | None, flag("Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, flag("Its private key, PEM.")] = None,
) -> None:
    """Serve the protocols of Paddle Serving, PaddleX, Open WebUI and KServe, and a page, over one OCR server."""
    try:
        if local == (triton_url is not None):
            raise UsageError("give either --triton-url HOST:PORT or --local")
        if not local and (model_repository is not None or precision != "auto" or device != "cpu"):
            raise UsageError("--model-repository, --device and --precision: only with --local; a server has its own")
        if (tls_certificate is None) != (tls_key is None):
            raise UsageError("--tls-certificate and --tls-key belong together")
        if tls_certificate is not None and tls_key is not None:
            _check_tls(tls_certificate, tls_key)
        service = next((word for word in PADDLE_SERVING_SERVICES if word == paddle_serving_service), None)
        if service is None:
            raise UsageError(f"--paddle-serving-service is one of {', '.join(PADDLE_SERVING_SERVICES)}")
        form = next((word for word in LOG_FORMATS if word == log_format), None)
        if form is None:
            raise UsageError(f"--log-format is one of {', '.join(LOG_FORMATS)}")
        settings = Settings(
            max_body_bytes=max_body_mib * _MIB,
            max_requests=max_requests,
            timeout_s=timeout,
            stop_s=stop_timeout,
            max_connections=max_connections,
            max_connections_per_address=max_connections_per_address,
            concurrency=concurrency,
            documents=Limits(pages=max_pages),
            token=_token(token_file),
            allow_urls=allow_urls,
            visualize=visualize,
            paddle_serving_service=service,
        )
        sockets = [_bound(address, number) for number in dict.fromkeys(port)]
        open_backend = _behind(triton_url, model_repository, device, precision, settings)
    except OcrError as error:
        typer.echo(f"ocr-gateway: {error}", err=True)
        raise typer.Exit(2) from error
    set_up(form)
    server = GatewayServer(create_app(open_backend, settings), tls_certificate=tls_certificate, tls_key=tls_key)
    scheme = "http" if tls_certificate is None else "https"
    for number in dict.fromkeys(port):
        host = f"[{address}]" if ":" in address else address
        _log.info("listening at %s://%s:%d", scheme, host, number)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _nothing)  # uvicorn stops at them, and when it has, sends them to who was there before
    server.run(sockets=sockets)


def _nothing(number: int, frame: object) -> None:
    """What is left to do at a signal when the server has stopped."""


def _behind(
    url: str | None, model_repository: Path | None, device: str, precision: str, settings: Settings
) -> Callable[[], Awaitable[Backend]]:
    """What opens the reader, in the event loop; models are loaded at once.

    Raises:
        OcrError: the address is malformed, or the models cannot be loaded.
    """
    if url is not None:
        Address.parse(url, "grpc")

        async def server() -> Backend:
            return Server(url, settings.timeout_s)

        return server
    reader = open_local(model_repository, device, precision, flag="--local")

    async def local() -> Backend:
        return Local(reader, settings.concurrency)

    return local


def _bound(address: str, port: int) -> socket.socket:
    """A socket that listens, so that a port that is taken is said at once."""
    try:
        return socket.create_server(
            (address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=2048
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot listen on {address}, port {port}: {reason}") from error


def _check_tls(certificate: Path, key: Path) -> None:
    """See that the two can be used.

    Raises:
        UsageError: they cannot.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--tls-certificate {certificate} and --tls-key {key}: expected PEM files that belong together ({error})"
        ) from error


def _token(file: Path | None) -> str | None:
    """The token, from a file or the environment; None where there is none.

    Raises:
        UsageError: the file cannot be read, or the token is empty or not of plain characters.
    """
    try:
        token = os.environ.pop(TOKEN_VARIABLE, None) if file is None else file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file: cannot read {file}: {getattr(error, 'strerror', error)}") from error
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        raise UsageError("the token must be one or more printable ASCII characters without spaces")
    return token


def main() -> None:
    """Entry point of the command."""
    app()
