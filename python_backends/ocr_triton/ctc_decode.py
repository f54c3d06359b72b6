"""Model `ctc_decode`: classes per step to the finished page, or to the texts of line pictures."""

from typing import Any

from ocr_contract.options import DOCLING, OCR, RECOGNITION, resolve
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_pipeline import page
from ocr_pipeline.inputs import steps_of_lines
from ocr_pipeline.parameters import read_parameters
from ocr_pipeline.repository import PARAMETERS, characters, dictionaries
from ocr_triton.adapter import Adapter, Tensors, Visit, given, request_parameters, tensor, text_tensor


class TritonPythonModel(Adapter):
    """`index`, `score` [S], `steps` and `widths` [P], `pieces` and `boxes` [N] to texts and words.

    With `box_scores` the lines were found on a page, and the answer is that of `ocr`. Without, each is a picture of its
    own, and the answer is that of `text_recognition`.
    """

    stages = ("ctc_decode", "words")
    endpoints = (OCR, DOCLING, RECOGNITION)

    def load(self) -> None:
        """The characters of the recognisers, and the direction of their script."""
        self.dictionary = characters(dictionaries(self.directory))
        self.right_to_left = read_parameters(self.directory / PARAMETERS).right_to_left

    def answer(self, request: Any, visit: Visit) -> Tensors:
        """A page of text, or the text of every line picture in the order of the request."""
        boxes, widths, pieces = (given(request, name) for name in ("boxes", "widths", "pieces"))
        box_scores = tensor(request, "box_scores")
        steps = steps_of_lines(
            *(given(request, name) for name in ("index", "score", "steps")),
            widths=widths,
            pieces=pieces,
            boxes=boxes,
            box_scores=box_scores,
            characters=len(self.dictionary),
        )
        is_page = box_scores is not None
        options = resolve(request_parameters(request), OCR if is_page else RECOGNITION)
        of_model = self.dictionary, options, self.clock
        if not is_page:
            lines = page.read_lines(steps, boxes, widths, pieces, *of_model, right_to_left=self.right_to_left)
            visit.lines = RECOGNITION, len(lines)
            return packed(lines)
        found = DetectionResult(boxes, box_scores)
        result = page.finish(steps, found, widths, pieces, *of_model, right_to_left=self.right_to_left)
        # docling_ocr has no output for it.
        visit.lines = OCR if "box_scores" in request.requested_output_names() else DOCLING, len(result)
        return {**packed(result), "boxes": result.boxes, "box_scores": result.box_scores}


def packed(read: OcrResult | RecognitionResult) -> Tensors:
    """Texts and words as tensors."""
    return {
        "texts": text_tensor(read.texts),
        "scores": read.scores,
        "words": text_tensor(read.words),
        "word_boxes": read.word_boxes,
        "word_scores": read.word_scores,
        "word_lines": read.word_lines,
    }
