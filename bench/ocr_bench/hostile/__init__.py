"""Hostile inputs: files, tensors and requests that no honest client sends, made on the spot from a seed."""
