"""Encoded line images to the input of the recogniser."""

from ocr_triton.rec_preprocess import TritonPythonModel

__all__ = ["TritonPythonModel"]
