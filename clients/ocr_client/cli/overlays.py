"""Pictures to look at: one for each page, drawn by the thread that has its pixels."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from ocr_client.cli.sources import SourceWork
from ocr_client.drawing.fonts import FontOfSize
from ocr_client.drawing.overlay import NO_BOXES, draw_overlay, save_overlay
from ocr_client.errors import OcrClientError
from ocr_contract.result import DetectionResult, FloatArray, RecognitionResult
from ocr_documents.document import Page, PageResult


class Overlays:
    """A folder of overlays.

    Args:
        folder: where they go.
        font: that they are lettered in.
        names: of the documents' outputs, without suffix. A page of a document takes none of them.
    """

    def __init__(self, folder: Path, font: FontOfSize, names: Collection[PurePath]) -> None:
        self._folder, self._font, self._names = folder, font, names

    def draw(self, work: SourceWork, page: Page, result: PageResult[Any]) -> None:
        """Draw a page. Where that fails, the result stands all the same; the work notes why."""
        name, lines = self._name(work, page.number), result.result
        is_read = not isinstance(lines, DetectionResult)
        try:
            drawn = draw_overlay(
                page.picture,
                _whole(result) if isinstance(lines, RecognitionResult) else lines.boxes,
                lines.texts if is_read else None,
                self._font,
                word_boxes=lines.word_boxes if is_read else NO_BOXES,
                word_lines=lines.word_lines if is_read else (),
                page=work.picture_of(page),
            )
            save_overlay(self._folder / name.with_name(f"{name.name}.jpg"), drawn)
        except OcrClientError as error:
            work.overlay_failures[page.number] = error

    def _name(self, work: SourceWork, number: int) -> PurePath:
        output = work.source.output
        if work.count == 1 and number == 1:
            return output
        wanted = choice = output.with_name(f"{output.name}#{number}")
        again = 1
        while choice in self._names:
            again += 1
            choice = wanted.with_name(f"{wanted.name}-{again}")
        return choice


def _whole(page: PageResult[Any]) -> FloatArray:
    """(1, 4, 2) float32: the box of a line that fills its page."""
    right, bottom = page.width_px, page.height_px
    return np.array([[[0, 0], [right, 0], [right, bottom], [0, bottom]]], np.float32)
