"""Where servers are: the url, or urls, and the protocol a caller gives, read once for all transports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from ocr_client.errors import UsageError

Protocol = Literal["http", "grpc"]
_PORTS = {"http": 8000, "grpc": 8001}  # Triton's own defaults
_EVERY = "dns:///"  # as in gRPC's own names
_SCHEMES = {"http": ("http", False), "https": ("http", True), "grpc": ("grpc", False), "grpcs": ("grpc", True)}


@dataclass(frozen=True)
class Address:
    """Address of a server.

    Attributes:
        host: name or address, without brackets.
        port: TCP port.
        path: what stands before /v2 in HTTP, "" or "/prefix".
        protocol: "http" or "grpc".
        tls: True for https:// and grpcs://.
        is_every: whether the name stands for servers, each with an address of its own, among which gRPC itself takes
            turns; otherwise all addresses of a name are those of one server.
    """

    host: str
    port: int
    path: str
    protocol: Protocol
    tls: bool
    is_every: bool = False

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address, for messages."""
        if self.is_every:
            return f"{_EVERY}{self.authority}"
        return f"{self.protocol}{'s' if self.tls else ''}://{self.authority}{self.path}"

    @classmethod
    def parse(cls, url: str | None, protocol: str) -> Address:
        """Read `host`, `host:port`, `scheme://host:port/path`, or for gRPC `dns:///host:port`; None is this machine's.

        Raises:
            UsageError: when the protocol is unknown, the URL is malformed, or its scheme is another protocol's.
        """
        if protocol not in get_args(Protocol):
            raise UsageError(f"protocol: expected 'http' or 'grpc', got {protocol!r}")
        text = f"localhost:{_PORTS[protocol]}" if url is None else url.strip()
        is_every = protocol == "grpc" and text.startswith(_EVERY)
        if is_every:
            text = f"grpc://{text[len(_EVERY) :]}"
        try:
            parts = urlsplit(text if "://" in text else f"{protocol}://{text}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"url: expected host:port, got {url!r} ({error})") from error
        scheme, tls = _SCHEMES.get(parts.scheme, (None, False))
        if scheme != protocol:
            raise UsageError(
                f"url: {url!r} is not an address for the protocol {protocol!r} (host:port, or a URL of it)"
            )
        if not host or parts.query or parts.fragment or (parts.path.strip("/") and protocol == "grpc"):
            raise UsageError(f"url: expected host:port, got {url!r}")
        if port is None:
            port = 443 if tls else _PORTS[protocol]
        return cls(host, port, parts.path.rstrip("/"), "grpc" if protocol == "grpc" else "http", tls, is_every)


def read_addresses(url: str | Iterable[str] | None, protocol: str) -> tuple[Address, ...]:
    """Read one address, or several that serve the same; None is this machine's server.

    Raises:
        UsageError: there is none, one is malformed or stands there twice, or only some of them are for TLS.
    """
    if url is None or isinstance(url, str):
        return (Address.parse(url, protocol),)
    given = tuple(url)
    if not given or not all(isinstance(each, str) for each in given):
        raise UsageError(f"url: expected an address or a list of them, got {list(given)!r}")
    addresses = tuple(Address.parse(each, protocol) for each in given)
    if twice := [each for number, each in enumerate(addresses) if each in addresses[:number]]:
        raise UsageError(f"url: {twice[0].url} is there twice; name each server once")
    if len({each.tls for each in addresses}) > 1:
        kinds = "https://" if addresses[0].protocol == "http" else "grpcs://"
        raise UsageError(f"url: give all addresses with {kinds}, or none: what is sent is the same for all of them")
    return addresses
