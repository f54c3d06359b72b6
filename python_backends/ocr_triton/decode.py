"""Model `decode`: an encoded image, or RGB pixels, to pixels."""

from typing import Any

from ocr_contract.errors import InvalidInput
from ocr_contract.options import DETECTION, DOCLING, OCR, resolve, resolve_shared
from ocr_pipeline.finding import open_picture, open_rgb
from ocr_triton.adapter import Adapter, Tensors, Visit, encoded, request_parameters, take_large_pictures, tensor


class TritonPythonModel(Adapter):
    """`image` BYTES [1], or `rgb` UINT8 [1,H,W,3], to `pixels` UINT8 [H,W,3]."""

    stages = ("decode",)
    waits_for_turn = True

    def load(self) -> None:
        """This server's limits."""
        self.limits = {name: self.number(name) for name in ("max_pixels", "max_bytes")}
        take_large_pictures(self.limits["max_pixels"])

    def next_step(self, request: Any) -> str | None:
        """Boxes are looked for."""
        return "det_batcher"

    def answer(self, request: Any, visit: Visit) -> Tensors:
        """Open one picture."""
        image, rgb = tensor(request, "image"), tensor(request, "rgb")
        if (image is None) == (rgb is None):
            raise InvalidInput("decode takes one picture: either image or rgb")
        parameters = request_parameters(request)
        if image is None:
            # Checked here: to the steps after this one it is a request of ocr, which takes more options.
            resolve(parameters, DOCLING)
            return {"pixels": open_rgb(rgb[0], self.clock, max_pixels=self.limits["max_pixels"])}
        # det_batcher, which can tell the two endpoints apart, checks all options.
        options = resolve_shared(parameters, (OCR, DETECTION))
        return {"pixels": open_picture(encoded(image[0]), self.clock, **self.limits, page=options["page"])}
