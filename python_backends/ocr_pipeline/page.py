"""From the boxes of a picture's lines to a page of text.

docs/how-it-works.md tells which functions make a page, and in which order. Networks are run by whoever composes one:
Triton's steps (ocr_triton) call models of the server, LocalOcr (ocr_predictor) runs sessions. Reading order is the last
thing that is done to a page: until then its lines stand in no particular order.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidInput
from ocr_contract.options import Options
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_pipeline.clock import Clock
from ocr_pipeline.finding import Classifier, Pixels, open_picture
from ocr_pipeline.stages.buckets import Steps
from ocr_pipeline.stages.crops import Strip, crop_lines, join_lines, resize_line
from ocr_pipeline.stages.ctc import ctc_decode
from ocr_pipeline.stages.orientation import CLS_BATCH, PADDED, ClsInput, cls_crops, turn_boxes, turn_lines, upside_down
from ocr_pipeline.stages.pieces import join_pieces
from ocr_pipeline.stages.reading_order import reading_order
from ocr_pipeline.stages.scripts import in_reading_order
from ocr_pipeline.stages.words import NO_WORDS, Words, words_of_lines

NO_CLS = (
    "use_textline_orientation and use_doc_orientation_classify need a model set with cls; the installed one has none"
)


@dataclass(frozen=True)
class Lines:
    """Text lines, as the recogniser is given them.

    Attributes:
        boxes: (N, 4, 2) float32, pixels (x, y) of the picture that the line is in, clockwise from the text's own
            top-left corner.
        strip: the same lines, cut out.
    """

    boxes: npt.NDArray[np.float32]
    strip: Strip

    def __post_init__(self) -> None:
        if len(self.boxes) != len(self.strip.widths):
            raise ValueError(f"{len(self.boxes)} boxes do not fit {len(self.strip.widths)} lines")


def cut_lines(pixels: Pixels, boxes: npt.NDArray[np.float32], clock: Clock, threads: Executor | None = None) -> Lines:
    """Cut the lines with these boxes (N, 4, 2) out of their picture (H, W, 3) uint8.

    Raises:
        TooMuchText: they are more than there is memory for.
    """
    with clock.stage("crop"):
        return Lines(boxes, crop_lines(pixels, boxes, threads))


def open_lines(
    pictures: Sequence[bytes | npt.NDArray[Any]], clock: Clock, *, max_images: int, max_pixels: int, max_bytes: int
) -> Lines:
    """Pictures of one line each: a line fills its picture. A bad one fails the request and is named by its number.

    Raises:
        InvalidInput: there are more than `max_images`, or one of them is not a picture or is too large.
        TooMuchText: they are more than there is memory for.
    """
    if len(pictures) > max_images:
        raise InvalidInput(
            f"{len(pictures)} images in one request, the limit is {max_images}; "
            "send them in several, or raise max_images in the config.pbtxt of rec_preprocess"
        )
    boxes, lines = np.empty((len(pictures), 4, 2), np.float32), []
    for number, picture in enumerate(pictures):
        try:
            pixels = open_picture(picture, clock, max_pixels=max_pixels, max_bytes=max_bytes)
        except InvalidInput as error:
            raise type(error)(f"images[{number}]: {error}") from error
        height, width = pixels.shape[:2]
        boxes[number] = (0, 0), (width, 0), (width, height), (0, height)
        lines.append(resize_line(pixels))
    return Lines(boxes, join_lines(lines))


def upright_lines(
    lines: Lines, classify: Classifier, options: Options, clock: Clock, takes: ClsInput = PADDED
) -> Lines:
    """The lines; with `use_textline_orientation` those that stand upside down are turned. See `find_turned`."""
    if not options["use_textline_orientation"]:
        return lines
    return turn_upright(lines, find_turned(lines.strip, classify, clock, takes))


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
    return Lines(turn_boxes(lines.boxes, turned), turn_lines(lines.strip, turned))


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
    words = _words(answer, found.boxes, widths, pieces, order, dictionary, options, clock, right_to_left)
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


def read_lines(
    answer: Steps,
    boxes: npt.NDArray[np.float32],
    widths: npt.NDArray[np.int64],
    pieces: npt.NDArray[np.int64],
    dictionary: tuple[str, ...],
    options: Options,
    clock: Clock,
    *,
    right_to_left: bool = False,
) -> RecognitionResult:
    """The answer of `text_recognition`: every line in the order of the request, and its words where they are asked for.

    Args:
        answer: the recogniser's.
        boxes: (N, 4, 2) float32, of the lines in their own pictures.
        widths: (P,) int64, pixels of the lines' pieces in their strip.
        pieces: (N,) int64, how many pieces each line has.
        dictionary: the recogniser's characters.
        options: of the request.
        clock: times the stages.
        right_to_left: whether the recogniser is for a script that is written so.

    Raises:
        InvalidModel: recogniser and dictionary do not belong together.
    """
    read = decode_lines(answer, pieces, dictionary, clock, right_to_left=right_to_left)
    every = np.arange(len(read))
    words = _words(answer, boxes, widths, pieces, every, dictionary, options, clock, right_to_left)
    return replace(read, words=words.texts, word_boxes=words.boxes, word_scores=words.scores, word_lines=words.lines)


def decode_lines(
    answer: Steps,
    pieces: npt.NDArray[np.int64],
    dictionary: tuple[str, ...],
    clock: Clock,
    *,
    right_to_left: bool = False,
) -> RecognitionResult:
    """The texts of all lines, without their words.

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
        lines = join_pieces(answer, pieces)
        texts, scores = ctc_decode(lines.index, lines.score, lines.steps, dictionary)
        if right_to_left:
            texts = [in_reading_order(text) for text in texts]
        return RecognitionResult(tuple(texts), scores)


def _words(
    answer: Steps,
    boxes: npt.NDArray[np.float32],
    widths: npt.NDArray[np.int64],
    pieces: npt.NDArray[np.int64],
    lines: npt.NDArray[np.intp],
    dictionary: tuple[str, ...],
    options: Options,
    clock: Clock,
    right_to_left: bool,
) -> Words:
    """The words of some lines, where they are asked for; see `words_of_lines`."""
    if not options["return_word_box"]:
        return NO_WORDS
    with clock.stage("words"):
        return words_of_lines(answer, widths, pieces, boxes, lines, dictionary, right_to_left)
