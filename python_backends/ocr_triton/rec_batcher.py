"""Model `rec_batcher`: the tensor contract of `rec`, answered by calls of `rec` in width buckets (BLS)."""

import asyncio
from typing import Any

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from ocr_pipeline.buckets import Batch, pad_to_bucket, plan_batches
from ocr_pipeline.errors import InvalidInput
from ocr_triton.adapter import Step, Tensors, failure, success, tensor


class TritonPythonModel(Step):
    """`crops` UINT8 [N,48,Wmax,3] and `widths` INT64 [N,1] to `index` INT64 [N,T] and `score` FP32 [N,T]."""

    stages = ("rec_infer",)

    def load(self) -> None:
        """How `rec` may be called."""
        self.lines_per_call = self.number("rec_lines_per_call")
        self.pixels_per_call = self.number("rec_pixels_per_call")
        self.calls_in_flight = self.number("rec_calls_in_flight")

    async def execute(self, requests: list[Any]) -> list[Any]:
        """Called by Triton; the calls of `rec` overlap."""
        responses = []
        for request in requests:
            try:
                with self.clock.stage("rec_infer"):
                    tensors = await self.recognise(tensor(request, "crops"), tensor(request, "widths"))
            except Exception as error:
                responses.append(failure(error))
            else:
                responses.append(success(tensors))
        self.clock.export()
        return responses

    async def recognise(self, crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64]) -> Tensors:
        """Classes and their probabilities per step; steps past a line's own bucket are blank."""
        if len(widths) and not (widths.min() >= 1 and widths.max() <= crops.shape[2]):
            raise InvalidInput(f"widths must lie within 1 and the width of crops, {crops.shape[2]}")
        batches = plan_batches(widths[:, 0], self.lines_per_call, self.pixels_per_call)
        slots = asyncio.Semaphore(self.calls_in_flight)  # bounds what lies in shared memory at a time

        async def call(batch: Batch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
            async with slots:
                return await infer(pad_to_bucket(crops, batch), widths[batch.lines])

        answers = await asyncio.gather(*(call(batch) for batch in batches))
        steps = max((index.shape[1] for index, _ in answers), default=1)
        index = np.zeros((len(crops), steps), np.int64)
        score = np.zeros((len(crops), steps), np.float32)
        for batch, (batch_index, batch_score) in zip(batches, answers, strict=True):
            index[batch.lines, : batch_index.shape[1]] = batch_index
            score[batch.lines, : batch_score.shape[1]] = batch_score
        return {"index": index, "score": score}


async def infer(
    crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """One call of `rec`: crops (B, 48, W, 3) and widths (B, 1) to index and score, both (B, T)."""
    response = await pb_utils.InferenceRequest(
        model_name="rec",
        requested_output_names=["index", "score"],
        inputs=[pb_utils.Tensor("crops", np.ascontiguousarray(crops)), pb_utils.Tensor("widths", widths)],
    ).async_exec()
    if response.has_error():
        raise RuntimeError(f"rec failed: {response.error().message()}")
    index, score = (pb_utils.get_output_tensor_by_name(response, name).as_numpy() for name in ("index", "score"))
    return index, score
