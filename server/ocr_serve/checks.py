"""What must be in order before tritonserver starts. Each check raises one sentence that says what to do."""

import http
import http.client
import importlib.metadata
import importlib.util
import os
import shutil
import socket
from pathlib import Path

from ocr_serve.claim import SHARED_MEMORY
from ocr_serve.errors import EnvironmentProblem
from ocr_serve.platform_check import path_problem
from onnxruntime_backend.precision import Precision
from onnxruntime_backend.settings import Device

MIN_SHARED_MEMORY_MIB = 1024  # the Python steps pass pictures through it; a container's default is 64
_READY_TIMEOUT_S = 2.0
STUB_NUMPY_MAJOR = 1  # the wheel's stubs were built against it


def check_precision_is_taken(precision: Precision, in_container: bool) -> None:
    """Triton's own onnxruntime backend, which serves in its container, ignores a precision and does not say so.

    Raises:
        EnvironmentProblem: that one serves, and one is forced.
    """
    if in_container and precision is not Precision.AUTO:
        raise EnvironmentProblem(
            f"precision {precision.value}: Triton's own onnxruntime backend takes none for OpenVINO; leave it out, "
            "or serve without the container"
        )


def check_numpy() -> None:
    """With numpy 2 every tensor reaches the wheel's stubs as garbage of the right shape, and nothing says so.

    Raises:
        EnvironmentProblem: numpy is 2 or newer.
    """
    version = importlib.metadata.version("numpy")
    if int(version.split(".")[0]) > STUB_NUMPY_MAJOR:
        raise EnvironmentProblem(
            f"numpy {version} cannot be used with the server of nvidia-pytriton, which needs numpy < 2; "
            "run pip install 'numpy<2'"
        )


def check_ports(address: str, ports: dict[str, int]) -> None:
    """Every port must be free.

    Args:
        address: IP address to listen on.
        ports: option name to port number.

    Raises:
        EnvironmentProblem: a port is taken, or two options name the same one.
    """
    if len(set(ports.values())) < len(ports):
        raise EnvironmentProblem(f"{', '.join(ports)} must differ, got {', '.join(map(str, ports.values()))}")
    for option, port in ports.items():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise EnvironmentProblem(
                    f"cannot listen on {host_and_port(address, port)} ({error.strerror}); "
                    f"free it or choose another with {option}"
                ) from error


def host_and_port(address: str, port: int) -> str:
    """Both as a URL has them: an IPv6 address in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def check_shared_memory(directory: Path = SHARED_MEMORY) -> None:
    """There must be room for the pictures that the Python steps hand to each other.

    Raises:
        EnvironmentProblem: less than MIN_SHARED_MEMORY_MIB is free.
    """
    try:
        free_mib = shutil.disk_usage(directory).free // 2**20
    except OSError as error:
        raise EnvironmentProblem(f"{directory} is not there, which the Python steps need: {error}") from error
    if free_mib < MIN_SHARED_MEMORY_MIB:
        raise EnvironmentProblem(
            f"{directory} has {free_mib} MiB free, the server needs {MIN_SHARED_MEMORY_MIB}; "
            "give the container more with --shm-size=4g"
        )


def check_path(environment: Path) -> None:
    """Triton hands the path of its Python stub to a shell without quoting it.

    Raises:
        EnvironmentProblem: the path has a character that means something to a shell.
    """
    sentence = path_problem(str(environment))
    if sentence:
        raise EnvironmentProblem(sentence)


def reachable(address: str) -> str:
    """Where a server that listens on an address can be reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104


def is_ready(address: str, port: int) -> bool:
    """Whether the server says that it and its models are ready."""
    connection = http.client.HTTPConnection(reachable(address), port, timeout=_READY_TIMEOUT_S)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def resolve_device(device: Device | None, in_container: bool) -> Device:
    """Where the networks run: what is asked for, else a GPU if there is one.

    Raises:
        EnvironmentProblem: a GPU is asked for, and it or its execution provider is missing.
    """
    if device is Device.CPU:
        return device
    missing = _missing_for_gpu(in_container)
    if missing and device is Device.GPU:
        raise EnvironmentProblem(f"--device gpu: {missing}")
    return Device.CPU if missing else Device.GPU


def _missing_for_gpu(in_container: bool) -> str | None:
    if not Path("/dev/nvidiactl").exists() or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return "no NVIDIA GPU is visible here; use --device cpu"
    if in_container:
        return None
    import onnxruntime  # noqa: PLC0415 - takes a while, and only this question needs it

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this onnxruntime has no CUDAExecutionProvider; run make venv DEVICE=gpu"
    return None
