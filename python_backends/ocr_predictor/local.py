"""LocalOcr: the answers of the server, given by this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ocr_contract.errors import OcrError
from ocr_contract.options import (
    DEFAULTS,
    DETECTION,
    OCR,
    RECOGNITION,
    TASKS,
    Options,
    Value,
    given_options,
    resolve,
)
from ocr_contract.reader import Picture, check_pictures, picture_content
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_pipeline import page
from ocr_pipeline.finding import open_picture
from ocr_pipeline.repository import ModelRepository, characters, number
from ocr_pipeline.stages.crops import crop_threads
from ocr_pipeline.stages.pieces import cut_long_lines
from ocr_pipeline.upright import Upright, find_upright
from ocr_pipeline.whole import check_installed
from ocr_predictor.networks import Networks
from ocr_predictor.timing import StageTimes
from onnxruntime_backend.precision import REPORT, Precision, arithmetic, auto_of, check_precision
from onnxruntime_backend.settings import Device

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class LocalOcr:
    """Reads pictures with the models of a repository, in this process: a `Reader` like OcrClient, and no server.

    The same pictures, options and limits give the same answers as the server's. It may be used from several threads,
    and as a context manager.

    Attributes:
        model_set: what is installed in the repository.
        networks: the loaded networks.
        precision: what det and rec compute in: "f32" or "bf16"; each by name where config.pbtxt has them differ.
    """

    def __init__(
        self,
        model_repository: str | os.PathLike[str] = "model_repository",
        *,
        device: str = "cpu",
        precision: str = Precision.AUTO.value,
    ) -> None:
        """Load the models.

        Args:
            model_repository: a folder into which ocr-convert has installed a model set.
            device: "cpu" or "gpu".
            precision: arithmetic of the networks on a CPU, "f32", "bf16", or "auto": what config.pbtxt says, else BF16
                where the processor has it in hardware, else float32.

        Raises:
            InvalidModel: what is installed is not whole, damaged, or does not fit together.
            BackendError: another device or precision, or this machine or this onnxruntime does not have it or what
                config.pbtxt asks for, or the weights cannot be loaded. All of these are an OcrError.
        """
        where, asked = Device(device), Precision(precision)
        check_precision(asked, where)
        repository = ModelRepository(Path(model_repository))
        self.model_set = check_installed(repository)
        self.networks = Networks(repository, where, asked)
        of_set = auto_of(repository.file("rec", REPORT))
        self.precision = arithmetic(repository.reading_networks(), asked, where, of_set)
        self._parameters = repository.parameters()
        self._dictionary = characters(repository.dictionaries())
        picture, lines = (repository.config(model) for model in ("det_batcher", "rec_preprocess"))
        self._picture_limits = {name: number(picture, name) for name in ("max_pixels", "max_bytes")}
        self._line_limits = {name: number(lines, name) for name in ("max_images", "max_pixels", "max_bytes")}
        self._max_lines = number(picture, "max_lines")
        self._crop_threads = crop_threads()
        self._idle = threading.Condition()
        self._under_way = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def defaults(self) -> Mapping[str, Value]:
        """What every option is where a request does not set it."""
        return {**DEFAULTS, **self._parameters.options}

    def close(self) -> None:
        """Wait for the pictures under way and end the threads. A closed reader reads no more."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: not self._under_way)
        self.networks.close()
        self._crop_threads.shutdown()

    def is_ready(self, endpoint: str = OCR) -> bool:
        """Tell whether pictures can be read: true until it is closed."""
        return endpoint in TASKS and not self._closed

    def ocr(self, image: Picture, **options: Unpack[Options]) -> OcrResult:
        """Read the text of a picture.

        Args:
            image: a path, the bytes of an image file or their base64 text, or an array as `Picture` describes it.
            **options: see `Options`; what is not given is the model set's.

        Raises:
            InvalidInput: not a picture, one above a limit, or a wrong option.
        """
        return self.ocr_timed(image, StageTimes(), **options)

    def ocr_timed(self, image: Picture, times: StageTimes, **options: Unpack[Options]) -> OcrResult:
        """`ocr`, with the time of every stage added to `times`."""
        with self._reading(options, OCR) as resolved:
            upright = self._find(image, resolved, times)
            lines = self._cut(upright, resolved, times)
            strip, pieces = cut_long_lines(lines.strip)
            steps = self.networks.recognise(strip, pieces, resolved["text_rec_second_pass_thresh"], times)
            return page.finish(
                steps,
                upright.as_sent(lines.boxes),
                strip.widths,
                pieces,
                self._dictionary,
                resolved,
                times,
                right_to_left=self._parameters.right_to_left,
            )

    def detect(self, image: Picture, **options: Unpack[Options]) -> DetectionResult:
        """Find the text lines of a picture without reading them; see `ocr`."""
        with self._reading(options, DETECTION) as resolved:
            times = StageTimes()
            upright = self._find(image, resolved, times)
            boxes = upright.found.boxes
            if resolved["use_textline_orientation"]:
                boxes = self._cut(upright, resolved, times).boxes
            return page.in_order(upright.as_sent(boxes), resolved)

    def recognize(self, images: Sequence[Picture], **options: Unpack[Options]) -> RecognitionResult:
        """Read pictures of one text line each; see `ocr`. Every line keeps its place, however little is sure."""
        with self._reading(options, RECOGNITION) as resolved:
            times = StageTimes()
            pictures = [picture_content(image) for image in check_pictures(images)]
            lines = self._turn(page.open_lines(pictures, times, **self._line_limits), resolved, times)
            strip, pieces = cut_long_lines(lines.strip)
            return page.read_lines(
                self.networks.recognise(strip, pieces, resolved["text_rec_second_pass_thresh"], times),
                lines.boxes,
                strip.widths,
                pieces,
                self._dictionary,
                resolved,
                times,
                right_to_left=self._parameters.right_to_left,
            )

    @contextmanager
    def _reading(self, options: Options, endpoint: str) -> Iterator[Options]:
        """The options of a request that is read while the body runs; `close` waits for it."""
        with self._idle:
            if self._closed:
                raise OcrError("this reader is closed: make another one")
            self._under_way += 1
        try:
            yield resolve(given_options(options), endpoint, self._parameters.options)
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def _find(self, image: Picture, options: Options, times: StageTimes) -> Upright:
        return find_upright(
            open_picture(picture_content(image), times, **self._picture_limits, page=options["page"]),
            self.networks.detect,
            self.networks.classify,
            options,
            times,
            parameters=self._parameters,
            max_lines=self._max_lines,
            threads=self._crop_threads,
        )

    def _cut(self, upright: Upright, options: Options, times: StageTimes) -> page.Lines:
        lines = page.cut_lines(upright.pixels, upright.found.boxes, times, self._crop_threads)
        return self._turn(lines, options, times)

    def _turn(self, lines: page.Lines, options: Options, times: StageTimes) -> page.Lines:
        return page.upright_lines(lines, self.networks.classify, options, times, self._parameters.cls)
