"""The KServe V2 protocol over HTTP, as Triton speaks it: `/v2/...`."""

from ocr_gateway.ways.kserve.protocol import KServe

__all__ = ["KServe"]
