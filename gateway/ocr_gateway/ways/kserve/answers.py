"""Answers of the KServe V2 protocol over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ocr_client.transports.v2_tensors import datatype_of, to_bytes, to_json
from ocr_contract.options import Endpoint
from ocr_contract.result import Result
from ocr_gateway.ways.kserve.models import VERSION
from ocr_gateway.ways.kserve.requests import InferenceRequest


def infer_answer(endpoint: Endpoint, result: Result, request: InferenceRequest) -> tuple[bytes, int | None]:
    """The body of an answer of `infer`, and how many of its bytes are JSON; None where all are."""
    tensors = result.to_tensors()
    wanted = dict.fromkeys(tensors, request.is_binary) if request.outputs is None else request.outputs
    described, parts = [], []
    for name, is_binary in wanted.items():
        array = tensors[name]
        one: dict[str, Any] = {"name": name, "datatype": datatype_of(array), "shape": list(array.shape)}
        if is_binary:
            parts.append(to_bytes(array))
            one["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            one["data"] = to_json(array)
        described.append(one)
    text = _json({**_head(endpoint, request), "outputs": described})
    return (b"".join([text, *parts]), len(text)) if parts else (text, None)


def generate_answer(endpoint: Endpoint, result: Result, request: InferenceRequest) -> bytes:
    """The body of an answer of `generate`: tensors of one value are that value, others lists of all their values."""
    values = {name: to_json(array) for name, array in result.to_tensors().items()}
    plain = {name: value[0] if len(value) == 1 else value for name, value in values.items()}
    return _json({**_head(endpoint, request), **plain})


def _head(endpoint: Endpoint, request: InferenceRequest) -> dict[str, Any]:
    identity = {"id": request.id} if request.id else {}
    return {**identity, "model_name": endpoint, "model_version": VERSION}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
