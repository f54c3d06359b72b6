"""The arithmetic of the networks on a CPU: what may be asked for, and what this CPU has."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onnxruntime_backend.errors import InvalidConfig
from onnxruntime_backend.settings import Choice, Device

PRECISION_VARIABLE = "OCR_SERVE_PRECISION"  # of the environment; set by ocr-serve --precision
PRECISION_HINT = "INFERENCE_PRECISION_HINT"  # OpenVINO's property
BF16_CPU_FLAGS = ("avx512_bf16", "amx_bf16")
CPUINFO = Path("/proc/cpuinfo")  # lists the CPU's flags


class Precision(Choice):
    """Arithmetic of the networks on a CPU."""

    F32 = "f32"
    BF16 = "bf16"


def check_precision(precision: Precision, device: Device) -> None:
    """What is asked for must be computed: without BF16 OpenVINO takes f32 or imitates BF16, and does not say so.

    Raises:
        InvalidConfig: the device, or this CPU, does not have it.
    """
    asked = f"precision {precision.value}"
    if device is not Device.CPU:
        raise InvalidConfig(f"{asked} works on the CPU only; leave it out, or use the device cpu")
    if precision is not Precision.BF16:
        return
    try:
        flags = set(CPUINFO.read_text(encoding="utf-8").split())
    except OSError as error:
        raise InvalidConfig(
            f"{asked}: {CPUINFO} cannot be read ({error.strerror}), which says whether this CPU has BF16 arithmetic; "
            "leave it out"
        ) from error
    if not flags & set(BF16_CPU_FLAGS):
        raise InvalidConfig(
            f"{asked}: this CPU has no BF16 arithmetic ({' or '.join(BF16_CPU_FLAGS)} in {CPUINFO}); leave it out"
        )


def with_precision(config: Mapping[str, Any], precision: Precision) -> dict[str, Any]:
    """Set the arithmetic of a model that runs on OpenVINO, over what its configuration says.

    Args:
        config: the model configuration as Triton's JSON.
        precision: what is computed in.

    Raises:
        InvalidConfig: the model does not run on OpenVINO.
    """
    changed = copy.deepcopy(dict(config))
    accelerators = changed.get("optimization", {}).get("execution_accelerators", {})
    chosen = [one for one in accelerators.get("cpu_execution_accelerator", []) if one["name"] == "openvino"]
    if not chosen:
        raise InvalidConfig(
            f"precision {precision.value} is asked for, but {config.get('name')} does not run on OpenVINO; "
            'give it cpu_execution_accelerator "openvino", or leave the precision out'
        )
    for accelerator in chosen:
        accelerator.setdefault("parameters", {})[PRECISION_HINT] = precision.value
    return changed
