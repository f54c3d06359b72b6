"""The wheel's missing half: a backend directory with the python backend, its stub, and our onnxruntime backend."""

import importlib.util
import os
from pathlib import Path

from ocr_serve.errors import ServerNotFound
from ocr_serve.tritonserver import TritonHome

PYTHON_BACKEND_FILES = ("libtriton_python.so", "triton_python_backend_utils.py")


def assemble(home: TritonHome, directory: Path) -> Path:
    """Fill `directory` with links to the backends and return it; a directory that is right stays as it is.

    Raises:
        ServerNotFound: a file of the wheel is missing.
    """
    if home.python_backend is None or home.stub is None:
        raise ValueError("the container's backend directory is complete")
    links = {f"python/{name}": home.python_backend / name for name in PYTHON_BACKEND_FILES}
    links["python/triton_python_backend_stub"] = home.stub
    links["onnxruntime/model.py"] = _onnxruntime_model()
    for name, target in links.items():
        if not target.is_file():
            raise ServerNotFound(f"{target} is missing; reinstall nvidia-pytriton")
        _link(directory / name, target)
    return directory


def _onnxruntime_model() -> Path:
    spec = importlib.util.find_spec("onnxruntime_backend")
    if spec is None or spec.origin is None:
        raise ServerNotFound("the package onnxruntime_backend is missing; reinstall triton-paddleocr")
    return Path(spec.origin).parent / "model.py"


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.symlink_to(target)
    fresh.replace(link)
