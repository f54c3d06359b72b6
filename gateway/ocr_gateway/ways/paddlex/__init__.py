"""PaddleX's and PaddleOCR 3's basic serving of their OCR pipeline: `POST /ocr`."""

from ocr_gateway.ways.paddlex.protocol import PaddleX

__all__ = ["PaddleX"]
