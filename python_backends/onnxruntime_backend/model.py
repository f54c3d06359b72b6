"""Triton's entry to the backend: a Python-based backend that serves every model with `backend: "onnxruntime"`."""

import json
import os
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ocr_contract.errors import InvalidInput, fault_entry, server_fault
from onnxruntime_backend.precision import PRECISION_VARIABLE, REPORT, Precision, auto_of, with_precision
from onnxruntime_backend.session import Session, Tensors, warmup_inputs
from onnxruntime_backend.settings import REQUESTS_HELD, Device


class TritonPythonModel:
    """One instance of one ONNX model.

    A session with one stream joins what the dynamic batcher hands over. One with several answers requests side by
    side, from as many threads: `execute` hands them over, and waits only while `REQUESTS_HELD` are unanswered.
    """

    def initialize(self, args: Mapping[str, str]) -> None:
        """Load the model; an error here stops the server with the error's message."""
        config = json.loads(args["model_config"])
        device = Device(args["model_instance_kind"].lower())
        # A plain tritonserver has no such variable.
        precision = Precision(os.environ.get(PRECISION_VARIABLE) or Precision.AUTO.value)
        directory = Path(args["model_repository"]) / args["model_version"]
        config = with_precision(config, precision, device, auto_of(directory / REPORT))
        self._batching = config["max_batch_size"] > 0
        name = config.get("default_model_filename") or "model.onnx"
        path = directory / name
        self._session = Session(path, config, device, int(args["model_instance_device_id"]))
        streams = self._session.streams
        self._free_places = threading.Semaphore(REQUESTS_HELD)
        self._streams = ThreadPoolExecutor(streams)
        if streams > 1:
            self._warm_every_stream(warmup_inputs(config), streams)

    def execute(self, requests: list[Any]) -> list[Any] | None:
        """Answer all requests in one run, or each in a run of its own where there are streams."""
        if self._session.streams == 1:
            return self._answer(requests)
        for request in requests:
            self._free_places.acquire()
            self._streams.submit(self._answer_and_send, request)
        return None

    def finalize(self) -> None:
        """Wait for the runs under way."""
        self._streams.shutdown()

    def _warm_every_stream(self, samples: list[Tensors], streams: int) -> None:
        """Run each sample on all streams at once: a stream knows only the shapes that it has run itself.

        Triton's own warm-up asks one line at a time, and leaves open which stream answers.
        """
        together = threading.Barrier(streams)

        def run(sample: Tensors) -> None:
            together.wait()
            self._session.run(sample)

        for sample in samples:
            list(self._streams.map(run, [sample] * streams))

    def _answer_and_send(self, request: Any) -> None:
        final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        try:
            sender = request.get_response_sender()
            (response,) = self._answer([request])
            try:
                sender.send(response, flags=final)
            except Exception as error:  # shared memory is full, say; whoever waits must hear of it
                sender.send(_failure(error, request), flags=final)
        except Exception:
            pb_utils.Logger.log_error(traceback.format_exc())
        finally:
            self._free_places.release()

    def _answer(self, requests: list[Any]) -> list[Any]:
        """A response to each, in their order: one that cannot be run is refused, and does not fail the others."""
        responses: dict[int, Any] = {}
        taken: dict[int, Tensors] = {}
        for number, request in enumerate(requests):
            try:
                taken[number] = self._inputs(request)
            except Exception as error:
                responses[number] = _failure(error, request)
        try:
            if taken:
                responses.update(zip(taken, self._run([*taken.values()]), strict=True))
        except Exception as error:
            responses.update({number: _failure(error, requests[number]) for number in taken})
        return [responses[number] for number in range(len(requests))]

    def _run(self, inputs: list[Tensors]) -> list[Any]:
        if self._batching:
            outputs = self._session.run_batched(inputs)
        else:
            outputs = [self._session.run(tensors) for tensors in inputs]
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(name, tensor) for name, tensor in tensors.items()])
            for tensors in outputs
        ]

    def _inputs(self, request: Any) -> Tensors:
        """The inputs of a request by name.

        Raises:
            InvalidInput: the network cannot be run with them.
        """
        tensors = {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._session.inputs}
        self._session.shapes.check(tensors)
        return tensors


def _failure(error: Exception, request: Any) -> Any:
    """A response that says what is wrong with the request, or else that the log has it."""
    if isinstance(error, InvalidInput):
        reason = pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
    else:
        request_id = request.request_id()
        pb_utils.Logger.log_error(fault_entry(error, request_id))
        reason = pb_utils.TritonError(server_fault(request_id), pb_utils.TritonError.INTERNAL)
    return pb_utils.InferenceResponse(output_tensors=[], error=reason)
