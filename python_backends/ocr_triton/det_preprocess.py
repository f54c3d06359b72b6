"""Model `det_preprocess`: encoded image to pixels and the detector's input."""

from typing import Any

from ocr_contract.options import DETECTION, OCR, resolve_shared
from ocr_pipeline import page
from ocr_pipeline.repository import PARAMETERS, read_parameters
from ocr_triton.adapter import Adapter, Tensors, encoded, request_parameters, take_large_pictures, tensor


class TritonPythonModel(Adapter):
    """`image` BYTES [1] to `pixels` UINT8 [H,W,3] and `det_image` UINT8 [1,h,w,3]."""

    stages = ("decode", "det_resize")

    def load(self) -> None:
        """The model set's input size and this server's limits."""
        self.defaults = read_parameters(self.directory / PARAMETERS).options
        self.max_pixels, self.max_bytes = self.number("max_pixels"), self.number("max_bytes")
        take_large_pictures(self.max_pixels)

    def answer(self, request: Any) -> Tensors:
        """Decode and resize one picture."""
        # det_postprocess, which can tell the two endpoints apart, checks all options.
        options = resolve_shared(request_parameters(request), (OCR, DETECTION), self.defaults)
        image = encoded(tensor(request, "image")[0])
        limits = {"max_pixels": self.max_pixels, "max_bytes": self.max_bytes}
        pixels = page.open_picture(image, self.clock, **limits, page=options["page"])
        return {"pixels": pixels, "det_image": page.det_input(pixels, options, self.clock)}
