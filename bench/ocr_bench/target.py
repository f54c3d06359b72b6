"""What is measured: a model repository, where its networks run, and their arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_pipeline.repository import ModelRepository
from ocr_predictor import LocalOcr
from onnxruntime_backend.precision import REPORT, Precision, arithmetic, auto_of, check_precision
from onnxruntime_backend.settings import Device


@dataclass(frozen=True)
class Target:
    """What is measured.

    Attributes:
        path: of a model repository with converted weights.
        device: where the networks run.
        precision: arithmetic of the networks that is asked for, as with ocr-serve --precision.
    """

    path: Path
    device: Device = Device.CPU
    precision: Precision = Precision.AUTO

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
        """Arithmetic in which det and rec really compute: "f32", "bf16", "fp16", or each by name.

        Raises:
            InvalidConfig: a precision is asked for that this machine or the device does not have.
        """
        of_set = auto_of(self.repository.file("rec", REPORT))
        return arithmetic(self.repository.reading_networks(), self.precision, self.device, of_set)

    @property
    def label(self) -> str:
        """Model set, device, and the arithmetic that is computed in."""
        return ", ".join([self.model_set, self.device.value, self.precision_name])

    def serve_options(self) -> list[str]:
        """Options of ocr-serve."""
        paths = ["--model-repository", str(self.path)]
        return [*paths, "--device", self.device.value, "--precision", self.precision.value]

    def reader_options(self) -> dict[str, Any]:
        """Arguments of LocalOcr.

        Raises:
            InvalidConfig: a precision is asked for that this machine or the device does not have.
        """
        check_precision(self.precision, self.device)
        return {
            "model_repository": str(self.path.resolve()),
            "device": self.device.value,
            "precision": self.precision.value,
        }

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
