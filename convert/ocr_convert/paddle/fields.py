"""What an inference.yml holds, field by field: whatever is not of the form that PaddleOCR writes is a ValueError."""

import math
from collections.abc import Mapping
from typing import Any

from ocr_contract.shown import shown

MAX_NAME = 100  # characters


def mapping(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return settings of that name; where there are none, no settings.

    Raises:
        ValueError: it is something else
    """
    found = settings.get(name) or {}
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be a mapping, not {shown(found)}")
    return found


def model_name(document: Mapping[str, Any]) -> str | None:
    """Return Global.model_name; None where there is none."""
    name = mapping(document, "Global").get("model_name")
    if name is not None and not (isinstance(name, str) and len(name) <= MAX_NAME and name.isprintable()):
        raise ValueError(f"model_name must be a line of at most {MAX_NAME} characters, not {shown(name)}")
    return name


def steps(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return PreProcess.transform_ops as one mapping; a step without settings is an empty mapping."""
    operations = mapping(document, "PreProcess").get("transform_ops") or []
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise ValueError(f"transform_ops must be a list of mappings, not {shown(operations)}")
    steps = {}
    for operation in operations:
        for name, settings in operation.items():
            steps[name] = settings if isinstance(settings, dict) else {}
    return steps


def sizes(steps: Mapping[str, dict[str, Any]], step: str) -> tuple[int, int] | None:
    """Return height and width of a step's image_shape [channels, height, width]; None where there is none."""
    shape = steps.get(step, {}).get("image_shape")
    if not shape:
        return None
    if not isinstance(shape, list) or len(shape) != 3:
        raise ValueError(f"image_shape of {step} must be [channels, height, width], not {shown(shape)}")
    return int(shape[1]), int(shape[2])


def is_of_bytes(scale: object) -> bool:
    """Whether a scale is 1/255, which PaddleOCR writes as a fraction or as a number."""
    over, _, under = str(scale).partition("/")
    try:
        return math.isclose(float(over) / float(under or 1), 1 / 255, rel_tol=1e-4)
    except (ValueError, ZeroDivisionError):
        return False


def numbers(name: str, stated: object) -> tuple[float, ...]:
    """Return a list of numbers, as many as there are."""
    if not isinstance(stated, list) or not all(isinstance(value, str) for value in stated):
        raise ValueError(f"{name} must be a list of numbers, not {shown(stated)}")
    return tuple(map(float, stated))
