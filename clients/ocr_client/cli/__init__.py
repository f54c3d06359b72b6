"""`ocr-client`: pictures in, text out."""

from ocr_client.cli.command import app, main

__all__ = ["app", "main"]
