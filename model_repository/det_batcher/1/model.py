"""Pixels to boxes and line crops, by calls of det."""

from ocr_triton.det_batcher import TritonPythonModel

__all__ = ["TritonPythonModel"]
