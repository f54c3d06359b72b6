"""clients/examples/: curl, C++ and Node.js read what OcrClient reads, and say in one sentence why they cannot."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ocr_client import OcrClient

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "clients" / "examples"
PACKAGES = {"curl": "curl", "jq": "jq", "g++": "g++", "node": "nodejs"}
HEADERS = {"curl/curl.h": "libcurl4-openssl-dev", "nlohmann/json.hpp": "nlohmann-json3-dev"}
LIMIT_S = 100


def needed(program: str) -> str:
    """The path of a program, which must be installed."""
    path = shutil.which(program)
    assert path, f"{program} is not installed, and the examples are tried with it: apt-get install {PACKAGES[program]}"
    return path


def compiled(target: Path) -> Path:
    """infer.cpp as a program; a warning fails."""
    compiler = needed("g++")
    for header, package in HEADERS.items():
        probe = [compiler, "-E", "-x", "c++", "-", "-o", os.devnull]
        found = subprocess.run(probe, input=f"#include <{header}>", text=True, capture_output=True, check=False)
        assert found.returncode == 0, f"the header {header} is not installed: apt-get install {package}"
    strict = ("-std=c++17", "-Wall", "-Wextra", "-Werror")
    command = [compiler, *strict, str(EXAMPLES / "infer.cpp"), "-lcurl", "-o", str(target)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@dataclass(frozen=True)
class Outcome:
    """What a run printed."""

    code: int
    output: str
    error: str

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()


Run = Callable[..., Outcome]


@pytest.fixture(scope="module", params=["curl", "C++", "Node.js"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run one of the three with the given arguments."""
    if request.param == "curl":
        needed("curl")
        needed("jq")
        program = [str(EXAMPLES / "generate.sh")]
    elif request.param == "C++":
        program = [str(compiled(tmp_path_factory.mktemp("examples") / "infer"))]
    else:
        program = [needed("node"), str(EXAMPLES / "infer.mjs")]
    environment = {**os.environ, "NODE_NO_WARNINGS": "1"}  # Node.js 18 says that its fetch is new

    def start(*arguments: object) -> Outcome:
        command = [*program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False, env=environment)
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return start


@pytest.fixture
def read_as_client(url_of: Callable[[str], str]) -> Callable[..., Any]:
    """What OcrClient reads of a file, with options."""

    def read(path: Path, **options: Any) -> Any:
        with OcrClient(url_of("http")) as client:
            return client.ocr(path, **options)

    return read


def saved(picture: npt.NDArray[np.uint8], path: Path) -> Path:
    Image.fromarray(picture[:, :, ::-1].copy()).save(path)
    return path


def assert_one_sentence(outcome: Outcome, code: int, *words: str) -> None:
    """It failed with this exit code, printed nothing, and said why in one line."""
    assert (outcome.code, outcome.output) == (code, "")
    assert outcome.error.count("\n") == 1, outcome.error
    assert all(word in outcome.error for word in words), outcome.error


def test_texts_and_scores_are_those_of_ocr_client(
    run: Run, url_of: Callable[[str], str], samples: Path, read_as_client: Callable[..., Any]
) -> None:
    page = read_as_client(samples / "receipt.png")
    assert len(page.texts) > 5
    assert run("--url", url_of("http"), samples / "receipt.png").lines == list(page.texts)
    scored = [line.split("\t", 1) for line in run("--scores", "--url", url_of("http"), samples / "receipt.png").lines]
    assert [text for _, text in scored] == list(page.texts)
    assert np.abs(np.array([float(score) for score, _ in scored]) - page.scores).max() <= 0.00006


def test_pages_of_one_line_and_of_none_are_read(
    run: Run,
    url_of: Callable[[str], str],
    page: npt.NDArray[np.uint8],
    lines: tuple[str, ...],
    tmp_path: Path,
) -> None:
    """Where `generate` answers with a text in place of a list, and with an empty list."""
    one = run("--url", url_of("http"), saved(page[:100], tmp_path / "it's one line.png"))
    assert (one.code, one.lines) == (0, [lines[0]]), one.error
    none = run("--url", url_of("http"), saved(np.full_like(page, 255), tmp_path / "none.png"))
    assert (none.code, none.output, none.error) == (0, "", "")


def test_a_picture_of_ten_megabytes_is_read(
    run: Run, url_of: Callable[[str], str], page: npt.NDArray[np.uint8], lines: tuple[str, ...], tmp_path: Path
) -> None:
    """What a form of that size would end the server with, or an argument could not hold."""
    large = np.full((1700, 2000, 3), 255, np.uint8)
    large[: page.shape[0], : page.shape[1]] = page
    path = saved(large, tmp_path / "large.bmp")
    assert path.stat().st_size > 10_000_000
    assert run("--url", url_of("http"), path).lines == list(lines)


