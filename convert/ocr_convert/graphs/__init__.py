"""ONNX graphs rewritten: bytes in, classes and scores out, fewer passes on the way."""
