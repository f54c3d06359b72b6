"""Paddle Serving's OCR services: `POST /ocr/prediction`."""

from ocr_gateway.ways.paddle_serving.protocol import PaddleServing

__all__ = ["PaddleServing"]
