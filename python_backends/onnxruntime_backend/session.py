"""An ONNX Runtime session that answers for one model instance."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from ocr_contract.errors import INSTALL_HINT
from onnxruntime_backend.errors import InvalidConfig, ModelLoadError
from onnxruntime_backend.heap import release_freed_memory
from onnxruntime_backend.settings import Device, SessionSettings, session_settings
from onnxruntime_backend.shapes import Shapes

Tensors = dict[str, npt.NDArray[Any]]

# ONNX Runtime's type names for the data types of config.pbtxt.
ONNX_TYPES = {
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_INT8": "tensor(int8)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP32": "tensor(float)",
    "TYPE_FP64": "tensor(double)",
    "TYPE_STRING": "tensor(string)",
}

NUMPY_TYPES: dict[str, type[np.generic]] = {
    "TYPE_BOOL": np.bool_,
    "TYPE_UINT8": np.uint8,
    "TYPE_INT8": np.int8,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_FP16": np.float16,
    "TYPE_FP32": np.float32,
    "TYPE_FP64": np.float64,
    "TYPE_STRING": np.str_,
}


def warmup_inputs(config: Mapping[str, Any]) -> list[Tensors]:
    """Zeros in the shape of every sample of `model_warmup`, with the batch axis of a batching model.

    Args:
        config: the model configuration as Triton's JSON.
    """
    batching = int(config.get("max_batch_size", 0)) > 0
    return [
        {
            name: np.zeros(
                [*([int(sample["batch_size"])] if batching else []), *map(int, tensor["dims"])],
                NUMPY_TYPES[tensor["data_type"]],
            )
            for name, tensor in sample["inputs"].items()
        }
        for sample in config.get("model_warmup", [])
    ]


class Session:
    """A loaded model, checked against its configuration."""

    def __init__(self, path: Path, config: Mapping[str, Any], device: Device = Device.CPU, device_id: int = 0) -> None:
        """Load `path` as `config` says.

        Args:
            path: the ONNX file.
            config: the model configuration as Triton's JSON.
            device: where it runs.
            device_id: number of the GPU.

        Raises:
            InvalidConfig: a provider or a key that is not known or not installed.
            ModelLoadError: a missing or corrupt file, or tensors that differ from the configuration.
        """
        settings = session_settings(config, device, device_id)
        self._load = partial(_load, path, settings)
        self._session = self._load()
        self.streams = settings.streams
        self.providers: list[str] = self._session.get_providers()
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.outputs = [tensor["name"] for tensor in config["output"]]
        self._known_shapes: set[tuple[tuple[int, ...], ...]] = set()
        _check(self._session.get_inputs(), config["input"], "input", path)
        _check(self._session.get_outputs(), config["output"], "output", path)
        self.shapes = Shapes({tensor.name: tensor.shape for tensor in self._session.get_inputs()}, settings.bounds)

    def run(self, tensors: Mapping[str, npt.NDArray[Any]]) -> Tensors:
        """Output tensors by name, from input tensors by name."""
        try:
            outputs = dict(zip(self.outputs, self._session.run(self.outputs, tensors), strict=True))
        except Exception:
            # After a run that failed, OpenVINO's provider fails on the shapes that it has just known how to run.
            self._session = self._load()
            raise
        shapes = tuple(tensors[name].shape for name in self.inputs)
        if shapes not in self._known_shapes:
            # The runtime takes other buffers for a new shape; those that it leaves would stay with the process.
            self._known_shapes.add(shapes)
            release_freed_memory()
        return outputs

    def run_batched(self, requests: list[Tensors]) -> list[Tensors]:
        """Answer several requests with one run.

        Args:
            requests: inputs of each, equal in shape but for the first axis, the batch.

        Returns:
            Outputs of each, in the same order.
        """
        if len(requests) == 1:
            return [self.run(requests[0])]
        joined = self.run({name: np.concatenate([tensors[name] for tensors in requests]) for name in self.inputs})
        ends = np.cumsum([len(tensors[self.inputs[0]]) for tensors in requests])[:-1]
        parts = {name: np.split(joined[name], ends) for name in self.outputs}
        return [{name: parts[name][number] for name in self.outputs} for number in range(len(requests))]


def _load(path: Path, settings: SessionSettings) -> ort.InferenceSession:
    available = ort.get_available_providers()
    for provider, _ in settings.providers:
        if provider not in available:
            raise InvalidConfig(
                f"{provider} is asked for, but this onnxruntime has only {', '.join(available)}; "
                "install the package that carries it, or remove the execution accelerator from config.pbtxt"
            )
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, settings.graph_level)
    options.execution_mode = getattr(ort.ExecutionMode, settings.execution_mode)
    options.intra_op_num_threads = settings.intra_op_threads
    options.inter_op_num_threads = settings.inter_op_threads
    options.enable_cpu_mem_arena = settings.enable_mem_arena
    options.enable_mem_pattern = settings.enable_mem_pattern
    for key, value in settings.config_entries.items():
        options.add_session_config_entry(key, value)
    if not path.is_file():
        raise ModelLoadError(f"{path} is missing; {INSTALL_HINT}")
    try:
        session = ort.InferenceSession(str(path), options, providers=settings.providers)
    except Exception as error:  # ONNX Runtime's own classes have no common root but this
        raise ModelLoadError(f"{path} cannot be loaded: {error}; {INSTALL_HINT}") from error
    missing = [provider for provider, _ in settings.providers if provider not in session.get_providers()]
    if missing:
        raise InvalidConfig(f"{', '.join(missing)} could not start for {path}; the server log says why")
    return session


def _check(tensors: list[Any], declared: list[Mapping[str, Any]], what: str, path: Path) -> None:
    found = {tensor.name: tensor.type for tensor in tensors}
    expected = {tensor["name"]: ONNX_TYPES[tensor["data_type"]] for tensor in declared}
    if found != expected:
        raise ModelLoadError(f"{path} has {what}s {found}, but its config.pbtxt says {expected}; {INSTALL_HINT}")
