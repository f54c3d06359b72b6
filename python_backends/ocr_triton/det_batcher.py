"""Model `det_batcher`: pixels to boxes and line crops, by calls of `det` (BLS)."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from ocr_contract.options import DETECTION, OCR, Options, resolve
from ocr_contract.result import DetectionResult
from ocr_pipeline import page
from ocr_pipeline.finding import Pixels
from ocr_pipeline.inputs import picture
from ocr_pipeline.parameters import read_parameters
from ocr_pipeline.repository import PARAMETERS
from ocr_pipeline.stages.crops import crop_threads
from ocr_pipeline.stages.pieces import cut_long_lines
from ocr_pipeline.upright import find_upright
from ocr_triton.adapter import Adapter, Tensors, Visit, given, request_parameters
from ocr_triton.inner import check
from ocr_triton.textline_orientation import classify

Answer = TypeVar("Answer")


class TritonPythonModel(Adapter):
    """`pixels` UINT8 [H,W,3] to `boxes`, `box_scores`, `crops` [48,S,3], `widths` [P] and `pieces` [N]."""

    stages = ("det_resize", "det", "db_postprocess", "crop", "cls")
    endpoints = (DETECTION,)
    has_budget = True

    def load(self) -> None:
        """The model set's values, this server's limit, and the threads that cut lines out."""
        self.parameters = read_parameters(self.directory / PARAMETERS)
        self.max_lines = self.number("max_lines")
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
        options = resolve(request_parameters(request), OCR if is_ocr else DETECTION, self.parameters.options)
        in_time = partial(checked, visit)
        upright = find_upright(
            picture(given(request, "pixels")),
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
