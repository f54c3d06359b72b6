"""The command line against the real server, and without one (--local)."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from ocr_client import OcrResult
from ocr_client.cli import app

UrlOf = Callable[[str], str]
FLOAT = re.compile(r"\d+\.\d+(?:e-\d+)?")
PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])


def squeezed(texts: tuple[str, ...]) -> list[str]:
    return ["".join(text.split()) for text in texts]


def ocr_client(*arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def folder(tmp_path: Path, page_png: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pages, and between them, in the order of names, a file that is no picture: in/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.png").write_bytes(page_png)
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    (tmp_path / "in" / "sub" / "页.png").write_bytes(page_png)
    return tmp_path


@PROTOCOLS
def test_one_picture_prints_its_lines_only(protocol: str, url_of: UrlOf, folder: Path, lines: tuple[str, ...]) -> None:
    done = ocr_client(folder / "in" / "a.png", "--protocol", protocol, "--url", url_of(protocol))
    assert (done.exit_code, done.stderr) == (0, "")
    assert squeezed(tuple(done.stdout.splitlines())) == squeezed(lines)


def test_standard_input_is_read(url_of: UrlOf, page_png: bytes, lines: tuple[str, ...]) -> None:
    done = ocr_client("-", "--url", url_of("http"), "--format", "json", stdin=page_png)
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["image"] == "-"
    assert squeezed(OcrResult.from_dict(document).texts) == squeezed(lines)


@pytest.mark.parametrize("concurrency", ["1", "8"])
def test_many_pictures_come_in_order_and_failures_are_listed(concurrency: str, url_of: UrlOf, folder: Path) -> None:
    arguments = ("--url", url_of("http"), "--format", "json", "--overlay", "out", "--concurrency", concurrency)
    done = ocr_client("in/sub", "in", *arguments)
    assert done.exit_code == 1
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["image"] for document in documents] == ["in/sub/页.png", "in/a.png"]
    assert OcrResult.from_dict(documents[0]) == OcrResult.from_dict(documents[1])
    first, second = done.stderr.splitlines()
    assert first == "1 of 3 failed:"
    assert second.startswith("  in/b.png: is neither a picture")
    assert sorted(path.relative_to(folder).as_posix() for path in (folder / "out").rglob("*.jpg")) == [
        "out/a.jpg",
        "out/页.jpg",
    ]
    with Image.open(folder / "out" / "a.jpg") as overlay:
        assert overlay.size == (640, 606)


def test_a_table_has_the_words(url_of: UrlOf, folder: Path, lines: tuple[str, ...]) -> None:
    done = ocr_client("in/a.png", "--url", url_of("http"), "--format", "tsv")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0][0] == "level"
    assert "".join(row[-1] for row in rows if row[0] == "5") == "".join(squeezed(lines))


def test_text_of_many_pictures_names_each(url_of: UrlOf, folder: Path) -> None:
    done = ocr_client("in/a.png", "in/sub/页.png", "--url", url_of("http"))
    printed = done.stdout.splitlines()
    assert [line for line in printed if line.startswith("==>")] == ["==> in/a.png <==", "==> in/sub/页.png <=="]
    assert printed[4] == ""


@PROTOCOLS
def test_every_page_of_a_tiff_file_is_read(
    protocol: str, url_of: UrlOf, folder: Path, page: npt.NDArray[np.uint8], lines: tuple[str, ...]
) -> None:
    first = Image.fromarray(page)
    first.save("in/pages.tif", save_all=True, append_images=[Image.new("RGB", (64, 64), "white"), first])
    done = ocr_client("in/pages.tif", "--protocol", protocol, "--url", url_of(protocol), "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["page"] for document in documents] == [1, 2, 3]
    assert [squeezed(OcrResult.from_dict(one).texts) for one in documents] == [squeezed(lines), [], squeezed(lines)]


def test_flags_reach_the_server(url_of: UrlOf, folder: Path) -> None:
    common = ("in/a.png", "--url", url_of("http"))
    assert ocr_client(*common, "--text-rec-score-thresh", "1").stdout == ""
    narrow, wide = (
        ocr_client(*common, "--text-det-unclip-ratio", ratio, "--format", "json").stdout for ratio in ("1.2", "2")
    )
    assert OcrResult.from_dict(json.loads(narrow)) != OcrResult.from_dict(json.loads(wide))


def test_results_that_cannot_be_written_end_with_1_and_one_sentence(url_of: UrlOf, folder: Path) -> None:
    command = [sys.executable, "-m", "ocr_client.cli", "in/a.png", "--url", url_of("http")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False, cwd=folder)
    assert done.returncode == 1
    assert done.stderr.decode() == "ocr-client: cannot write the results: No space left on device\n"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_closed_standard_output_ends_with_1_before_anything_is_read(form: str, folder: Path) -> None:
    nobody = f"{sys.executable} -m ocr_client.cli in --url 127.0.0.1:9 --format {form}"
    done = subprocess.run(["bash", "-c", f"{nobody} >&-"], stderr=subprocess.PIPE, timeout=120, check=False, cwd=folder)
    assert done.returncode == 1
    assert done.stderr.decode() == "ocr-client: cannot write the results: standard output is closed\n"


def test_a_closed_standard_input_is_a_mistake_of_the_command(folder: Path) -> None:
    command = ["bash", "-c", f"{sys.executable} -m ocr_client.cli - --url 127.0.0.1:9 <&-"]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=120, check=False, cwd=folder)
    assert done.returncode == 2
    assert done.stderr.decode() == "ocr-client: - stands for standard input, which is closed\n"


def test_local_prints_what_the_server_gives(url_of: UrlOf, model_repository: Path, samples: Path) -> None:
    flags = ("--format", "json", "--text-rec-score-thresh", "0.9", "--text-det-limit-side-len", "640")
    arguments = (samples / "receipt.png", samples / "exif.jpg", *flags)
    served = ocr_client(*arguments, "--url", url_of("http"))
    local = ocr_client(*arguments, "--local", "--model-repository", model_repository)
    assert (local.exit_code, local.stderr) == (0, "")
    # Lines that happen to share a call of the network can change the last bit of a score.
    assert FLOAT.sub("#", local.stdout) == FLOAT.sub("#", served.stdout)
    numbers = [np.array(FLOAT.findall(done.stdout), np.float64) for done in (local, served)]
    np.testing.assert_allclose(*numbers, rtol=1e-6)


def test_local_tells_of_pictures_that_cannot_be_read(folder: Path, model_repository: Path) -> None:
    done = ocr_client("in", "--local", "--model-repository", model_repository)
    assert done.exit_code == 1
    assert done.stderr.startswith("1 of 3 failed:\n  in/b.png: is neither a picture")


def test_local_with_weights_that_are_corrupt_ends_with_2_and_one_sentence(folder: Path, weighted_copy: Path) -> None:
    (weighted_copy / "rec" / "1" / "model.onnx").write_bytes(b"no model")
    done = ocr_client("in/a.png", "--local", "--model-repository", weighted_copy)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ocr-client: ")
    assert "rec/1/model.onnx is corrupt or was replaced" in done.stderr
    assert done.stderr.count("\n") == 1


def test_local_without_models_ends_with_2_and_one_sentence(folder: Path) -> None:
    done = ocr_client("in", "--local", "--model-repository", "nothing")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "nothing" in done.stderr
