"""An OCR package behind a JSON-lines protocol: one picture's path in, its boxes, texts and scores out.

Runs in the peer's own environment, so it imports nothing but the standard library and that peer. With the option
`recognize` a picture is a single line, which is not looked for: the answer has no boxes.

    BOX is [[x, y] * 4]; without words that list is empty.

    in   {"path": "page.jpg"}                                one picture
         {}                                                  end
    out  {"ready": NAME, "versions": {...}, "load_ms": ms}   once, when the models are loaded
         {"boxes": [BOX * N], "texts": [N], "scores": [N], "words": [N lists of [WORD, BOX]], "ms": ms}
         {"error": "..."}                                    for that picture alone
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """Boxes (N, 4, 2) in pixels or none, texts (N), scores (N); words of each line and their boxes, if asked for."""

    boxes: list[Any]
    texts: list[str]
    scores: list[float]
    words: list[list[tuple[str, Any]]] = []  # noqa: RUF012 - never changed


Reader = Callable[[str], Answer]

# Packages that decide the result.
OBSERVED = (
    *("rapidocr-onnxruntime", "rapidocr-openvino", "rapidocr", "rapidocrlite", "faster-paddle", "paddleocr"),
    "triton-paddleocr",
    *("paddlepaddle", "onnxruntime", "onnxruntime-openvino", "onnxruntime-gpu", "openvino"),
    *("opencv-python", "opencv-python-headless", "numpy"),
)


def from_tuples(lines: Any) -> Answer:
    """Split the list of (box, text, score) that RapidOCR 1 answers with; None means no text."""
    lines = lines or []
    return Answer([line[0] for line in lines], [line[1] for line in lines], [float(line[2]) for line in lines])


def from_pairs(lines: Any) -> Answer:
    """Split a list of (text, score) of lines that were not looked for; None means no text."""
    lines = lines or []
    return Answer([], [line[0] for line in lines], [float(line[1]) for line in lines])


def split(options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The package's own options, and whether a picture is a single line."""
    own = dict(options)
    return own, bool(own.pop("recognize", False))


def rapidocr_1(package: str, options: dict[str, Any]) -> Reader:
    """RapidOCR 1.4 on ONNX Runtime or OpenVINO with the PP-OCRv4 models of its wheel."""
    own, alone = split(options)
    engine = importlib.import_module(package).RapidOCR()
    if alone:
        return lambda path: from_pairs(engine(path, use_det=False, **own)[0])
    return lambda path: from_tuples(engine(path, **own)[0])


def rapidocr(options: dict[str, Any]) -> Reader:
    """RapidOCR 3 on ONNX Runtime, or RapidOCRLite, which has the same module and calls and computes by itself.

    Options with a dot in their names are of the engine (`Det.model_path`), the others of each call. Without paths the
    models are those of the wheel.
    """
    own, alone = split(options)
    of_engine = {key: own.pop(key) for key in list(own) if "." in key}
    engine = importlib.import_module("rapidocr").RapidOCR(params=of_engine)
    wants_words = own.get("return_word_box", False)

    def read(path: str) -> Answer:
        if alone:
            line = engine(path, use_det=False, **own)
            return from_pairs(line.txts and list(zip(line.txts, line.scores, strict=True)))
        page = engine(path, **own)
        if page.boxes is None:
            return Answer([], [], [])
        words = [[(word, box) for word, _, box in line] for line in page.word_results] if wants_words else []
        return Answer(page.boxes.tolist(), list(page.txts), [float(score) for score in page.scores], words)

    return read


def faster_paddle(options: dict[str, Any]) -> Reader:
    """FasterPaddle: ONNX Runtime behind Rust, with the networks of its wheel. Boxes are upright rectangles."""
    engine = importlib.import_module("faster_paddle").OcrEngine(**options)

    def read(path: str) -> Answer:
        lines = engine.ocr(Path(path).read_bytes())["bounds"].values()
        sides = [(*line["topLeftCoord"], *line["bottomRightCoord"]) for line in lines]
        boxes = [[[left, top], [right, top], [right, bottom], [left, bottom]] for left, top, right, bottom in sides]
        return Answer(boxes, [line["text"] for line in lines], [line["confidence"] for line in lines])

    return read


