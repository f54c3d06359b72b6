"""What the server says about a request, and how it becomes the columns of the stages table."""

import json
from pathlib import Path
from typing import Any

import pytest

from ocr_bench.contenders.protocols import read_texts
from ocr_bench.errors import BenchError
from ocr_bench.measurements.columns import (
    COLUMN_OF_STAGE,
    COLUMNS,
    PARTS,
    PUBLISHED,
    SIX,
    Sample,
    average,
    check,
    from_server,
)
from ocr_bench.measurements.stages import Latencies, Stages
from ocr_bench.measurements.trace import parse_stages, parse_traces
from ocr_pipeline.clock import STAGES

MS = 1_000_000  # ns

METRICS = """
# HELP ocr_stage_duration_us Time spent in a stage inside a Python model
# TYPE ocr_stage_duration_us counter
ocr_stage_duration_us{model="det_batcher",stage="decode"} 1500.000000
ocr_stage_duration_us{model="rec_preprocess",stage="decode"} 250
ocr_stage_duration_us{stage="ctc_decode",model="ctc_decode"} 1e+06
ocr_stage_count{model="det_batcher",stage="decode"} 3
nv_inference_count{model="ocr",version="1"} 3
"""


def stamps(number: int, **at: int) -> dict[str, Any]:
    return {"id": number, "timestamps": [{"name": name, "ns": ns} for name, ns in at.items()]}


def trace_text() -> str:
    entries = [
        {"id": 1, "model_name": "ocr", "model_version": 1, "request_id": "HTTP/0/0"},
        stamps(1, REQUEST_START=110 * MS, QUEUE_START=110 * MS),
        {"id": 2, "model_name": "det", "model_version": 1, "request_id": "HTTP/0/0", "parent_id": 1},
        stamps(2, COMPUTE_START=120 * MS, COMPUTE_END=150 * MS),
        {"id": 3, "model_name": "ocr", "model_version": 1},
        stamps(3, REQUEST_START=0),
        stamps(1, REQUEST_END=200 * MS),
    ]
    return json.dumps(entries)


def sample() -> Sample:
    us = {"decode": 5_000, "det_resize": 1_000, "det": 30_000, "db_postprocess": 2_000, "crop": 3_000, "rec": 40_000}
    return Sample(99 * MS, 100 * MS, 203 * MS, {**us, "ctc_decode": 500})


def test_stage_counters_are_summed_over_models() -> None:
    assert parse_stages(METRICS) == {"decode": 1750, "ctc_decode": 1e6}
    assert parse_stages("") == {}


def test_a_request_is_told_from_the_steps_that_it_caused() -> None:
    traces = parse_traces(trace_text())
    assert list(traces) == ["HTTP/0/0"]
    trace = traces["HTTP/0/0"]
    assert trace.span_ns("REQUEST_START", "REQUEST_END") == 90 * MS
    with pytest.raises(BenchError, match="COMPUTE_START"):
        trace.span_ns("COMPUTE_START", "REQUEST_END")


def test_every_column_by_hand() -> None:
    parts = from_server(sample(), parse_traces(trace_text())["HTTP/0/0"])
    assert parts == pytest.approx(
        {
            "client reads picture": 1,
            "client -> server": 10,
            "server decodes": 5,
            "det preprocessing": 1,
            "det model": 30,
            "det post-processing": 2,
            "rec preprocessing": 3,
            "rec model": 40,
            "rec post-processing": 0.5,
            "between stages": 90 - 81.5,
            "server -> client": 3,
            "total": 104,
        }
    )
    assert sum(parts[part] for part in PARTS) == pytest.approx(parts["total"])


def test_sums_follow_paddle_serving() -> None:
    row = average([from_server(sample(), parse_traces(trace_text())["HTTP/0/0"])] * 2)
    assert row["server total"] == pytest.approx(1 + 30 + 2 + 3 + 40 + 0.5)
    assert row["idle"] + row["server total"] == pytest.approx(row["total"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_rows_add_up_the_same_way(name: str) -> None:
    row = {column: value or 0.0 for column, value in zip(COLUMNS, PUBLISHED[name], strict=True)}
    assert row["server total"] == pytest.approx(sum(row[part] for part in SIX), abs=0.02)
    assert row["server total"] + row["idle"] == pytest.approx(row["total"], abs=0.02)
    check({name: row})


def test_clocks_that_disagree_are_an_error() -> None:
    row = {**dict.fromkeys(PARTS, 1.0), "total": float(len(PARTS))}
    check({"row": row})
    with pytest.raises(BenchError, match=r"row: between stages is -1\.00 ms"):
        check({"row": {**row, "between stages": -1.0}})


def test_every_stage_of_a_page_has_a_column() -> None:
    assert tuple(COLUMN_OF_STAGE) == STAGES
    assert set(COLUMN_OF_STAGE.values()) == {"server decodes", *SIX}


def test_the_table_has_the_published_columns_and_rows() -> None:
    found = Stages(pictures=[Path("a.png")]).table(Latencies(1, 1, {"row": dict.fromkeys(COLUMNS, 1.0)}))
    assert found.header[1:] == COLUMNS
    assert [row[0] for row in found.rows] == ["row", *PUBLISHED]


def test_texts_are_read_from_a_region_larger_than_they_are() -> None:
    packed = b"".join(len(text).to_bytes(4, "little") + text for text in (b"a", b"", "字".encode()))
    assert read_texts(memoryview(packed + bytes(100)), 3).tolist() == [b"a", b"", "字".encode()]
    assert read_texts(memoryview(bytes(8)), 0).tolist() == []
