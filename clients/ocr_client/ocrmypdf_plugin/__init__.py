"""An OCR engine for OCRmyPDF: `ocrmypdf --ocr-engine triton-paddleocr in.pdf out.pdf`.

OCRmyPDF finds this package by its entry point and calls the hooks below.
"""

from ocr_client.ocrmypdf_plugin.hooks import add_options, check_options, get_ocr_engine

__all__ = ["add_options", "check_options", "get_ocr_engine"]
