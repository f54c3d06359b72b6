"""Who reads the pages of an actor: the models in its process, or servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ocr_client import OcrClient
from ocr_client.errors import AccessDeniedError, ServerNotReadyError, ServerUnreachableError, UsageError
from ocr_contract import __version__
from ocr_contract.reader import Picture, Reader
from ocr_contract.result import OcrResult
from ocr_jobs.errors import JobStopped
from ocr_jobs.settings import Identity, LocalModels, Reading, Servers

Read = Callable[[Picture], OcrResult]
_AWAY = (ServerUnreachableError, ServerNotReadyError)
_PAUSE_S = 1.0


def identify(reader: LocalModels | Servers, reading: Reading, model_set: str | None = None) -> Identity:
    """Return what a job is.

    Args:
        reader: who reads. Of models in process it is found out what they are.
        reading: how.
        model_set: what servers have, as the user says.

    Raises:
        UsageError: the models need more packages.
        OcrError: there are no models, or they cannot be used here as they should.
    """
    if isinstance(reader, Servers):
        return Identity(reading.to_dict(), model_set, None, None, __version__)
    try:
        from ocr_jobs.local_models import identify_models  # noqa: PLC0415 -- not for who reads through servers
    except ModuleNotFoundError as error:
        raise UsageError(
            f"without --url the models are read in process, which needs more (no module {error.name}): "
            "pip install 'triton-paddleocr[cpu,jobs]'"
        ) from error
    return identify_models(reader, reading)


class PageReader:
    """Reads pages for an actor, and waits where nobody answers at the moment.

    Args:
        reader: who reads.
        identity: what the job is; models in this process must be the same.
        reading: how.

    Raises:
        JobStopped: this machine's models or arithmetic are other ones than the job's.
        OcrError: the models cannot be loaded.
    """

    def __init__(self, reader: LocalModels | Servers, identity: Identity, reading: Reading) -> None:
        self._options: Any = dict(reading.options)
        self._wait_s = 0.0
        self._reader: Reader
        if isinstance(reader, Servers):
            self._wait_s = reader.wait_s
            self._reader = open_client(reader)
        else:
            from ocr_jobs.local_models import open_models  # noqa: PLC0415 -- as above

            self._reader = open_models(reader, identity)

    def read(self, picture: Picture) -> OcrResult:
        """Read the text of a page; called from several threads at once.

        Raises:
            JobStopped: no server answers, and none came back, or they do not let this job in.
            OcrError: this page cannot be read.
        """
        give_up: float | None = None
        while True:
            try:
                return self._reader.ocr(picture, **self._options)
            except _AWAY as error:
                now = time.monotonic()
                give_up = now + self._wait_s if give_up is None else give_up
                if now >= give_up:
                    raise JobStopped(f"{error} (waited {self._wait_s:.0f} s)") from error
                time.sleep(min(_PAUSE_S, give_up - now))
            except (AccessDeniedError, UsageError) as error:
                raise JobStopped(str(error)) from error


def open_client(servers: Servers) -> OcrClient:
    """Return a client of the servers.

    Raises:
        UsageError: an address, or what a request may take, cannot work.
    """
    urls = servers.urls[0] if len(servers.urls) == 1 else servers.urls
    return OcrClient(
        urls, servers.protocol, timeout_s=servers.timeout_s, retries=servers.retries, headers=servers.headers
    )


def check_servers(servers: Servers) -> None:
    """See that one of them answers.

    Raises:
        JobStopped: none does.
    """
    with open_client(servers) as client:
        if not client.is_ready():
            raise JobStopped(f"no server answers at {', '.join(servers.urls)} ({servers.protocol}), or none is ready")
