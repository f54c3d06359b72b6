"""Whether PaddlePaddle and paddle2onnx are here. They are large, and networks in ONNX form do without them."""

import importlib.util

PACKAGES = ("paddle", "paddle2onnx")
PADDLE_NEEDED = "needs pip install 'triton-paddleocr[convert]'"


def has_paddle() -> bool:
    """Whether networks in Paddle's form can be converted here."""
    return all(importlib.util.find_spec(package) is not None for package in PACKAGES)
