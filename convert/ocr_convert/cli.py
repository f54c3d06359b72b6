"""ocr-convert: the command line."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ocr_convert.errors import ConvertError, UserError
from ocr_convert.export import IMAGE_PYTHON, export
from ocr_convert.pipeline import convert_folders, convert_model_set
from ocr_convert.roles import Role
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET, load_model_sets

DEFAULT_REPOSITORY = Path("model_repository")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def convert(
    context: typer.Context,
    model_set: Annotated[
        str | None, typer.Option(help=f"Model set to install; see --list. [default: {DEFAULT_MODEL_SET}]")
    ] = None,
    list_sets: Annotated[bool, typer.Option("--list", help="List the model sets and end.")] = False,
    det: Annotated[Path | None, typer.Option(help="Folder of your own det model; needs --rec.")] = None,
    rec: Annotated[Path | None, typer.Option(help="Folder of your own rec model; needs --det.")] = None,
    rec_second: Annotated[
        Path | None, typer.Option(help="Folder of a second, larger rec model, for lines that --rec is not sure of.")
    ] = None,
    cls: Annotated[Path | None, typer.Option(help="Folder of your own line orientation model.")] = None,
    dictionary: Annotated[
        Path | None, typer.Option(help="Dictionary of your own rec model, where its inference.yml has none.")
    ] = None,
    second_dictionary: Annotated[
        Path | None, typer.Option(help="Dictionary of the model of --rec-second, where its inference.yml has none.")
    ] = None,
    right_to_left: Annotated[
        bool,
        typer.Option("--right-to-left", help="Your own rec model is for such a script, as Arabic is."),
    ] = False,
    model_repository: Annotated[
        Path, typer.Option(help="Where to install; made when it is not there.")
    ] = DEFAULT_REPOSITORY,
    allow_unpinned: Annotated[
        bool, typer.Option("--allow-unpinned", help="Also use sources without a pinned SHA-256.")
    ] = False,
) -> None:
    """Convert PaddleOCR models to ONNX, verify them, and install them into the model repository.

    Either a model set of the list, or your own PaddleOCR inference folders (.pdmodel and .pdiparams, or
    inference.json, inference.pdiparams and inference.yml).
    """
    with _errors_said():
        if context.invoked_subcommand is not None:
            _refuse_options_before(context.invoked_subcommand, context)
            return
        if list_sets:
            _list()
            return
        given: dict[Role, Path | None] = {"det": det, "rec": rec, "rec_second": rec_second, "cls": cls}
        folders = {role: folder for role, folder in given.items() if folder is not None}
        if not folders:
            if dictionary is not None or second_dictionary is not None or right_to_left:
                raise UserError(
                    "--dictionary, --second-dictionary and --right-to-left go with --det and --rec: "
                    "a model set brings its own"
                )
            name = model_set or DEFAULT_MODEL_SET
            convert_model_set(name, model_repository, allow_unpinned=allow_unpinned)
        else:
            if model_set is not None:
                raise UserError("give either --model-set or folders with --det and --rec, not both")
            if det is None or rec is None:
                raise UserError("your own models need both --det and --rec (--rec-second and --cls are optional)")
            if second_dictionary is not None and rec_second is None:
                raise UserError("--second-dictionary goes with --rec-second")
            convert_folders(
                folders,
                model_repository,
                dictionary=dictionary,
                second_dictionary=second_dictionary,
                right_to_left=right_to_left,
            )


@app.command("export")
def export_set(
    folder: Annotated[Path, typer.Argument(help="Folder that is not there yet, or an empty one.")],
    model_repository: Annotated[Path, typer.Option(help="Where the model set is installed.")] = DEFAULT_REPOSITORY,
    self_contained: Annotated[
        bool,
        typer.Option("--self-contained", help="Put the code of the Python steps and its packages into the folder."),
    ] = False,
    python_version: Annotated[
        str, typer.Option(help="Python that the packages are for: that of the server's image.")
    ] = IMAGE_PYTHON,
) -> None:
    """Write the installed model set as a flat folder without links.

    It is for object stores, and with --self-contained for the stock Triton image:
    docker run -v FOLDER:/models nvcr.io/nvidia/tritonserver:26.07-py3 tritonserver --model-repository=/models
    """
    with _errors_said():
        export(model_repository, folder, self_contained=self_contained, python_version=python_version)


def _refuse_options_before(subcommand: str, context: typer.Context) -> None:
    sources = {name: context.get_parameter_source(name) for name in context.params}
    if any(source is not None and source.name == "COMMANDLINE" for source in sources.values()):
        raise UserError(f"options of {subcommand} follow its name: ocr-convert {subcommand} --...")


@contextmanager
def _errors_said() -> Iterator[None]:
    try:
        yield
    except ConvertError as error:
        typer.echo(f"ocr-convert: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


def _list() -> None:
    for name, model_set in load_model_sets().items():
        default = " (default)" if name == DEFAULT_MODEL_SET else ""
        typer.echo(f"{name:22}{model_set.about}{default}")


def main() -> None:
    """Run the command line."""
    # Ended by them, it puts its temporary folders away as on Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    app()
