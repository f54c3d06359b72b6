"""The command line where no server is needed: its own mistakes, and a server that is not there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ocr_client.cli import app


@pytest.fixture
def image(tmp_path: Path) -> str:
    (tmp_path / "a.png").write_bytes(b"x")
    return str(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png"], "there is no file or folder 'missing.png'"),
        (["IMAGE", "--url", "ftp://x"], "not an address for the protocol 'http'"),
        (["IMAGE", "--timeout", "0"], "timeout_s: expected seconds"),
        (["IMAGE", "--header", "Authorization"], "--header: expected 'NAME: VALUE', got 'Authorization'"),
        (["IMAGE", "--overlay", "out", "--font", "missing.otf"], "missing.otf"),
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
    [[], ["IMAGE", "--format", "xml"], ["IMAGE", "--concurrency", "0"], ["IMAGE", "--text-det-limit-type", "mid"]],
)
def test_values_outside_an_options_range_end_with_2(arguments: list[str], image: str) -> None:
    done = CliRunner().invoke(app, [image if argument == "IMAGE" else argument for argument in arguments])
    assert done.exit_code == 2
    assert "Error" in done.stderr


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_no_server_ends_with_1_and_one_sentence(protocol: str, image: str, closed_port: str) -> None:
    done = CliRunner().invoke(app, [image, "--url", closed_port, "--protocol", protocol])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"ocr-client: no server answers at {protocol}://{closed_port} (connection refused): "
        "start one with `make serve`, or give the address of yours (url=, --url)\n"
    )
