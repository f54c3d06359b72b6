"""Line crops to classes per step, by calls of rec in width buckets."""

from ocr_triton.rec_batcher import TritonPythonModel

__all__ = ["TritonPythonModel"]
