"""Model `ctc_decode`: classes per step to texts; lines read with too little confidence are dropped."""

from typing import Any

from ocr_pipeline.ctc import ctc_decode, read_dictionary
from ocr_pipeline.options import OcrOptions, with_parameters
from ocr_triton.adapter import Adapter, Tensors, request_parameters, tensor, text_tensor


class TritonPythonModel(Adapter):
    """`index`, `score` [N,T] to `texts`, `scores` [N]; with `boxes`, `box_scores` to all four outputs of `ocr`."""

    stages = ("ctc_decode",)

    def load(self) -> None:
        """The dictionary of the recogniser."""
        self.dictionary = read_dictionary(self.directory / "dictionary.txt")

    def answer(self, request: Any) -> Tensors:
        """Texts of a page, or of line images when there are no boxes: then every line keeps its place."""
        options = with_parameters(OcrOptions(), request_parameters(request))
        with self.clock.stage("ctc_decode"):
            texts, scores = ctc_decode(tensor(request, "index"), tensor(request, "score"), self.dictionary)
        boxes = tensor(request, "boxes")
        if boxes is None:
            return {"texts": text_tensor(texts), "scores": scores}
        keep = scores >= options.rec.score_thresh
        return {
            "boxes": boxes[keep],
            "texts": text_tensor(texts)[keep],
            "scores": scores[keep],
            "box_scores": tensor(request, "box_scores")[keep],
        }
