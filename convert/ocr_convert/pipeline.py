"""From sources or folders to an installed model set: fetch, convert, fuse, verify, install."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from ocr_convert import verify
from ocr_convert.dictionary import SPACE, dictionary_text
from ocr_convert.fetch import Fetched, Fetcher, check_sha256
from ocr_convert.fuse import Kind, class_count, fuse
from ocr_convert.install import check_repository, install
from ocr_convert.model_sets import find_model_set
from ocr_convert.paddle_model import ModelFolder, find_dictionary, load_network, read_model_folder
from ocr_convert.paddle_process import PaddleProcess
from ocr_convert.progress import Reporter
from ocr_pipeline.options import DbParameters, DetResize, to_json

NEEDED_MODELS = ("det", "rec", "ctc_decode", "det_preprocess", "det_postprocess")


@dataclass(frozen=True)
class Ingredients:
    """What is converted: a folder for each network, and how pictures are prepared for them."""

    name: str
    folders: Mapping[Kind, ModelFolder]
    origins: Mapping[Kind, Mapping[str, Any]]  # where each folder's files come from, for the reports
    det_resize: DetResize
    db: DbParameters
    dictionary: Path | None = None  # given by the user


@dataclass(frozen=True)
class Converted:
    """A network after paddle2onnx and fusing."""

    folder: ModelFolder
    unfused: Path
    fused: Path


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
    with tempfile.TemporaryDirectory(prefix="ocr-convert-") as folder:
        workdir = Path(folder)
        fetcher = Fetcher(workdir, reporter, allow_unpinned=allow_unpinned)
        fetched: dict[Kind, Fetched] = {}
        for network in model_set.networks:
            with reporter.step(f"fetch {network.name}"):
                files = fetched[network.kind] = fetcher.fetch(network)
                reporter.note(f"from {files.source.address} ({files.source.form})")
        folders = {kind: read_model_folder(files.folder, kind) for kind, files in fetched.items()}
        ingredients = Ingredients(
            name,
            folders,
            {kind: _origin(files) for kind, files in fetched.items()},
            model_set.det_resize,
            replace(model_set.db, **(folders["det"].settings.db or {})),
        )
        return _convert(ingredients, repository, workdir, reporter)


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
    for note in (note for folder in found.values() for note in folder.settings.notes):
        reporter.note(note)
    ingredients = Ingredients(
        name,
        found,
        {
            kind: {
                "name": folder.settings.name or folder.network.parent.resolve().name,
                "form": folder.form,
                "sha256": {
                    path.name: check_sha256(path, None) for path in (folder.network, folder.weights) if path is not None
                },
            }
            for kind, folder in found.items()
        },
        replace(DetResize(), **(found["det"].settings.det_resize or {})),
        replace(DbParameters(), **(found["det"].settings.db or {})),
        dictionary,
    )
    with tempfile.TemporaryDirectory(prefix="ocr-convert-") as workdir:
        return _convert(ingredients, repository, Path(workdir), reporter)


def _origin(files: Fetched) -> dict[str, Any]:
    source = files.source
    return {"name": files.network.name, "form": source.form, "source": source.address, "sha256": files.sha256}


def _convert(ingredients: Ingredients, repository: Path, workdir: Path, reporter: Reporter) -> dict[str, Any]:
    with PaddleProcess(workdir) as paddle:
        converted: dict[Kind, Converted] = {}
        for kind, folder in ingredients.folders.items():
            with reporter.step(f"convert {ingredients.origins[kind]['name']}"):
                converted[kind] = _to_fused_onnx(folder, workdir, paddle)
        rec = converted["rec"]
        characters = find_dictionary(ingredients.folders["rec"], ingredients.dictionary)
        classes = class_count(onnx.load(rec.unfused))
        text = dictionary_text(characters, classes)
        comparisons = _verify(ingredients, converted, (*characters, SPACE), paddle, reporter)
        from_paddle = any(folder.form == "paddle" for folder in ingredients.folders.values())
        versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
        if from_paddle:
            versions |= paddle.versions()
    with reporter.step(f"install into {repository}"):
        files = {f"{kind}/model.onnx": network.fused for kind, network in converted.items()}
        for kind, comparison in comparisons.items():
            report = {**ingredients.origins[kind], "versions": versions, "verification": comparison.as_json()}
            files[f"{kind}/report.json"] = _write(
                workdir / f"{kind}-report.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n"
            )
        files["ctc_decode/dictionary.txt"] = _write(workdir / "installed-dictionary.txt", text)
        resize, db = to_json(ingredients.det_resize), to_json(ingredients.db)
        files["det_preprocess/parameters.json"] = _write(workdir / "det_preprocess.json", resize)
        files["det_postprocess/parameters.json"] = _write(workdir / "det_postprocess.json", db)
        summary = {
            "name": ingredients.name,
            "classes": classes,
            "networks": dict(ingredients.origins),
            "versions": versions,
        }
        return install(repository, files, summary)


def _write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def _to_fused_onnx(folder: ModelFolder, workdir: Path, paddle: PaddleProcess) -> Converted:
    unfused = folder.network
    if folder.weights is not None:
        unfused = workdir / f"{folder.kind}-unfused.onnx"
        paddle.convert(folder.network, folder.weights, unfused)
    fused = workdir / f"{folder.kind}-fused.onnx"
    onnx.save(fuse(load_network(unfused), folder.kind), fused)
    verify.session(fused)
    return Converted(folder, unfused, fused)


def _verify(
    ingredients: Ingredients,
    converted: Mapping[Kind, Converted],
    dictionary: tuple[str, ...],
    paddle: PaddleProcess,
    reporter: Reporter,
) -> dict[Kind, verify.Comparison]:
    """Compare every network with what it was made from; raise VerificationError when one differs too much."""

    def reference(kind: Kind) -> tuple[verify.Reference, str]:
        folder = converted[kind].folder
        if folder.weights is None:
            return verify.onnx_reference(converted[kind].unfused), "the unfused ONNX"
        weights = folder.weights
        return lambda inputs: paddle.predict(folder.network, weights, inputs), "Paddle inference"

    comparisons: dict[Kind, verify.Comparison] = {}
    for kind in converted:
        with reporter.step(f"verify {ingredients.origins[kind]['name']}"):
            fused = converted[kind].fused
            if kind == "det":
                comparison, lines = verify.verify_det(fused, *reference(kind), ingredients.det_resize, ingredients.db)
            elif kind == "rec":
                comparison = verify.verify_rec(fused, *reference(kind), lines, dictionary)
            else:
                comparison = verify.verify_cls(fused, *reference(kind), lines)
            reporter.note(comparison.describe())
            if comparison.texts:
                reporter.note("reads: " + " | ".join(comparison.texts))
            if comparison.texts != comparison.reference_texts:
                reporter.note("the reference reads: " + " | ".join(comparison.reference_texts))
            comparison.require()
            comparisons[kind] = comparison
    return comparisons
