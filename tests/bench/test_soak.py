"""What a soak makes of each request, with a server that answers as it is told; and a short one with the real server."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colors
from typer.testing import CliRunner

from ocr_bench.cli import app
from ocr_bench.errors import BenchError
from ocr_bench.measurements.soak import Soak, Soaked
from ocr_bench.soak.cases import Case
from ocr_bench.soak.faults import MOST, WITHIN_S, Fault, Kind, plan
from ocr_bench.soak.memory import Sample, growth
from ocr_bench.soak.outcomes import Entry, Ledger, Outcome, difference, judge
from ocr_bench.soak.traffic import Mix, Traffic, read_references
from ocr_client import OcrClient, OcrResult
from ocr_client.errors import BadRequestError, ServerFailureError, ServerNotReadyError, ServerTimeoutError

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
Answer = Callable[[int], tuple[int, str]]  # of the number of times that this has been asked: status, text


class StandIn:
    """A server of one line of text; what it answers to a picture depends on the picture's bytes."""

    def __init__(self, behaviour: dict[bytes, Answer]) -> None:
        self.asked: dict[bytes, int] = dict.fromkeys(behaviour, 0)
        lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                (picture,) = [each for each in behaviour if body.endswith(each)]
                with lock:
                    stand_in.asked[picture] += 1
                    count = stand_in.asked[picture]
                status, text = behaviour[picture](count)
                reply = json.dumps(page(text) if status == 200 else {"error": text}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StandIn":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def page(text: str) -> dict[str, Any]:
    """The answer of the endpoint ocr with one line."""
    tensors = {
        "boxes": ("FP32", [1, 4, 2], [0, 0, 9, 0, 9, 9, 0, 9]),
        "texts": ("BYTES", [1], [text]),
        "scores": ("FP32", [1], [1]),
        "box_scores": ("FP32", [1], [1]),
    }
    outputs = [
        {"name": name, "datatype": kind, "shape": shape, "data": data} for name, (kind, shape, data) in tensors.items()
    ]
    return {"model_name": "ocr", "model_version": "1", "outputs": outputs}


def hang(_: int) -> tuple[int, str]:
    time.sleep(3)
    return 200, "late"


BEHAVIOUR: dict[bytes, tuple[Outcome, Answer]] = {
    b"fine": (Outcome.RIGHT, lambda count: (200, "fine")),
    b"busy": (Outcome.RETRIED, lambda count: (503, "busy") if count % 2 == 0 else (200, "busy")),
    b"changing": (Outcome.WRONG, lambda count: (200, f"text {count}")),
    b"failing": (Outcome.WRONG, lambda count: (200, "once") if count == 1 else (500, "no")),
    b"refusing": (Outcome.WRONG, lambda count: (200, "once") if count == 1 else (400, "no")),
    b"hanging": (Outcome.HUNG, lambda count: (200, "once") if count == 1 else hang(count)),
    b"bad and refused": (Outcome.REFUSED, lambda count: (400, "no picture")),
    b"bad and read": (Outcome.WRONG, lambda count: (200, "text")),
    b"bad and failing": (Outcome.WRONG, lambda count: (500, "no")),
}


def case(picture: bytes) -> Case:
    return Case(picture.decode(), lambda client: client.ocr(picture), is_hostile=picture.startswith(b"bad"))


@pytest.mark.parametrize("picture", BEHAVIOUR)
def test_every_request_is_accounted_for_once_by_what_came_of_it(picture: bytes) -> None:
    expected, answer = BEHAVIOUR[picture]
    asked = case(picture)
    with StandIn({picture: answer}) as server, OcrClient(server.url, timeout_s=1, retries=0) as client:
        cases = [] if asked.is_hostile else [asked]
        references = read_references(client, cases)
        hostile = [asked] if asked.is_hostile else []
        mix = Mix(cases or hostile, references, hostile)
        entries = Traffic({"http": client}, mix, 0, limit_s=1).run(in_flight=1, duration_s=0.3)
    assert entries
    assert [entry.number for entry in entries] == list(range(len(entries)))
    assert {entry.outcome for entry in entries} == {expected}
    assert sum(entry.tries for entry in entries) + len(references) == server.asked[picture]


def test_a_server_that_is_gone_loses_requests_and_so_the_run_fails() -> None:
    fine = case(b"fine")
    with StandIn({b"fine": lambda count: (200, "fine")}) as server, OcrClient(server.url) as client:
        references = read_references(client, [fine])
    with OcrClient(server.url, timeout_s=1, retries=0) as client:
        entries = Traffic({"http": client}, Mix([fine], references), 0, limit_s=0.5).run(4, 0.1)
    assert [entry.outcome for entry in entries] == [Outcome.LOST] * 4
    found = Soaked(entries, [], 0, [], None)
    assert Soak().problems(found) == ["4 lost", "nothing was read"]


def test_a_client_that_does_not_come_back_hangs_and_does_not_hold_up_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocr_bench.soak.traffic.LATE_S", 0.1)
    stuck = threading.Event()
    case = Case("stuck", lambda client: stuck.wait() and OcrResult.empty())
    with OcrClient("127.0.0.1:1", retries=0) as client:
        entries = Traffic({"http": client}, Mix([case], {}), 0, limit_s=0.1).run(2, 0.1)
    stuck.set()
    assert [entry.outcome for entry in entries] == [Outcome.HUNG] * 2


def test_what_cannot_be_read_alone_has_no_reference() -> None:
    with (
        StandIn({b"bad": lambda count: (400, "no picture")}) as server,
        OcrClient(server.url) as client,
        pytest.raises(BenchError, match=r"bad: cannot be read.*no picture"),
    ):
        read_references(client, [case(b"bad")])


def test_a_ledger_takes_each_request_once() -> None:
    ledger = Ledger()
    entry = Entry(ledger.open(), "a", False, "http", 0.0, 1.0, 1, Outcome.RIGHT)
    ledger.close(entry)
    with pytest.raises(ValueError, match="request 0 ended twice"):
        ledger.close(entry)
    late = replace(entry, number=ledger.open())
    unheard = replace(late, outcome=Outcome.HUNG)
    assert ledger.end(lambda number: replace(unheard, number=number)) == [entry, unheard]
    ledger.close(late)
    assert ledger.end(lambda number: unheard) == [entry, unheard]


def result(text: str = "a", box: float = 0.0, score: float = 0.5) -> OcrResult:
    return OcrResult(np.full((1, 4, 2), box), (text,), np.array([score]), np.array([0.5]))


def test_answers_differ_by_more_than_the_last_bits_of_their_numbers() -> None:
    assert difference(result(), result(box=0.001, score=0.5001)) == ""
    assert "texts" in difference(result("b"), result())
    assert "boxes: up to 1 away" in difference(result(box=1), result())
    assert "scores" in difference(result(score=0.6), result())
    assert "shape (0, 4, 2) instead of (1, 4, 2)" in difference(OcrResult.empty(), result())


@pytest.mark.parametrize(
    ("found", "tries", "is_hostile", "outcome"),
    [
        (result(), 1, False, Outcome.RIGHT),
        (result(), 2, False, Outcome.RETRIED),
        (result("b"), 2, False, Outcome.WRONG),
        (result(), 1, True, Outcome.WRONG),
        (BadRequestError("no"), 3, True, Outcome.REFUSED),
        (BadRequestError("no"), 1, False, Outcome.WRONG),
        (ServerFailureError("no"), 1, True, Outcome.WRONG),
        (ServerFailureError("no", retryable=True), 9, False, Outcome.LOST),
        (ServerNotReadyError("no", retryable=True), 9, True, Outcome.LOST),
        (ServerTimeoutError("no"), 1, False, Outcome.HUNG),
        (TypeError("a mistake of the client"), 1, False, Outcome.WRONG),
    ],
)
def test_outcomes(found: OcrResult | Exception, tries: int, is_hostile: bool, outcome: Outcome) -> None:
    assert judge(found, None if is_hostile else result(), tries)[0] is outcome


@pytest.mark.parametrize("duration_s", [10, 30, 179, 600, 601, 1800, 7200])
def test_faults_are_as_many_as_a_supervisor_survives(duration_s: float) -> None:
    for seed in range(20):
        faults = plan(duration_s, seed)
        assert plan(duration_s, seed) == faults
        times = [fault.at_s for fault in faults]
        assert times == sorted(times)
        assert 0 < times[0] <= times[-1] < duration_s
        for first in times:
            assert sum(first <= other <= first + WITHIN_S for other in times) <= MOST
        if len(faults) >= len(Kind):
            assert {fault.kind for fault in faults} == {*Kind}


def test_growth_by_hand() -> None:
    flat = growth([Sample(at_s, 1000 if at_s >= 50 else 100 + at_s) for at_s in range(101)])
    assert (flat.slope, flat.quarters) == pytest.approx((0, 0), abs=1e-9)
    assert flat.is_flat
    rising = growth([Sample(at_s, 1000 + at_s) for at_s in range(401)])
    assert rising.slope == pytest.approx(200 / 1300)  # MiB over the mean from 200 s on
    assert rising.quarters == pytest.approx(100 / 1300, rel=0.02)
    assert not rising.is_flat
    with pytest.raises(ValueError, match="2 samples"):
        growth([Sample(0, 1), Sample(1, 1)])


def test_a_run_fails_for_memory_that_grows_for_restarts_without_a_fault_and_for_answers_that_nobody_got() -> None:
    good = [Entry(0, "a", False, "http", 0.0, 1.0, 1, Outcome.RIGHT)]
    grown = growth([Sample(at_s, 1000 + at_s) for at_s in range(401)])
    assert Soak().problems(Soaked(good, [], 0, [], None)) == []
    assert Soak().problems(Soaked(good, [], 0, [], grown)) == ["memory is not flat within 3%"]
    assert Soak().problems(Soaked(good, [], 1, [], None)) == ["1 restarts of the server after 0 faults"]
    assert Soak().problems(Soaked(good, [], 0, [], None, 1)) == []
    assert Soak().problems(Soaked(good, [], 0, [], None, 2)) == ["the server counts 2 answers, and its clients 1"]
    gone = [Fault(1.0, "SIGKILL of tritonserver", None)]
    (said,) = Soak().problems(Soaked(good, gone, 1, [], None))
    assert said == "the server did not come back after SIGKILL of tritonserver"


def test_the_figure_has_memory_rates_and_a_line_for_each_fault() -> None:
    entries = [Entry(number, "a", False, "http", float(number), 0.5, 1, Outcome.RIGHT) for number in range(60)]
    faults = [Fault(20.0, "SIGKILL of a step: rec", 9.0), Fault(40.0, "SIGSTOP of a step: det", 9.0)]
    samples = [Sample(float(at_s), 900.0) for at_s in range(60)]
    figure = Soak(url="127.0.0.1:1").figure(Soaked(entries, faults, 2, samples, None))
    upper, lower = figure.axes
    assert len(upper.lines) == 1 + len(faults)
    assert len({colors.to_hex(line.get_color()) for line in upper.lines}) == 3
    (stairs,) = lower.patches
    assert stairs.get_data().values.tolist() == [1.0] * 6


def test_faults_are_not_injected_into_somebody_elses_server() -> None:
    result = CliRunner().invoke(app, ["soak", "--faults", "--url", "127.0.0.1:1", "--data", str(SAMPLES)])
    assert result.exit_code == 2
    assert "--faults kills processes" in result.output


def test_the_real_server_answers_everything_though_a_process_of_it_is_killed(
    quick_repository: Path, tmp_path: Path
) -> None:
    arguments = ["--minutes", "0.12", "--in-flight", "4", "--faults", "--hostile", "--no-drawn", "--seed", "14"]
    pictures = ["--data", str(SAMPLES / "rotated.png"), "--data", str(SAMPLES / "blank.png")]
    options = ["--model-repository", str(quick_repository), "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["soak", *arguments, *pictures, *options])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "soak.json").read_text(encoding="utf-8"))["data"]
    assert found["restarts"] == len(found["faults"]) == 1
    assert found["counts"]["refused as it should be"] > 0
    assert found["tries"] > sum(found["counts"].values())
    assert (tmp_path / "soak.png").is_file()
