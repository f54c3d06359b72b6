"""Triton's entry to the backend: a Python-based backend that serves every model with `backend: "onnxruntime"`."""

import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from onnxruntime_backend.session import Session, Tensors


class TritonPythonModel:
    """One instance of one ONNX model."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the model; an error here stops the server with the error's message."""
        config = json.loads(args["model_config"])
        self._batching = config["max_batch_size"] > 0
        name = config.get("default_model_filename") or "model.onnx"
        path = Path(args["model_repository"]) / args["model_version"] / name
        self._session = Session(path, config, args["model_instance_kind"], int(args["model_instance_device_id"]))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Join what the dynamic batcher hands over into one run, and answer each request its part."""
        inputs = [self._inputs(request) for request in requests]
        try:
            if self._batching:
                outputs = self._session.run_batched(inputs)
            else:
                outputs = [self._session.run(tensors) for tensors in inputs]
        except Exception as error:
            pb_utils.Logger.log_error(traceback.format_exc())
            failure = pb_utils.TritonError(f"onnxruntime: {error}", pb_utils.TritonError.INTERNAL)
            return [pb_utils.InferenceResponse(output_tensors=[], error=failure) for _ in requests]
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(name, tensor) for name, tensor in tensors.items()])
            for tensors in outputs
        ]

    def _inputs(self, request: Any) -> Tensors:
        return {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._session.inputs}
