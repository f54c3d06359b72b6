"""A part, read in this process: what an actor does."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from ocr_client import OcrClient
from ocr_contract.result import OcrResult
from ocr_jobs.errors import JobStopped
from ocr_jobs.listing import list_inputs
from ocr_jobs.output import NOTES
from ocr_jobs.parts import PartSums
from ocr_jobs.readers import check_servers
from ocr_jobs.settings import Reading, Servers
from ocr_jobs.worker import PartReader, part_row, read_part


def rows(output, table):
    folder = output.folder / table
    return sorted(pq.read_table(folder).to_pylist() if folder.exists() else [], key=lambda row: row["path"])


def never(_):
    raise AssertionError("it is not to be read")


def empty(_):
    return OcrResult.empty()


def test_a_part_holds_what_a_client_reads(server, output, inputs, worker_settings):
    reading = Reading({"return_word_box": True})
    worker = PartReader(worker_settings(output, server.http_url, reading))
    told = worker(part_row("one", inputs))
    assert (told["inputs"], told["pages"], told["failed"], told["stopped"]) == (4, 4, 0, "")
    with OcrClient(server.http_url) as client:
        for given, row in zip(inputs, rows(output, "pages"), strict=True):
            page = client.ocr(given.path, return_word_box=True)
            assert page.texts
            assert (row["path"], row["page"], row["pages"], row["width"], row["height"]) == (given.path, 1, 1, 320, 64)
            assert [line["text"] for line in row["lines"]] == list(page.texts)
            assert [line["box"] for line in row["lines"]] == page.boxes.reshape(-1, 8).tolist()
            assert [line["score"] for line in row["lines"]] == page.scores.tolist()
            assert [word["text"] for word in row["words"]] == list(page.words)
            assert [word["line"] for word in row["words"]] == page.word_lines.tolist()
            assert json.loads(row["options"])["options"] == {"return_word_box": True}
    assert told["lines"] == sum(len(row["lines"]) for row in rows(output, "pages"))
    assert not list((output.folder / NOTES).glob("trail-*"))


def test_every_page_of_a_document_is_a_row(tmp_path, output, scans, worker_settings):
    frames = [Image.open(path) for path in sorted(scans.glob("*.png"))]
    frames[0].save(scans / "pages.tif", save_all=True, append_images=frames[1:])
    frames[0].save(scans / "pages.pdf", save_all=True, append_images=frames[1:])
    inputs = list_inputs([str(scans / "pages.*")], tmp_path / "results")
    settings = worker_settings(output, reading=Reading(pages="2-", max_pages=2, existing_text="read"))
    assert read_part("one", inputs, settings, empty) == PartSums(inputs=2, pages=4)
    assert sorted((Path(row["path"]).name, row["page"], row["pages"]) for row in rows(output, "pages")) == [
        ("pages.pdf", 2, 3),
        ("pages.pdf", 3, 3),
        ("pages.tif", 2, 3),
        ("pages.tif", 3, 3),
    ]
    assert all(row["words"] is None for row in rows(output, "pages"))


def test_what_cannot_be_read_stands_in_a_table_of_its_own(output, scans, worker_settings):
    (scans / "broken.png").write_bytes(b"no picture")
    (scans / "gone.png").write_bytes(b"")
    (scans / "pages.tif").write_bytes((scans / "page0.png").read_bytes())
    inputs = list_inputs([str(scans)], output.folder)
    (scans / "gone.png").unlink()

    def read(picture):
        if bytes(picture) == (scans / "page1.png").read_bytes():
            raise ZeroDivisionError("a flaw")
        return OcrResult.empty()

    sums = read_part("one", inputs, worker_settings(output, reading=Reading(max_pages=1)), read)
    assert sums == PartSums(inputs=7, failed=3, pages=4, failures=3)
    failures = {Path(row["path"]).name: row for row in rows(output, "failures")}
    said = {name: (row["page"], row["kind"], row["at_fault"], row["reason"]) for name, row in failures.items()}
    assert said == {
        "broken.png": (None, "BrokenDocument", "input", said["broken.png"][3]),
        "gone.png": (None, "InputVanished", "storage", "is gone: it was there when the job listed its inputs"),
        "page1.png": (1, "Unforeseen", "program", "ZeroDivisionError: a flaw"),
    }
    assert failures["gone.png"]["sha256"] is None
    assert len(failures["broken.png"]["sha256"]) == 64
    by_name = {Path(row["path"]).name: row for row in rows(output, "inputs")}
    assert [by_name[name]["failures"] for name in ("broken.png", "gone.png", "page1.png", "page0.png")] == [1, 1, 1, 0]


def test_a_part_that_is_there_is_not_read_again(output, inputs, worker_settings):
    first = read_part("one", inputs, worker_settings(output), empty)
    assert read_part("one", inputs, worker_settings(output), never) == first


def test_no_server_stops_the_job_and_leaves_nothing(output, inputs, worker_settings):
    told = PartReader(worker_settings(output, wait_s=0.0, retries=0))(part_row("one", inputs))
    assert "127.0.0.1:1" in told["stopped"]
    assert told["stopped"].endswith("(waited 0 s)")
    assert "\n" not in told["stopped"]
    assert not any(rows(output, table) for table in ("inputs", "pages", "failures"))
    with pytest.raises(JobStopped, match=r"no server answers at 127.0.0.1:1, 127.0.0.1:2 \(http\)"):
        check_servers(Servers(("127.0.0.1:1", "127.0.0.1:2"), retries=0))


def test_an_input_that_ends_its_process_is_given_up_and_the_others_are_read(output, inputs, worker_settings):
    """As Ray does, the part is read again when the process has died."""
    settings = worker_settings(output)
    code = """
import os, pickle, sys
from pathlib import Path
from ocr_contract.result import OcrResult
from ocr_jobs.worker import read_part
settings, inputs = pickle.load(sys.stdin.buffer)
bad = Path(inputs[1].path).read_bytes()
read_part("one", inputs, settings, lambda picture: os._exit(9) if bytes(picture) == bad else OcrResult.empty())
"""
    codes = []
    while not codes or (codes[-1] and len(codes) < 9):
        given = pickle.dumps((settings, inputs))
        codes.append(subprocess.run([sys.executable, "-c", code], input=given, check=False).returncode)
    assert codes == [9, 9, 0]
    (failure,) = rows(output, "failures")
    assert (failure["path"], failure["kind"], failure["at_fault"]) == (inputs[1].path, "ReaderDied", "program")
    assert len(rows(output, "pages")) == 3
    assert len(rows(output, "inputs")) == 4


def test_an_actor_of_another_run_reads_nothing(output, inputs, worker_settings):
    told = PartReader(replace(worker_settings(output), run="earlier"))(part_row("one", inputs))
    assert told["stopped"] == f"another run works on {str(output.folder)!r}"
