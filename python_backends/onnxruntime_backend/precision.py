"""The arithmetic of the networks on a CPU: what may be asked for, what this CPU has, and what is computed in."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onnxruntime_backend.errors import InvalidConfig
from onnxruntime_backend.settings import Choice, Device

PRECISION_VARIABLE = "OCR_SERVE_PRECISION"  # of the environment; set by ocr-serve --precision
REPORT = "report.json"  # beside weights: where they come from, how they were verified, and what auto may take
PRECISION_HINT = "INFERENCE_PRECISION_HINT"  # OpenVINO's property
_PRECISION_KEYS = {Device.CPU: ("openvino", PRECISION_HINT), Device.GPU: ("tensorrt", "precision_mode")}
BF16_CPU_FLAGS = ("avx512_bf16", "amx_bf16")
CPUINFO = Path("/proc/cpuinfo")  # lists the CPU's flags


class Precision(Choice):
    """Arithmetic of the networks on a CPU.

    AUTO is BF16 where the CPU has it in hardware and the model set reads as well in it, else float32. It leaves alone
    what config.pbtxt says by itself, what does not run on OpenVINO, and other devices. The others are forced, over
    config.pbtxt.
    """

    AUTO = "auto"
    F32 = "f32"
    BF16 = "bf16"


def auto_of(report: Path) -> Precision:
    """What the report.json beside a network's weights says of auto: F32 where its model set reads worse in BF16.

    Raises:
        InvalidConfig: it cannot be read.
    """
    try:
        stated = json.loads(report.read_text(encoding="utf-8")).get("auto_precision")
    except FileNotFoundError:  # weights that somebody has put there by hand
        return Precision.BF16
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidConfig(f"{report} cannot be read ({error})") from error
    return Precision.F32 if stated == Precision.F32.value else Precision.BF16


def has_bf16() -> bool:
    """Whether this CPU says that it has BF16 arithmetic in hardware.

    Raises:
        OSError: CPUINFO cannot be read.
    """
    return not set(BF16_CPU_FLAGS).isdisjoint(CPUINFO.read_text(encoding="utf-8").split())


def check_precision(precision: Precision, device: Device) -> None:
    """What is asked for must be computed: without BF16 OpenVINO takes f32 or imitates BF16, and does not say so.

    Raises:
        InvalidConfig: the device, or this CPU, does not have it.
    """
    asked = f"precision {precision.value}"
    if precision is Precision.AUTO:
        return
    if device is not Device.CPU:
        raise InvalidConfig(f"{asked} works on the CPU only; leave it out, or use the device cpu")
    if precision is Precision.BF16:
        _check_bf16(asked)


def with_precision(
    config: Mapping[str, Any], precision: Precision, device: Device, of_set: Precision = Precision.BF16
) -> dict[str, Any]:
    """Say in a model's configuration what it computes in.

    Args:
        config: the model configuration as Triton's JSON.
        precision: what is asked for.
        device: where the model runs.
        of_set: what the model set says of auto: F32 where BF16 reads worse than its default may.

    Raises:
        InvalidConfig: the device or this CPU does not have what is asked for, here or in the configuration itself, or
            it is forced and the model does not run on OpenVINO.
    """
    check_precision(precision, device)
    changed = copy.deepcopy(dict(config))
    if device is not Device.CPU:
        return changed
    chosen = [one for one in _accelerators(changed, device) if one["name"] == "openvino"]
    if not chosen and precision is not Precision.AUTO:
        raise InvalidConfig(
            f"precision {precision.value} is asked for, but {config.get('name')} does not run on OpenVINO; "
            'give it cpu_execution_accelerator "openvino", or leave the precision out'
        )
    for accelerator in chosen:
        parameters = accelerator.setdefault("parameters", {})
        if precision is not Precision.AUTO:
            parameters[PRECISION_HINT] = precision.value
        elif PRECISION_HINT not in parameters:
            parameters[PRECISION_HINT] = _automatic(of_set).value
        elif parameters[PRECISION_HINT].lower() == Precision.BF16.value:
            _check_bf16(f"{PRECISION_HINT} bf16 in config.pbtxt of {config.get('name')}")
    return changed


def arithmetic(
    configs: Mapping[str, Mapping[str, Any]],
    precision: Precision,
    device: Device,
    of_set: Precision = Precision.BF16,
) -> str:
    """Name what models compute in: "f32", "bf16", TensorRT's "fp16", or each where they differ: "det bf16, rec f32".

    Args:
        configs: their configurations as Triton's JSON, by their names.
        precision: what is asked for.
        device: where they run.
        of_set: what the model set says of auto.

    Raises:
        InvalidConfig: as `with_precision`.
    """
    accelerator, key = _PRECISION_KEYS[device]
    names = {}
    for model, config in configs.items():
        accelerators = _accelerators(with_precision(config, precision, device, of_set), device)
        parameters = [one.get("parameters", {}) for one in accelerators if one["name"] == accelerator]
        stated = [values[key].lower() for values in parameters if key in values]
        names[model] = stated[0] if stated and stated[0] != "fp32" else Precision.F32.value
    all_of_them = ", ".join(f"{model} {name}" for model, name in names.items())
    return all_of_them if len(set(names.values())) > 1 else next(iter(names.values()))


def _accelerators(config: Mapping[str, Any], device: Device) -> list[dict[str, Any]]:
    kinds = config.get("optimization", {}).get("execution_accelerators", {})
    return kinds.get(f"{device.value}_execution_accelerator", [])


def _automatic(of_set: Precision) -> Precision:
    try:
        return Precision.BF16 if of_set is Precision.BF16 and has_bf16() else Precision.F32
    except OSError:  # nothing is known of this CPU, and every CPU has float32
        return Precision.F32


def _check_bf16(asked: str) -> None:
    try:
        has_it = has_bf16()
    except OSError as error:
        raise InvalidConfig(
            f"{asked}: {CPUINFO} cannot be read ({error.strerror}), which says whether this CPU has BF16 arithmetic; "
            "leave it out"
        ) from error
    if not has_it:
        raise InvalidConfig(
            f"{asked}: this CPU has no BF16 arithmetic ({' or '.join(BF16_CPU_FLAGS)} in {CPUINFO}); leave it out"
        )
