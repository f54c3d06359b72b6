"""The models in this process as a reader, for who has more installed than the client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocr_client.errors import UsageError

if TYPE_CHECKING:
    from ocr_predictor import LocalOcr


def open_local(model_repository: Path | None, device: str = "cpu", precision: str = "auto", *, flag: str) -> LocalOcr:
    """Load the models of a repository; None for the folder model_repository. What is said of a device is LocalOcr's.

    Args:
        model_repository: folder with the models.
        device: where they run.
        precision: of their arithmetic: auto, f32 or bf16.
        flag: that asks for it, for messages.

    Raises:
        UsageError: what runs the models is not installed with the client.
        OcrError: the repository has no models, or they cannot be loaded, or not with this device and precision.
    """
    try:
        from ocr_predictor import LocalOcr  # noqa: PLC0415 -- a client alone does without it
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{flag} reads in this process, which needs more than the client (no module {error.name}): "
            "pip install 'triton-paddleocr[cpu]'"
        ) from error
    return LocalOcr(model_repository or "model_repository", device=device, precision=precision)


def identity(reader: object) -> dict[str, Any]:
    """Return what tells the models of a reader from others, as far as that can be known: nothing of a server's."""
    model_set = getattr(reader, "model_set", None)
    if model_set is None:
        return {}
    return {"files": dict(model_set.files), "precision": getattr(reader, "precision", None)}
