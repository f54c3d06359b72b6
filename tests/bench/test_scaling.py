"""The simulation of servers: against theory, against a real server's measured curve, and what is planned with it."""

import json
import random
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import simpy
from tests.conftest import SAMPLES
from typer.testing import CliRunner

from ocr_bench.cli import app
from ocr_bench.errors import BenchError
from ocr_bench.measurements.scaling import Scaling
from ocr_bench.measurements.service_times import limits_of
from ocr_bench.runner import run
from ocr_bench.scaling.far import Surroundings, far_table
from ocr_bench.scaling.loading import load_closed, load_open, measure_kinds, read_pictures
from ocr_bench.scaling.planning import Demand, Price, pages_per_s_at_most, plan
from ocr_bench.scaling.processor import Processor
from ocr_bench.scaling.record import (
    ALLOWED,
    RECORDED,
    Kind,
    Limits,
    Page,
    Part,
    Point,
    Record,
    read_record,
)
from ocr_bench.scaling.simulation import Balancing, Fleet, again, closed_loop, open_loop
from ocr_bench.scaling.traffic import Answer, order, summary, times
from ocr_bench.server import Server
from ocr_pipeline.repository import ModelRepository

RECORDS = {file.stem: read_record(file) for file in sorted(RECORDED.glob("*.json"))}
AGREEMENT = 0.15
# Where requests come at random and a server can hardly take more, how long the queue grows is a matter of chance.
AGREEMENT_NEAR_THE_MOST, HALF = 0.25, 0.55


def undisturbed(record):
    """The loads in which nobody else took the machine."""
    return [point for point in record.points if point.others <= ALLOWED]


def deviations(record, point):
    """How far the simulation is from what was measured, as parts of that."""
    found = again(record, point).summary
    return {name: getattr(found, name) / getattr(point, name) - 1 for name in ("pages_per_s", "p50_s", "p95_s")}


POINTS = [
    pytest.param(record, point, id=f"{name}-{point.mode}-{point.level:g}")
    for name, record in RECORDS.items()
    for point in undisturbed(record)
]


def kind(name, seconds, cores):
    """A kind with one page, which is in one step for some time, and keeps so many cores busy."""
    page = Page(f"{name}.png", 1000, 100, seconds, (Part("read", "read", seconds),))
    return Kind(name, (page,), {"read": seconds * cores, "client": 0.0})


QUICK, SLOW = kind("quick", 0.1, 1.0), kind("slow", 1.0, 1.0)
SERVER = Record("mine", "f32", "a processor", 2, Limits({"read": 8}, 8, 16), (QUICK, SLOW), ())


@pytest.mark.parametrize(
    ("cores", "wanted", "load", "expected_s"),
    # M/M/1 and M/M/2 with processor sharing: the mean time is that of a queue, 1 / (1 - load) and 1 / (1 - load^2).
    [(1, 1, 0.5, 2.0), (1, 1, 0.7, 10 / 3), (2, 2, 0.7, 10 / 3), (2, 1, 0.5, 4 / 3)],
)
def test_shared_cores_take_as_long_as_theory_says(cores, wanted, load, expected_s):
    environment, chance, took_s = simpy.Environment(), random.Random(7), []  # noqa: S311 -- nothing to guess
    processor = Processor(environment, cores)

    def one(seconds):
        began_s = environment.now
        yield processor.work(seconds, wanted)
        took_s.append(environment.now - began_s)

    def arrive():
        for _ in range(20_000):
            yield environment.timeout(chance.expovariate(load * cores / wanted))
            environment.process(one(chance.expovariate(1.0)))

    environment.process(arrive())
    environment.run()
    assert sum(took_s) / len(took_s) == pytest.approx(expected_s, rel=0.06)
    assert processor.busy_core_s / (cores * environment.now) == pytest.approx(load, rel=0.03)


def test_work_is_never_faster_than_alone():
    environment = simpy.Environment()
    done = Processor(environment, 8).work(3.0, 1.0)
    environment.run(done)
    assert environment.now == pytest.approx(3.0)


def test_records_of_two_model_sets_come_along():
    assert {record.model_set for record in RECORDS.values()} == {"pp-ocrv6", "pp-ocrv6-tiny"}
    for record in RECORDS.values():
        assert record.processor
        assert {point.level for point in undisturbed(record) if point.mode == "closed"} >= {1, 64}
        assert sum(point.mode == "open" for point in undisturbed(record)) >= 2


