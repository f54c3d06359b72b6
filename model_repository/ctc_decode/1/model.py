"""Classes per step to texts; with boxes, lines below text_rec_score_thresh are dropped."""

from ocr_triton.ctc_decode import TritonPythonModel

__all__ = ["TritonPythonModel"]
