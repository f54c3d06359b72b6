"""What a job is told: how documents are read, who reads them, and how the work is cut."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ocr_client.retry import Patience
from ocr_documents.limits import Limits


@dataclass(frozen=True)
class Reading:
    """How documents are read: all that their results depend on beside the models.

    Attributes:
        options: of the requests, as far as they are set.
        pages: page ranges as `PageRanges` reads them; None for all.
        dpi: that PDF pages are drawn at.
        existing_text: what becomes of PDF pages that carry text.
        max_pages: that are read of a document.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    pages: str | None = None
    dpi: int = 200
    existing_text: Literal["keep", "read"] = "keep"
    max_pages: int = Limits.pages

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for job.json."""
        return {**dataclasses.asdict(self), "options": dict(sorted(self.options.items()))}


@dataclass(frozen=True)
class LocalModels:
    """The models of a repository, in each actor.

    Attributes:
        model_repository: folder with the models.
        device: "cpu" or "gpu".
        precision: of their arithmetic: "auto", "f32" or "bf16".
    """

    model_repository: Path = Path("model_repository")
    device: str = "cpu"
    precision: str = "auto"


@dataclass(frozen=True)
class Servers:
    """Servers that every actor sends pages to.

    Attributes:
        urls: their addresses.
        protocol: "http" or "grpc".
        timeout_s: seconds that a page may take, retries included.
        retries: how often a page is sent again.
        headers: sent with every request.
        wait_s: seconds that an actor waits for a server that answers before the job stops.
    """

    urls: tuple[str, ...]
    protocol: str = "http"
    timeout_s: float = Patience.timeout_s
    retries: int = Patience.retries
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 120.0


@dataclass(frozen=True)
class Work:
    """How the work is cut.

    Attributes:
        address: of a Ray cluster; None for a Ray of this job's own, on this machine.
        actors: processes that read; None for as many as suit the machine or cluster.
        cpus_per_actor: cores of one; None for what suits who reads.
        concurrency: pages under way in an actor; None likewise.
        inputs_per_part: inputs that are read, and written, as one.
    """

    address: str | None = None
    actors: int | None = None
    cpus_per_actor: int | None = None
    concurrency: int | None = None
    inputs_per_part: int = 64


@dataclass(frozen=True)
class Identity:
    """What must be the same for a job to go on in the same folder; it stands in job.json.

    Attributes:
        reading: of `Reading.to_dict`.
        model_set: its name; None for a server's, unless the user names it.
        model_files: one SHA-256 over the names and hashes of its files; None for a server's.
        precision: of the arithmetic, such as "bf16"; None for a server's.
        version: of this project.
    """

    reading: Mapping[str, Any]
    model_set: str | None
    model_files: str | None
    precision: str | None
    version: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class WorkerSettings:
    """What an actor is told. It travels to other machines.

    Attributes:
        output: folder of the job.
        run: name of this run.
        identity: of the job.
        reading: how documents are read.
        reader: who reads them.
        concurrency: pages under way; the machine or cluster decides, as it does about the next.
        cores: that an actor which has the models keeps to; None for all.
    """

    output: Path
    run: str
    identity: Identity
    reading: Reading
    reader: LocalModels | Servers
    concurrency: int = 1
    cores: int | None = None
