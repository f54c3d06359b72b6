"""Classes per step to texts and words."""

from ocr_triton.ctc_decode import TritonPythonModel

__all__ = ["TritonPythonModel"]
