"""The command line and the environment that tritonserver is started with."""

import os
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from ocr_serve import checks
from ocr_serve.backend_directory import assemble
from ocr_serve.claim import Claim
from ocr_serve.tritonserver import TritonHome
from onnxruntime_backend.settings import Device

MAX_HTTP_BYTES = 128 * 1024 * 1024
# What is freed goes back to the system sooner: the C library keeps an arena for each thread, and buffers of up to
# 32 MiB for others of their size, which pages of many sizes do not have. The keys are the variables that users know.
MALLOC_TUNABLES = {
    "MALLOC_ARENA_MAX": "glibc.malloc.arena_max=1",
    "MALLOC_MMAP_THRESHOLD_": "glibc.malloc.mmap_threshold=16777216",
    "MALLOC_TRIM_THRESHOLD_": "glibc.malloc.trim_threshold=33554432",
}
# Triton restricts an API to requests with a certain header, and has no way to close one. This header cannot be sent:
# in HTTP/1 a name ends at its first colon, and gRPC refuses names with a colon, a space or a capital letter. So there
# is no secret that could be read from the command line. Triton's refusal quotes the name.
UNSENDABLE_HEADER = "Closed: see ocr-serve --help"


class Api(str, Enum):
    """APIs of Triton that are closed unless they are asked for."""

    MODEL_REPOSITORY = "model-repository"
    SHARED_MEMORY = "shared-memory"
    TRACE = "trace"
    LOGGING = "logging"


def backend_arguments(home: TritonHome) -> list[str]:
    """Where the backends are. The container's server knows.

    Raises:
        ServeError: they cannot be put together.
    """
    if home.is_container:
        return []
    checks.check_numpy()
    return [f"--backend-directory={assemble(home, Path(sys.prefix) / 'share' / 'triton-paddleocr' / 'backends')}"]


def model_arguments(claim: Claim) -> list[str]:
    """What is served, and that it stays so: no model is loaded from outside, which would be to run code."""
    return [
        f"--model-repository={claim.models}",
        "--model-control-mode=none",
        # Every configuration is complete. Asking each model for what is missing would start every step twice.
        "--disable-auto-complete-config",
        f"--backend-config=python,shm-region-prefix-name={claim.region_prefix}",
    ]


def service_arguments(
    home: TritonHome, address: str, ports: Iterable[tuple[str, int]], closed: Iterable[Api]
) -> list[str]:
    """Where tritonserver listens, and which APIs it refuses.

    Args:
        home: the server.
        address: IP address.
        ports: "http", "grpc" and "metrics" with their port numbers.
        closed: APIs that answer nobody.
    """
    names = ",".join(api.value for api in closed)
    arguments = [
        f"--{kind}={names}:{UNSENDABLE_HEADER}=x" for kind in ("http-restricted-api", "grpc-restricted-protocol")
    ]
    for service, port in ports:
        arguments += [f"--{service}-address={_written(address, service)}", f"--{service}-port={port}"]
    if home.has_option("http-max-input-size"):  # Triton from 25.06 on: 64 MiB by default, base64 needs a third more
        arguments.append(f"--http-max-input-size={MAX_HTTP_BYTES}")
    return arguments


def _written(address: str, service: str) -> str:
    """An IP address as the service's library reads it."""
    if ":" not in address:
        return address
    return f"[{address}]" if service == "grpc" else f"ipv6:{address}"


def library_environment(home: TritonHome) -> dict[str, str]:
    """The variables without which the wheel's server does not run; none in the container."""
    if home.libraries is None:
        return {}
    libraries = [str(home.libraries), os.environ.get("LD_LIBRARY_PATH", "")]
    # The stub finds its packages by way of the first python on PATH.
    programs = [str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries)),
        "PATH": os.pathsep.join(filter(None, programs)),
    }


def environment(home: TritonHome, device: Device) -> dict[str, str]:
    """All variables of the server."""
    variables = {**os.environ, **library_environment(home)}
    # What the user has set wins: of two values of a tunable the later one counts, and each counts before its variable.
    tunables = [tunable for variable, tunable in MALLOC_TUNABLES.items() if variable not in variables]
    variables["GLIBC_TUNABLES"] = ":".join(filter(None, [*tunables, variables.get("GLIBC_TUNABLES")]))
    if device is Device.CPU:
        variables["CUDA_VISIBLE_DEVICES"] = ""
    return variables