@pytest.mark.parametrize(("record", "point"), POINTS)
def test_a_measured_load_comes_out_of_the_simulation(record, point):
    told = deviations(record, point)
    assert abs(told["pages_per_s"]) <= AGREEMENT
    is_close_to_the_most = point.mode == "open" and point.level > HALF * pages_per_s_at_most(record, record.kinds)
    allowed = AGREEMENT_NEAR_THE_MOST if is_close_to_the_most else AGREEMENT
    assert max(abs(told["p50_s"]), abs(told["p95_s"])) <= allowed, told


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_on_the_average_the_simulation_is_closer(record):
    told = [abs(each) for point in undisturbed(record) for each in deviations(record, point).values()]
    assert sum(told) / len(told) <= AGREEMENT / 2


def test_one_page_after_the_other_takes_what_it_takes_alone():
    found = closed_loop(SERVER, [QUICK], in_flight=1, requests=50, seed=1)
    assert found.summary.p50_s == found.summary.p95_s == pytest.approx(0.1)
    assert found.summary.pages_per_s == pytest.approx(10.0)
    assert found.utilisation == pytest.approx(0.5)  # one of two cores


def test_when_all_cores_are_busy_no_more_pages_are_read():
    found = [closed_loop(SERVER, [QUICK], in_flight, requests=400, seed=1).summary for in_flight in (2, 4, 16)]
    assert [each.pages_per_s for each in found] == pytest.approx([20.0] * 3, rel=0.05)
    assert [each.p50_s for each in found] == pytest.approx([0.1, 0.2, 0.8], rel=0.05)


def test_the_same_seed_gives_the_same_answer():
    first, same, other = (open_loop(SERVER, SERVER.kinds, 2.0, 200, seed, Fleet(2)) for seed in (5, 5, 6))
    assert first == same
    assert first != other


def test_more_than_a_server_takes_is_refused():
    found = open_loop(SERVER, [SLOW], rate=20.0, requests=200, seed=1, fleet=Fleet(1))
    assert found.refused > 100
    assert found.under_way <= SERVER.limits.max_in_flight
    assert open_loop(SERVER, [SLOW], rate=1.0, requests=50, seed=1, fleet=Fleet(1)).refused == 0


def test_a_client_that_counts_its_requests_spreads_unequal_pages_better_than_one_that_does_not():
    by_turn, by_count = (
        open_loop(SERVER, SERVER.kinds, 12.0, 2000, 3, Fleet(4, clients=1, balancing=balancing)).summary
        for balancing in (Balancing.ROUND_ROBIN, Balancing.LEAST_OUTSTANDING)
    )
    assert by_count.p95_s < by_turn.p95_s


def test_a_plan_has_the_fewest_servers_that_are_enough():
    demand = Demand(rate=30.0, p95_s=2.0, run_s=20.0, least=500)
    found = plan(SERVER, SERVER.kinds, demand, Fleet(1))
    assert found.outcome.summary.p95_s <= 2.0
    assert found.replicas > demand.rate / pages_per_s_at_most(SERVER, SERVER.kinds)
    fewer = open_loop(SERVER, SERVER.kinds, demand.rate, demand.requests, demand.seed, Fleet(found.replicas - 1))
    assert fewer.refused or fewer.summary.p95_s > 2.0


def test_no_number_of_servers_makes_a_page_faster_than_alone():
    assert plan(SERVER, [SLOW], Demand(rate=2.0, p95_s=0.9, run_s=1.0, least=100), Fleet(1)) is None


def test_a_million_pages_cost_their_core_hours():
    # 2 cores, a page a second: 1,000,000 seconds, 277.8 hours
    assert Price(0.05).of_million_pages(cores=2, rate=1.0) == pytest.approx(27.78, rel=1e-3)
    assert Price(0.05, peak_to_mean=3.0).of_million_pages(2, 1.0) == pytest.approx(83.33, rel=1e-3)


def test_only_the_time_with_so_many_in_flight_is_summed_up():
    answers = [Answer(sent_s, sent_s + 2.0) for sent_s in (0.0, 1.0, 2.0, 3.0, 4.0)]
    assert summary(answers, in_flight=2).pages_per_s == pytest.approx(1.0)  # those that came at 4
    assert summary(answers).pages_per_s == pytest.approx(5 / 6)


