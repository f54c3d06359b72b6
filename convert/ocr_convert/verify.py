"""Hold a fused ONNX graph against the network it was made from, on real pictures.

The reference is the Paddle network itself, run by Paddle; for a network that was fetched as ONNX, that ONNX. It gets
pixels that are normalised here, after PaddleOCR's formulas; the fused graph gets the bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from ocr_contract.options import DbParameters, DetResize
from ocr_convert.errors import ConversionError, VerificationError
from ocr_convert.graphs.fuse import HALVES, Kind, Normalisation
from ocr_pipeline.stages.buckets import pad_to_bucket, plan_batches
from ocr_pipeline.stages.crops import MAX_LINE_WIDTH, crop_lines, from_own_top_left
from ocr_pipeline.stages.ctc import ctc_decode
from ocr_pipeline.stages.db_postprocess import boxes_from_prob
from ocr_pipeline.stages.det_preprocess import resize_for_det
from ocr_pipeline.stages.orientation import cls_crops

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Reference = Callable[[Mapping[str, Floats]], dict[str, Floats]]  # several inputs [N, 3, H, W] to the output of each

PICTURES = ("notes.jpg", "receipt.jpg")  # drawn by samples/draw.py; of the package, so that any install can verify
PROB_TOLERANCE = 1e-3  # largest difference of the probability map; converted graphs differ by some 1e-5
SCORE_TOLERANCE = 1e-3  # largest difference of a probability of rec or cls
EQUAL_STEPS_SHARE = 0.999  # of rec's steps, and of cls's lines
MAX_BATCH = 8


@dataclass(frozen=True)
class Comparison:
    """How a fused graph compares to its reference."""

    kind: Kind
    compared_with: str
    largest_difference: float  # of probabilities, 0..1
    difference_tolerance: float
    compared: int  # det: pixels; rec: time steps; cls: lines
    equal_share: float  # det: pixels on the same side of thresh; rec: steps, cls: lines of the same class
    equal_share_tolerance: float
    texts: tuple[str, ...] = ()  # rec: what the fused graph reads
    reference_texts: tuple[str, ...] = ()  # rec: what the reference reads

    @property
    def passed(self) -> bool:
        """Whether the differences are within the tolerances."""
        return self.largest_difference <= self.difference_tolerance and self.equal_share >= self.equal_share_tolerance

    def describe(self) -> str:
        """Return the figures in one line."""
        what = {"det": "pixels on the same side of the threshold", "rec": "equal argmax steps", "cls": "equal labels"}
        map_or_score = "probability map" if self.kind == "det" else "score"
        return (
            f"{self.kind}: largest difference of the {map_or_score} {self.largest_difference:.1e} "
            f"(tolerance {self.difference_tolerance:.0e}), {what[self.kind]} {self.equal_share:.4%} of {self.compared} "
            f"(at least {self.equal_share_tolerance:.1%}), against {self.compared_with}"
        )

    def require(self) -> None:
        """See that the differences are within the tolerances.

        Raises:
            VerificationError: they are not
        """
        if not self.passed:
            raise VerificationError(f"the converted model differs too much, nothing was installed: {self.describe()}")

    def as_json(self) -> dict[str, Any]:
        """Return the figures for report.json."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True)
class Lines:
    """The text lines of the pictures: crops (N, 48, Wmax, 3) uint8 and widths (N, 1) int64 of each picture."""

    pictures: tuple[tuple[Pixels, npt.NDArray[np.int64]], ...]


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
        raise ConversionError(f"ONNX Runtime cannot load the converted {path.name}: {error}") from error


