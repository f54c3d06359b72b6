"""Model `ctc_decode`: classes per step to the finished page, or to the texts of line pictures."""

from typing import Any

from ocr_contract.errors import InvalidInput
from ocr_contract.options import OCR, RECOGNITION, resolve
from ocr_contract.result import DetectionResult
from ocr_pipeline import page
from ocr_pipeline.repository import DICTIONARY, PARAMETERS, read_parameters
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.ctc import read_dictionary
from ocr_pipeline.stages.pieces import checked_counts
from ocr_triton.adapter import Adapter, Tensors, request_parameters, tensor, text_tensor


class TritonPythonModel(Adapter):
    """`index`, `score` [S], `steps` [P] and `pieces` [N] to `texts`, `scores`; with boxes to the outputs of `ocr`."""

    stages = ("ctc_decode", "words")

    def load(self) -> None:
        """The dictionary of the recogniser, and the direction of its script."""
        self.dictionary = read_dictionary(self.directory / DICTIONARY)
        self.right_to_left = read_parameters(self.directory / PARAMETERS).right_to_left

    def answer(self, request: Any) -> Tensors:
        """A page of text; without boxes the text of every line, in the order of the request."""
        try:
            steps = Steps(tensor(request, "index"), tensor(request, "score"), tensor(request, "steps"))
            pieces = checked_counts(tensor(request, "pieces"), steps)
        except ValueError as error:
            raise InvalidInput(str(error)) from error
        boxes = tensor(request, "boxes")
        options = resolve(request_parameters(request), RECOGNITION if boxes is None else OCR)
        if boxes is None:
            lines = page.decode_lines(steps, pieces, self.dictionary, self.clock, right_to_left=self.right_to_left)
            return {"texts": text_tensor(lines.texts), "scores": lines.scores}
        found = DetectionResult(boxes, tensor(request, "box_scores"))
        result = page.finish(
            steps,
            found,
            tensor(request, "widths"),
            pieces,
            self.dictionary,
            options,
            self.clock,
            right_to_left=self.right_to_left,
        )
        return {
            "boxes": result.boxes,
            "texts": text_tensor(result.texts),
            "scores": result.scores,
            "box_scores": result.box_scores,
            "words": text_tensor(result.words),
            "word_boxes": result.word_boxes,
            "word_scores": result.word_scores,
            "word_lines": result.word_lines,
        }
