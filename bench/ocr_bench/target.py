"""What is measured: a model repository, where its networks run, and their arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_pipeline.repository import ModelRepository
from ocr_predictor import LocalOcr
from ocr_serve.checks import check_precision
from onnxruntime_backend.settings import PRECISION_HINT, Precision, with_precision


@dataclass(frozen=True)
class Target:
    """What is measured.

    Attributes:
        path: of a model repository with converted weights.
        device: "cpu" or "gpu".
        precision: arithmetic of the networks, as with ocr-serve --precision; None for what config.pbtxt says.
    """

    path: Path
    device: str = "cpu"
    precision: Precision | None = None

    @property
    def repository(self) -> ModelRepository:
        """The repository itself."""
        return ModelRepository(self.path)

    @property
    def model_set(self) -> str:
        """Name of the installed model set.

        Raises:
            InvalidModel: the repository lacks weights.
        """
        return self.repository.installed().name

    @property
    def precision_name(self) -> str:
        """Arithmetic of det and rec on this device, as they are configured: "f32", "bf16", "fp16", or each by name."""
        key = PRECISION_HINT if self.device == "cpu" else "precision_mode"  # OpenVINO's, TensorRT's
        names = {}
        for model in ("det", "rec"):
            config = self.repository.config(model)
            if self.precision is not None:
                config = with_precision(config, self.precision)
            accelerators = config.get("optimization", {}).get("execution_accelerators", {})
            parameters = [
                each.get("parameters", {}) for each in accelerators.get(f"{self.device}_execution_accelerator", [])
            ]
            stated = [values[key].lower() for values in parameters if key in values]
            names[model] = stated[0] if stated else Precision.F32.value
        return names["det"] if names["det"] == names["rec"] else f"det {names['det']}, rec {names['rec']}"

    @property
    def label(self) -> str:
        """Model set, device, and the precision where one is asked for."""
        return ", ".join([self.model_set, self.device, *([self.precision.value] if self.precision else [])])

    def serve_options(self) -> list[str]:
        """Options of ocr-serve."""
        options = ["--model-repository", str(self.path), "--device", self.device]
        return [*options, *(["--precision", self.precision.value] if self.precision else [])]

    def reader_options(self) -> dict[str, Any]:
        """Arguments of LocalOcr.

        Raises:
            ServeError: a precision is asked for that this machine or the device does not have.
        """
        if self.precision is not None:
            check_precision(self.precision.value, self.device, in_container=False)
        precision = self.precision.value if self.precision else None
        return {"model_repository": str(self.path.resolve()), "device": self.device, "precision": precision}

    def open(self) -> LocalOcr:
        """Load the models into this process.

        Raises:
            ServeError: a precision is asked for that this machine or the device does not have.
            OcrError, BackendError: the models cannot be loaded.
        """
        return LocalOcr(**self.reader_options())
