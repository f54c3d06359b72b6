"""Inputs that a network cannot be run with are told before the run."""

import numpy as np
import pytest

from ocr_contract.errors import InvalidInput
from onnxruntime_backend.settings import Device, session_settings
from onnxruntime_backend.shapes import Bounds, Shapes

SHAPES = Shapes({"x": ["batch", 48, "width", 3], "n": ["batch", 1]}, Bounds(side_multiple=32, max_elements=48 * 64 * 3))


def tensors(*shape, batch=1):
    return {"x": np.zeros(shape, np.uint8), "n": np.zeros((batch, 1), np.int64)}


@pytest.mark.parametrize("shape", [(1, 48, 32, 3), (2, 48, 32, 3), (1, 48, 64, 3)])
def test_what_fits_is_taken(shape):
    SHAPES.check(tensors(*shape))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (
            (1, 48, 0, 3),
            r"x has the shape \[1, 48, 0, 3\]; this network takes \[N, 48, n, 3\], n being multiples of 32",
        ),
        ((1, 48, 33, 3), "multiples of 32"),
        ((1, 47, 32, 3), "takes"),
        ((1, 48, 32, 4), "takes"),
        ((0, 48, 32, 3), "takes"),
        ((48, 32, 3), "takes"),
        ((1, 48, 96, 3), "13824 numbers; this network takes 9216 at a time"),
    ],
)
def test_what_does_not_fit_is_the_requests_fault(shape, words):
    with pytest.raises(InvalidInput, match=words):
        SHAPES.check(tensors(*shape))


def test_without_bounds_any_size_is_taken_but_none():
    shapes = Shapes({"x": [None, "h", -1]}, Bounds())
    shapes.check({"x": np.zeros((5, 7, 1))})
    with pytest.raises(InvalidInput, match=r"takes \[N, n, n\], n being sizes of at least 1"):
        shapes.check({"x": np.zeros((5, 0, 1))})


def test_bounds_stand_in_the_configuration():
    parameters = {"max_elements": {"string_value": "10"}, "side_multiple": {"string_value": "4"}}
    assert session_settings({"parameters": parameters}, Device.CPU, 0).bounds == Bounds(4, 10)
    assert session_settings({}, Device.CPU, 0).bounds == Bounds()
