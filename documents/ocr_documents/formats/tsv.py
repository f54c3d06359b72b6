"""Tesseract's table: a row for each page, block, paragraph, line and word."""

from __future__ import annotations

from ocr_documents.blocks import blocks_of
from ocr_documents.document import PageResult
from ocr_documents.formats.format import Format
from ocr_documents.formats.measures import Bounds, bounds
from ocr_documents.texts import one_line
from ocr_documents.words import words_of_lines

COLUMNS = (
    *("level", "page_num", "block_num", "par_num", "line_num", "word_num"),
    *("left", "top", "width", "height", "conf", "text"),
)


class Tsv(Format):
    """Rows as `tesseract FILE OUT tsv` writes them; nothing is quoted or escaped, and no text holds a tab."""

    meaning = "Tesseract's columns, a row for each page, block, paragraph, line and word"
    suffix = ".tsv"
    needs_words = True

    def head(self, name: str, pages: int | None = None) -> str:
        """The columns' names."""
        return "\t".join(COLUMNS) + "\n"

    def page(self, page: PageResult) -> str:
        """The rows of a page."""
        result, words = page.result, words_of_lines(page.result)
        rows = [_row([page.number], (0, 0, page.width_px, page.height_px))]
        for block_number, block in enumerate(blocks_of(result), 1):
            at = [page.number, block_number]
            rows.append(_row(at, bounds(result.boxes[list(block.lines)], page)))
            for paragraph_number, paragraph in enumerate(block.paragraphs, 1):
                rows.append(_row([*at, paragraph_number], bounds(result.boxes[list(paragraph.lines)], page)))
                for line_number, line in enumerate(paragraph.lines, 1):
                    line_at = [*at, paragraph_number, line_number]
                    rows.append(_row(line_at, bounds(result.boxes[line], page)))
                    rows += [
                        _row([*line_at, number], bounds(word.box, page), f"{100 * word.score:.2f}", one_line(word.text))
                        for number, word in enumerate(words[line], 1)
                    ]
        return "".join(rows)


def _row(numbers: list[int], area: Bounds, conf: str = "-1", text: str = "") -> str:
    """A row: `numbers` of page, block, paragraph, line and word, as far down as it goes."""
    left, top, right, bottom = area
    places = [len(numbers), *numbers, *[0] * (5 - len(numbers)), left, top, right - left, bottom - top]
    return "\t".join([*map(str, places), conf, text]) + "\n"
