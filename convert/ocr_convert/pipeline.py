"""From sources or folders to an installed model set: fetch, convert, fuse, verify, install."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from ocr_contract.options import DEFAULTS
from ocr_convert.comparison import Comparison
from ocr_convert.errors import ConversionError, ConvertError, ModelFolderError, SourceError
from ocr_convert.graphs.ends import class_count
from ocr_convert.graphs.fuse import Kind
from ocr_convert.install import check_repository, install
from ocr_convert.paddle.dictionary import SPACE, class_characters
from ocr_convert.paddle.folder import ModelFolder, find_dictionary, load_network, read_model_folder
from ocr_convert.paddle.inference_yml import SIZE_OPTIONS, THRESHOLDS
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.paddle.to_onnx import Converted, to_fused_onnx
from ocr_convert.progress import Reporter
from ocr_convert.sources.fetch import Fetcher, check_sha256
from ocr_convert.sources.model_sets import Network, find_model_set
from ocr_convert.verify import verify_cls, verify_det, verify_rec
from ocr_pipeline.repository import PARAMETERS, Parameters
from ocr_pipeline.stages.ctc import join_dictionary
from ocr_pipeline.stages.db_postprocess import PLAIN_DB

NEEDED_MODELS = ("det", "rec", "ctc_decode", "det_preprocess", "det_postprocess")


def convert_model_set(
    name: str,
    repository: Path,
    *,
    reporter: Reporter | None = None,
    allow_unpinned: bool = False,
    sets_file: Path | None = None,
) -> dict[str, Any]:
    """Fetch, convert, verify and install a model set of the list.

    Args:
        name: of the model set
        repository: the model repository
        reporter: where steps and figures are written
        allow_unpinned: also use sources whose bytes are not pinned by a SHA-256
        sets_file: another list of model sets than the package's own

    Returns:
        what was installed, as in model_set.json

    Raises:
        ConvertError: it failed; the repository is as it was
    """
    reporter = reporter or Reporter()
    model_set = find_model_set(name, sets_file)
    check_repository(repository, [*NEEDED_MODELS, *(network.kind for network in model_set.networks)])
    with (
        tempfile.TemporaryDirectory(prefix="ocr-convert-") as folder,
        PaddleProcess(Path(folder)) as paddle,
        reporter.work(steps=3 * len(model_set.networks) + 1),
    ):
        workdir = Path(folder)
        fetcher = Fetcher(workdir, reporter, allow_unpinned=allow_unpinned)
        converted = {
            network.kind: _fetch_and_convert(network, fetcher, workdir, paddle, reporter)
            for network in model_set.networks
        }
        # What the list states was measured, and must not depend on which source answered.
        thresholds = {
            option: value
            for option, value in converted["det"].folder.settings.options.items()
            if option in THRESHOLDS.values() and not model_set.options
        }
        parameters = Parameters({**thresholds, **model_set.options}, PLAIN_DB)
        return _finish(name, converted, parameters, None, repository, paddle, reporter)


def convert_folders(
    folders: Mapping[Kind, Path],
    repository: Path,
    *,
    name: str = "custom",
    dictionary: Path | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Convert, verify and install the user's own models.

    Args:
        folders: a PaddleOCR inference folder for det and for rec, and one for cls if wanted
        repository: the model repository
        name: what the installed set is called
        dictionary: of rec, where its folder has none
        reporter: where steps and figures are written

    Returns:
        what was installed, as in model_set.json

    Raises:
        ConvertError: it failed; the repository is as it was
    """
    reporter = reporter or Reporter()
    check_repository(repository, [*NEEDED_MODELS, *folders])
    found = {kind: read_model_folder(path, kind) for kind, path in folders.items()}
    with (
        tempfile.TemporaryDirectory(prefix="ocr-convert-") as workdir,
        PaddleProcess(Path(workdir)) as paddle,
        reporter.work(steps=2 * len(found) + 1),
    ):
        converted = {}
        for kind, folder in found.items():
            for note in folder.settings.notes:
                reporter.note(note)
            origin = _origin_of(folder)
            with reporter.step(f"convert {origin['name']}"):
                converted[kind] = to_fused_onnx(folder, origin, Path(workdir), paddle)
        settings = found["det"].settings
        parameters = Parameters(settings.options, settings.db)
        return _finish(name, converted, parameters, dictionary, repository, paddle, reporter)


