"""The endpoints as models of the KServe V2 protocol: their tensors, by the results that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocr_client.transports.v2_tensors import BYTES, datatype_of
from ocr_contract.options import DETECTION, OCR, RECOGNITION, Endpoint
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult, Result

VERSION = "1"  # of every model
_RESULTS: Mapping[Endpoint, type[Result]] = {
    OCR: OcrResult,
    DETECTION: DetectionResult,
    RECOGNITION: RecognitionResult,
}


def input_name(endpoint: Endpoint) -> str:
    """The name of an endpoint's only input."""
    return "images" if endpoint == RECOGNITION else "image"


def output_names(endpoint: Endpoint) -> tuple[str, ...]:
    """The names of an endpoint's outputs."""
    return _RESULTS[endpoint].tensor_names()


def metadata(endpoint: Endpoint) -> dict[str, Any]:
    """What the protocol tells of a model: its tensors."""
    outputs = [
        {"name": name, "datatype": datatype_of(array), "shape": [-1, *array.shape[1:]]}
        for name, array in _RESULTS[endpoint].empty().to_tensors().items()
    ]
    inputs = [{"name": input_name(endpoint), "datatype": BYTES, "shape": [-1 if endpoint == RECOGNITION else 1]}]
    return {"name": endpoint, "versions": [VERSION], "platform": "ensemble", "inputs": inputs, "outputs": outputs}
