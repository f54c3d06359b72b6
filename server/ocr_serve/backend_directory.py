"""The wheel's missing half: a backend directory with the python backend, its stub, and our onnxruntime backend."""

import filecmp
import importlib.util
import os
import shutil
from pathlib import Path

from ocr_serve.errors import EnvironmentProblem, ServerNotFound
from ocr_serve.tritonserver import TritonHome

PYTHON_BACKEND_FILES = ("libtriton_python.so", "triton_python_backend_utils.py")


def assemble(home: TritonHome, directory: Path) -> Path:
    """Fill `directory` with the backends and return it; a directory that is right stays as it is.

    Raises:
        ServerNotFound: a file of the wheel is missing.
        EnvironmentProblem: the directory cannot be written.
    """
    if home.python_backend is None or home.stub is None:
        raise ValueError("the container's backend directory is complete")
    files = {f"python/{name}": home.python_backend / name for name in PYTHON_BACKEND_FILES}
    files["python/triton_python_backend_stub"] = home.stub
    files["onnxruntime/model.py"] = _onnxruntime_model()
    for name, source in files.items():
        if not source.is_file():
            raise ServerNotFound(f"{source} is missing; reinstall nvidia-pytriton")
        try:
            _copy(source, directory / name)
        except OSError as error:
            raise EnvironmentProblem(
                f"{directory} cannot be written ({error.strerror}); start ocr-serve once as its owner"
            ) from error
    return directory


def _onnxruntime_model() -> Path:
    spec = importlib.util.find_spec("onnxruntime_backend")
    if spec is None or spec.origin is None:
        raise ServerNotFound("the package onnxruntime_backend is missing; reinstall triton-paddleocr")
    return Path(spec.origin).parent / "model.py"


def _copy(source: Path, target: Path) -> None:
    # Copies, not links: Triton refuses a backend library that a link leads out of the backend directory.
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copy2(source, fresh)
    fresh.replace(target)
