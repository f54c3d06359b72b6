"""Triton's onnxruntime backend, written in Python, for servers that lack the C++ one."""
