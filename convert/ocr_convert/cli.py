"""ocr-convert: the command line."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from ocr_convert.errors import ConvertError, UserError
from ocr_convert.graphs.fuse import Kind
from ocr_convert.pipeline import convert_folders, convert_model_set
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET, load_model_sets

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def convert(
    model_set: Annotated[
        str | None, typer.Option(help=f"Model set to install; see --list. [default: {DEFAULT_MODEL_SET}]")
    ] = None,
    list_sets: Annotated[bool, typer.Option("--list", help="List the model sets and end.")] = False,
    det: Annotated[Path | None, typer.Option(help="Folder of your own det model; needs --rec.")] = None,
    rec: Annotated[Path | None, typer.Option(help="Folder of your own rec model; needs --det.")] = None,
    cls: Annotated[Path | None, typer.Option(help="Folder of your own line orientation model.")] = None,
    dictionary: Annotated[
        Path | None, typer.Option(help="Dictionary of your own rec model, where its inference.yml has none.")
    ] = None,
    model_repository: Annotated[Path, typer.Option(help="Where to install.")] = Path("model_repository"),
    allow_unpinned: Annotated[
        bool, typer.Option("--allow-unpinned", help="Also use sources without a pinned SHA-256.")
    ] = False,
) -> None:
    """Convert PaddleOCR models to ONNX, verify them against Paddle, and install them into the model repository.

    Either a model set of the list, or your own PaddleOCR inference folders (.pdmodel and .pdiparams, or
    inference.json, inference.pdiparams and inference.yml).
    """
    try:
        if list_sets:
            _list()
            return
        own = {kind: folder for kind, folder in (("det", det), ("rec", rec), ("cls", cls)) if folder is not None}
        if not own:
            if dictionary is not None:
                raise UserError("--dictionary goes with --det and --rec: a model set brings its own dictionary")
            name = model_set or DEFAULT_MODEL_SET
            convert_model_set(name, model_repository, allow_unpinned=allow_unpinned)
        else:
            if model_set is not None:
                raise UserError("give either --model-set or folders with --det and --rec, not both")
            if det is None or rec is None:
                raise UserError("your own models need both --det and --rec (--cls is optional)")
            folders: dict[Kind, Path] = {"det": det, "rec": rec, **({"cls": cls} if cls else {})}
            convert_folders(folders, model_repository, dictionary=dictionary)
    except ConvertError as error:
        typer.echo(f"ocr-convert: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


def _list() -> None:
    for name, model_set in load_model_sets().items():
        default = " (default)" if name == DEFAULT_MODEL_SET else ""
        typer.echo(f"{name:22}{model_set.about}{default}")


def main() -> None:
    """Run the command line."""
    # Ended by SIGTERM, it puts its temporary folder away as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    app()