def test_options_of_each_kind_reach_the_server(
    run: Run, url_of: Callable[[str], str], samples: Path, read_as_client: Callable[..., Any]
) -> None:
    path = samples / "receipt.png"
    options = {"text_rec_score_thresh": 0.99, "text_reading_order": "columns", "use_doc_orientation_classify": True}
    expected = read_as_client(path, **options)
    assert list(expected.texts) != list(read_as_client(path).texts)
    flags = [
        word for name, value in options.items() for word in ("--option", f"{name}={value}".replace("True", "true"))
    ]
    assert run("--url", url_of("http"), *flags, path).lines == list(expected.texts)


def test_what_the_server_says_about_a_request_is_shown(
    run: Run, url_of: Callable[[str], str], samples: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"%PNG, or rather not")
    assert_one_sentence(run("--url", url_of("http"), broken), 1, "400", "not an image")
    unknown = run("--url", url_of("http"), "--option", "text_det_tresh=0.3", samples / "receipt.png")
    assert_one_sentence(unknown, 1, "400", 'unknown option "text_det_tresh"')


def test_a_server_that_is_down_is_named(run: Run, closed_port: str, samples: Path) -> None:
    assert_one_sentence(run("--url", closed_port, samples / "receipt.png"), 1, f"no answer from {closed_port}: ")


def wait_for_the_end(connection: socket.socket) -> None:
    """Take what comes, and answer nothing until the other side hangs up."""
    connection.settimeout(LIMIT_S)
    give_up = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up and connection.recv(65536):
        pass


def test_a_server_that_says_nothing_is_not_waited_for(run: Run, start_peer: Callable[..., str], samples: Path) -> None:
    url = start_peer(wait_for_the_end)
    assert_one_sentence(run("--url", url, "--timeout", 1, samples / "receipt.png"), 1, f"no answer from {url}: ")


@pytest.mark.parametrize(
    ("status", "body", "headers", "says"),
    [
        ("502 Bad Gateway", b"<html>a proxy's page</html>", [], "502"),
        ("403 Forbidden", b'{"error":"no entry"}', [], "no entry"),
        ("200 OK", b"<html>another program</html>", [], "is not the text of a page"),
        ("200 OK", b"", [], "is not the text of a page"),
        ("200 OK", b"{}", [], "is not the text of a page"),
        ("200 OK", b"[]", [], "is not the text of a page"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_a_page(
    run: Run,
    start_peer: Callable[..., str],
    answering: Callable[..., Any],
    samples: Path,
    status: str,
    body: bytes,
    headers: list[str],
    says: str,
) -> None:
    url = start_peer(answering(status, body, *headers))
    assert_one_sentence(run("--url", url, samples / "receipt.png"), 1, url, says)


@pytest.mark.parametrize("run", ["C++", "Node.js"], indirect=True)
@pytest.mark.parametrize(
    ("said_size", "tensor", "said_json"),
    [
        (4096, b"\x02\0\0\0ok", 0),  # the tensor is longer than the answer
        (6, b"\xff\xff\xff\xffok", 0),  # a text is longer than its tensor
        (3, b"\x02\0\0", 0),  # the tensor ends in the middle of a length
        (6, b"\x02\0\0\0ok", 0),  # a text without a score
        (6, b"\x02\0\0\0ok", 10_000),  # more JSON than there is
        (-6, b"\x02\0\0\0ok", 0),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(
    run: Run,
    start_peer: Callable[..., str],
    answering: Callable[..., Any],
    samples: Path,
    said_size: int,
    tensor: bytes,
    said_json: int,
) -> None:
    header = b'{"outputs":[{"name":"texts","parameters":{"binary_data_size":%d}}]}' % said_size
    length = f"Inference-Header-Content-Length: {said_json or len(header)}"
    url = start_peer(answering("200 OK", header + tensor, length))
    assert_one_sentence(run("--url", url, samples / "receipt.png"), 1, url, "is not the text of a page")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "usage: "),
        (["one.png", "two.png"], "usage: "),
        (["--url"], "usage: "),
        (["--colour", "one.png"], "usage: "),
        (["--option", "=1", "one.png"], "--option takes NAME=VALUE"),
        (["--option", "text_det_thresh", "one.png"], "--option takes NAME=VALUE"),
        (["--timeout", "soon", "one.png"], "--timeout takes "),
        (["--timeout", "0", "one.png"], "--timeout takes "),
        (["is-not-there.png"], "cannot read the file 'is-not-there.png'"),
        ([EXAMPLES], f"cannot read the file '{EXAMPLES}'"),
    ],
)
def test_a_wrong_command_ends_with_2_and_says_what_is_right(run: Run, arguments: list[object], says: str) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.output) == (2, "")
    assert says in outcome.error


def test_help_names_every_flag(run: Run) -> None:
    outcome = run("--help")
    assert (outcome.code, outcome.error) == (0, "")
    assert set(re.findall(r"--\w+", outcome.output)) == {"--url", "--option", "--scores", "--timeout"}
