"""The lines of a picture, which is turned upright before they are read where that is asked for.

find_upright: probability_map [det] -> find_boxes (-> which_turn [cls] -> turn_page -> both of them again)
Upright.as_sent: the lines, in pixels of the picture as it was sent
"""

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ocr_contract.options import Options
from ocr_contract.result import DetectionResult
from ocr_pipeline.clock import Clock
from ocr_pipeline.finding import Classifier, Detector, Pixels, find_boxes, probability_map
from ocr_pipeline.parameters import Parameters
from ocr_pipeline.stages.crops import crop_lines
from ocr_pipeline.stages.db_postprocess import MAX_LINES
from ocr_pipeline.stages.doc_orientation import (
    Turn,
    both_ways,
    lengths,
    page_turn,
    telling_lines,
    turn_back,
    turn_page,
    turned_squares,
    votes,
)
from ocr_pipeline.stages.orientation import PADDED, ClsInput, cls_crops


@dataclass(frozen=True)
class Upright:
    """A picture as it is read, and the lines found in it.

    Attributes:
        pixels: (H, W, 3) uint8, upright.
        found: the lines, in pixels of the upright picture; each box begins at the text's own top-left corner.
        turn: what has made it upright.
    """

    pixels: Pixels
    found: DetectionResult
    turn: Turn = Turn.NONE

    def as_sent(self, boxes: npt.NDArray[np.float32]) -> DetectionResult:
        """The lines found, whose `boxes` (N, 4, 2) are given, in pixels of the picture as it was sent."""
        if self.turn == Turn.NONE:
            return replace(self.found, boxes=boxes)
        height, width = self.pixels.shape[:2]
        sent_hw = (height, width) if self.turn == Turn.HALF else (width, height)
        return replace(self.found, boxes=turn_back(boxes, self.turn, sent_hw))


def find_upright(
    pixels: Pixels,
    detect: Detector,
    classify: Classifier,
    options: Options,
    clock: Clock,
    *,
    parameters: Parameters,
    max_lines: int = MAX_LINES,
    threads: Executor | None = None,
) -> Upright:
    """The lines of a picture (H, W, 3) uint8; with `use_doc_orientation_classify` it is turned upright before.

    Args:
        pixels: the picture as it was sent.
        detect: runs det.
        classify: runs cls; may raise InvalidOption where there is none.
        options: of the request.
        clock: times the stages.
        parameters: of the model set.
        max_lines: a picture with more is refused.
        threads: share the work of cutting lines out.

    Raises:
        TooMuchText: there are more lines.
    """

    def find(picture: Pixels) -> DetectionResult:
        prob = probability_map(picture, detect, options, clock)
        picture_hw = picture.shape[0], picture.shape[1]
        return find_boxes(prob, picture_hw, options, clock, variant=parameters.db, max_lines=max_lines)

    found = find(pixels)
    if not options["use_doc_orientation_classify"]:
        return Upright(pixels, found)
    turn = which_turn(pixels, found.boxes, classify, clock, parameters.cls, threads)
    if turn == Turn.NONE:
        return Upright(pixels, found)
    upright = turn_page(pixels, turn)
    return Upright(upright, find(upright), turn)


def which_turn(
    pixels: Pixels,
    boxes: npt.NDArray[np.float32],
    classify: Classifier,
    clock: Clock,
    takes: ClsInput = PADDED,
    threads: Executor | None = None,
) -> Turn:
    """What makes a picture (H, W, 3) with lines (N, 4, 2) upright; `classify` is asked of some of them."""
    asked = boxes[telling_lines(boxes)]
    if not len(asked):
        return Turn.NONE
    with clock.stage("crop"):
        lines = crop_lines(pixels, asked, threads).lines()

    def vote(shown: list[Pixels], weights: npt.ArrayLike) -> float:
        return float(np.average(votes(*classify(cls_crops(both_ways(shown), takes))), weights=weights))

    with clock.stage("cls"):
        squares = turned_squares(lines)
        return page_turn(asked, vote(lines, lengths(asked)), vote(squares, [shown.shape[1] for shown in squares]))
