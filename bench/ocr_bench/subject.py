"""What is measured: a model repository, where its networks run, and their arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format, text_format  # type: ignore[import-untyped]
from tritonclient.grpc import model_config_pb2

from ocr_pipeline.repository import ModelRepository
from ocr_serve.checks import check_precision
from onnxruntime_backend.settings import PRECISION_HINT, Precision, with_precision


def read_config(folder: Path) -> dict[str, Any]:
    """Read a model's config.pbtxt as the JSON that Triton hands to a backend."""
    text = (folder / "config.pbtxt").read_text(encoding="utf-8")
    message = text_format.Parse(text, model_config_pb2.ModelConfig())
    config: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return config


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        repository: model repository with converted weights.
        device: "cpu" or "gpu".
        precision: arithmetic of the networks, as with ocr-serve --precision; None for what config.pbtxt says.
    """

    repository: Path
    device: str = "cpu"
    precision: Precision | None = None

    @property
    def model_set(self) -> str:
        """Name of the installed model set.

        Raises:
            ServeError: the repository lacks weights.
        """
        return ModelRepository(self.repository).installed().name

    @property
    def precision_name(self) -> str:
        """Arithmetic of det and rec on this device, as they are configured: "f32", "bf16", "fp16", or each by name."""
        key = PRECISION_HINT if self.device == "cpu" else "precision_mode"  # OpenVINO's, TensorRT's
        names = []
        for model in ("det", "rec"):
            accelerators = self.config(model).get("optimization", {}).get("execution_accelerators", {})
            parameters = [
                one.get("parameters", {}) for one in accelerators.get(f"{self.device}_execution_accelerator", [])
            ]
            stated = [own[key].lower() for own in parameters if key in own]
            names.append(stated[0] if stated else Precision.F32.value)
        return names[0] if len(set(names)) == 1 else f"det {names[0]}, rec {names[1]}"

    def config(self, model: str) -> dict[str, Any]:
        """Give the configuration that the backend of `model` works with, as Triton's JSON.

        Raises:
            ServeError: a precision is asked for that this machine or the device does not have.
            BackendError: a precision is asked for, and the model does not run on OpenVINO.
        """
        config = read_config(self.repository / model)
        if self.precision is None:
            return config
        check_precision(self.precision.value, self.device, in_container=False)
        return with_precision(config, self.precision)

    @property
    def label(self) -> str:
        """Model set, device, and the precision where one is asked for."""
        return ", ".join([self.model_set, self.device, *([self.precision.value] if self.precision else [])])

    def title(self, tool: str) -> str:
        """Give the heading of a section."""
        return f"### {tool}: {self.label}"

    def options(self) -> list[str]:
        """Give the options of ocr-serve for it."""
        options = ["--model-repository", str(self.repository), "--device", self.device]
        return [*options, *(["--precision", self.precision.value] if self.precision else [])]
