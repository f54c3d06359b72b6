"""ocr-bench: stages, load, accuracy, peers and floor of the OCR endpoint."""
