"""Triton's entry to the backend: a Python-based backend that serves every model with `backend: "onnxruntime"`."""

import json
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from onnxruntime_backend.session import Session, Tensors


class TritonPythonModel:
    """One instance of one ONNX model.

    A session with several streams answers from as many threads. `execute` then hands requests over and returns, and
    waits only while every stream is taken, so that requests pile up in Triton's queue, where its dynamic batcher can
    join them.
    """

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the model; an error here stops the server with the error's message."""
        config = json.loads(args["model_config"])
        self._batching = config["max_batch_size"] > 0
        name = config.get("default_model_filename") or "model.onnx"
        path = Path(args["model_repository"]) / args["model_version"] / name
        self._session = Session(path, config, args["model_instance_kind"], int(args["model_instance_device_id"]))
        self._free_streams = threading.Semaphore(self._session.streams)
        self._streams = ThreadPoolExecutor(self._session.streams)

    def execute(self, requests: list[Any]) -> list[Any] | None:
        """Join what the dynamic batcher hands over into one run, and answer each request its part."""
        if self._session.streams == 1:
            return self._answer(requests)
        self._free_streams.acquire()
        self._streams.submit(self._answer_and_send, requests)
        return None

    def finalize(self) -> None:
        """Wait for the runs under way."""
        self._streams.shutdown()

    def _answer_and_send(self, requests: list[Any]) -> None:
        try:
            senders = [request.get_response_sender() for request in requests]
            for sender, response in zip(senders, self._answer(requests), strict=True):
                sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        except Exception:
            pb_utils.Logger.log_error(traceback.format_exc())
        finally:
            self._free_streams.release()

    def _answer(self, requests: list[Any]) -> list[Any]:
        try:
            inputs = [self._inputs(request) for request in requests]
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
