"""What is measured: a model repository, where its networks run, and their arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_pipeline.repository import ModelRepository
from ocr_predictor import LocalOcr
from onnxruntime_backend.precision import PRECISION_HINT, Precision, check_precision, with_precision
from onnxruntime_backend.settings import Device


@dataclass(frozen=True)
class Target:
    """What is measured.

    Attributes:
        path: of a model repository with converted weights.
        device: where the networks run.
        precision: arithmetic of the networks, as with ocr-serve --precision; None for what config.pbtxt says.
    """

    path: Path
    device: Device = Device.CPU
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
        key = PRECISION_HINT if self.device is Device.CPU else "precision_mode"  # OpenVINO's, TensorRT's
        names = {}
        for model in ("det", "rec"):
            config = self.repository.config(model)
            if self.precision is not None:
                config = with_precision(config, self.precision)
            accelerators = config.get("optimization", {}).get("execution_accelerators", {})
            parameters = [
                each.get("parameters", {})
                for each in accelerators.get(f"{self.device.value}_execution_accelerator", [])
            ]
            stated = [values[key].lower() for values in parameters if key in values]
            names[model] = stated[0] if stated else Precision.F32.value
        return names["det"] if names["det"] == names["rec"] else f"det {names['det']}, rec {names['rec']}"

    @property
    def label(self) -> str:
        """Model set, device, and the precision where one is asked for."""
        return ", ".join([self.model_set, self.device.value, *([self.precision.value] if self.precision else [])])

    def serve_options(self) -> list[str]:
        """Options of ocr-serve."""
        options = ["--model-repository", str(self.path), "--device", self.device.value]
        return [*options, *(["--precision", self.precision.value] if self.precision else [])]

    def reader_options(self) -> dict[str, Any]:
        """Arguments of LocalOcr.

        Raises:
            InvalidConfig: a precision is asked for that this machine or the device does not have.
        """
        if self.precision is not None:
            check_precision(self.precision, self.device)
        precision = self.precision.value if self.precision else None
        return {"model_repository": str(self.path.resolve()), "device": self.device.value, "precision": precision}

    def open(self) -> LocalOcr:
        """Load the models into this process.

        Raises:
            OcrError: the models cannot be loaded, or not with this device and precision.
        """
        return LocalOcr(**self.reader_options())


def told_apart(targets: Sequence[Target]) -> list[str]:
    """Names of the model sets, with the folder's name too where both set and arithmetic are alike.

    Raises:
        InvalidModel: a repository lacks weights.
    """
    alike = Counter((target.model_set, target.precision_name) for target in targets)
    return [
        f"{target.model_set} ({target.path.absolute().name})"
        if alike[target.model_set, target.precision_name] > 1
        else target.model_set
        for target in targets
    ]
