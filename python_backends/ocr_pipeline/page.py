"""From a picture to a page of text: how the stages make one.

    open_picture -> probability_map [det] -> find_boxes -> cut_lines -> find_turned [cls], turn_upright
        -> cut_long_lines [rec] -> finish

Lines are turned only where a request asks for it; turn_lines is that of stages.orientation. What stands in brackets are
networks, which are run by whoever composes a page: Triton's steps (ocr_triton) call models of the server, LocalOcr
(ocr_predictor) runs sessions. Reading order is the last thing that is done to a page: until then its lines stand in no
particular order.
`ocr_pipeline.upright` does the part up to the boxes, and turns the page first where that is asked for.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidInput
from ocr_contract.options import Options
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import Strip, crop_lines, from_own_top_left, join_lines, resize_line
from ocr_pipeline.stages.ctc import ctc_decode
from ocr_pipeline.stages.db_postprocess import MAX_LINES, PLAIN_DB, DbVariant, ProbabilityMap, boxes_from_prob
from ocr_pipeline.stages.decode import decode_image, pixels_of_array
from ocr_pipeline.stages.orientation import CLS_BATCH, PADDED, ClsInput, cls_crops, turn_boxes, turn_lines, upside_down
from ocr_pipeline.stages.pieces import join_texts
from ocr_pipeline.stages.reading_order import reading_order
from ocr_pipeline.stages.scripts import in_reading_order
from ocr_pipeline.stages.tiles import TilePlan, cut_tile, join_tile, plan_tiles
from ocr_pipeline.stages.words import NO_WORDS, words_of_lines

# The stages whose time is told, in their order; those of networks are timed by who runs them.
STAGES = ("decode", "det_resize", "det", "db_postprocess", "crop", "cls", "rec", "ctc_decode", "words")

NO_CLS = (
    "use_textline_orientation and use_doc_orientation_classify need a model set with cls; the installed one has none"
)

Pixels = npt.NDArray[np.uint8]
# (1, h, w, 3) uint8 to (1, h, w) float32, 0..1; sides are multiples of 32
Detector = Callable[[Pixels], npt.NDArray[np.float32]]
# (B, height, width, 3) uint8 to labels (B,) int64 and scores (B,) float32
Classifier = Callable[[Pixels], tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]


class Clock(Protocol):
    """Tells how long stages take."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Time the body as a stage of that name."""
        ...


