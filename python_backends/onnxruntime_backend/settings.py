"""Model configuration to ONNX Runtime session settings, key by key as Triton's C++ onnxruntime backend reads them.

Beyond that backend, parameters of the `openvino` accelerator are OpenVINO properties, such as
INFERENCE_PRECISION_HINT (the C++ backend ignores them). NUM_STREAMS is how many runs go on at the same time, each on
its share of the cores; AUTO is one for each core, at most 8, since each has its own memory. Nor does it know a model's
parameters `side_multiple` and `max_elements` (see `shapes.Bounds`).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn

from ocr_pipeline.cores import cores
from onnxruntime_backend.errors import InvalidConfig
from onnxruntime_backend.shapes import Bounds

Provider = tuple[str, dict[str, str]]

GRAPH_LEVELS = {-1: "ORT_ENABLE_BASIC", 0: "ORT_ENABLE_ALL", 1: "ORT_ENABLE_EXTENDED", 2: "ORT_DISABLE_ALL"}
EXECUTION_MODES = {0: "ORT_SEQUENTIAL", 1: "ORT_PARALLEL"}
MAX_AUTO_STREAMS = 8
# Requests that wait in the backend rather than in Triton, where there are streams: these never wait for Triton between
# two runs, and its dynamic batcher, which polls while it holds requests that nobody takes, costs no processor time.
# As many as all instances of rec_batcher keep in flight.
REQUESTS_HELD = 64
CUDNN_CONV_ALGO_SEARCH = {"0": "EXHAUSTIVE", "1": "HEURISTIC", "2": "DEFAULT"}
ARENA_EXTEND_STRATEGY = {"0": "kNextPowerOfTwo", "1": "kSameAsRequested"}
OPENVINO, CUDA, TENSORRT, CPU = (f"{name}ExecutionProvider" for name in ("OpenVINO", "CUDA", "Tensorrt", "CPU"))
# Names that Triton gives to TensorRT's options; the others (trt_...) are ONNX Runtime's own.
_TENSORRT_OPTIONS = {
    "max_workspace_size_bytes": "trt_max_workspace_size",
    "trt_max_workspace_size": "trt_max_workspace_size",
    "int8_calibration_table_name": "trt_int8_calibration_table_name",
    "int8_use_native_calibration_table": "trt_int8_use_native_calibration_table",
}
_TENSORRT_PRECISIONS = {"FP32": {}, "FP16": {"trt_fp16_enable": "1"}, "INT8": {"trt_int8_enable": "1"}}


class Choice(str, Enum):
    """Words of which one is chosen; `Choice(word)` raises InvalidConfig where it is none of them."""

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        words = " or ".join(f'"{choice.value}"' for choice in cls)
        raise InvalidConfig(f"{cls.__name__.lower()} must be {words}, not {value!r}")


class Device(Choice):
    """Where the networks run."""

    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True)
class SessionSettings:
    """What a session is made with."""

    providers: list[Provider]
    graph_level: str = "ORT_ENABLE_ALL"
    execution_mode: str = "ORT_SEQUENTIAL"
    intra_op_threads: int = 0  # 0: ONNX Runtime's default
    inter_op_threads: int = 0
    enable_mem_arena: bool = True
    enable_mem_pattern: bool = True
    config_entries: Mapping[str, str] = field(default_factory=dict)
    streams: int = 1  # runs that may go on at the same time
    bounds: Bounds = field(default_factory=Bounds)


def session_settings(config: Mapping[str, Any], device: Device, device_id: int) -> SessionSettings:
    """Read a model configuration.

    Args:
        config: the model configuration as Triton's JSON.
        device: of this instance.
        device_id: number of the GPU.

    Raises:
        InvalidConfig: an unknown accelerator or an ill-typed value.
    """
    parameters = {key: value["string_value"] for key, value in config.get("parameters", {}).items()}
    optimization = config.get("optimization", {})
    accelerators = optimization.get("execution_accelerators", {})
    threads = _whole(parameters, "intra_op_thread_count", 0) or _quota()
    providers: list[Provider] = []
    streams = 1
    if device is Device.GPU:
        providers += _gpu_providers(accelerators.get("gpu_execution_accelerator", []), parameters, device_id)
    else:
        cpu_providers, streams = _cpu_providers(accelerators.get("cpu_execution_accelerator", []), threads)
        providers += cpu_providers
    allocator_key = "session.use_device_allocator_for_initializers"
    return SessionSettings(
        providers=[*providers, (CPU, {})],
        graph_level=_one_of(
            GRAPH_LEVELS, int(optimization.get("graph", {}).get("level", 0)), "optimization.graph.level"
        ),
        execution_mode=_one_of(EXECUTION_MODES, _whole(parameters, "execution_mode", 0), "execution_mode"),
        intra_op_threads=threads,
        inter_op_threads=_whole(parameters, "inter_op_thread_count", 0),
        enable_mem_arena=_flag(parameters, "enable_mem_arena", True),
        enable_mem_pattern=_flag(parameters, "enable_mem_pattern", True),
        config_entries={key: parameters[key] for key in (allocator_key,) if key in parameters},
        streams=streams,
        bounds=Bounds(max(_whole(parameters, "side_multiple", 1), 1), _whole(parameters, "max_elements", 0)),
    )


def _quota() -> int:
    """Cores of this process where it may use fewer than it can run on, which runtimes do not see; else 0."""
    return cores() if cores() < len(os.sched_getaffinity(0)) else 0


def _cpu_providers(accelerators: list[Mapping[str, Any]], threads: int) -> tuple[list[Provider], int]:
    providers, streams = [], 1
    for accelerator in accelerators:
        if accelerator["name"] != "openvino":
            raise InvalidConfig(f'unknown cpu_execution_accelerator "{accelerator["name"]}"; expected openvino')
        options = {"device_type": "CPU"}
        properties = dict(accelerator.get("parameters", {}))
        wanted = properties.pop("NUM_STREAMS", "1")
        used = threads or cores()
        streams = min(used, MAX_AUTO_STREAMS) if wanted == "AUTO" else _whole({"NUM_STREAMS": wanted}, "NUM_STREAMS", 1)
        if threads or streams > 1:
            options["num_of_threads"] = str(used)
            options["num_streams"] = str(streams)
        if properties:
            options["load_config"] = json.dumps({"CPU": properties})
        providers.append((OPENVINO, options))
    return providers, streams


def _gpu_providers(
    accelerators: list[Mapping[str, Any]], parameters: Mapping[str, str], device_id: int
) -> list[Provider]:
    providers: list[Provider] = []
    cuda = {
        "cudnn_conv_algo_search": _one_of(
            CUDNN_CONV_ALGO_SEARCH, parameters.get("cudnn_conv_algo_search", "0"), "cudnn_conv_algo_search"
        ),
        "arena_extend_strategy": _one_of(
            ARENA_EXTEND_STRATEGY, parameters.get("arena_extend_strategy", "0"), "arena_extend_strategy"
        ),
        "do_copy_in_default_stream": "1" if _flag(parameters, "do_copy_in_default_stream", True) else "0",
    }
    if "gpu_mem_limit" in parameters:
        cuda["gpu_mem_limit"] = str(_whole(parameters, "gpu_mem_limit", 0))
    for accelerator in accelerators:
        options = accelerator.get("parameters", {})
        if accelerator["name"] == "tensorrt":
            providers.append((TENSORRT, {**_tensorrt_options(options), "device_id": str(device_id)}))
        elif accelerator["name"] == "cuda":
            cuda.update(options)
        else:
            raise InvalidConfig(f'unknown gpu_execution_accelerator "{accelerator["name"]}"; expected cuda or tensorrt')
    return [*providers, (CUDA, {**cuda, "device_id": str(device_id)})]


def _tensorrt_options(parameters: Mapping[str, str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, value in parameters.items():
        if key == "precision_mode":
            options.update(_one_of(_TENSORRT_PRECISIONS, value, "precision_mode"))
        elif key in _TENSORRT_OPTIONS or key.startswith("trt_"):
            options[_TENSORRT_OPTIONS.get(key, key)] = value
        else:
            raise InvalidConfig(f'unknown parameter "{key}" of gpu_execution_accelerator tensorrt')
    return options


def _one_of(choices: Mapping[Any, Any], value: Any, name: str) -> Any:
    if value not in choices:
        raise InvalidConfig(f"{name} must be one of {', '.join(map(str, choices))}, not {value}")
    return choices[value]


def _whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdecimal():
        raise InvalidConfig(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _flag(parameters: Mapping[str, str], name: str, default: bool) -> bool:
    text = parameters.get(name, str(default)).lower()
    if text not in ("true", "false", "1", "0"):
        raise InvalidConfig(f"{name} must be true or false, not {text!r}")
    return text in ("true", "1")
