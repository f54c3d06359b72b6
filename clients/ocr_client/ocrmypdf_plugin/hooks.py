"""What OCRmyPDF calls: flags of the command line, their check, and the engine when it is asked for by name."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ocrmypdf import hookimpl
from ocrmypdf.exceptions import BadArgsError, MissingDependencyError

from ocr_client.errors import UsageError
from ocr_client.ocrmypdf_plugin.engine import TritonPaddleOcrEngine
from ocr_client.ocrmypdf_plugin.readers import ENGINE, ReaderChoice, open_reader
from ocr_contract.errors import OcrError


@hookimpl
def add_options(parser: ArgumentParser) -> None:
    """Add the engine's name to --ocr-engine, and the flags that say who reads."""
    for action in parser._actions:  # argparse has no public way to extend the choices of another's flag
        if action.dest == "ocr_engine" and action.choices is not None:
            action.choices = [*action.choices, ENGINE]
    flags = parser.add_argument_group("triton-paddleocr", f"Who reads with --ocr-engine {ENGINE}")
    flags.add_argument(
        "--triton-paddleocr-url",
        metavar="HOST:PORT",
        default=None,
        help="The server: host:port or a URL. The default is port 8000 (http) or 8001 (grpc) of this machine.",
    )
    flags.add_argument(
        "--triton-paddleocr-protocol",
        choices=["http", "grpc"],
        default=None,
        help="How to talk to it; http if not given.",
    )
    flags.add_argument(
        "--triton-paddleocr-local",
        metavar="FOLDER",
        type=Path,
        default=None,
        help="Read in this process, without a server, with the models of this model repository.",
    )


@hookimpl
def check_options(options: Any) -> None:
    """See that somebody is there who reads, before the first page.

    Raises:
        BadArgsError: flags that cannot work together.
        MissingDependencyError: the server cannot be reached or is not ready, or the models cannot be loaded.
    """
    if options.ocr_engine != ENGINE:
        return
    if options.pdf_renderer == "sandwich":
        raise BadArgsError(f"--ocr-engine {ENGINE} does not make PDF files itself: leave out --pdf-renderer sandwich")
    choice = ReaderChoice.of(options)
    if choice.local is not None and (choice.url is not None or choice.protocol is not None):
        raise BadArgsError("--triton-paddleocr-local asks no server: leave out --triton-paddleocr-url and -protocol")
    # One reader serves all pages. It has threads, which a fork would not take along.
    options.use_threads = True
    try:
        if not open_reader(choice).is_ready():
            raise MissingDependencyError(
                f"no server is ready at {choice.shown_url}: start one (ocr-serve), name one (--triton-paddleocr-url), "
                "or read without one (--triton-paddleocr-local FOLDER)"
            )
    except UsageError as error:
        raise BadArgsError(str(error)) from error
    except OcrError as error:
        raise MissingDependencyError(str(error)) from error


@hookimpl
def get_ocr_engine(options: Any = None) -> TritonPaddleOcrEngine | None:
    """Return the engine where it was asked for by name; otherwise OCRmyPDF goes on to the next plugin."""
    return TritonPaddleOcrEngine() if options is not None and options.ocr_engine == ENGINE else None
