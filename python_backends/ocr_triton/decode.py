"""Model `decode`: encoded image to pixels."""

from typing import Any

from ocr_contract.options import DETECTION, OCR, resolve_shared
from ocr_pipeline.finding import open_picture
from ocr_triton.adapter import Adapter, Tensors, encoded, request_parameters, take_large_pictures, tensor


class TritonPythonModel(Adapter):
    """`image` BYTES [1] to `pixels` UINT8 [H,W,3]."""

    stages = ("decode",)

    def load(self) -> None:
        """This server's limits."""
        self.limits = {name: self.number(name) for name in ("max_pixels", "max_bytes")}
        take_large_pictures(self.limits["max_pixels"])

    def answer(self, request: Any) -> Tensors:
        """Decode one picture."""
        # det_batcher, which can tell the two endpoints apart, checks all options.
        options = resolve_shared(request_parameters(request), (OCR, DETECTION))
        image = encoded(tensor(request, "image")[0])
        return {"pixels": open_picture(image, self.clock, **self.limits, page=options["page"])}
