"""PaddleOCR's stages as pure functions over numpy arrays."""
