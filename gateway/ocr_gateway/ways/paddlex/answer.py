"""What PaddleX answers for a page, and for a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ocr_contract.options import DEFAULTS, Value
from ocr_contract.result import OcrResult
from ocr_gateway.reading import Kind
from ocr_gateway.ways.paddlex.quads import Boxes, Indices, Quads, Size, directions, extents, order, turned, whole

_DET_PARAMS = {
    "limit_side_len": "text_det_limit_side_len",
    "limit_type": "text_det_limit_type",
    "thresh": "text_det_thresh",
    "max_side_limit": "text_det_max_side_limit",
    "box_thresh": "text_det_box_thresh",
    "unclip_ratio": "text_det_unclip_ratio",
}


@dataclass(frozen=True)
class Wanted:
    """What a request wants of each page.

    Attributes:
        given: options that it sets.
        known: options of which it is known what they are, `given` among them.
    """

    given: Mapping[str, Value]
    known: Mapping[str, Value]

    def asks(self, name: str) -> bool:
        """Whether the request asks for what a flag of the options gives; what it does not say is not asked for."""
        return self.given.get(name) is True

    @property
    def score_thresh(self) -> float:
        """Lines of a lower score have a box and no text."""
        return float(self.known.get("text_rec_score_thresh", DEFAULTS["text_rec_score_thresh"]))

    @property
    def reading(self) -> dict[str, Value]:
        """Options for the reader, which is to give every line that it finds."""
        return {**self.given, "text_rec_score_thresh": 0.0}


@dataclass(frozen=True)
class ReadPage:
    """A page that was read, in pixels of the page as it stands upright, its lines in PaddleX's order.

    Attributes:
        size: width and height.
        quarters: by how many it was turned counter-clockwise to stand so.
        quads: (N, 4, 2) of all lines.
        directions: (N,) of their texts.
        kept: (K,) indices of those whose score is high enough.
        result: all lines, whose boxes begin at their text's own top-left corners.
        words: for each of N lines the indices of its words.
    """

    size: Size
    quarters: int
    quads: Quads
    directions: Indices
    kept: Indices
    result: OcrResult
    words: Sequence[Indices]

    @classmethod
    def of(cls, result: OcrResult, size: Size, quarters: int, score_thresh: float) -> ReadPage:
        """Make it of what was read of a page as it was sent.

        Args:
            result: every line.
            size: width and height of the page as it was sent.
            quarters: by how many the page is to be turned counter-clockwise to stand upright.
            score_thresh: of the lines that are kept.
        """
        boxes, word_boxes = (turned(of, quarters, size) for of in (result.boxes, result.word_boxes))
        upright = size if quarters % 2 == 0 else (size[1], size[0])
        quads = whole(boxes, upright)
        ranked = order(quads)
        lines = np.split(np.arange(len(result.words)), np.searchsorted(result.word_lines, np.arange(1, len(result))))
        return cls(
            upright,
            quarters,
            quads[ranked],
            directions(boxes[ranked]),
            np.flatnonzero(result.scores[ranked] >= score_thresh),
            replace(
                result,
                boxes=boxes[ranked],
                texts=tuple(result.texts[line] for line in ranked),
                scores=result.scores[ranked],
                box_scores=result.box_scores[ranked],
                word_boxes=word_boxes,
            ),
            [lines[line] for line in ranked],
        )

    @property
    def kept_texts(self) -> list[str]:
        """Texts of the kept lines."""
        return [self.result.texts[line] for line in self.kept]

    @property
    def kept_boxes(self) -> Boxes:
        """(K, 4, 2) of the kept lines, begun at their text's own top-left corners."""
        return self.result.boxes[self.kept]


def pruned_result(page: ReadPage, wanted: Wanted) -> dict[str, Any]:
    """Return `prunedResult`, in PaddleX's order of fields."""
    turns, turns_lines = wanted.asks("use_doc_orientation_classify"), wanted.asks("use_textline_orientation")
    shown: dict[str, Any] = {"model_settings": {"use_doc_preprocessor": turns, "use_textline_orientation": turns_lines}}
    if turns:
        settings = {"use_doc_orientation_classify": True, "use_doc_unwarping": False}
        shown["doc_preprocessor_res"] = {"model_settings": settings, "angle": 90 * page.quarters}
    shown["dt_polys"] = page.quads.tolist()
    shown["text_det_params"] = {
        name: wanted.known[option] for name, option in _DET_PARAMS.items() if option in wanted.known
    }
    shown["text_type"] = "general"
    if len(page.quads):
        # Boxes begin at their text's top-left corner: what runs to the left, or up, was found upside down.
        angles = (page.directions >= 2).astype(int) if turns_lines else np.full(len(page.quads), -1)
        shown["textline_orientation_angles"] = angles.tolist()
    kept = page.quads[page.kept]
    shown |= {
        "text_rec_score_thresh": wanted.score_thresh,
        "return_word_box": wanted.asks("return_word_box"),
        "rec_texts": page.kept_texts,
        "rec_scores": page.result.scores[page.kept].tolist(),
        "rec_polys": kept.tolist(),
        "rec_boxes": extents(kept).tolist(),
    }
    if wanted.asks("return_word_box"):
        boxes = extents(whole(page.result.word_boxes, page.size)).tolist()
        words = [page.words[line].tolist() for line in page.kept]
        shown["text_word_boxes"] = [[boxes[word] for word in line] for line in words]
        shown["text_word"] = [[page.result.words[word] for word in line] for line in words]
    return shown


def data_info(kind: Kind, sizes: Sequence[Size]) -> dict[str, Any]:
    """Return `dataInfo` of a document whose pages have these widths and heights, as they were sent."""
    pages = [{"width": width, "height": height} for width, height in sizes]
    if kind == "picture" or (kind == "tiff" and len(pages) == 1):
        return {**pages[0], "type": "image"}
    return {"numPages": len(pages), "pages": pages, "type": kind}
