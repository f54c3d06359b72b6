"""Triton's Python models: thin adapters around ocr_pipeline."""
