"""Model `rec_preprocess`: encoded line images to the recogniser's crops."""

from typing import Any

from ocr_contract.options import RECOGNITION, resolve
from ocr_pipeline import page
from ocr_pipeline.parameters import read_parameters
from ocr_pipeline.repository import PARAMETERS
from ocr_pipeline.stages.pieces import cut_long_lines
from ocr_triton.adapter import Adapter, Tensors, Visit, encoded, given, request_parameters, take_large_pictures
from ocr_triton.textline_orientation import classify


class TritonPythonModel(Adapter):
    """`images` BYTES [N] to the lines' `boxes` FP32 [N,4,2], and to what det_batcher answers beside boxes.

    That is `crops` UINT8 [48,S,3], `widths` INT64 [P] and `pieces` INT64 [N].
    """

    stages = ("decode", "cls")

    def load(self) -> None:
        """This server's limits, and what cls takes."""
        self.limits = {name: self.number(name) for name in ("max_images", "max_pixels", "max_bytes")}
        self.cls = read_parameters(self.directory / PARAMETERS).cls
        take_large_pictures(self.limits["max_pixels"])

    def next_step(self, request: Any) -> str | None:
        """Lines are read."""
        return "rec_batcher"

    def answer(self, request: Any, visit: Visit) -> Tensors:
        """Decode and resize every line image."""
        options = resolve(request_parameters(request), RECOGNITION)
        lines = page.open_lines([encoded(image) for image in given(request, "images")], self.clock, **self.limits)
        lines = page.upright_lines(lines, classify, options, self.clock, self.cls)
        strip, pieces = cut_long_lines(lines.strip)
        return {"boxes": lines.boxes, "crops": strip.pixels, "widths": strip.widths, "pieces": pieces}
