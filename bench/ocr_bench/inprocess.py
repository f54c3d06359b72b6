"""The pipeline without a server: the functions of python_backends and sessions made from the same config.pbtxt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr_bench.score import Answer
from ocr_bench.subject import Subject, read_config
from ocr_contract.options import DbParameters, DetResize, RecOptions, read_json
from ocr_pipeline.stages.buckets import pad_to_bucket, plan_batches
from ocr_pipeline.stages.crops import crop_lines, crop_threads, from_own_top_left, resize_line, stack_lines
from ocr_pipeline.stages.ctc import ctc_decode, read_dictionary
from ocr_pipeline.stages.db_postprocess import boxes_from_prob
from ocr_pipeline.stages.decode import decode_image
from ocr_pipeline.stages.det_preprocess import resize_for_det
from onnxruntime_backend.session import Session

Tensors = dict[str, npt.NDArray[Any]]
Steps = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]

STAGES = ("decode", "det_resize", "det", "db_postprocess", "crop", "rec_plan", "rec_infer", "ctc_decode")


@dataclass
class Reading:
    """One picture read: the answer, the time of each stage in ns, and the tensors its models were fed."""

    answer: Answer
    stage_ns: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))
    det_input: Tensors = field(default_factory=dict)
    rec_inputs: list[Tensors] = field(default_factory=list)


def load_session(subject: Subject, model: str) -> Session:
    """Make the session that the server would make for `model`."""
    config = subject.config(model)
    path = subject.repository / model / "1" / config.get("default_model_filename", "model.onnx")
    return Session(path, config, subject.device.upper())


@contextmanager
def timed(stage_ns: dict[str, int], stage: str) -> Iterator[None]:
    """Add the time of the body to a stage."""
    started = time.perf_counter_ns()
    try:
        yield
    finally:
        stage_ns[stage] += time.perf_counter_ns() - started


class InProcess:
    """`ocr` in this process, one picture at a time, default options."""

    def __init__(self, subject: Subject) -> None:
        """Load det, rec and what stands beside them.

        Raises:
            ocr_contract.errors.OcrError, onnxruntime_backend.errors.BackendError: as in the server.
        """
        repository = subject.repository
        self.det, self.rec = (load_session(subject, model) for model in ("det", "rec"))
        batcher = read_config(repository / "rec_batcher")["parameters"]
        self.lines_per_call, self.pixels_per_call = (
            int(batcher[key]["string_value"]) for key in ("rec_lines_per_call", "rec_pixels_per_call")
        )
        self._crop_threads = crop_threads()
        self._streams = ThreadPoolExecutor(self.rec.streams)  # as many runs of rec at a time as the server's session
        self.resize = read_json(repository / "det_preprocess" / "1" / "parameters.json", DetResize)
        self.db = read_json(repository / "det_postprocess" / "1" / "parameters.json", DbParameters)
        self.dictionary = read_dictionary(repository / "ctc_decode" / "1" / "dictionary.txt")
        self.options = RecOptions()

    def read(self, data: bytes) -> Reading:
        """Read one picture from the bytes of its file."""
        reading = Reading(Answer.of([], [], []))
        spent = reading.stage_ns
        with timed(spent, "decode"):
            pixels = decode_image(data)
        with timed(spent, "det_resize"):
            reading.det_input = {"image": resize_for_det(pixels, self.resize)}
        with timed(spent, "det"):
            prob = self.det.run(reading.det_input)["prob"]
        with timed(spent, "db_postprocess"):
            found = boxes_from_prob(prob[0], (pixels.shape[0], pixels.shape[1]), self.db)
            boxes = from_own_top_left(found.boxes)
        with timed(spent, "crop"):
            crops, widths = crop_lines(pixels, boxes, self._crop_threads)
        index, score = self.recognise(reading, crops, widths)
        with timed(spent, "ctc_decode"):
            texts, scores = ctc_decode(index, score, self.dictionary)
            keep = np.flatnonzero(scores >= self.options.score_thresh)
            kept = [texts[line] for line in keep]
            reading.answer = Answer.of(boxes[keep].tolist(), kept, scores[keep].tolist())
        return reading

    def recognise(self, reading: Reading, crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64]) -> Steps:
        """Run rec over the lines in width buckets, as rec_batcher does: index and score, both (N, T)."""
        with timed(reading.stage_ns, "rec_plan"):
            batches = plan_batches(widths[:, 0], self.lines_per_call, self.pixels_per_call)
            reading.rec_inputs = [
                {"crops": np.ascontiguousarray(pad_to_bucket(crops, batch)), "widths": widths[batch.lines]}
                for batch in batches
            ]
        with timed(reading.stage_ns, "rec_infer"):
            outputs = list(self._streams.map(self.rec.run, reading.rec_inputs))
            steps = max((output["index"].shape[1] for output in outputs), default=1)
            index = np.zeros((len(crops), steps), np.int64)
            score = np.zeros((len(crops), steps), np.float32)
            for batch, output in zip(batches, outputs, strict=True):
                index[batch.lines, : output["index"].shape[1]] = output["index"]
                score[batch.lines, : output["score"].shape[1]] = output["score"]
        return index, score

    def read_line(self, data: bytes) -> str:
        """Read a picture of one line without looking for it, as text_recognition does."""
        crops, widths = stack_lines([resize_line(decode_image(data))])
        index, score = self.recognise(Reading(Answer.of([], [], [])), crops, widths)
        return ctc_decode(index, score, self.dictionary)[0][0]

    def models_ns(self, reading: Reading) -> tuple[int, int]:
        """Time det and rec alone, in ns, on the tensors of a picture already read."""
        started = time.perf_counter_ns()
        self.det.run(reading.det_input)
        between = time.perf_counter_ns()
        list(self._streams.map(self.rec.run, reading.rec_inputs))
        return between - started, time.perf_counter_ns() - between
