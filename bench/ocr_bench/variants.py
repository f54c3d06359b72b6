"""A model repository like another but for the precision of det and rec: links, and two configurations of its own."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc import model_config_pb2

from ocr_bench.errors import BenchError
from onnxruntime_backend.settings import PRECISION_HINT

MODELS = ("det", "rec")


class Precision(str, Enum):
    """Arithmetic of det and rec."""

    CONFIGURED = "configured"  # what config.pbtxt says
    FLOAT32 = "f32"
    BF16 = "bf16"


def read_message(path: Path) -> Any:
    """Parse a config.pbtxt."""
    return text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())


def with_precision(config: Any, precision: Precision) -> Any:
    """Set OpenVINO's precision in a model configuration.

    Raises:
        BenchError: the model does not run on OpenVINO, whose property this is.
    """
    accelerators = config.optimization.execution_accelerators.cpu_execution_accelerator
    chosen = [accelerator for accelerator in accelerators if accelerator.name == "openvino"]
    if not chosen:
        raise BenchError(f'{config.name}: precision {precision.value} needs cpu_execution_accelerator "openvino"')
    for accelerator in chosen:
        accelerator.parameters[PRECISION_HINT] = precision.value
    return config


def configured_precision(repository: Path, model: str) -> str:
    """Name the precision that config.pbtxt asks OpenVINO for; f32 where it says nothing."""
    config = read_message(repository / model / "config.pbtxt")
    for accelerator in config.optimization.execution_accelerators.cpu_execution_accelerator:
        if PRECISION_HINT in accelerator.parameters:
            return str(accelerator.parameters[PRECISION_HINT])
    return Precision.FLOAT32.value


def variant(repository: Path, folder: Path, precision: Precision) -> Path:
    """Make a repository in `folder` (empty or new) that computes in `precision`, and give it.

    `configured` gives `repository` itself.
    """
    repository = repository.resolve()
    if precision is Precision.CONFIGURED:
        return repository
    folder.mkdir(parents=True, exist_ok=True)
    for entry in repository.iterdir():
        if entry.name not in MODELS:
            (folder / entry.name).symlink_to(entry)
            continue
        (folder / entry.name).mkdir()
        for child in entry.iterdir():
            if child.name != "config.pbtxt":
                (folder / entry.name / child.name).symlink_to(child)
        config = with_precision(read_message(entry / "config.pbtxt"), precision)
        (folder / entry.name / "config.pbtxt").write_text(text_format.MessageToString(config), encoding="utf-8")
    return folder