class _NoClock:
    def stage(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


NO_CLOCK: Clock = _NoClock()  # for whoever does not ask how long stages take


@dataclass(frozen=True)
class Lines:
    """The text lines of a picture.

    Attributes:
        found: boxes and their scores; each box begins at the text's own top-left corner.
        strip: the same lines, cut out.
    """

    found: DetectionResult
    strip: Strip

    def __post_init__(self) -> None:
        if len(self.found) != len(self.strip.widths):
            raise ValueError(f"{len(self.found)} boxes do not fit {len(self.strip.widths)} lines")


def open_picture(
    picture: bytes | npt.NDArray[Any], clock: Clock, *, max_pixels: int, max_bytes: int, page: int = 0
) -> Pixels:
    """(H, W, 3) uint8, BGR, of an encoded picture, its base64 text, or an array as `Picture` describes it.

    `page` says which picture of a file of several; see `decode_image`.

    Raises:
        InvalidImage: it is not a picture, or not a whole one.
        ImageTooLarge: it has more pixels or bytes than these limits allow.
    """
    with clock.stage("decode"):
        if isinstance(picture, np.ndarray):
            return pixels_of_array(picture, max_pixels)
        return decode_image(picture, max_pixels, max_bytes, page)


def tile_plan(pixels: Pixels, options: Options) -> TilePlan:
    """How a picture (H, W, 3) is given to the detector."""
    return plan_tiles(
        pixels.shape[0],
        pixels.shape[1],
        limit_side_len=options["text_det_limit_side_len"],
        limit_type=options["text_det_limit_type"],
        max_side_limit=options["text_det_max_side_limit"],
    )


def probability_map(pixels: Pixels, detect: Detector, options: Options, clock: Clock) -> ProbabilityMap:
    """The detector's answer to a picture (H, W, 3) uint8: (h, w) float32, 0..1, or, of several tiles, uint8, 0..255."""
    plan = tile_plan(pixels, options)
    whole = np.empty(plan.scaled_hw if len(plan.tiles) > 1 else (0, 0), np.uint8)
    for tile in plan.tiles:
        with clock.stage("det_resize"):
            det_image = cut_tile(pixels, plan, tile)
        with clock.stage("det"):
            prob = detect(det_image)[0]
        if len(plan.tiles) == 1:
            return prob
        join_tile(whole, tile, prob)
    return whole


def find_boxes(
    prob: ProbabilityMap,
    picture_hw: tuple[int, int],
    options: Options,
    clock: Clock,
    *,
    variant: DbVariant = PLAIN_DB,
    max_lines: int = MAX_LINES,
) -> DetectionResult:
    """The text lines of a picture, each begun at the text's own top-left corner.

    Args:
        prob: the detector's answer, as `probability_map` gives it.
        picture_hw: height and width of the picture in pixels.
        options: of the request.
        clock: times the stage.
        variant: the kind of post-processing that the model set states.
        max_lines: a picture with more is refused.

    Raises:
        TooMuchText: there are more lines.
    """
    with clock.stage("db_postprocess"):
        found = boxes_from_prob(
            prob,
            picture_hw,
            thresh=options["text_det_thresh"],
            box_thresh=options["text_det_box_thresh"],
            unclip_ratio=options["text_det_unclip_ratio"],
            variant=variant,
            max_lines=max_lines,
        )
        return replace(found, boxes=from_own_top_left(found.boxes))


def cut_lines(pixels: Pixels, found: DetectionResult, clock: Clock, threads: Executor | None = None) -> Lines:
    """Cut the lines out of their picture (H, W, 3) uint8.

    Raises:
        TooMuchText: they are more than there is memory for.
    """
    with clock.stage("crop"):
        return Lines(found, crop_lines(pixels, found.boxes, threads))


def open_lines(
    pictures: Sequence[bytes | npt.NDArray[Any]], clock: Clock, *, max_images: int, max_pixels: int, max_bytes: int
) -> Strip:
    """Pictures of one line each as a strip; a bad one fails the request and is named by its number.

    Raises:
        InvalidInput: there are more than `max_images`, or one of them is not a picture or is too large.
        TooMuchText: they are more than there is memory for.
    """
    if len(pictures) > max_images:
        raise InvalidInput(
            f"{len(pictures)} images in one request, the limit is {max_images}; "
            "send them in several, or raise max_images in the config.pbtxt of rec_preprocess"
        )
    lines = []
    for number, picture in enumerate(pictures):
        try:
            lines.append(resize_line(open_picture(picture, clock, max_pixels=max_pixels, max_bytes=max_bytes)))
        except InvalidInput as error:
            raise type(error)(f"images[{number}]: {error}") from error
    return join_lines(lines)


def find_turned(strip: Strip, classify: Classifier, clock: Clock, takes: ClsInput = PADDED) -> npt.NDArray[np.bool_]:
    """(N,) bool: which lines stand upside down.

    `classify` is given at most CLS_BATCH lines at a time, as it `takes` them.
    """
    with clock.stage("cls"):
        lines = strip.lines()
        batches = [cls_crops(lines[at : at + CLS_BATCH], takes) for at in range(0, len(lines), CLS_BATCH)]
        parts = [upside_down(*classify(batch)) for batch in batches]
        return np.concatenate([np.zeros(0, np.bool_), *parts])


def turn_upright(lines: Lines, turned: npt.NDArray[np.bool_]) -> Lines:
    """The lines with those of `turned`, (N,) bool, the right way up."""
    boxes = turn_boxes(lines.found.boxes, turned)
    return Lines(replace(lines.found, boxes=boxes), turn_lines(lines.strip, turned))


def in_order(found: DetectionResult, options: Options) -> DetectionResult:
    """The page of `text_detection`: boxes in reading order."""
    order = reading_order(found.boxes, options["text_reading_order"])
    return DetectionResult(found.boxes[order], found.box_scores[order])


def finish(
    answer: Steps,
    found: DetectionResult,
    widths: npt.NDArray[np.int64],
    pieces: npt.NDArray[np.int64],
    dictionary: tuple[str, ...],
    options: Options,
    clock: Clock,
    *,
    right_to_left: bool = False,
) -> OcrResult:
    """The page of `ocr`: texts, without the lines that were read with too little confidence, in reading order.

    Args:
        answer: the recogniser's.
        found: boxes of the same lines.
        widths: (P,) int64, pixels of the lines' pieces in their strip.
        pieces: (N,) int64, how many pieces each line has.
        dictionary: the recogniser's characters.
        options: of the request.
        clock: times the stage.
        right_to_left: whether the recogniser is for a script that is written so.

    Raises:
        InvalidModel: recogniser and dictionary do not belong together.
    """
    read = decode_lines(answer, pieces, dictionary, clock, right_to_left=right_to_left)
    kept = np.flatnonzero(read.scores >= options["text_rec_score_thresh"])
    order = kept[reading_order(found.boxes[kept], options["text_reading_order"])]
    words = NO_WORDS
    if options["return_word_box"]:
        with clock.stage("words"):
            words = words_of_lines(answer, widths, pieces, found.boxes, order, dictionary, right_to_left)
    return OcrResult(
        found.boxes[order],
        tuple(read.texts[line] for line in order),
        read.scores[order],
        found.box_scores[order],
        words.texts,
        words.boxes,
        words.scores,
        words.lines,
    )


def decode_lines(
    answer: Steps,
    pieces: npt.NDArray[np.int64],
    dictionary: tuple[str, ...],
    clock: Clock,
    *,
    right_to_left: bool = False,
) -> RecognitionResult:
    """The answer of `text_recognition`: every line, in the order of the request.

    Args:
        answer: the recogniser's, to the pieces of N lines.
        pieces: (N,) int64, how many pieces each line has.
        dictionary: the recogniser's characters.
        clock: times the stage.
        right_to_left: whether the recogniser is for a script that is written so.

    Raises:
        InvalidModel: recogniser and dictionary do not belong together.
    """
    with clock.stage("ctc_decode"):
        texts, scores = ctc_decode(answer.index, answer.score, answer.steps, dictionary)
        texts, scores = join_texts(texts, scores, pieces)
        if right_to_left:
            texts = [in_reading_order(text) for text in texts]
        return RecognitionResult(tuple(texts), scores)
