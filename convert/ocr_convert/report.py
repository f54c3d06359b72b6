"""What is installed with a model set: its files, a report for each network, and the summary."""

import json
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from ocr_contract.options import DEFAULTS
from ocr_convert.paddle.dictionary import BLANKS
from ocr_convert.prepare import Preparation
from ocr_convert.roles import Role
from ocr_pipeline.parameters import DET_OPTIONS, Parameters
from ocr_pipeline.repository import CLASSES, DICTIONARY, PARAMETERS, SECOND_DICTIONARY, WEIGHTS
from ocr_pipeline.stages.ctc import join_dictionary
from ocr_pipeline.stages.orientation import PADDED
from ocr_pipeline.stages.second_pass import OPTION as SECOND_PASS
from onnxruntime_backend.precision import REPORT

RECOGNISERS: tuple[Role, ...] = ("rec", "rec_second")


def summary_of(name: str, ready: Preparation) -> dict[str, Any]:
    """What model_set.json says, without the hashes of the files."""
    return {
        "name": name,
        **{
            key: BLANKS + len(ready.characters[role])
            for key, role in zip(CLASSES, RECOGNISERS, strict=True)
            if role in ready.characters
        },
        "networks": {role: dict(network.origin) for role, network in ready.networks.items()},
        "versions": {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, **ready.versions},
    }


def files_of(name: str, ready: Preparation) -> dict[str, Path | str]:
    """The files of a set as `install` takes them: "<model>/<name>" to the file or its text."""
    summary = summary_of(name, ready)
    files: dict[str, Path | str] = {}
    for role, network in ready.networks.items():
        verification = ready.comparisons[role].as_json()
        auto = {"auto_precision": ready.auto_precision} if ready.auto_precision != "bf16" else {}
        report = {**network.origin, **auto, "versions": summary["versions"], "verification": verification}
        files[f"{role}/{WEIGHTS}"] = network.fused
        files[f"{role}/{REPORT}"] = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    for role, file in zip(RECOGNISERS, (DICTIONARY, SECOND_DICTIONARY), strict=True):
        if role in ready.characters:
            files[f"ctc_decode/{file}"] = join_dictionary(ready.characters[role])
    chosen = {**DEFAULTS, **ready.parameters.options}
    values = {option: chosen[option] for option in DET_OPTIONS}
    cls = ready.networks["cls"].folder.settings.cls if "cls" in ready.networks else PADDED
    files[f"det_batcher/{PARAMETERS}"] = Parameters(values, ready.parameters.db, cls=cls).to_json()
    files[f"rec_preprocess/{PARAMETERS}"] = Parameters(cls=cls).to_json()
    files[f"ctc_decode/{PARAMETERS}"] = Parameters(right_to_left=ready.parameters.right_to_left).to_json()
    second = Parameters()
    if "rec_second" in ready.characters:
        second = Parameters({SECOND_PASS: chosen[SECOND_PASS]}, rec_characters=len(ready.characters["rec"]))
    files[f"rec_batcher/{PARAMETERS}"] = second.to_json()
    return files
