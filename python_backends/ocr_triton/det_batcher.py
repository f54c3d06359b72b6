"""Model `det_batcher`: an encoded image, or RGB pixels, to boxes and line crops, by calls of `det` (BLS)."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from ocr_contract.errors import InvalidInput
from ocr_contract.options import DETECTION, DOCLING, OCR, Options, resolve
from ocr_contract.result import DetectionResult
from ocr_pipeline import page
from ocr_pipeline.finding import Pixels, open_picture, open_rgb
from ocr_pipeline.parameters import read_parameters
from ocr_pipeline.repository import PARAMETERS
from ocr_pipeline.stages.crops import crop_threads
from ocr_pipeline.stages.pieces import cut_long_lines
from ocr_pipeline.upright import find_upright
from ocr_triton.adapter import Adapter, Tensors, Visit, encoded, request_parameters, take_large_pictures, tensor
from ocr_triton.inner import check
from ocr_triton.textline_orientation import classify

Answer = TypeVar("Answer")


class TritonPythonModel(Adapter):
    """A picture to `boxes`, `box_scores`, `crops` [48,S,3], `widths` [P] and `pieces` [N].

    The picture is `image` BYTES [1], or `rgb` UINT8 [1,H,W,3].
    """

    stages = ("decode", "det_resize", "det", "db_postprocess", "crop", "cls")
    endpoints = (DETECTION,)
    has_budget = True

    def load(self) -> None:
        """The model set's values, this server's limits, and the threads that cut lines out."""
        self.parameters = read_parameters(self.directory / PARAMETERS)
        self.limits = {name: self.number(name) for name in ("max_pixels", "max_bytes")}
        self.max_lines = self.number("max_lines")
        take_large_pictures(self.limits["max_pixels"])
        self.threads = crop_threads()

    def next_step(self, request: Any) -> str | None:
        """Lines are read, unless boxes are all that is asked for."""
        return "rec_batcher" if asks_for_lines(request) else None

    def finalize(self) -> None:
        """Called once by Triton when the model is unloaded."""
        self.threads.shutdown()

    def answer(self, request: Any, visit: Visit) -> Tensors:
        """Lines of a picture for the recogniser; where nobody asks for their pixels, the page of text_detection."""
        is_ocr = asks_for_lines(request)
        pixels, options = self.opened(request, is_ocr)
        visit.gets_on()
        in_time = partial(checked, visit)
        upright = find_upright(
            pixels,
            in_time(detect),
            in_time(classify),
            options,
            self.clock,
            parameters=self.parameters,
            max_lines=self.max_lines,
            threads=self.threads,
        )
        if not is_ocr and not options["use_textline_orientation"]:
            return self.boxes_alone(upright.as_sent(upright.found.boxes), options, visit)
        lines = page.cut_lines(upright.pixels, upright.found.boxes, self.clock, self.threads)
        lines = page.upright_lines(lines, in_time(classify), options, self.clock, self.parameters.cls)
        found = upright.as_sent(lines.boxes)
        if not is_ocr:
            return self.boxes_alone(found, options, visit)
        strip, pieces = cut_long_lines(lines.strip)
        return {**packed(found), "crops": strip.pixels, "widths": strip.widths, "pieces": pieces}

    def opened(self, request: Any, is_ocr: bool) -> tuple[Pixels, Options]:
        """The pixels of a request's picture, and its options, which are looked at first."""
        image, rgb = tensor(request, "image"), tensor(request, "rgb")
        if (image is None) == (rgb is None):
            raise InvalidInput("det_batcher takes one picture: either image or rgb")
        endpoint = DETECTION if not is_ocr else OCR if rgb is None else DOCLING
        options = resolve(request_parameters(request), endpoint, self.parameters.options)
        if rgb is not None:
            return open_rgb(rgb[0], self.clock, max_pixels=self.limits["max_pixels"]), options
        return open_picture(encoded(image[0]), self.clock, **self.limits, page=options["page"]), options

    def boxes_alone(self, found: DetectionResult, options: Options, visit: Visit) -> Tensors:
        """The answer of text_detection."""
        visit.lines = DETECTION, len(found.boxes)
        return packed(page.in_order(found, options))


def asks_for_lines(request: Any) -> bool:
    """Whether lines are to be cut out for the recogniser."""
    return "crops" in request.requested_output_names()


def checked(visit: Visit, network: Callable[[Pixels], Answer]) -> Callable[[Pixels], Answer]:
    """A network that is not asked any more once time is up; each answer is a step forward."""

    def ask(pixels: Pixels) -> Answer:
        visit.limits.check()
        answer = network(pixels)
        visit.gets_on()
        return answer

    return ask


def packed(found: DetectionResult) -> Tensors:
    """Boxes and their scores as tensors."""
    return {"boxes": found.boxes, "box_scores": found.box_scores}


def detect(det_image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Probability map (1, h, w) of a tile (1, h, w, 3); asks `det`.

    Raises:
        NotServing: the server is being stopped, or `det` has died.
        RuntimeError: `det` failed.
    """
    response = pb_utils.InferenceRequest(
        model_name="det",
        requested_output_names=["prob"],
        inputs=[pb_utils.Tensor("image", np.ascontiguousarray(det_image))],
    ).exec()
    check("det", response)
    return pb_utils.get_output_tensor_by_name(response, "prob").as_numpy()