def test_order_and_times_are_those_of_the_seed():
    assert order([["a", "b"], ["c"]], 100, 1) == order([["a", "b"], ["c"]], 100, 1)
    assert 35 <= order([["a", "b"], ["c"]], 100, 1).count("c") <= 65
    assert times(4.0, 4000, 1)[-1] == pytest.approx(1000.0, rel=0.1)


def test_ten_times_the_pages_need_ten_times_of_all_that_is_around():
    few, many = (far_table([SERVER], rate, Surroundings()).rows for rate in (1_000.0, 10_000.0))
    for (name, fewer, _), (_, more, _) in zip(few, many, strict=True):
        if name in ("servers", "cores", "series in Prometheus"):
            assert int(more.replace(",", "")) == pytest.approx(10 * int(fewer.replace(",", "")), rel=0.02)
    assert few[0][0] == "servers"


def test_the_command_plans_with_a_file(tmp_path):
    point = Point("closed", 2, 50, 1, 18.0, 0.1, 0.1)
    record = replace(SERVER, kinds=(QUICK,), points=(point,))
    (tmp_path / "mine.json").write_text(json.dumps({"machine": {}, "data": asdict(record)}), encoding="utf-8")
    assert read_record(tmp_path / "mine.json") == record
    options = {"measured": [tmp_path / "mine.json"], "rate": [5.0], "p95": 1.0, "pages": 200, "price": 0.05}
    text = run(Scaling(**options, out=tmp_path))
    # a page takes 0.1 s of a core: 5 a second are a quarter of two cores, and 2 * 0.05 an hour for 18,000 pages
    (row,) = [line for line in text.splitlines() if line.startswith("| mine | quick | 5 |")]
    assert [cell.strip() for cell in row.split("|")][4:6] == ["1", "2"]
    assert row.endswith("| 5.56 |")
    assert (tmp_path / "scaling.png").is_file()


def test_a_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "other.json").write_text('{"data": {"kinds": 1}}', encoding="utf-8")
    for file, said in (
        ("other.json", "none that ocr-bench service-times has written"),
        ("gone.json", "cannot be read"),
    ):
        result = CliRunner().invoke(app, ["scaling", "--measured", str(tmp_path / file), "--out", str(tmp_path)])
        assert result.exit_code == 2
        assert f"{file} " in result.output.replace("\n", "")
        assert said in result.output.replace("\n", "")


def test_an_unknown_kind_is_named():
    with pytest.raises(BenchError, match="no kind 'odd' was measured; expected one of quick, slow"):
        SERVER.kind("odd")


def test_the_limits_are_those_of_the_configurations(bare_repository):
    limits = limits_of(ModelRepository(bare_repository))
    assert (limits.max_at_work, limits.max_in_flight) == (8, 64)
    assert limits.instances["rec_batcher"] == 4
    assert "det" not in limits.instances


def test_a_real_server_is_measured_and_loaded(server):
    target = Server(server.http_url, server.grpc_url, server.metrics_url, server.process.pid, 0.0)
    pictures = read_pictures(SAMPLES, [SAMPLES / "receipt.png", SAMPLES / "blank.png"])
    (measured,) = measure_kinds(target, {"samples": pictures}, rounds=1, done=lambda: None)
    receipt, blank = measured.pages
    assert [part.stage for part in receipt.parts][:2] == ["decode", "det_resize"]
    assert {part.stage for part in receipt.parts} >= {"det", "crop", "rec", "ctc_decode"}
    assert "rec" not in {part.stage for part in blank.parts if part.seconds > 0.05}
    assert receipt.answer_bytes > 500
    assert 0 < receipt.outside_s < receipt.wall_s
    assert measured.cpu_s["det"] > 0
    assert measured.cpu_s["client"] >= 0
    asked = [picture.content for picture in pictures]
    assert len(load_closed(target, asked * 2, in_flight=2)) == 4
    answers = load_open(target, asked, [0.0, 0.1])
    assert answers[1].sent_s - answers[0].sent_s >= 0.09
    limits = limits_of(ModelRepository(Path(server.repository)))
    record = replace(SERVER, limits=limits, kinds=(measured,))
    alone = closed_loop(record, [measured], 1, 20, 1, is_client_here=True).summary
    assert blank.wall_s * 0.99 <= alone.p50_s <= receipt.wall_s * 1.01
