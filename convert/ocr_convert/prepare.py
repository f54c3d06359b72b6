"""Networks made ready for installing: converted, fused, and held against what they were made from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocr_convert.comparison import Comparison
from ocr_convert.graphs.ends import class_count
from ocr_convert.graphs.fuse import Normalisation
from ocr_convert.paddle.dictionary import SPACE, class_characters
from ocr_convert.paddle.folder import ModelFolder, find_dictionary, load_network
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.paddle.to_onnx import Converted, to_fused_onnx
from ocr_convert.progress import Reporter
from ocr_convert.roles import Role
from ocr_convert.verify import verify_cls, verify_det, verify_rec
from ocr_pipeline.parameters import Parameters
from ocr_pipeline.stages.crops import Strip

STEPS = 2  # of one network: convert, verify


class Preparation:
    """Makes the networks of one model set ready, det first: the others are tried on the lines that it finds.

    Attributes:
        networks: those that are ready, by what they do in the set.
        comparisons: how each compares to what it was made from.
        parameters: of the set.
        characters: of each recogniser's classes after the blank.
        versions: of paddlepaddle and paddle2onnx where they were used.
        auto_precision: "f32" or "bf16", what --precision auto takes at most.
    """

    def __init__(self, workdir: Path, paddle: PaddleProcess, reporter: Reporter) -> None:
        self.networks: dict[Role, Converted] = {}
        self.comparisons: dict[Role, Comparison] = {}
        self.parameters: Parameters
        self.characters: dict[Role, tuple[str, ...]] = {}
        self.versions: dict[str, str] = {}
        self.auto_precision = "bf16"
        self._workdir = workdir
        self._paddle = paddle
        self._reporter = reporter
        self._strips: list[Strip] = []  # of each picture

    def add_det(
        self,
        folder: ModelFolder,
        origin: Mapping[str, Any],
        parameters: Parameters,
        normalisation: Normalisation | None = None,
    ) -> None:
        """Make det ready.

        Args:
            folder: the network.
            origin: where it comes from, for the reports.
            parameters: of the pages that it is tried on, and will read.
            normalisation: by default what its inference.yml states, else ImageNet's.

        Raises:
            ConversionError: it cannot be converted.
            ModelFolderError: it is not one that is served.
            VerificationError: the converted graph answers something else.
        """
        det = self._convert("det", folder, origin, normalisation)
        with self._reporter.step(f"verify {origin['name']}"):
            reference, compared_with = det.reference(self._paddle)
            comparison, strips = verify_det(det.fused, reference, compared_with, det.normalisation, parameters)
            self._accept("det", det, comparison)
        self.parameters, self._strips = parameters, strips

    def add_rec(
        self, folder: ModelFolder, origin: Mapping[str, Any], dictionary: Path | None = None, role: Role = "rec"
    ) -> None:
        """Make rec, or rec_second, ready. Raises what `add_det` raises; `dictionary` is for a folder that has none."""
        rec = self._convert(role, folder, origin)
        characters = class_characters(find_dictionary(folder, dictionary), class_count(load_network(rec.unfused)))
        if SPACE not in characters:
            self._reporter.note(f"the {role} model has no class for the space (use_space_char): it reads none")
        with self._reporter.step(f"verify {origin['name']}"):
            reference, compared_with = rec.reference(self._paddle)
            self._accept(role, rec, verify_rec(rec.fused, reference, compared_with, self._strips, characters))
        self.characters[role] = characters

    def add_cls(self, folder: ModelFolder, origin: Mapping[str, Any]) -> None:
        """Make cls ready. Raises what `add_det` raises."""
        cls = self._convert("cls", folder, origin)
        with self._reporter.step(f"verify {origin['name']}"):
            reference, compared_with = cls.reference(self._paddle)
            comparison = verify_cls(
                cls.fused, reference, compared_with, self._strips, cls.normalisation, folder.settings.cls
            )
            self._accept("cls", cls, comparison)

    def _convert(
        self, role: Role, folder: ModelFolder, origin: Mapping[str, Any], normalisation: Normalisation | None = None
    ) -> Converted:
        with self._reporter.step(f"convert {origin['name']}"):
            return to_fused_onnx(folder, origin, self._workdir / role, self._paddle, normalisation)

    def _accept(self, role: Role, network: Converted, comparison: Comparison) -> None:
        self._reporter.note(comparison.describe())
        if comparison.texts:
            self._reporter.note("reads: " + " | ".join(comparison.texts))
        if comparison.texts != comparison.reference_texts:
            self._reporter.note("the reference reads: " + " | ".join(comparison.reference_texts))
        comparison.require()
        if network.folder.form == "paddle" and not self.versions:
            self.versions = self._paddle.versions()
        self.networks[role] = network
        self.comparisons[role] = comparison
