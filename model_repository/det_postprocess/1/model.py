"""Probability map to boxes and line crops."""

from ocr_triton.det_postprocess import TritonPythonModel

__all__ = ["TritonPythonModel"]
