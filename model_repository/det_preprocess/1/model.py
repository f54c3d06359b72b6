"""Encoded image to pixels and the input of the detector."""

from ocr_triton.det_preprocess import TritonPythonModel

__all__ = ["TritonPythonModel"]
