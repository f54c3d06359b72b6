"""Where tritonserver is: the container's, or the one that the wheel nvidia-pytriton carries."""

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ocr_serve.errors import ServerNotFound

CONTAINER_HOME = Path("/opt/tritonserver")


@dataclass(frozen=True)
class TritonHome:
    """A tritonserver and what it needs around it.

    Attributes:
        binary: the executable.
        libraries: a folder for LD_LIBRARY_PATH, or None.
        python_backend: the folder with the python backend, to be assembled into a backend directory; None in the
            container, whose backend directory is complete.
        stub: triton_python_backend_stub of the running Python; None in the container.
    """

    binary: Path
    libraries: Path | None = None
    python_backend: Path | None = None
    stub: Path | None = None

    @property
    def is_container(self) -> bool:
        """Whether this is the stock container's server, with the C++ onnxruntime backend."""
        return self.python_backend is None

    def has_option(self, name: str) -> bool:
        """Whether this release takes --name; only the container's is asked, the wheel's is known."""
        if not self.is_container:
            return False
        listing = subprocess.run([self.binary, "--help"], capture_output=True, text=True, check=False)
        return f"--{name}" in listing.stdout + listing.stderr


def find_triton(container_home: Path = CONTAINER_HOME) -> TritonHome:
    """The container's server where there is one, else the wheel's.

    Raises:
        ServerNotFound: neither is here, or the wheel has no stub for this Python.
    """
    binary = container_home / "bin" / "tritonserver"
    if binary.is_file():
        return TritonHome(binary)
    spec = importlib.util.find_spec("pytriton")
    if spec is None or spec.origin is None:
        raise ServerNotFound(
            f"no tritonserver: neither {binary} nor the package nvidia-pytriton is here; "
            "run make venv, or pip install 'triton-paddleocr[cpu]'"
        )
    package = Path(spec.origin).parent
    home = package / "tritonserver"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = home / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.is_file():
        raise ServerNotFound(f"nvidia-pytriton has no stub for Python {version}; use Python 3.10 to 3.12")
    return TritonHome(
        binary=home / "bin" / "tritonserver",
        libraries=package.parent / "nvidia_pytriton.libs",
        python_backend=home / "backends" / "python",
        stub=stub,
    )
