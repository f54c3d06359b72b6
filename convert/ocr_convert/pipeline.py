"""From sources or folders to an installed model set: fetch, convert, fuse, verify, install."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocr_convert.errors import (
    ConversionError,
    ConvertError,
    ModelFolderError,
    PaddleNotInstalled,
    SourceError,
    VerificationError,
)
from ocr_convert.install import install
from ocr_convert.paddle.folder import ModelFolder, read_model_folder
from ocr_convert.paddle.inference_yml import THRESHOLDS, Settings
from ocr_convert.paddle.needed import PADDLE_NEEDED, has_paddle
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.prepare import STEPS, Preparation
from ocr_convert.progress import Reporter
from ocr_convert.report import files_of, summary_of
from ocr_convert.roles import KIND_OF, Role
from ocr_convert.sources.download import CACHE
from ocr_convert.sources.fetch import Fetched, Fetcher, check_sha256
from ocr_convert.sources.model_sets import ModelSet, Network, find_model_set
from ocr_convert.template import complete, lacking
from ocr_convert.work import work_folder
from ocr_pipeline.parameters import Parameters
from ocr_pipeline.stages.db_postprocess import PLAIN_DB
from ocr_pipeline.stages.second_pass import OPTION as SECOND_PASS

OWN_SECOND_PASS = 0.95  # threshold for recognisers of the user's own: nobody has measured them


def convert_model_set(
    name: str,
    repository: Path,
    *,
    reporter: Reporter | None = None,
    allow_unpinned: bool = False,
    sets_file: Path | None = None,
    cache: Path = CACHE,
) -> dict[str, Any]:
    """Fetch, convert, verify and install a model set of the list.

    Args:
        name: of the model set
        repository: the model repository; made when it is not there
        reporter: where steps and figures are written
        allow_unpinned: also use sources whose bytes are not pinned by a SHA-256
        sets_file: another list of model sets than the package's own
        cache: where downloads are kept

    Returns:
        what was installed, as in model_set.json

    Raises:
        ConvertError: it failed; the repository is as it was
    """
    reporter = reporter or Reporter()
    model_set = find_model_set(name, sets_file)
    lacking(repository)  # what is wrong with it is said before the work
    with (
        work_folder() as workdir,
        reporter.work(steps=(1 + STEPS) * len(model_set.networks) + 1),
    ):
        fetcher = Fetcher(workdir, reporter, cache=cache, allow_unpinned=allow_unpinned)
        return install_prepared(name, prepare_model_set(model_set, fetcher), repository, reporter)


def prepare_model_set(model_set: ModelSet, fetcher: Fetcher) -> Preparation:
    """Fetch, convert and verify a model set.

    Args:
        model_set: one of the list
        fetcher: of its networks; what is made lies in its working folder

    Raises:
        ConvertError: a network has no source that can be used
    """
    with PaddleProcess(fetcher.workdir) as paddle:
        ready = Preparation(fetcher.workdir, paddle, fetcher.reporter)
        ready.auto_precision = model_set.auto_precision
        for role, network in model_set.networks.items():
            _prepare_network(role, network, model_set, fetcher, ready)
    return ready


def _prepare_network(role: Role, network: Network, model_set: ModelSet, fetcher: Fetcher, ready: Preparation) -> None:
    """Make a network ready from the first of its sources that gives one that can be used.

    Raises:
        ConvertError: none does; it says why, source by source, and is of the kind of the last network that was tried
    """
    failure: ConvertError | None = None
    for fetched in fetcher.candidates(network):
        try:
            folder = read_model_folder(fetched.folder, network.kind)
            origin = _origin_of(fetched)
            if network.kind == "det":
                ready.add_det(folder, origin, _parameters_of(model_set, folder.settings), network.normalisation)
            elif network.kind == "rec":
                ready.add_rec(folder, origin, role=role)
            else:
                ready.add_cls(folder, origin)
            return
        except (ConversionError, ModelFolderError, VerificationError) as error:
            failure = error
            fetcher.pass_over(network, fetched.source, str(error))
    if failure is None:
        raise SourceError(fetcher.why_none(network))
    for line in str(failure).splitlines()[1:]:  # what Paddle printed, too much for a list of reasons
        fetcher.reporter.note(line)
    raise type(failure)(fetcher.why_none(network)) from failure


def _parameters_of(model_set: ModelSet, settings: Settings) -> Parameters:
    """What the list states was measured, and must not depend on which source answered."""
    stated = {} if model_set.options.keys() & set(THRESHOLDS.values()) else settings.options
    thresholds = {option: stated[option] for option in THRESHOLDS.values() if option in stated}
    return Parameters({**thresholds, **model_set.options}, PLAIN_DB, model_set.right_to_left)


def _origin_of(fetched: Fetched) -> dict[str, Any]:
    source = fetched.source
    return {
        "name": fetched.network.name,
        "form": source.form,
        "source": source.address,
        "sha256": fetched.sha256,
    }


def convert_folders(
    folders: Mapping[Role, Path],
    repository: Path,
    *,
    name: str = "custom",
    dictionary: Path | None = None,
    second_dictionary: Path | None = None,
    right_to_left: bool = False,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Convert, verify and install the user's own models.

    Args:
        folders: a PaddleOCR inference folder for det and for rec, and one for rec_second and for cls if wanted
        repository: the model repository; made when it is not there
        name: what the installed set is called
        dictionary: of rec, where its folder has none
        second_dictionary: of rec_second, where its folder has none
        right_to_left: whether rec reads a script that is written so
        reporter: where steps and figures are written

    Returns:
        what was installed, as in model_set.json

    Raises:
        ConvertError: it failed; the repository is as it was
    """
    reporter = reporter or Reporter()
    lacking(repository)  # what is wrong with it is said before the work
    found = {role: read_model_folder(path, KIND_OF[role]) for role, path in folders.items()}
    for role, folder in found.items():
        if folder.form == "paddle" and not has_paddle():
            raise PaddleNotInstalled(f"{folders[role]} holds a model in Paddle's form: converting it {PADDLE_NEEDED}")
    with (
        work_folder() as workdir,
        PaddleProcess(workdir) as paddle,
        reporter.work(steps=STEPS * len(found) + 1),
    ):
        for note in (note for folder in found.values() for note in folder.settings.notes):
            reporter.note(note)
        ready = Preparation(workdir, paddle, reporter)
        settings = found["det"].settings
        second = {SECOND_PASS: OWN_SECOND_PASS} if "rec_second" in found else {}
        parameters = Parameters({**settings.options, **second}, settings.db, right_to_left)
        ready.add_det(found["det"], _origin_of_own(found["det"]), parameters)
        ready.add_rec(found["rec"], _origin_of_own(found["rec"]), dictionary)
        if "rec_second" in found:
            ready.add_rec(found["rec_second"], _origin_of_own(found["rec_second"]), second_dictionary, "rec_second")
        if "cls" in found:
            ready.add_cls(found["cls"], _origin_of_own(found["cls"]))
        return install_prepared(name, ready, repository, reporter)


def _origin_of_own(folder: ModelFolder) -> dict[str, Any]:
    files = [path for path in (folder.network, folder.weights) if path is not None]
    return {
        "name": folder.settings.name or folder.network.parent.resolve().name,
        "form": folder.form,
        "sha256": {path.name: check_sha256(path, None) for path in files},
    }


def install_prepared(name: str, ready: Preparation, repository: Path, reporter: Reporter) -> dict[str, Any]:
    """Install a model set that is ready, into a repository that is made when it is not there.

    Raises:
        RepositoryError: the repository cannot be written, or holds other things than models
    """
    if models := lacking(repository):
        complete(repository, models)
        reporter.note(f"{repository}: put {', '.join(models)} there, as they come with this version")
    with reporter.step(f"install {name} into {repository}"):
        return install(repository, files_of(name, ready), summary_of(name, ready))
