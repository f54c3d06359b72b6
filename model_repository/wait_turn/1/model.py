"""Encoded image to pixels."""

from ocr_triton.wait_turn import TritonPythonModel

__all__ = ["TritonPythonModel"]
