"""Hold a fused ONNX graph against the network it was made from, on real pictures.

The reference is the Paddle network itself, run by Paddle; for a network that was fetched as ONNX, that ONNX. It gets
pixels that are normalised here, after PaddleOCR's formulas; the fused graph gets the bytes. What goes in and what is
made of the answers is the work of ocr_pipeline for both, as it is for a page that is served.
"""

from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from ocr_contract.errors import TooMuchText
from ocr_contract.options import OCR, resolve
from ocr_contract.result import RecognitionResult
from ocr_convert.comparison import Comparison, compare
from ocr_convert.errors import ConversionError, ModelFolderError, VerificationError, in_one_line
from ocr_convert.graphs.fuse import HALVES, Kind, Normalisation
from ocr_pipeline import page
from ocr_pipeline.clock import NO_CLOCK
from ocr_pipeline.finding import find_boxes, tile_plan
from ocr_pipeline.parameters import Parameters
from ocr_pipeline.stages.buckets import call_inputs, join_answers, plan_calls
from ocr_pipeline.stages.crops import LINE_HEIGHT, Strip
from ocr_pipeline.stages.orientation import PADDED, ClsInput, cls_crops
from ocr_pipeline.stages.pieces import MAX_PIECE_WIDTH
from ocr_pipeline.stages.tiles import cut_tile

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Reference = Callable[[Mapping[str, Floats]], dict[str, Floats]]  # several inputs [N, 3, H, W] to the output of each

PICTURES = ("notes.jpg", "receipt.jpg")  # drawn by samples/draw.py; of the package, so that any install can verify
LINES_PER_CALL = 8
RANGE_TOLERANCE = 1e-3  # how far rounding may carry a probability out of 0..1


