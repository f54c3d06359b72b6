"""Tables, and the page whose sections are replaced while the text around them stays."""

import re
from pathlib import Path

import pytest

from ocr_bench.cli import SECTIONS
from ocr_bench.errors import BenchError
from ocr_bench.machine import placeless, this_machine
from ocr_bench.report import Table, join, replace_section, write_section


def test_markdown_rounds_aligns_and_escapes() -> None:
    table = Table(("name", "ms"), (("a|b", 1.234), ("c", None)))
    assert table.markdown().splitlines() == ["| name | ms |", "| --- | ---: |", "| a\\|b | 1.23 |", "| c | – |"]


def test_csv_keeps_every_digit(tmp_path: Path) -> None:
    Table(("name", "ms"), (("a,b", 1.2345), ("c", None))).write_csv(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines() == ["name,ms", '"a,b",1.2345', "c,"]


def test_rows_must_fit_the_header() -> None:
    with pytest.raises(ValueError, match="1 cells under 2 columns"):
        Table(("a", "b"), (("x",),))


def test_a_section_is_replaced_and_the_text_around_it_stays() -> None:
    page = "# Results\n\nbefore\n\n<!-- begin load -->\nold\n<!-- end load -->\n\nafter\n"
    assert replace_section(page, "load", "new\n") == page.replace("old", "new")


def test_a_new_section_goes_to_the_end() -> None:
    assert replace_section("# Results\n", "load", "new").endswith("<!-- begin load -->\nnew\n<!-- end load -->\n")


def test_a_section_without_its_end_is_not_guessed() -> None:
    with pytest.raises(BenchError, match="end load"):
        replace_section("<!-- begin load -->\nold\n", "load", "new")


def test_join_brings_pictures_along(tmp_path: Path) -> None:
    out, page = tmp_path / "out", tmp_path / "page" / "RESULTS.md"
    page.parent.mkdir()
    write_section(out, "stages", ["### Stages", "![stages](stages.png)"], {"rows": []}, this_machine())
    (out / "stages.png").write_bytes(b"png")
    assert join(out, page, ["load", "stages"]) == ["stages"]
    assert "![stages](pictures/stages.png)" in page.read_text(encoding="utf-8")
    assert (page.parent / "pictures" / "stages.png").read_bytes() == b"png"
    first = page.read_text(encoding="utf-8")
    join(out, page, ["stages"])
    assert page.read_text(encoding="utf-8") == first


def test_join_without_results_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"load\.md"):
        join(tmp_path, tmp_path / "RESULTS.md", ["load"])


def test_a_result_names_its_machine_versions_and_command(tmp_path: Path) -> None:
    text = write_section(tmp_path, "load", ["### Load"], [], this_machine())
    assert "cores" in text
    assert "numpy 1." in text
    assert text.rstrip().endswith("`")


def test_commands_do_not_say_where_pictures_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "own").mkdir(parents=True)
    (tmp_path / "receipts").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert placeless(str(tmp_path / "receipts")) == "DATA/receipts"
    assert placeless("../receipts") == "DATA/receipts"
    assert placeless("own") == "own"
    assert placeless("--data") == "--data"


def test_every_section_that_make_bench_names_is_brought_into_the_results() -> None:
    root = Path(__file__).resolve().parents[2]
    makefile = (root / "Makefile").read_text("utf-8")
    assert set(re.findall(r"--name ([\w-]+)", makefile)) < set(SECTIONS)
    page = (root / "bench" / "RESULTS.md").read_text("utf-8")
    assert sorted(re.findall(r"<!-- begin ([\w-]+) -->", page)) == sorted(SECTIONS)
