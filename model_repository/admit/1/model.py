"""Any request to its ticket."""

from ocr_triton.admit import TritonPythonModel

__all__ = ["TritonPythonModel"]
