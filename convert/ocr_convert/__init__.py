"""ocr-convert: PaddleOCR models to ONNX, verified and installed into the model repository."""