def onnx_reference(path: Path) -> Reference:
    """Return an unfused ONNX network as a reference."""
    unfused = session(path)
    name = unfused.get_inputs()[0].name
    return lambda inputs: {key: unfused.run(None, {name: value})[0] for key, value in inputs.items()}


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
    mean, std = np.array(normalisation.mean, np.float32), np.array(normalisation.std, np.float32)
    scaled = (pixels.astype(np.float32) * np.float32(1 / 255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


def verify_det(
    fused: Path,
    reference: Reference,
    compared_with: str,
    normalisation: Normalisation,
    resize: DetResize,
    db: DbParameters,
) -> tuple[Comparison, Lines]:
    """Compare probability maps, and cut out the lines that the fused graph finds.

    Raises:
        VerificationError: the fused graph finds no line on pictures full of text
    """
    pictures = load_pictures()
    detector = session(fused)
    inputs = {name: resize_for_det(pixels, resize) for name, pixels in pictures.items()}
    expected = reference({name: normalise(pixels, normalisation) for name, pixels in inputs.items()})
    difference, equal, total, lines = 0.0, 0, 0, []
    for name, pixels in pictures.items():
        prob = detector.run(["prob"], {"image": inputs[name]})[0]
        should = expected[name][:, 0]
        difference = max(difference, float(np.abs(prob - should).max()))
        equal += int(((prob > db.thresh) == (should > db.thresh)).sum())
        total += prob.size
        found = boxes_from_prob(prob[0], (pixels.shape[0], pixels.shape[1]), db)
        lines.append(crop_lines(pixels, from_own_top_left(found.boxes)))
    if any(len(widths) == 0 for _, widths in lines):
        raise VerificationError("the converted det model finds no text on a picture full of it, nothing was installed")
    comparison = Comparison("det", compared_with, difference, PROB_TOLERANCE, total, equal / total, EQUAL_STEPS_SHARE)
    return comparison, Lines(tuple(lines))


def verify_rec(
    fused: Path, reference: Reference, compared_with: str, lines: Lines, dictionary: tuple[str, ...]
) -> Comparison:
    """Compare classes and probabilities step by step, and read the texts.

    Args:
        fused: the fused rec graph
        reference: the network it was made from
        compared_with: what the reference is, for the report
        lines: what the detector found
        dictionary: characters of the classes after the blank
    """
    recogniser = session(fused)
    batches: dict[str, tuple[Pixels, npt.NDArray[np.int64]]] = {}
    order: list[tuple[int, int]] = []  # (picture, line) of every row of every batch
    for picture, (crops, widths) in enumerate(lines.pictures):
        for number, batch in enumerate(plan_batches(widths[:, 0], MAX_BATCH, MAX_BATCH * MAX_LINE_WIDTH)):
            batches[f"{picture}-{number}"] = (pad_to_bucket(crops, batch), widths[batch.lines])
            order += [(picture, line) for line in batch.lines.tolist()]
    expected = reference({name: _pad_after_normalising(*batch) for name, batch in batches.items()})
    difference, equal, total = 0.0, 0, 0
    texts: list[str] = []
    reference_texts: list[str] = []
    for name, (crops, widths) in batches.items():
        index, score = recogniser.run(["index", "score"], {"crops": crops, "widths": widths})
        best, probability = expected[name].argmax(axis=2), expected[name].max(axis=2)
        difference = max(difference, float(np.abs(score - probability).max()))
        equal += int((index == best).sum())
        total += index.size
        texts += ctc_decode(index, score, dictionary)[0]
        reference_texts += ctc_decode(best, probability, dictionary)[0]
    as_on_page = sorted(range(len(order)), key=order.__getitem__)
    return Comparison(
        "rec",
        compared_with,
        difference,
        SCORE_TOLERANCE,
        total,
        equal / total,
        EQUAL_STEPS_SHARE,
        tuple(texts[row] for row in as_on_page),
        tuple(reference_texts[row] for row in as_on_page),
    )


def verify_cls(fused: Path, reference: Reference, compared_with: str, lines: Lines) -> Comparison:
    """Compare labels and probabilities of the lines as they are and turned by 180 degrees."""
    classifier = session(fused)
    difference, equal, total = 0.0, 0, 0
    for crops, widths in lines.pictures:
        upright = cls_crops(crops, widths[:, 0])
        both = np.concatenate([upright, upright[:, ::-1, ::-1]])
        label, score = classifier.run(["label", "score"], {"crops": both})
        expected = reference({"lines": normalise(both)})["lines"]
        difference = max(difference, float(np.abs(score - expected.max(axis=1)).max()))
        equal += int((label == expected.argmax(axis=1)).sum())
        total += len(both)
    return Comparison("cls", compared_with, difference, SCORE_TOLERANCE, total, equal / total, EQUAL_STEPS_SHARE)


def _pad_after_normalising(crops: Pixels, widths: npt.NDArray[np.int64]) -> Floats:
    """PaddleOCR's resize_norm_img: normalise, then pad with 0 right of each line's width."""
    normalised = normalise(crops)
    for line, width in zip(normalised, widths[:, 0], strict=True):
        line[:, :, int(width) :] = 0
    return normalised
