"""What can be wrong with a job as a whole, or with one of its inputs.

OcrError (ocr_contract.errors)
├── JobRefused             the command, the inputs or the output folder do not do; nothing was read
├── JobStopped             the job ends before its inputs do; the same command goes on
│   └── RayFailed          because of Ray
├── InvalidInput
│   └── DocumentError
│       ├── InputVanished      it was listed, and is no longer there
│       └── InputUnreadable    its storage does not give it
├── ReaderDied             the process that read an input ended, more than once
└── Unforeseen             reading an input failed in a way that nobody foresaw
"""

from __future__ import annotations

from typing import Literal

from ocr_client.errors import OcrClientError
from ocr_contract.errors import InvalidInput, NotServing, OcrError, Overloaded
from ocr_documents.errors import DocumentError

SOME_FAILED, REFUSED, STOPPED, INTERRUPTED = 1, 2, 3, 130  # exit codes
Fault = Literal["input", "storage", "server", "program"]


class JobRefused(OcrError):
    """The command is mistaken, there is nothing to read, or the output folder is not one for this job."""


class JobStopped(OcrError):
    """Nothing more can be read or written now: no server answers, the disk is full, or Ray failed."""


class RayFailed(JobStopped):
    """Ray does not start, cannot be reached, or ended."""


class InputVanished(DocumentError):
    """The input was there when inputs were listed, and is gone."""


class InputUnreadable(DocumentError):
    """The storage of the input does not give it: no permission, a broken connection, a directory."""


class ReaderDied(OcrError):
    """The process that read the input ended, more than once."""


class Unforeseen(OcrError):
    """An error that is none of this project's own."""


def at_fault(error: OcrError) -> Fault:
    """Say whose fault it is that an input could not be read."""
    if isinstance(error, InputVanished | InputUnreadable):
        return "storage"
    if isinstance(error, InvalidInput):  # also what a server refused
        return "input"
    if isinstance(error, OcrClientError | Overloaded | NotServing):
        return "server"
    return "program"
