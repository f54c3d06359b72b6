"""Paddle's side: what a model's folder holds, and the process that converts and runs it."""
