"""Model `rec_preprocess`: encoded line images to the recogniser's crops."""

from typing import Any

from ocr_contract.options import RECOGNITION, resolve
from ocr_pipeline import page
from ocr_pipeline.repository import PARAMETERS, read_parameters
from ocr_pipeline.stages.pieces import cut_long_lines
from ocr_triton.adapter import Adapter, Tensors, encoded, request_parameters, take_large_pictures, tensor
from ocr_triton.textline_orientation import classify


class TritonPythonModel(Adapter):
    """`images` BYTES [N] to `boxes` FP32 [N,4,2], `crops` UINT8 [48,S,3], `widths` INT64 [P], `pieces` INT64 [N]."""

    stages = ("decode", "cls")

    def load(self) -> None:
        """This server's limits, and what cls takes."""
        self.limits = {name: self.number(name) for name in ("max_images", "max_pixels", "max_bytes")}
        self.cls = read_parameters(self.directory / PARAMETERS).cls
        take_large_pictures(self.limits["max_pixels"])

    def answer(self, request: Any) -> Tensors:
        """Decode and resize every line image."""
        options = resolve(request_parameters(request), RECOGNITION)
        lines = page.open_lines([encoded(image) for image in tensor(request, "images")], self.clock, **self.limits)
        lines = page.upright_lines(lines, classify, options, self.clock, self.cls)
        strip, pieces = cut_long_lines(lines.strip)
        return {"boxes": lines.boxes, "crops": strip.pixels, "widths": strip.widths, "pieces": pieces}
