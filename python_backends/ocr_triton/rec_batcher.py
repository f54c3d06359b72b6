"""Model `rec_batcher`: the lines of a page recognised by calls of `rec` in width buckets (BLS)."""

import asyncio
from typing import Any

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from ocr_pipeline.inputs import strip_of_lines
from ocr_pipeline.stages.buckets import Call, Steps, call_inputs, join_answers, plan_calls
from ocr_pipeline.stages.crops import Strip
from ocr_triton.adapter import Step, Tensors, Visit, given
from ocr_triton.inner import check

RecAnswer = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


class TritonPythonModel(Step):
    """`crops` UINT8 [48,S,3] and `widths` INT64 [N] to `index` INT64 [S], `score` FP32 [S] and `steps` INT64 [N]."""

    stages = ("rec",)
    has_budget = True

    def load(self) -> None:
        """How `rec` may be called."""
        self.lines_per_call = self.number("rec_lines_per_call")
        self.pixels_per_call = self.number("rec_pixels_per_call")
        self.calls_in_flight = self.number("rec_calls_in_flight")

    def next_step(self, request: Any) -> str | None:
        """Classes become texts."""
        return "ctc_decode"

    async def execute(self, requests: list[Any]) -> list[Any]:
        """Called by Triton; the calls of `rec` overlap."""
        responses = []
        for request in requests:
            with self.at(request) as visit:
                self.begin(visit)
                visit.tensors = await self.answer(request, visit)
            responses.append(visit.response)
        self.clock.export()
        return responses

    async def answer(self, request: Any, visit: Visit) -> Tensors:
        """Classes and their probabilities for every step of every line."""
        strip = strip_of_lines(given(request, "crops"), given(request, "widths"))
        with self.clock.stage("rec"):
            steps = await self.recognise(strip, visit)
        return {"index": steps.index, "score": steps.score, "steps": steps.steps}

    def plan(self, strip: Strip) -> list[Call]:
        """Which lines are recognised together."""
        return plan_calls(strip.widths, self.lines_per_call, self.pixels_per_call)

    async def recognise(self, strip: Strip, visit: Visit) -> Steps:
        """Call `rec` for all lines, until time is up.

        When a call fails, those that have not begun are left out, and the others ended.
        """
        calls = self.plan(strip)
        slots = asyncio.Semaphore(self.calls_in_flight)  # bounds what lies in shared memory at a time
        failed = asyncio.Event()

        async def ask(call: Call) -> RecAnswer | None:
            async with slots:
                if failed.is_set():
                    return None
                try:
                    visit.limits.check()
                    answer = await infer(*call_inputs(strip, call))
                except Exception:
                    failed.set()
                    raise
                visit.gets_on()
                return answer

        answers = await asyncio.gather(*(ask(call) for call in calls), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return join_answers(calls, [answer for answer in answers if isinstance(answer, tuple)])


async def infer(crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64], model: str = "rec") -> RecAnswer:
    """One call of `rec`: crops (B, 48, W, 3) and widths (B, 1) to index and score, both (B, T)."""
    response = await pb_utils.InferenceRequest(
        model_name=model,
        requested_output_names=["index", "score"],
        inputs=[pb_utils.Tensor("crops", np.ascontiguousarray(crops)), pb_utils.Tensor("widths", widths)],
    ).async_exec()
    check(model, response)
    index, score = (pb_utils.get_output_tensor_by_name(response, name).as_numpy() for name in ("index", "score"))
    return index, score
