"""Which predicted box stands for which labelled one: the ICDAR 2015 protocol, and the text scores that rest on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ocr_bench.labels import Line, Polygon
from ocr_bench.metrics import Score, area, folded, intersection_area, iou, normalised_distance, outline

IOU_AT_LEAST = 0.5  # ICDAR 2015, task 4.1
IGNORED_SHARE = 0.5  # a box with more than half of its area on a do-not-care region is left out


@dataclass(frozen=True)
class Matching:
    """The outcome of one page.

    pairs: (index of the labelled line, index of the predicted box), each index at most once.
    labelled: indices of the labelled lines that count. predicted: indices of the predicted boxes that count.
    """

    pairs: tuple[tuple[int, int], ...]
    labelled: tuple[int, ...]
    predicted: tuple[int, ...]

    @property
    def score(self) -> Score:
        """Detection precision, recall and hmean of this page."""
        return Score(len(self.pairs), len(self.predicted), len(self.labelled))


def match_boxes(boxes: Sequence[Polygon], lines: Sequence[Line]) -> Matching:
    """Pair predicted boxes with labelled lines as the ICDAR 2015 evaluation does.

    A box with more than half of its own area on one do-not-care region is left out. Each line that counts then takes,
    in order, the first free box with an IoU above 0.5.

    Args:
        boxes: N polygons (K, 2) float32 in pixels.
        lines: labelled lines, do-not-care ones among them.
    """
    ignored = [line.polygon for line in lines if not line.care]
    predicted = [index for index, box in enumerate(boxes) if not lies_on(box, ignored)]
    labelled = [index for index, line in enumerate(lines) if line.care]
    free = list(predicted)
    pairs = []
    for index in labelled:
        for candidate in free:
            if iou(lines[index].polygon, boxes[candidate]) > IOU_AT_LEAST:
                pairs.append((index, candidate))
                free.remove(candidate)
                break
    return Matching(tuple(pairs), tuple(labelled), tuple(predicted))


def lies_on(box: Polygon, regions: Sequence[Polygon]) -> bool:
    """Tell whether more than half of the box lies on one of the regions."""
    own = area(outline(box))
    return own > 0 and any(intersection_area(box, region) / own > IGNORED_SHARE for region in regions)


def distance_score(matching: Matching, texts: Sequence[str], lines: Sequence[Line]) -> Score:
    """Sum 1 - normalised edit distance over one page, letters and digits only, case folded.

    Following the end-to-end measure of ICDAR 2017 RCTW and 2019 LSVT: a pair gives its similarity, and a line or a box
    without a partner gives 0, so `hits / predicted` (= precision) is "1 - N.E.D.".
    """
    hits = sum(1 - normalised_distance(folded(texts[box]), folded(lines[line].text)) for line, box in matching.pairs)
    entries = len(matching.labelled) + len(matching.predicted) - len(matching.pairs)
    return Score(hits, entries, entries)


def word_distance_score(predicted: str, labelled: str) -> Score:
    """Give 1 - normalised edit distance of a picture that holds one line."""
    return Score(1 - normalised_distance(folded(predicted), folded(labelled)), 1, 1)
