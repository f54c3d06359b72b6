"""Who may reach the server: beyond this machine, the wheel's is only for those who know its flaws."""

import ipaddress

from ocr_serve.arguments import given
from ocr_serve.errors import EnvironmentProblem

WHEEL_TRITON, SAFE_TRITON = "24.10", "26.07"
KNOWN_FLAWS = "CVE-2025-23319, CVE-2025-23320, CVE-2025-23334"
_SERVICES = ("http", "grpc", "metrics")


def check_access(address: str, arguments: list[str], *, in_container: bool, accepts_flaws: bool) -> None:
    """The wheel's server listens on loopback, unless its operator insists.

    Args:
        address: IP address to listen on.
        arguments: what is handed to tritonserver, which may name addresses of its own.
        in_container: whether the container's server is started, which is newer.
        accepts_flaws: whether the operator knows of them.

    Raises:
        EnvironmentProblem: others could reach it.
    """
    if in_container or accepts_flaws:
        return
    for each in (address, *(named for service in _SERVICES for named in given(arguments, f"--{service}-address"))):
        if not _is_loopback(each):
            raise EnvironmentProblem(
                f"on {each} others reach this server, and Triton {WHEEL_TRITON}, which nvidia-pytriton carries, has "
                f"flaws that let them run code in it ({KNOWN_FLAWS}): use the container, whose Triton is {SAFE_TRITON} "
                "or newer, or stay on 127.0.0.1 with the gateway in front, or give --accept-known-flaws"
            )


def _is_loopback(address: str) -> bool:
    """Whether only this machine reaches it; a name other than localhost may stand for anything."""
    try:
        return ipaddress.ip_address(address.removeprefix("ipv6:").strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"
