"""What is done with each page: read it, find its lines, or take it as one line."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

from ocr_client.cli.formats import JSON, TEXT, OutputFormat
from ocr_client.errors import UsageError
from ocr_contract.options import DETECTION, OCR, RECOGNITION, Endpoint, options_of
from ocr_contract.reader import Reader
from ocr_contract.result import Result
from ocr_documents.document import Page


class Task(str, Enum):
    """What is done with each page. The values are those of `ocr_documents.document.Task`."""

    OCR = "ocr"
    DETECT = "detect"
    RECOGNIZE = "recognize"

    @property
    def meaning(self) -> str:
        """Half a sentence for help texts."""
        return _MEANINGS[self]

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that does it."""
        return _ENDPOINTS[self]

    @property
    def formats(self) -> tuple[OutputFormat, ...]:
        """What its results can be written as; the first one is the default."""
        return _FORMATS[self]

    @property
    def takes_pages(self) -> bool:
        """Whether a page of a file can be named to the reader."""
        return "page" in options_of(self.endpoint)

    def form(self, asked: OutputFormat | None) -> OutputFormat:
        """Return the format of the results.

        Raises:
            UsageError: they cannot be written in the one that is asked for.
        """
        form = asked or self.formats[0]
        if form not in self.formats:
            raise UsageError(
                f"--format {form.value} needs texts and their places on the page, which --task {self.value} does not "
                f"give: use {' or '.join(f'--format {each.value}' for each in self.formats)}"
            )
        return form

    def check_options(self, given: Mapping[str, Any]) -> None:
        """See that the endpoint takes the options that are given.

        Raises:
            UsageError: it does not take one.
        """
        taken = options_of(self.endpoint)
        if others := [f"--{name.replace('_', '-')}" for name in given if name not in taken]:
            raise UsageError(f"--task {self.value} does not take {', '.join(others)}")

    def read(self, reader: Reader, page: Page, options: Mapping[str, Any], picture: int = 0) -> Result:
        """Return what stands on a page.

        Args:
            reader: does it.
            page: with its picture.
            options: of the request.
            picture: which one of the page's file, from 1 on, if `takes_pages`; 0 for the only one, or the first.

        Raises:
            OcrError: it cannot be read.
        """
        asked = {**options, "page": picture} if picture else options
        if self is Task.DETECT:
            return reader.detect(page.picture, **cast(Any, asked))
        if self is Task.RECOGNIZE:
            return reader.recognize([page.picture], **cast(Any, asked))
        return reader.ocr(page.picture, **cast(Any, asked))


_MEANINGS = {
    Task.OCR: "find the lines of a page and read them",
    Task.DETECT: "find the lines only",
    Task.RECOGNIZE: "read each page or picture as one line",
}
_ENDPOINTS: Mapping[Task, Endpoint] = {Task.OCR: OCR, Task.DETECT: DETECTION, Task.RECOGNIZE: RECOGNITION}
_FORMATS = {
    Task.OCR: (TEXT, *(form for form in OutputFormat if form is not TEXT)),
    Task.DETECT: (JSON,),
    Task.RECOGNIZE: (TEXT, JSON),
}
