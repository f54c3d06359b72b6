"""ONNX graphs rewritten: bytes in, classes and scores out, fewer memory passes on the way."""
