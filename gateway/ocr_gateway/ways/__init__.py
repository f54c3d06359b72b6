"""The ways in: a module, or a folder of several, for each protocol."""

from collections.abc import Callable

from ocr_gateway.gateway import Gateway
from ocr_gateway.ways.kserve import KServe
from ocr_gateway.ways.open_webui import OpenWebUi
from ocr_gateway.ways.own import Own
from ocr_gateway.ways.paddle_serving import PaddleServing
from ocr_gateway.ways.paddlex import PaddleX
from ocr_gateway.ways.way import Way

WAYS: tuple[Callable[[Gateway], Way], ...] = (Own, PaddleServing, PaddleX, OpenWebUi, KServe)
