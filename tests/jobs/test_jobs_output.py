import errno
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocr_documents.errors import CannotWrite
from ocr_jobs.errors import JobRefused, JobStopped
from ocr_jobs.output import NOTES, Output, enter_as_actor
from ocr_jobs.parts import PartWriter, part_file
from ocr_jobs.plan import cut, plan
from ocr_jobs.schema import SCHEMA_VERSION, TABLES

FILLING = {pa.string(): "x", pa.int32(): 1, pa.int64(): 1, pa.float32(): 1.0}


def row_of(table, **values):
    return {field.name: values.get(field.name, FILLING.get(field.type, [])) for field in TABLES[table]}


def write_part(folder, part, inputs, *, failing=(), pages=1):
    with PartWriter(folder, part, {}) as writer:
        for one in inputs:
            failures = int(one.path in failing)
            for number in range(1, pages + 1):
                writer.page(row_of("pages", path=one.path, page=number))
            if failures:
                writer.failure(row_of("failures", path=one.path))
            known = {"path": one.path, "size": one.size_bytes, "modified": one.modified_ns, "failures": failures}
            writer.input(row_of("inputs", **known, sha256=None if failures else "read"))


def paths(folder, table):
    return sorted(pq.read_table(folder / table, columns=["path"])["path"].to_pylist())


def test_tables_carry_what_the_job_is(output, inputs, identity):
    with PartWriter(output.folder, "one", identity.to_dict()) as writer:
        writer.input(row_of("inputs"))
    metadata = pq.read_schema(part_file(output.folder, "inputs", "one")).metadata
    assert metadata[b"ocr_jobs.schema_version"] == str(SCHEMA_VERSION).encode()
    assert json.loads(metadata[b"ocr_jobs.job"])["model_set"] == "some-set"


def test_a_part_that_fails_leaves_nothing(output, inputs):
    with pytest.raises(ZeroDivisionError), PartWriter(output.folder, "one", {}) as writer:
        for _ in range(100):
            writer.page(row_of("pages"))
        writer.input(row_of("inputs"))
        raise ZeroDivisionError
    files = [path.name for path in output.folder.rglob("*") if path.is_file() and NOTES not in path.parts]
    assert files == ["job.json"]


def test_a_part_that_is_read_again_keeps_nothing_of_the_process_that_died_at_it(output, inputs):
    write_part(output.folder, "one", inputs[:1], failing=[inputs[0].path])
    part_file(output.folder, "inputs", "one").unlink()  # which would have appeared last
    write_part(output.folder, "one", inputs[:1], pages=0)
    assert [part_file(output.folder, table, "one").exists() for table in ("inputs", "pages", "failures")] == [
        True,
        False,
        False,
    ]


def test_an_output_that_is_a_uri_is_refused_without_its_keys(identity):
    with (
        pytest.raises(JobRefused, match=r"'s3://bucket/out' is a URI") as refusal,
        Output(Path("s3://KEY:SECRET@bucket/out"), identity),
    ):
        pass
    assert "SECRET" not in str(refusal.value)


def test_settings_of_a_job_that_has_read_nothing_may_change(output, identity):
    output.__exit__(None, None, None)
    other = replace(identity, model_set="another-set")
    with Output(output.folder, other):
        assert json.loads((output.folder / "job.json").read_text())["model_set"] == "another-set"


def test_inputs_that_stand_in_the_output_are_not_read_again(output, inputs):
    write_part(output.folder, "one", inputs[:3], failing=[inputs[0].path])
    todo = plan(inputs, output, retry_failed=False, changed="refuse")
    assert (todo.listed, todo.before, todo.to_read) == (4, 3, inputs[3:])
    assert not plan(inputs[:3], output, retry_failed=False, changed="refuse").to_read


def test_failed_inputs_are_read_again_in_place_of_their_rows(output, inputs):
    write_part(output.folder, "one", inputs[:2], failing=[inputs[0].path], pages=100)
    write_part(output.folder, "two", inputs[2:], failing=[each.path for each in inputs[2:]])
    todo = plan(inputs, output, retry_failed=True, changed="refuse")
    assert todo.to_read == [inputs[0], *inputs[2:]]
    output.take_out(todo.again)
    assert paths(output.folder, "inputs") == [inputs[1].path]
    assert paths(output.folder, "pages") == [inputs[1].path] * 100
    assert not list((output.folder / "failures").glob("*"))
    assert pq.read_schema(part_file(output.folder, "pages", "one")).equals(TABLES["pages"])


@pytest.mark.parametrize("step", ["before", "between"])
def test_taking_out_rows_that_was_cut_off_is_finished_by_the_next_run(identity, inputs, output, step, monkeypatch):
    write_part(output.folder, "one", inputs, failing=[inputs[0].path], pages=3)
    monkeypatch.setattr(Output, "_finish_rewriting", lambda *_: None)
    if step == "before":
        monkeypatch.setattr("ocr_jobs.output.keep_rows", lambda *_: None)
    output.take_out({inputs[0].path})
    monkeypatch.undo()
    output.__exit__(None, None, None)
    with Output(output.folder, identity) as again:
        left = [each.path for each in (inputs if step == "before" else inputs[1:])]
        assert sorted(again.done()) == left
        assert paths(output.folder, "pages") == sorted(left * 3)
        assert not list((output.folder / NOTES).glob("rewriting-*"))


