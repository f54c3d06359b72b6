"""Clients of the ocr endpoint: HTTP, gRPC, asyncio, and a command line."""
