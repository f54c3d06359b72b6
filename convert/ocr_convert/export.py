"""Write the installed model set as a flat folder without links, for object stores and for servers without our code.

A self-contained export carries the Python steps' code and packages in `<step>/1/packages`, which model.py puts on the
path. Each step has them in its own folder: out of an object store Triton copies every model to a place of its own, so
a folder that the steps share would not be there. On the disk they are hard links to the same files, which `docker run
--volume`, rsync and uploads take for plain files, and of which the steps' processes map one copy into memory.

Triton's own way, EXECUTION_ENV_PATH, names an archive with a whole Python in it, which is unpacked below /tmp for every
model at every start. The image's Python is the right one, it lacks four packages. numpy is not among them: the Python
backend imports it before it imports a model, so what lies beside the model would come too late.
"""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
from pathlib import Path

from ocr_contract.errors import InvalidModel
from ocr_convert.errors import ExportError, RepositoryError
from ocr_convert.progress import Reporter
from ocr_convert.sources.download import last_line, pip_command
from ocr_convert.work import remove_abandoned, work_folder
from ocr_pipeline.repository import CONFIG, VERSION, ModelRepository

CODE = ("ocr_contract", "ocr_pipeline", "ocr_triton")
PACKAGES = ("opencv-python-headless", "pillow", "pyclipper", "python-bidi")
FOLDER = "packages"
IMAGE_PYTHON = "3.12"  # of nvcr.io/nvidia/tritonserver from 24.11 on
GLIBC_MINORS = range(17, 36)  # of the manylinux wheels that are taken: 2.35 is that of Ubuntu 22.04
ON_PATH = f"""\
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().with_name("{FOLDER}")))

"""


def export(
    repository: Path,
    target: Path,
    *,
    self_contained: bool = False,
    python_version: str = IMAGE_PYTHON,
    reporter: Reporter | None = None,
) -> None:
    """Write a copy of a model repository in which every file is one, with the models that can be loaded.

    Args:
        repository: with a model set installed.
        target: a folder that is not there yet, or an empty one, and not in the repository.
        self_contained: whether the Python steps' code and packages go into it.
        python_version: of the Python that the packages are for, such as "3.12".
        reporter: where steps are written.

    Raises:
        RepositoryError: no model set is installed.
        ExportError: the target is not empty, lies in the repository or cannot be written, or the packages cannot be
            downloaded.
    """
    reporter = reporter or Reporter()
    source = ModelRepository(repository)
    try:
        name = source.installed().name
    except InvalidModel as error:
        raise RepositoryError(str(error)) from error
    place = Path(os.path.realpath(target))
    if place.is_relative_to(os.path.realpath(repository)):
        raise ExportError(f"{target} lies in the model repository {repository}, where Triton would take it for a model")
    try:
        exists = place.exists()
        if place.is_dir():
            remove_abandoned(place)
        if exists and not (place.is_dir() and not any(place.iterdir())):
            raise ExportError(f"{target} is not an empty folder: nothing was exported")
        # A folder that exists may be a mount, or somebody's current one: it stays, and what is written goes into it.
        beside = place if exists else place.parent
        beside.mkdir(parents=True, exist_ok=True)
        with work_folder(beside, "choose another target") as folder:
            copy = folder / "models"
            with reporter.step(f"export {name} to {target}"):
                _copy_models(source, copy)
            if self_contained:
                with reporter.step(f"add the code of the Python steps and its packages for Python {python_version}"):
                    _add_packages(copy, folder / FOLDER, python_version)
            if exists:
                for model in sorted(copy.iterdir()):
                    model.rename(place / model.name)
            else:
                copy.chmod(0o755)
                copy.rename(place)
    except OSError as error:
        raise ExportError(f"{target} cannot be written: {error}") from error


def _copy_models(source: ModelRepository, copy: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.new")
    for model in source.served_models():
        shutil.copytree(source.path / model / VERSION, copy / model / VERSION, ignore=ignored)
        shutil.copyfile(source.path / model / CONFIG, copy / model / CONFIG)
        # An object store has no empty folders, and Triton wants a version of an ensemble too.
        (copy / model / VERSION / ".gitkeep").touch()


def _add_packages(copy: Path, packages: Path, python_version: str) -> None:
    _install(packages, python_version)
    for package in CODE:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ExportError(f"the package {package} is not installed")
        folder = Path(spec.origin).parent
        shutil.copytree(folder, packages / package, ignore=shutil.ignore_patterns("__pycache__"))
    for step in sorted(copy.glob(f"*/{VERSION}/model.py")):
        shutil.copytree(packages, step.parent / FOLDER, copy_function=_hard_link)
        step.write_text(ON_PATH + step.read_text(encoding="utf-8"), encoding="utf-8")


def _hard_link(file: str, target: str) -> None:
    try:
        os.link(file, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(file, target)


def _install(packages: Path, python_version: str) -> None:
    """Put the packages, in the versions that are installed here, into a folder for another Python."""
    machine = platform.machine()
    wheels = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS] + [f"manylinux2014_{machine}"]
    command = pip_command(
        *("install", "--quiet", "--target", str(packages), "--no-deps", "--no-compile", "--only-binary", ":all:"),
        *("--implementation", "cp", "--python-version", python_version),
        *(word for wheel in wheels for word in ("--platform", wheel)),
        *(f"{package}=={importlib.metadata.version(package)}" for package in PACKAGES),
    )
    environment = {**os.environ, "TMPDIR": str(packages.parent)}  # so that what it unpacks goes away with the rest
    pip = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if pip.returncode != 0:
        reason = last_line(pip.stdout + pip.stderr)
        raise ExportError(f"pip could not install the packages for Python {python_version}: {reason}")