def session(path: Path) -> onnxruntime.InferenceSession:
    """Load an ONNX file with the execution provider that every machine has.

    Raises:
        ConversionError: it cannot be loaded
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no base class of their own
        raise ConversionError(f"ONNX Runtime cannot load the converted {path.name}: {in_one_line(error)}") from error


def onnx_reference(path: Path) -> Reference:
    """Return an unfused ONNX network as a reference."""
    unfused = session(path)
    name = unfused.get_inputs()[0].name
    return lambda inputs: {key: _run(unfused, {name: value}, path.name)[0] for key, value in inputs.items()}


def load_pictures() -> dict[str, Pixels]:
    """Return the pictures of the package, each (H, W, 3) uint8 BGR."""
    folder = resources.files("ocr_convert") / "pictures"
    pictures = {}
    for name in PICTURES:
        data = np.frombuffer((folder / name).read_bytes(), np.uint8)
        pictures[name] = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return pictures


def normalise(pixels: Pixels, normalisation: Normalisation = HALVES) -> Floats:
    """PaddleOCR's preparation: (N, H, W, 3) uint8 BGR to (N, 3, H, W) float32, (x / 255 - mean) / std."""
    pixels = pixels[..., ::-1] if normalisation.rgb else pixels
    mean, std = np.array(normalisation.mean, np.float32), np.array(normalisation.std, np.float32)
    scaled = (pixels.astype(np.float32) * np.float32(1 / 255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


def verify_det(
    fused: Path, reference: Reference, compared_with: str, normalisation: Normalisation, parameters: Parameters
) -> tuple[Comparison, list[Strip]]:
    """Compare probability maps, and cut out the lines that the fused graph finds.

    Returns:
        the comparison, and the lines of each picture

    Raises:
        ModelFolderError: the network cannot be run on pictures of every size, answers no probabilities, or finds more
            text than a page may have
        VerificationError: the fused graph finds no line on pictures full of text
    """
    pictures = load_pictures()
    detector = session(fused)
    options = resolve({}, OCR, parameters.options)
    plans = {name: tile_plan(pixels, options) for name, pixels in pictures.items()}
    inputs = {name: cut_tile(pixels, plans[name], plans[name].tiles[0]) for name, pixels in pictures.items()}
    expected = reference({name: normalise(pixels, normalisation) for name, pixels in inputs.items()})
    _require_probabilities("det", expected)
    differences, equal, made_of_them, strips = [], [], [], []
    for name, pixels in pictures.items():
        (prob,) = _run(detector, {"image": inputs[name]})
        should = expected[name][:, 0]
        differences.append(prob - should)
        equal.append((prob > options["text_det_thresh"]) == (should > options["text_det_thresh"]))
        try:
            picture_hw = (pixels.shape[0], pixels.shape[1])
            found = find_boxes(prob[0], picture_hw, options, NO_CLOCK, variant=parameters.db)
            strips.append(page.cut_lines(pixels, found.boxes, NO_CLOCK).strip)
        except TooMuchText as error:
            raise ModelFolderError(f"the det model finds too much text on a picture of some lines: {error}") from error
        made_of_them += [found.boxes, found.box_scores]
    comparison = compare("det", compared_with, differences, equal, made_of_them)
    if comparison.passed and not all(len(strip.widths) for strip in strips):
        raise VerificationError("the converted det model finds no text on a picture full of it, nothing was installed")
    return comparison, strips


def verify_rec(
    fused: Path, reference: Reference, compared_with: str, strips: list[Strip], dictionary: tuple[str, ...]
) -> Comparison:
    """Compare classes and probabilities step by step, and read the texts.

    Args:
        fused: the fused rec graph
        reference: the network it was made from
        compared_with: what the reference is, for the report
        strips: what the detector found on each picture
        dictionary: characters of the classes after the blank

    Raises:
        ModelFolderError: the network cannot be run on lines of every width, or answers no probabilities
    """
    recogniser = session(fused)
    pages = [plan_calls(strip.widths, LINES_PER_CALL, LINES_PER_CALL * MAX_PIECE_WIDTH) for strip in strips]
    inputs = {
        f"{picture}-{number}": call_inputs(strips[picture], call)
        for picture, calls in enumerate(pages)
        for number, call in enumerate(calls)
    }
    expected = reference({name: _pad_after_normalising(*call) for name, call in inputs.items()})
    _require_probabilities("rec", expected)
    differences, equal = [], []
    made_of_them: list[npt.NDArray[Any]] = []
    texts: tuple[str, ...] = ()
    reference_texts: tuple[str, ...] = ()
    for picture, calls in enumerate(pages):
        answers, best = [], []
        for number in range(len(calls)):
            crops, widths = inputs[f"{picture}-{number}"]
            index, score = _run(recogniser, {"crops": crops, "widths": widths})
            answers.append((index, score))
            output = expected[f"{picture}-{number}"]
            best.append((output.argmax(axis=2), output.max(axis=2)))
        steps, should = join_answers(calls, answers), join_answers(calls, best)
        differences.append(steps.score - should.score)
        equal.append(steps.index == should.index)
        pieces = np.ones(len(steps.steps), np.int64)
        read: RecognitionResult = page.decode_lines(steps, pieces, dictionary, NO_CLOCK)
        made_of_them.append(read.scores)
        texts += read.texts
        reference_texts += page.decode_lines(should, pieces, dictionary, NO_CLOCK).texts
    # The longest line that is served: a network may have learnt positions of fewer columns.
    longest = np.zeros((1, LINE_HEIGHT, MAX_PIECE_WIDTH, 3), np.uint8)
    made_of_them += _run(recogniser, {"crops": longest, "widths": np.array([[MAX_PIECE_WIDTH]], np.int64)})
    return compare("rec", compared_with, differences, equal, made_of_them, texts, reference_texts)


def verify_cls(
    fused: Path,
    reference: Reference,
    compared_with: str,
    strips: list[Strip],
    normalisation: Normalisation = HALVES,
    cls_input: ClsInput = PADDED,
) -> Comparison:
    """Compare labels and probabilities of the lines as they are and turned by 180 degrees.

    Raises:
        ModelFolderError: the network cannot be run on several lines, or answers no probabilities
    """
    classifier = session(fused)
    upright = np.concatenate([cls_crops(strip.lines(), cls_input) for strip in strips])
    both = np.concatenate([upright, upright[:, ::-1, ::-1]])
    expected = reference({"lines": normalise(both, normalisation)})
    _require_probabilities("cls", expected)
    label, score = _run(classifier, {"crops": both})
    best, probability = expected["lines"].argmax(axis=1), expected["lines"].max(axis=1)
    return compare("cls", compared_with, [score - probability], [label == best])


def _run(
    network: onnxruntime.InferenceSession, inputs: Mapping[str, npt.NDArray[Any]], name: str = "the converted model"
) -> list[npt.NDArray[Any]]:
    """All outputs of a network, in its order."""
    try:
        return network.run(None, inputs)
    except Exception as error:  # onnxruntime's errors have no base class of their own
        shapes = " and ".join(f"{tensor} {list(value.shape)}" for tensor, value in inputs.items())
        reason = in_one_line(str(error).splitlines()[0])
        raise ModelFolderError(
            f"{name} cannot be run on {shapes}: check that the network was exported with free sizes ({reason})"
        ) from error


def _require_probabilities(kind: Kind, answers: Mapping[str, Floats]) -> None:
    """See that a network ends in its sigmoid or softmax, and that no answer is NaN."""
    low, high = (float(limit([limit(answer) for answer in answers.values()])) for limit in (np.min, np.max))
    if not (low >= -RANGE_TOLERANCE and high <= 1 + RANGE_TOLERANCE):
        raise ModelFolderError(
            f"the {kind} model answers numbers from {low:g} to {high:g}, but probabilities from 0 to 1 are needed: "
            f"export it with its last {'sigmoid' if kind == 'det' else 'softmax'}"
        )


def _pad_after_normalising(crops: Pixels, widths: npt.NDArray[np.int64]) -> Floats:
    """PaddleOCR's resize_norm_img: normalise, then pad with 0 right of each line's width."""
    normalised = normalise(crops)
    for line, width in zip(normalised, widths[:, 0], strict=True):
        line[:, :, int(width) :] = 0
    return normalised
