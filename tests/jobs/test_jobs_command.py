"""The command, with a real Ray on this machine and a real server."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ocr_client import OcrClient
from ocr_jobs.cli import app
from ocr_jobs.engine import Pool, choose_pool
from ocr_jobs.settings import LocalModels, Servers, Work

OCR_JOBS = str(Path(sys.prefix) / "bin" / "ocr-jobs")
PAGES = 12


def start(*arguments):
    words = [OCR_JOBS, "run", *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*arguments):
    job = start(*arguments)
    told, said = job.communicate(timeout=200)
    return job.returncode, told, said


def parts(output):
    return sorted((output / "inputs").glob("part-*.parquet"))


def listening(processes):
    return {
        connection.laddr.ip.removeprefix("::ffff:")
        for process in processes
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }


def test_a_job_that_is_killed_goes_on_and_reads_every_input_once(server, tmp_path, draw_page, wait_for):
    scans, output = tmp_path / "scans", tmp_path / "results"
    for number in range(PAGES):
        draw_page(scans / f"{number:02d}.png", f"ROW {number} OF {PAGES}")
    (scans / "broken.png").write_bytes(b"no picture")
    command = ("--input", scans, "--output", output, "--url", server.http_url, "--inputs-per-part", "4")

    job = start(*command, "--actors", "1", "--concurrency", "1")
    wait_for(lambda: parts(output) or job.poll() is not None, "a part is written", 150)
    assert job.poll() is None, job.communicate()
    tree = [psutil.Process(job.pid), *psutil.Process(job.pid).children(recursive=True)]
    assert listening(tree) == {"127.0.0.1"}
    for process in tree:
        process.kill()
    psutil.wait_procs(tree, 30)
    job.communicate()
    before = len(pq.read_table(output / "inputs"))
    assert 0 < before < PAGES + 1

    code, told, said = run(*command)
    assert code == 1, said
    assert "1 inputs" in told
    assert said.splitlines()[0] == f"ocr-jobs: {PAGES + 1} inputs, {before} read before, {PAGES + 1 - before} to read"
    assert all(line.startswith("ocr-jobs: ") for line in said.splitlines()), said
    inputs = pq.read_table(output / "inputs")["path"].to_pylist()
    assert sorted(inputs) == sorted(map(str, scans.iterdir()))
    assert [row["path"] for row in pq.read_table(output / "failures").to_pylist()] == [str(scans / "broken.png")]
    pages = pq.read_table(output / "pages").to_pylist()
    assert len(pages) == PAGES
    with OcrClient(server.http_url) as client:
        for row in pages:
            assert [line["text"] for line in row["lines"]] == list(client.ocr(row["path"]).texts)
    report = json.loads((output / "report.json").read_text())
    assert (report["inputs"], report["inputs_read"], report["inputs_left"]) == (PAGES + 1, PAGES + 1 - before, 0)
    assert (report["inputs_failed_of_all_runs"], report["end"]) == (1, "done")

    code, told, said = run(*command)  # nothing is left: no Ray is started
    assert code == 1
    assert said == f"ocr-jobs: {PAGES + 1} inputs, {PAGES + 1} read before, 0 to read\n"
    code, _, said = run(*command, "--dpi", "300")
    assert code == 2
    assert "has other settings: reading.dpi is 200 there and 300 here" in said


def test_models_in_the_job_answer_as_a_server_and_sigterm_leaves_nothing(
    server, model_repository, tmp_path, draw_page, wait_for
):
    page, output = draw_page(tmp_path / "scans" / "page.png", "A ROW OF TEXT"), tmp_path / "results"
    command = ("--input", page, "--output", output, "--model-repository", model_repository, "--precision", "f32")
    code, told, said = run(*command)
    assert (code, said) == (0, "ocr-jobs: 1 inputs, 0 read before, 1 to read\n"), told
    (row,) = pq.read_table(output / "pages").to_pylist()
    with OcrClient(server.http_url) as client:
        assert [line["text"] for line in row["lines"]] == list(client.ocr(page).texts)
    assert row["model_set"] == "pp-ocrv4-mobile"

    (output / "inputs").rename(tmp_path / "inputs")
    job = start(*command)
    wait_for(lambda: (output / ".ocr-jobs" / "run").exists() and len(psutil.Process(job.pid).children()) > 2, "Ray")
    tree = psutil.Process(job.pid).children(recursive=True)
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 128 + signal.SIGTERM, said
    assert not psutil.wait_procs(tree, 30)[1]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("--input none --url a", 2, "there is no file or folder 'none'"),
        ("--input empty --url a", 2, "--input 'empty' holds no document (.bmp .gif"),
        ("--input page.png --url 127.0.0.1:1", 3, "no server answers at 127.0.0.1:1 (http), or none is ready"),
        ("--input page.png --url x:y", 2, "expected host:port, got 'x:y'"),
        ("--input page.png", 2, "model_repository has no weights"),
        ("--input page.png --url a --precision f32", 2, "--precision: only without --url; servers have their own"),
        ("--input page.png --header a:b --wait 3", 2, "--header, --wait: only with --url"),
        ("--input page.png --url a --pages 3-1", 2, "3-1"),
        ("--input page.png --url a --retries -1", 2, "retries: expected"),
        ("--input page.png --url a --output page.png", 2, "Not a directory"),
        ("--input page.png --url a --output .", 2, "holds something else"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(tmp_path, draw_page, monkeypatch, arguments, code, sentence):
    monkeypatch.chdir(tmp_path)
    draw_page(tmp_path / "page.png", "A ROW")
    (tmp_path / "empty").mkdir()
    ended = CliRunner().invoke(app, ["run", "--output", "results", *arguments.split()])
    said = [line for line in ended.stderr.splitlines() if not line.endswith(("to read", "goes on"))]
    assert (ended.exit_code, len(said)) == (code, 1), ended.stderr
    assert said[0].startswith("ocr-jobs: ")
    assert sentence in said[0]
    assert not ended.stdout
    assert not list(tmp_path.glob("results/*/part-*"))


@pytest.mark.parametrize(
    ("reader", "work", "cpus", "nodes", "pool"),
    [
        (LocalModels(), Work(), 2, 1, Pool(1, 2, 2, 2)),
        (LocalModels(), Work(), 64, 1, Pool(16, 4, 2, 4)),
        (LocalModels(), Work(actors=3, cpus_per_actor=1, concurrency=1), 2, 1, Pool(3, 1, 1, 1)),
        (Servers(("a",)), Work(), 2, 1, Pool(2, 1, 4, None)),
        (Servers(("a",)), Work(), 1, 1, Pool(1, 1, 4, None)),
        (Servers(("a",)), Work(address="auto"), 64, 4, Pool(8, 1, 4, None)),
    ],
)
def test_actors_suit_the_machine(reader, work, cpus, nodes, pool):
    assert choose_pool(work, reader, cpus, nodes) == pool
