"""The frame: what a measurement finds goes into files, and its fields are the options of its command."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
import typer
from matplotlib.figure import Figure
from typer.testing import CliRunner

from ocr_bench import cli
from ocr_bench.errors import BenchError
from ocr_bench.report import Table
from ocr_bench.runner import Measurement, Workplace


@dataclass(frozen=True)
class Count:
    word: str
    times: int


@dataclass(frozen=True, kw_only=True)
class CountWords(Measurement[list[Count]]):
    """Count words."""

    command: ClassVar[str] = "words"
    title: ClassVar[str] = "Words"

    word: Annotated[list[str], typer.Option(help="Repeatable.")] = field(default_factory=lambda: ["a", "b"])
    times: Annotated[int, typer.Option(min=1)] = 2

    def measure(self, place: Workplace) -> list[Count]:
        if "" in self.word:
            raise BenchError("a word must have letters")
        place.file("log").write_text("counted", encoding="utf-8")
        with place.progress(len(self.word)) as done:
            for word in self.word:
                done(word, 1)
        return [Count(word, self.times) for word in self.word]

    def intro(self, found: list[Count]) -> str:
        return f"{len(found)} words."

    def table(self, found: list[Count]) -> Table:
        return Table(("word", "times"), tuple((count.word, count.times) for count in found))

    def figure(self, found: list[Count]) -> Figure:
        return Figure()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(cli, "app", typer.Typer())
    cli.add_command(CountWords)
    cli.app.command("other")(lambda: None)
    return lambda *options: CliRunner().invoke(cli.app, ["words", "--out", str(tmp_path), *options])


def test_a_measurement_becomes_a_section_a_table_data_and_a_figure(run, tmp_path: Path) -> None:
    result = run("--name", "mine")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "mine.md").read_text(encoding="utf-8")
    assert text in result.output
    assert text.startswith(
        "### Words\n\n2 words.\n\n| word | times |\n| --- | ---: |\n| a | 2 |\n| b | 2 |\n\n![mine]("
    )
    assert (tmp_path / "mine.csv").read_text(encoding="utf-8").split() == ["word,times", "a,2", "b,2"]
    document = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert document["data"] == [{"word": "a", "times": 2}, {"word": "b", "times": 2}]
    assert document["machine"]["cores"] >= 1
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "mine.log").is_file()


def test_fields_are_options_with_their_defaults_and_bounds(run, tmp_path: Path) -> None:
    assert run("--word", "c", "--times", "3").exit_code == 0
    assert (tmp_path / "words.csv").read_text(encoding="utf-8").split() == ["word,times", "c,3"]
    refused = run("--times", "0")
    assert refused.exit_code == 2
    assert "--times" in refused.output


def test_mistakes_are_one_sentence_and_exit_code_2(run) -> None:
    result = run("--word", "")
    assert result.exit_code == 2
    assert result.output.endswith("ocr-bench: a word must have letters\n")


@pytest.mark.parametrize("command", ["stages", "floor", "load", "endurance"])
def test_a_folder_that_does_not_exist_is_named(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, [command, "--data", str(tmp_path / "gone"), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "gone: no such file or folder" in result.output
