"""Encoded image to pixels."""

from ocr_triton.decode import TritonPythonModel

__all__ = ["TritonPythonModel"]
