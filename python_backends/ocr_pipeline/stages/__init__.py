"""PaddleOCR's stages, one module each, as pure functions over numpy arrays."""
