"""Model `det_postprocess`: probability map to boxes and line crops."""

from typing import Any

from ocr_pipeline.crops import crop_lines, crop_threads, from_own_top_left
from ocr_pipeline.db_postprocess import boxes_from_prob
from ocr_pipeline.options import (
    ALL_PARAMETERS,
    DETECTION_PARAMETERS,
    DbParameters,
    OcrOptions,
    read_json,
    with_parameters,
)
from ocr_triton.adapter import Adapter, Tensors, request_parameters, tensor
from ocr_triton.textline_orientation import turn_upright


class TritonPythonModel(Adapter):
    """`pixels` UINT8 [H,W,3] and `prob` FP32 [1,h,w] to `boxes`, `box_scores`, `crops` and `widths`."""

    stages = ("db_postprocess", "crop")

    def load(self) -> None:
        """The model set's thresholds, and the threads that cut lines out."""
        self.threads = crop_threads()
        self.defaults = OcrOptions(db=read_json(self.directory / "parameters.json", DbParameters))

    def finalize(self) -> None:
        """Called once by Triton when the model is unloaded."""
        self.threads.shutdown()

    def answer(self, request: Any) -> Tensors:
        """Boxes in reading order; crops too, unless only boxes are asked for."""
        wants_crops = "crops" in request.requested_output_names()
        allowed = ALL_PARAMETERS if wants_crops else DETECTION_PARAMETERS
        options = with_parameters(self.defaults, request_parameters(request), allowed)
        pixels = tensor(request, "pixels")
        with self.clock.stage("db_postprocess"):
            found = boxes_from_prob(tensor(request, "prob")[0], pixels.shape[:2], options.db)
            boxes = from_own_top_left(found.boxes)
        if not wants_crops:
            return {"boxes": boxes, "box_scores": found.scores}
        with self.clock.stage("crop"):
            crops, widths = crop_lines(pixels, boxes, self.threads)
        if options.rec.use_textline_orientation:
            boxes, crops = turn_upright(self.repository, boxes, crops, widths)
        return {"boxes": boxes, "box_scores": found.scores, "crops": crops, "widths": widths}