def test_parts_that_were_not_finished_are_removed(output, identity, inputs):
    write_part(output.folder, "whole", inputs[:1])
    write_part(output.folder, "torn", inputs[1:2], failing=[inputs[1].path])
    part_file(output.folder, "inputs", "torn").unlink()
    (output.folder / "pages" / ".0123.ocr-tmp").write_bytes(b"half")
    output.__exit__(None, None, None)
    with Output(output.folder, identity):
        assert paths(output.folder, "pages") == [inputs[0].path]
        assert [path.name for path in (output.folder / "pages").iterdir()] == ["part-whole.parquet"]
        assert not list((output.folder / "failures").iterdir())


def test_an_input_with_other_content_is_refused_read_again_or_kept(output, inputs):
    write_part(output.folder, "one", inputs)
    other = [replace(inputs[0], modified_ns=5), *inputs[1:]]
    with pytest.raises(JobRefused, match=r"1 inputs have changed since .*--changed read .*--changed keep"):
        plan(other, output, retry_failed=False, changed="refuse")
    assert not plan(other, output, retry_failed=False, changed="keep").to_read
    assert plan(other, output, retry_failed=False, changed="read").again == {inputs[0].path}


def test_an_input_that_was_only_touched_has_not_changed(output, inputs):
    with PartWriter(output.folder, "one", {}) as writer:
        sha256 = hashlib.sha256(Path(inputs[0].path).read_bytes()).hexdigest()
        writer.input(row_of("inputs", path=inputs[0].path, sha256=sha256, failures=0))
    assert not plan(inputs[:1], output, retry_failed=False, changed="refuse").to_read


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": "9.9"}, r'version is "9.9" there and "0.* here'),
        ({"model_set": "other"}, 'model_set is "other" there and "some-set" here'),
        ({"model_files": "abc"}, "the model set has other files"),
        ({"reading": {"dpi": 300}}, "reading.dpi is 300 there and 200 here"),
        ({"schema_version": 2}, "schema version 2, and this program writes version 1"),
    ],
)
def test_another_job_in_the_folder_is_refused(tmp_path, identity, inputs, change, sentence):
    with Output(tmp_path / "another", identity) as output:
        write_part(output.folder, "one", inputs)
    job = tmp_path / "another" / "job.json"
    document = json.loads(job.read_text())
    change = {**change, "reading": {**document["reading"], **change.get("reading", {})}}
    job.write_text(json.dumps({**document, **change}))
    with pytest.raises(JobRefused, match=sentence), Output(tmp_path / "another", identity):
        pass


@pytest.mark.parametrize("content", ["", "[]", "{}", "7"])
def test_a_job_file_that_is_none_is_refused(tmp_path, identity, content):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "job.json").write_text(content)
    with pytest.raises(JobRefused, match="cannot be read, or is no job's"), Output(tmp_path / "results", identity):
        pass


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path, identity):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(JobRefused, match=r"holds something else .*'thesis.tex' for one"), Output(tmp_path, identity):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(JobRefused, match="Not a directory"), Output(tmp_path / "thesis.tex", identity):
        pass


def test_a_broken_table_is_named(output, inputs):
    write_part(output.folder, "one", inputs)
    part_file(output.folder, "inputs", "one").write_bytes(b"PAR1")
    with pytest.raises(JobRefused, match=r"part-one.parquet' cannot be read .*: remove it"):
        output.done()


def test_a_broken_table_of_pages_is_named_and_its_inputs_can_be_read_again(output, identity, inputs):
    write_part(output.folder, "one", inputs, failing=[inputs[0].path])
    part_file(output.folder, "pages", "one").write_bytes(b"PAR1")
    with pytest.raises(JobRefused, match=r"pages/part-one.parquet' cannot be read .*remove '.*inputs/part-one.parquet"):
        output.take_out({inputs[0].path})
    part_file(output.folder, "inputs", "one").unlink()
    output.__exit__(None, None, None)
    with Output(output.folder, identity) as again:
        assert not again.done()
        assert not list((output.folder / "pages").iterdir())


def test_one_job_at_a_time(output, identity):
    with pytest.raises(JobRefused, match="another ocr-jobs works on"), Output(output.folder, identity):
        pass


def test_actors_of_another_run_do_not_begin(output):
    enter_as_actor(output.folder, output.run).close()
    with pytest.raises(JobStopped, match="another run works on"):
        enter_as_actor(output.folder, "earlier")
    with pytest.raises(JobStopped, match=r"does not find the output folder .*all nodes must share it"):
        enter_as_actor(output.folder / "elsewhere", output.run)


def test_a_run_waits_for_actors_of_the_one_before(output, identity):
    code = """
import sys, time
from pathlib import Path
from ocr_jobs.output import enter_as_actor
held = enter_as_actor(Path(sys.argv[1]), sys.argv[2])
print("in", flush=True)
time.sleep(1)
print("out", flush=True)
"""
    actor = subprocess.Popen([sys.executable, "-c", code, output.folder, output.run], stdout=subprocess.PIPE, text=True)
    assert actor.stdout.readline() == "in\n"
    output.__exit__(None, None, None)
    with Output(output.folder, identity):
        assert actor.stdout.readline() == "out\n"
    assert actor.wait() == 0


def test_parts_hold_each_input_once(inputs):
    parts = list(cut(inputs, "run", 3))
    assert [name for name, _ in parts] == ["run-000000", "run-000001"]
    assert [each for _, part in parts for each in part] == inputs


def test_a_full_disk_is_said(output, inputs, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CannotWrite, match=r"cannot write '.*part-one.parquet': No space left on device"):
        write_part(output.folder, "one", inputs)
    monkeypatch.undo()
    assert not [path for table in TABLES for path in (output.folder / table).glob("*")]
