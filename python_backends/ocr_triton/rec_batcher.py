"""Model `rec_batcher`: the lines of a page recognised by calls of `rec` in width buckets (BLS)."""

import asyncio
from typing import Any

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from ocr_contract.errors import InvalidInput
from ocr_contract.options import OCR, RECOGNITION, resolve_shared
from ocr_pipeline.inputs import strip_of_lines
from ocr_pipeline.parameters import read_parameters
from ocr_pipeline.repository import PARAMETERS, REC_SECOND
from ocr_pipeline.stages.buckets import Call, Steps, call_inputs, join_answers, plan_calls
from ocr_pipeline.stages.crops import Strip
from ocr_pipeline.stages.pieces import checked_counts
from ocr_pipeline.stages.second_pass import OPTION, check_second_pass, merge_passes, needs_second_pass, take_lines
from ocr_triton.adapter import Step, Tensors, Visit, given, request_parameters
from ocr_triton.inner import check

RecAnswer = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


class TritonPythonModel(Step):
    """`crops` UINT8 [48,S,3], `widths` [P], `pieces` [N] to `index` INT64 [S], `score` FP32 [S] and `steps` INT64 [P].

    A model set with two recognisers has `rec_second`, which reads again what `rec` is not sure of.
    """

    stages = ("rec", "rec_second")
    has_budget = True

    def load(self) -> None:
        """How the recognisers may be called, and what the model set says of the second."""
        self.parameters = read_parameters(self.directory / PARAMETERS)
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
        characters = self.parameters.rec_characters
        options = resolve_shared(request_parameters(request), (OCR, RECOGNITION), self.parameters.options)
        check_second_pass(options[OPTION], characters is not None)
        counts = None if characters is None else checked(given(request, "pieces"), len(strip.widths))
        with self.clock.stage("rec"):
            steps = await self.recognise(strip, visit)
        if characters is not None and counts is not None:
            steps = await self.second_pass(strip, steps, counts, options[OPTION], characters, visit)
        return {"index": steps.index, "score": steps.score, "steps": steps.steps}

    async def second_pass(
        self,
        strip: Strip,
        first: Steps,
        counts: npt.NDArray[np.int64],
        threshold: float,
        characters: int,
        visit: Visit,
    ) -> Steps:
        """Read again what the first recogniser, which has so many characters, is not sure of."""
        again = needs_second_pass(first, counts, threshold)
        if not again.any():
            return first
        with self.clock.stage("rec_second"):
            second = await self.recognise(take_lines(strip, again), visit, REC_SECOND)
        return merge_passes(first, second, again, characters)

    def plan(self, strip: Strip) -> list[Call]:
        """Which lines are recognised together."""
        return plan_calls(strip.widths, self.lines_per_call, self.pixels_per_call)

    async def recognise(self, strip: Strip, visit: Visit, model: str = "rec") -> Steps:
        """Call a recogniser for all lines, until time is up.

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
                    answer = await infer(*call_inputs(strip, call), model)
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


def checked(counts: npt.NDArray[np.int64], pieces: int) -> npt.NDArray[np.int64]:
    """How many pieces each line has, seen to fit the number of pieces.

    Raises:
        InvalidInput: they do not fit.
    """
    try:
        return checked_counts(counts, pieces)
    except ValueError as error:
        raise InvalidInput(str(error)) from error


async def infer(crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64], model: str) -> RecAnswer:
    """One call of a recogniser: crops (B, 48, W, 3) and widths (B, 1) to index and score, both (B, T)."""
    response = await pb_utils.InferenceRequest(
        model_name=model,
        requested_output_names=["index", "score"],
        inputs=[pb_utils.Tensor("crops", np.ascontiguousarray(crops)), pb_utils.Tensor("widths", widths)],
    ).async_exec()
    check(model, response)
    index, score = (pb_utils.get_output_tensor_by_name(response, name).as_numpy() for name in ("index", "score"))
    return index, score
