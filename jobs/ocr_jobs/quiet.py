"""Standard error for the user's lines alone: what Ray's C++ parts write there goes to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STANDARD_ERROR = 2


@contextmanager
def standard_error_kept(log: Path) -> Iterator[None]:
    """Let Python write to standard error as before, and all else in this process and its children to a file."""
    own = os.dup(_STANDARD_ERROR)
    before, sys.stderr = sys.stderr, os.fdopen(os.dup(own), "w", buffering=1, errors="backslashreplace")
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), _STANDARD_ERROR)
        yield
    finally:
        os.dup2(own, _STANDARD_ERROR)
        os.close(own)
        sys.stderr.close()
        sys.stderr = before
