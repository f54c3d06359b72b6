"""Model `det_preprocess`: encoded image to pixels and the detector's input."""

from typing import Any

from ocr_pipeline.decode import decode_image
from ocr_pipeline.det_preprocess import resize_for_det
from ocr_pipeline.options import DetResize, OcrOptions, read_json, with_parameters
from ocr_triton.adapter import Adapter, Tensors, encoded, request_parameters, tensor


class TritonPythonModel(Adapter):
    """`image` BYTES [1] to `pixels` UINT8 [H,W,3] and `det_image` UINT8 [1,h,w,3]."""

    stages = ("decode", "det_resize")

    def load(self) -> None:
        """The model set's input size and this server's limits."""
        self.defaults = OcrOptions(det_resize=read_json(self.directory / "parameters.json", DetResize))
        self.max_pixels = self.number("max_pixels")
        self.max_bytes = self.number("max_bytes")

    def answer(self, request: Any) -> Tensors:
        """Decode and resize one picture."""
        options = with_parameters(self.defaults, request_parameters(request))
        with self.clock.stage("decode"):
            pixels = decode_image(encoded(tensor(request, "image")[0]), self.max_pixels, self.max_bytes)
        with self.clock.stage("det_resize"):
            det_image = resize_for_det(pixels, options.det_resize)
        return {"pixels": pixels, "det_image": det_image}
