"""Model `rec_preprocess`: encoded line images to the recogniser's crops."""

from typing import Any

import numpy as np

from ocr_pipeline.crops import resize_line, stack_lines, width_limit
from ocr_pipeline.decode import decode_image
from ocr_pipeline.errors import InvalidInput
from ocr_pipeline.options import OcrOptions, with_parameters
from ocr_triton.adapter import Adapter, Tensors, encoded, request_parameters, tensor
from ocr_triton.textline_orientation import turn_upright

PARAMETERS = frozenset({"use_textline_orientation"})


class TritonPythonModel(Adapter):
    """`images` BYTES [N] to `crops` UINT8 [N,48,Wmax,3] and `widths` INT64 [N,1]."""

    stages = ("decode",)

    def load(self) -> None:
        """This server's limits."""
        self.max_pixels = self.number("max_pixels")
        self.max_bytes = self.number("max_bytes")
        self.max_images = self.number("max_images")

    def answer(self, request: Any) -> Tensors:
        """Decode and resize every line image; one bad image fails the request and is named by its number."""
        options = with_parameters(OcrOptions(), request_parameters(request), PARAMETERS)
        images = tensor(request, "images")
        if len(images) > self.max_images:
            raise InvalidInput(
                f"{len(images)} images in one request, the limit is {self.max_images}; "
                "send them in several, or raise max_images in the config.pbtxt of rec_preprocess"
            )
        max_width = width_limit(len(images))
        lines = []
        with self.clock.stage("decode"):
            for number, image in enumerate(images):
                try:
                    lines.append(resize_line(decode_image(encoded(image), self.max_pixels, self.max_bytes), max_width))
                except InvalidInput as error:
                    raise type(error)(f"images[{number}]: {error}") from error
        crops, widths = stack_lines(lines)
        if options.rec.use_textline_orientation:
            _, crops = turn_upright(self.repository, np.zeros((len(lines), 4, 2), np.float32), crops, widths)
        return {"crops": crops, "widths": widths}
