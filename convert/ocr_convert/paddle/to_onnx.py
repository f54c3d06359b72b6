"""From a network in a folder to a fused ONNX graph that ONNX Runtime loads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from ocr_convert.errors import ConversionError, in_one_line
from ocr_convert.graphs.db_head import rewrite_db_head
from ocr_convert.graphs.fuse import Normalisation, fuse, usual_normalisation
from ocr_convert.graphs.memory_passes import rewrite_memory_passes
from ocr_convert.paddle.folder import ModelFolder, load_network
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.verify import Reference, onnx_reference, session


@dataclass(frozen=True)
class Converted:
    """A network after paddle2onnx and fusing."""

    folder: ModelFolder
    origin: Mapping[str, Any]  # name, form and SHA-256 of its files, for the reports
    normalisation: Normalisation
    unfused: Path
    fused: Path

    def reference(self, paddle: PaddleProcess) -> tuple[Reference, str]:
        """Return what the fused graph is held against, and what that is called."""
        network, weights = self.folder.network, self.folder.weights
        if weights is None:
            return onnx_reference(self.unfused), "the unfused ONNX"
        return lambda inputs: paddle.predict(network, weights, inputs), "Paddle inference"


def to_fused_onnx(
    folder: ModelFolder,
    origin: Mapping[str, Any],
    workdir: Path,
    paddle: PaddleProcess,
    normalisation: Normalisation | None = None,
) -> Converted:
    """Convert a network and fuse its graph.

    Args:
        folder: the network
        origin: where it comes from, for the reports
        workdir: where the ONNX files are written; made when it is not there
        paddle: the process that runs paddle2onnx
        normalisation: by default what its inference.yml states, else the usual one of its kind

    Raises:
        ConversionError: paddle2onnx failed, or what it wrote cannot be fused or loaded
        ModelFolderError: the network is of another kind, or an ONNX file is not one
    """
    workdir.mkdir(exist_ok=True)
    unfused = folder.network
    if folder.weights is not None:
        unfused = workdir / f"{folder.kind}-unfused.onnx"
        paddle.convert(folder.network, folder.weights, unfused)
    fused = workdir / f"{folder.kind}-fused.onnx"
    normalisation = normalisation or folder.settings.normalisation or usual_normalisation(folder.kind)
    try:
        graph = fuse(load_network(unfused), folder.kind, normalisation, folder.settings.cls)
        if folder.kind == "det":
            graph = rewrite_db_head(graph)
        onnx.save(rewrite_memory_passes(graph), fused)
    except ValueError as error:  # onnx's, of a graph with names, types or sizes that there are not
        raise ConversionError(f"{unfused} is damaged: {in_one_line(error)}") from error
    session(fused)
    return Converted(folder, origin, normalisation, unfused, fused)
