"""The command line where no server is needed: its own mistakes, and a server that is not there."""

import importlib.util
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from ocr_client import OcrClient, OcrResult
from ocr_client.cli import app
from ocr_client.cli.formats import OutputFormat
from ocr_contract.options import OCR, OPTIONS, options_of


@pytest.fixture
def image(tmp_path: Path) -> str:
    Image.new("L", (20, 10), 255).save(tmp_path / "a.png")
    return str(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png"], "there is no file or folder 'missing.png'"),
        (["IMAGE", "--url", "ftp://x"], "not an address for the protocol 'http'"),
        (["IMAGE", "--timeout", "0"], "timeout_s: expected seconds"),
        (["IMAGE", "--header", "Authorization"], "--header: expected 'NAME: VALUE', got 'Authorization'"),
        (["IMAGE", "--overlay", "out", "--font", "missing.otf"], "missing.otf"),
        (["IMAGE", "--retries", "-1"], "retries: expected a whole number from 0"),
        (["IMAGE", "--model-repository", "x"], "--model-repository: only with --local"),
        (["IMAGE", "--device", "cpu", "--precision", "f32"], "--device, --precision: only with --local"),
        (["IMAGE", "--local", "--url", "localhost"], "--local asks no server: leave out --url"),
        (["IMAGE", "--local", "--header", "A: b"], "leave out --header"),
        (["IMAGE", "--local", "--timeout", "60", "--retries", "2"], "leave out --timeout, --retries"),
        (["IMAGE", "--local", "--protocol", "http"], "leave out --protocol"),
        (["IMAGE", "--local", "--device", "cuda"], 'device must be "cpu" or "gpu", not \'cuda\''),
        (["IMAGE", "--local", "--precision", "bf8"], 'precision must be "auto" or "f32" or "bf16", not \'bf8\''),
        (["IMAGE", "--pages", "3-1"], "pages must be numbers and ranges from 1 on, such as 1-3,8-, not '3-1'"),
        (["IMAGE", "--format", "pdf"], "--format pdf needs --output FILE"),
        (["IMAGE", "-", "--format", "hocr"], "--format hocr holds one document a file: use --output FOLDER for 2"),
        (["IMAGE", "--resume"], "--resume needs --output"),
        (["IMAGE", "--resume", "--output", "-"], "--resume needs --output"),
        (["IMAGE", "--resume", "--output", "/dev/null"], "--resume needs --output"),
        (["IMAGE", "--format", "alto", "--no-return-word-box"], "--format alto needs words"),
        (["IMAGE", "--output", "IMAGE"], "is an input, and would be overwritten"),
        (["IMAGE", "-", "--output", "IMAGE"], "several documents go into a folder, and "),
        (["IMAGE", "-", "--output", "new.txt"], "looks like a file; write 'new.txt/' if it is a folder"),
    ],
)
def test_a_mistaken_command_ends_with_2_and_one_sentence(arguments: list[str], message: str, image: str) -> None:
    done = CliRunner().invoke(app, [image if argument == "IMAGE" else argument for argument in arguments])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["IMAGE", "--format", "xml"],
        ["IMAGE", "--concurrency", "0"],
        ["IMAGE", "--dpi", "0"],
        ["IMAGE", "--max-pages", "0"],
        ["IMAGE", "--text-det-limit-type", "mid"],
    ],
)
def test_values_outside_an_options_range_end_with_2(arguments: list[str], image: str) -> None:
    done = CliRunner().invoke(app, [image if argument == "IMAGE" else argument for argument in arguments])
    assert done.exit_code == 2
    assert "Error" in done.stderr


def test_every_format_is_explained() -> None:
    shown = " ".join(CliRunner().invoke(app, ["--help"], terminal_width=200).stdout.split())
    for form in OutputFormat:
        assert f"{form.value}: {form.meaning}" in shown


def test_every_option_of_the_table_is_a_flag_with_its_meaning_and_range() -> None:
    shown = " ".join(CliRunner().invoke(app, ["--help"], terminal_width=200).stdout.split())
    for name in set(options_of(OCR)) - {"page"}:  # which --pages stands for
        assert f"--{name.replace('_', '-')}" in shown
        assert OPTIONS[name].meaning in shown
        assert OPTIONS[name].range.expected in shown or OPTIONS[name].range.kind is bool


@pytest.mark.parametrize(
    ("name", "value"), [("text_det_thresh", "7"), ("text_det_limit_side_len", "12.5"), ("text_det_limit_type", "mid")]
)
def test_a_wrong_option_ends_with_2_and_the_tables_sentence(name: str, value: str, image: str) -> None:
    done = CliRunner().invoke(app, [image, f"--{name.replace('_', '-')}", value], terminal_width=200)
    assert done.exit_code == 2
    assert f"{name} must be {OPTIONS[name].range.expected}, not '{value}'" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {}),
        (["--text-det-thresh", "0.25"], {"text_det_thresh": 0.25}),
        (
            ["--text-det-limit-side-len", "960", "--text-det-limit-type", "max"],
            {"text_det_limit_side_len": 960, "text_det_limit_type": "max"},
        ),
        (["--use-textline-orientation"], {"use_textline_orientation": True}),
        (["--no-use-textline-orientation"], {"use_textline_orientation": False}),
    ],
)
def test_only_flags_that_are_given_are_sent_and_with_their_type(
    arguments: list[str], expected: dict[str, object], image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, object]] = []

    def ocr(self: OcrClient, image: bytes, **options: object) -> OcrResult:
        sent.append(options)
        return OcrResult.empty()

    monkeypatch.setattr(OcrClient, "ocr", ocr)
    assert CliRunner().invoke(app, [image, *arguments]).exit_code == 0
    assert sent == [expected]
    assert [type(value) for value in sent[0].values()] == [type(value) for value in expected.values()]


def test_searchable_pdf_without_its_packages_says_what_to_install(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pikepdf" else real(name))
    done = CliRunner().invoke(app, [image, "--format", "pdf", "-o", "new.pdf"])
    assert done.exit_code == 2
    assert "(no module pikepdf): pip install 'triton-paddleocr-client[documents]'" in done.stderr


def test_local_without_the_models_code_says_what_to_install(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ocr_predictor", None)
    done = CliRunner().invoke(app, [image, "--local"])
    assert done.exit_code == 2
    assert "pip install 'triton-paddleocr[cpu]'" in done.stderr


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_no_server_ends_with_1_and_one_sentence(protocol: str, image: str, closed_port: str) -> None:
    done = CliRunner().invoke(app, [image, "--url", closed_port, "--protocol", protocol])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"ocr-client: no server answers at {protocol}://{closed_port} (connection refused): "
        "start one with `make serve`, or give the address of yours (url=, --url)\n"
    )
