"""The web server around the application: its limits, and how it ends."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from ocr_gateway.connections import bounded_protocol
from ocr_gateway.gateway import Gateway

_KEEP_ALIVE_S = 75  # longer than proxies keep connections, so that none is closed while a request is on its way
_LAST_WORDS_S = 5  # beyond the time that requests have when the gateway is stopped, for what they are told then


class GatewayServer(uvicorn.Server):
    """A server of the application; when it is told to stop, requests on their way have `stop_s` seconds left."""

    def __init__(
        self, app: FastAPI, *, tls_certificate: Path | None = None, tls_key: Path | None = None, port: int = 8080
    ) -> None:
        """Make one that is not running yet.

        Args:
            app: from `create_app`.
            tls_certificate: certificate chain, PEM.
            tls_key: its private key, PEM.
            port: of 127.0.0.1, where `run` is given no sockets.
        """
        gateway: Gateway = app.state.gateway
        self._gateway = gateway
        super().__init__(
            uvicorn.Config(
                app,
                port=port,
                http=bounded_protocol(gateway.settings, gateway.metrics),
                ws="none",
                log_config=None,
                access_log=False,  # admission has a line of its own, which holds no parameters
                server_header=False,
                ssl_certfile=tls_certificate,
                ssl_keyfile=tls_key,
                timeout_graceful_shutdown=int(gateway.settings.stop_s) + _LAST_WORDS_S,
                timeout_keep_alive=_KEEP_ALIVE_S,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, and let those on their way end."""
        self._gateway.time_limits.stop(self._gateway.settings.stop_s)
        await super().shutdown(sockets)
