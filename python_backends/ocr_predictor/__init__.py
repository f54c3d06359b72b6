"""Pictures read in this process: the models of a repository without a server."""

from ocr_predictor.local import LocalOcr
from ocr_predictor.timing import StageTimes

__all__ = ["LocalOcr", "StageTimes"]
