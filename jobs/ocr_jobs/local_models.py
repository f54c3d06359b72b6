"""Models in an actor's own process. Jobs that read through servers do not import this, and do without ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
import platform
from typing import Any

from ocr_contract import __version__
from ocr_jobs.errors import JobStopped
from ocr_jobs.settings import Identity, LocalModels, Reading
from ocr_pipeline.repository import ModelRepository, ModelSet
from ocr_pipeline.whole import check_installed
from ocr_predictor import LocalOcr
from onnxruntime_backend.precision import REPORT, Precision, arithmetic, auto_of, check_precision
from onnxruntime_backend.settings import Device


def identify_models(models: LocalModels, reading: Reading) -> Identity:
    """Return what a job with these models is, without loading them.

    Raises:
        OcrError: there are none, or this machine cannot use them as it should.
    """
    repository = ModelRepository(models.model_repository)
    device, asked = Device(models.device), Precision(models.precision)
    check_precision(asked, device)
    installed = check_installed(repository)
    precision = arithmetic(repository.reading_networks(), asked, device, auto_of(repository.file("rec", REPORT)))
    return Identity(reading.to_dict(), installed.name, _hash_of(installed), _said(precision), __version__)


def open_models(models: LocalModels, identity: Identity) -> LocalOcr:
    """Load the models.

    Raises:
        JobStopped: this machine's models or arithmetic are other ones than the job's.
        OcrError: they cannot be loaded.
    """
    local = LocalOcr(models.model_repository, device=models.device, precision=models.precision)
    difference = ""
    if (precision := _said(local.precision)) != identity.precision:
        difference = f"computes in {precision}, and the job in {identity.precision}: use --precision f32"
    elif _hash_of(local.model_set) != identity.model_files:
        difference = f"has other models in {str(models.model_repository)!r} than the job: copy them there"
    if difference:
        local.close()
        raise JobStopped(f"the machine {platform.node()} {difference}")
    return local


def _hash_of(model_set: ModelSet) -> str:
    return hashlib.sha256(json.dumps(dict(model_set.files), sort_keys=True).encode()).hexdigest()


def _said(precision: Any) -> str:
    """Arithmetic as one text: all networks' where they have the same."""
    return precision if isinstance(precision, str) else json.dumps(precision, sort_keys=True)