def _origin_of(folder: ModelFolder) -> dict[str, Any]:
    files = [path for path in (folder.network, folder.weights) if path is not None]
    return {
        "name": folder.settings.name or folder.network.parent.resolve().name,
        "form": folder.form,
        "sha256": {path.name: check_sha256(path, None) for path in files},
    }


def _fetch_and_convert(
    network: Network, fetcher: Fetcher, workdir: Path, paddle: PaddleProcess, reporter: Reporter
) -> Converted:
    """Convert the network from the first source that can be fetched and converted."""
    failure: ConvertError | None = None
    sources = iter(network.sources)
    while True:
        try:
            with reporter.step(f"fetch {network.name}"):
                files = fetcher.fetch(network, sources)
                reporter.note(f"from {files.source.address} ({files.source.form})")
        except SourceError as error:
            raise failure or error from error
        origin = {
            "name": network.name,
            "form": files.source.form,
            "source": files.source.address,
            "sha256": files.sha256,
        }
        try:
            with reporter.step(f"convert {network.name}"):
                return to_fused_onnx(
                    read_model_folder(files.folder, network.kind), origin, workdir, paddle, network.normalisation
                )
        except (ConversionError, ModelFolderError) as error:
            failure = error
            reason = str(error).splitlines()[0]
            reporter.note(f"{network.name}: passing over {files.source.address}: {reason}")


def _finish(
    name: str,
    converted: Mapping[Kind, Converted],
    parameters: Parameters,
    given_dictionary: Path | None,
    repository: Path,
    paddle: PaddleProcess,
    reporter: Reporter,
) -> dict[str, Any]:
    """Verify the converted networks and install them."""
    rec = converted["rec"]
    characters = find_dictionary(rec.folder, given_dictionary)
    classes = class_count(load_network(rec.unfused))
    dictionary = class_characters(characters, classes)
    if SPACE not in dictionary:
        reporter.note("the rec model has no class for the space (use_space_char): it reads none")
    comparisons = _verify(converted, parameters, dictionary, paddle, reporter)
    versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    if any(network.folder.form == "paddle" for network in converted.values()):
        versions |= paddle.versions()
    networks = {kind: dict(network.origin) for kind, network in converted.items()}
    files: dict[str, Path | str] = {f"{kind}/model.onnx": network.fused for kind, network in converted.items()}
    for kind, comparison in comparisons.items():
        report = {**networks[kind], "versions": versions, "verification": comparison.as_json()}
        files[f"{kind}/report.json"] = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    files["ctc_decode/dictionary.txt"] = join_dictionary(dictionary)
    for model, options, variant in (
        ("det_preprocess", SIZE_OPTIONS, PLAIN_DB),
        ("det_postprocess", tuple(THRESHOLDS.values()), parameters.db),
    ):
        values = {option: parameters.options.get(option, DEFAULTS[option]) for option in options}
        files[f"{model}/{PARAMETERS}"] = Parameters(values, variant).to_json()
    summary = {"name": name, "classes": classes, "networks": networks, "versions": versions}
    with reporter.step(f"install {name} into {repository}"):
        return install(repository, files, summary)


def _verify(
    converted: Mapping[Kind, Converted],
    parameters: Parameters,
    dictionary: tuple[str, ...],
    paddle: PaddleProcess,
    reporter: Reporter,
) -> dict[Kind, Comparison]:
    """Compare every network with what it was made from; VerificationError when one differs too much."""
    comparisons: dict[Kind, Comparison] = {}
    det = converted["det"]
    with reporter.step(f"verify {det.origin['name']}"):
        comparisons["det"], strips = verify_det(det.fused, *det.reference(paddle), det.normalisation, parameters)
        _require(comparisons["det"], reporter)
    for kind, network in converted.items():
        if kind == "det":
            continue
        with reporter.step(f"verify {network.origin['name']}"):
            if kind == "rec":
                comparisons[kind] = verify_rec(network.fused, *network.reference(paddle), strips, dictionary)
            else:
                comparisons[kind] = verify_cls(network.fused, *network.reference(paddle), strips)
            _require(comparisons[kind], reporter)
    return comparisons


def _require(comparison: Comparison, reporter: Reporter) -> None:
    reporter.note(comparison.describe())
    if comparison.texts:
        reporter.note("reads: " + " | ".join(comparison.texts))
    if comparison.texts != comparison.reference_texts:
        reporter.note("the reference reads: " + " | ".join(comparison.reference_texts))
    comparison.require()
