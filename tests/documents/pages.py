"""Pages made by hand, whose blocks, paragraphs and headings are known."""

import numpy as np

from ocr_contract.result import OcrResult
from ocr_documents.document import PageResult

WIDTH, HEIGHT = 1000, 1400  # pixels of a page
SIZE, PITCH = 20, 26  # pixels: height of a line, and from one line to the next


def box(left, top, width, height=SIZE):
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


def result(*lines, words=()):
    """Lines as (text, box), words as (text, box, line)."""
    return OcrResult(
        boxes=np.array([quad for _, quad in lines], np.float32).reshape(-1, 4, 2),
        texts=tuple(text for text, _ in lines),
        scores=np.full(len(lines), 0.9),
        box_scores=np.full(len(lines), 0.8),
        words=tuple(text for text, _, _ in words),
        word_boxes=np.array([quad for _, quad, _ in words], np.float32).reshape(-1, 4, 2),
        word_scores=np.full(len(words), 0.75),
        word_lines=[line for _, _, line in words],
    )


def page(*lines, words=(), number=1, dpi=200.0, origin="ocr"):
    return PageResult(number, WIDTH, HEIGHT, dpi, origin, result(*lines, words=words))


def turned(lines, degrees):
    """Lines turned clockwise about the middle of the page."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([WIDTH, HEIGHT]) / 2
    return [(text, ((np.array(quad, np.float64) - middle) @ matrix + middle).tolist()) for text, quad in lines]


def prose(left, top, width, text, size=SIZE):
    """A text broken into lines of at most a width, as a typesetter does it: half a height for a character."""
    lines, line = [], ""
    for word in text.split():
        if line and (len(line) + 1 + len(word)) * size / 2 > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    pitch = PITCH * size / SIZE
    return [
        (line, box(left, top + number * pitch, len(line) * size / 2, size))
        for number, line in enumerate([*lines, line])
    ]


def written(form, *pages, name="scan.pdf"):
    """A whole file in a format."""
    writer = form()
    return writer.head(name, len(pages)) + "".join(map(writer.page, pages)) + writer.tail()
