"""The lines of a page, each padded to the widest of them, recognised by one call of `rec_static`."""

import numpy as np

from ocr_pipeline.parameters import Parameters
from ocr_pipeline.stages.buckets import Call, Steps, call_inputs, join_answers
from ocr_pipeline.stages.crops import Strip
from ocr_triton import rec_batcher
from ocr_triton.adapter import Visit


class TritonPythonModel(rec_batcher.TritonPythonModel):
    """`crops` UINT8 [48,S,3] and `widths` INT64 [N] to `index` INT64 [S], `score` FP32 [S] and `steps` INT64 [N]."""

    def load(self) -> None:
        """There is nothing to read: no line waits for another call, and none is read twice."""
        self.parameters = Parameters()

    async def recognise(self, strip: Strip, visit: Visit, model: str = "rec_static") -> Steps:
        """Call `rec_static` for all lines at once, or not at all for a page without lines."""
        if not len(strip.widths):
            return join_answers([], [])
        page = Call(np.arange(len(strip.widths)), int(strip.widths.max()))
        return join_answers([page], [await rec_batcher.infer(*call_inputs(strip, page), model)])