def paddleocr(options: dict[str, Any]) -> Reader:
    """PaddleOCR 2 on Paddle inference with the model folders named in `options`."""
    own, alone = split(options)
    engine = importlib.import_module("paddleocr").PaddleOCR(**own)

    def read(path: str) -> Answer:
        lines = engine.ocr(path, det=not alone, cls=bool(own.get("use_angle_cls")))[0] or []
        if alone:
            return from_pairs(lines)
        return from_tuples([(box, text, score) for box, (text, score) in lines])

    return read


def local(options: dict[str, Any]) -> Reader:
    """This project's LocalOcr, without a server."""
    own, alone = split(options)
    wants_words = own.pop("return_word_box", False)
    reader = importlib.import_module("ocr_predictor").LocalOcr(**own)

    def read(path: str) -> Answer:
        if alone:
            line = reader.recognize([path])
            return Answer([], list(line.texts), line.scores.tolist())
        page = reader.ocr(path, return_word_box=wants_words)
        words: list[list[tuple[str, Any]]] = [[] for _ in page.texts]
        for word, box, line in zip(page.words, page.word_boxes.tolist(), page.word_lines.tolist(), strict=True):
            words[line].append((word, box))
        return Answer(page.boxes.tolist(), list(page.texts), page.scores.tolist(), words)

    return read


READERS: dict[str, Callable[[dict[str, Any]], Reader]] = {
    "rapidocr-onnxruntime": partial(rapidocr_1, "rapidocr_onnxruntime"),
    "rapidocr-openvino": partial(rapidocr_1, "rapidocr_openvino"),
    "rapidocr": rapidocr,
    "rapidocrlite": rapidocr,
    "faster-paddle": faster_paddle,
    "paddleocr": paddleocr,
    "local": local,
}


def versions() -> dict[str, str]:
    """Name the installed ones of OBSERVED."""
    installed = {package.metadata["Name"]: package.version for package in importlib.metadata.distributions()}
    return {name: installed[name] for name in OBSERVED if name in installed}


def command(python: str, name: str, options: Mapping[str, object]) -> list[str]:
    """The command line of this process; `python` is that of the package's environment."""
    return [python, "-I", __file__, name, json.dumps(options)]


def corners(box: Any) -> list[list[float]]:
    """A box's corners as JSON has them."""
    return [[float(x), float(y)] for x, y in box]


def serve(name: str, make: Callable[[], Reader]) -> None:
    """Answer requests from stdin until an empty object or the end of the stream.

    Peers print to stdout as they like: the protocol keeps a copy of the descriptor, and theirs goes to stderr.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message, ensure_ascii=False) + "\n")
        answers.flush()

    started = time.perf_counter()
    read = make()
    send({"ready": name, "versions": versions(), "load_ms": 1000 * (time.perf_counter() - started)})
    for line in sys.stdin:
        request = json.loads(line)
        if not request:
            break
        started = time.perf_counter()
        try:
            answer = Answer(*read(request["path"]))
        except Exception as error:
            send({"error": f"{type(error).__name__}: {error}"})
            continue
        elapsed_ms = 1000 * (time.perf_counter() - started)
        words = [[(word, corners(box)) for word, box in line] for line in answer.words]
        boxes = [corners(box) for box in answer.boxes]
        send({"boxes": boxes, "texts": answer.texts, "scores": answer.scores, "words": words, "ms": elapsed_ms})


if __name__ == "__main__":
    serve(sys.argv[1], lambda: READERS[sys.argv[1]](json.loads(sys.argv[2])))
