"""Which exported figure tells load: what is computed from scrapes, and what a real server exports under load."""

import promql_parser
import pytest
from tests.conftest import SAMPLES

from ocr_bench.errors import BenchError
from ocr_bench.measurements.load_metric import Climb, LoadMetric, climb
from ocr_bench.measurements.perf_analyzer import Point, find
from ocr_bench.scaling.exported import FIGURES, LATENCY, UNDER_WAY, Scrape, parse, scrape
from ocr_bench.scaling.levels import Level, steady, there_and_back
from ocr_bench.scaling.plots import load_figures
from ocr_bench.server import Server

PAGE = """# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{{model="decode",version="1"}} {waiting}
nv_inference_pending_request_count{{model="det",version="1"}} 7
nv_inference_pending_request_count{{model="ocr",version="1"}} 0
nv_inference_compute_infer_duration_us{{model="decode",version="1"}} {busy_us}
nv_inference_compute_infer_duration_us{{model="det_batcher",version="1"}} {busy_us}
nv_inference_compute_infer_duration_us{{model="rec",version="1"}} 99
nv_inference_compute_infer_duration_us{{model="ocr",version="1"}} 99
nv_inference_request_duration_us{{model="ocr",version="1"}} {time_us}
nv_inference_request_success{{model="ocr",version="1"}} {answers}
nv_inference_request_success{{model="rec",version="1"}} 5
"""
FIRST = Scrape(10.0, parse(PAGE.format(waiting=2, busy_us=0, time_us=0, answers=0)))
LAST = Scrape(12.0, parse(PAGE.format(waiting=4, busy_us=2_500_000, time_us=6_000_000, answers=3)))
SELF = Point("grpc", 1, 1.0, 1, 2, 3, 4, 5)


def of(name):
    (figure,) = [figure for figure in FIGURES if figure.name == name]
    return figure.over([FIRST, LAST])


def test_steps_count_and_networks_and_endpoints_do_not():
    assert of("waiting before all steps") == 3.0
    assert of("busy steps") == 2.5
    assert UNDER_WAY.over([FIRST, LAST]) == 5.5


def test_time_of_answers_is_requests_under_way_and_latency():
    assert of("requests under way: time of answers") == 3.0
    assert LATENCY.over([FIRST, LAST]) == 2000.0


def test_a_time_without_an_answer_has_no_latency():
    assert LATENCY.over([FIRST, Scrape(11.0, FIRST.values)]) == 0.0


def test_levels_rise_and_fall_again():
    assert there_and_back([4, 1, 2]) == [(1, False), (2, False), (4, False), (2, True), (1, True)]
    assert there_and_back([3]) == [(3, False)]


def test_only_the_middle_of_a_level_counts():
    scrapes = [Scrape(float(second), {}) for second in range(11)]
    assert [each.at_s for each in steady(scrapes, 0.0, 10.0)] == [4.0, 5.0, 6.0, 7.0, 8.0]
    with pytest.raises(BenchError, match="too short"):
        steady(scrapes, 0.0, 1.0)


def test_the_table_has_both_ways_in_a_cell_and_the_promql_of_each_figure(tmp_path):
    levels = [
        Level(in_flight, is_falling, 0.0, 1.0, SELF, {figure.name: float(in_flight) for figure in FIGURES})
        for in_flight, is_falling in there_and_back([1, 200])
    ]
    measurement, found = LoadMetric(pictures=[tmp_path]), Climb(1, levels, [FIRST, LAST])
    table = measurement.table(found)
    assert table.header == ("requests in flight", "1", "200")
    assert (UNDER_WAY.name, "1 → 1", "200") in table.rows
    (note,) = measurement.notes(found)
    assert note.count("\n") == len(FIGURES) + 1


@pytest.mark.parametrize("figure", FIGURES, ids=[figure.name for figure in FIGURES])
def test_prometheus_finds_what_a_figure_asks_for(server, figure):
    exported = scrape(server.metrics_url).values
    found = []
    promql_parser.walk(promql_parser.parse(figure.promql), found.append)
    selectors = [part for part in found if isinstance(part, promql_parser.VectorSelector)]
    assert selectors
    assert {selector.name for selector in selectors} <= {metric for metric, _ in exported}


def test_the_chosen_figure_is_the_number_of_requests_in_flight_and_falls_with_it(server, tmp_path):
    told = []
    found = climb(
        find(tmp_path / "libraries"),
        Server(server.http_url, server.grpc_url, server.metrics_url, server.process.pid, 0.0),
        [SAMPLES / "blank.png"],
        levels=[1, 6],
        requests=6,
        done=lambda what, steps: told.append(what),
        interval_s=0.1,
    )
    assert told == ["1 in flight", "6 in flight", "1 in flight"]
    one, six, one_again = (level.figures[UNDER_WAY.name] for level in found.levels)
    assert 4.0 < six < 8.0
    assert max(one, one_again) < 2.5
    left, right = load_figures(found.levels, found.scrapes, "mine").axes
    assert left.get_xticks().tolist() == [1, 6]
    assert right.get_xlabel() == "seconds"
