"""What Triton's Python steps do when something fails; the server's own tests hold what they answer."""

import asyncio
import contextlib
import io
import json
import sys
import time
import types

import numpy as np
import pytest
from PIL import Image

from ocr_contract.errors import BudgetExceeded, DeadlineExceeded, InvalidInput
from ocr_contract.options import DEFAULTS
from ocr_pipeline import tickets
from ocr_pipeline.tickets import Tickets
from ocr_pipeline.time_limits import TimeLimits

NO_PULSE = types.SimpleNamespace(request=lambda: contextlib.nullcontext(lambda: None))
NO_COUNTERS = types.SimpleNamespace(answered=lambda endpoint, lines: None, ended_by=lambda error: None)


def visit_of(limits, steps_forward=None):
    """A visit of the recogniser's or the detector's step; every step forward adds to the list."""
    steps_forward = [] if steps_forward is None else steps_forward
    return types.SimpleNamespace(limits=limits, gets_on=lambda: steps_forward.append(1))


class FakeError:
    INVALID_ARG, UNAVAILABLE, CANCELLED, INTERNAL = "INVALID_ARG", "UNAVAILABLE", "CANCELLED", "INTERNAL"

    def __init__(self, message, code):
        self.text, self.code = message, code


class FakeResponse:
    def __init__(self, output_tensors=(), error=None):
        self.output_tensors, self.error = output_tensors, error


class FakeRequest:
    def __init__(self, name="", parameters=None, outputs=(), timeout_us=0, is_gone=False, size=0):
        self.name, self.given, self.outputs = name, parameters or {}, outputs
        self.timeout_us, self.is_gone, self.size = timeout_us, is_gone, size

    def request_id(self):
        return self.name

    def parameters(self):
        return json.dumps(self.given)

    def timeout(self):
        return self.timeout_us

    def requested_output_names(self):
        return self.outputs

    def inputs(self):
        return ["a tensor"]

    def is_cancelled(self):
        return self.is_gone


@pytest.fixture
def pb_utils(monkeypatch):
    """Triton's module, which is there in a running server alone."""
    fake = types.ModuleType("triton_python_backend_utils")
    fake.TritonError, fake.InferenceResponse = FakeError, FakeResponse
    fake.logged = []
    fake.Logger = types.SimpleNamespace(log_error=fake.logged.append)
    fake.Tensor = lambda name, value: (name, value)
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", fake)
    yield fake
    for name in [name for name in sys.modules if name.startswith("ocr_triton")]:
        del sys.modules[name]


def test_an_answer_that_cannot_be_packed_fails_that_request_alone(pb_utils, tmp_path):
    from ocr_triton.adapter import Adapter

    def no_room(name, value):
        if value.size > 1:
            raise MemoryError("shared memory is full")
        return name, value

    class Echo(Adapter):
        clock = types.SimpleNamespace(export=lambda: None)
        pulse, counters, tickets = NO_PULSE, NO_COUNTERS, Tickets(tmp_path)

        def answer(self, request, visit):
            return {"out": np.zeros(request.size)}

    pb_utils.Tensor = no_room
    pb_utils.get_input_tensor_by_name = lambda request, name: None
    first, second, third = Echo().execute([FakeRequest(f"page-{size}", size=size) for size in (1, 2, 1)])
    assert first.error is None
    assert second.error.code == FakeError.UNAVAILABLE
    assert "no memory left for this request" in second.error.text
    assert third.error is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Model det - Error when running inference: Server not ready", FakeError.UNAVAILABLE),
        ("Stub process 'det_0_0' is not healthy.", FakeError.UNAVAILABLE),
        ("out of memory", FakeError.INTERNAL),
    ],
)
def test_a_server_that_is_being_started_anew_is_no_failure_of_the_request(pb_utils, said, code):
    from ocr_triton.adapter import failure
    from ocr_triton.inner import check

    error = types.SimpleNamespace(message=lambda: said)
    with pytest.raises(Exception) as raised:
        check("det", types.SimpleNamespace(has_error=lambda: True, error=lambda: error))
    assert failure(raised.value).error.code == code


def test_no_call_of_rec_goes_on_or_begins_once_one_has_failed(pb_utils, monkeypatch):
    from ocr_pipeline.stages.crops import join_lines
    from ocr_triton import rec_batcher

    running, begun = set(), []

    async def infer(crops, widths, model="rec"):
        call = len(begun)
        begun.append(call)
        running.add(call)
        await asyncio.sleep(0.02 * (call + 1))
        running.discard(call)
        if call == 0:
            raise RuntimeError("rec failed")
        return np.zeros((len(crops), 1), np.int64), np.zeros((len(crops), 1), np.float32)

    monkeypatch.setattr(rec_batcher, "infer", infer)
    step = rec_batcher.TritonPythonModel()
    step.lines_per_call, step.pixels_per_call, step.calls_in_flight = 1, 1, 3
    strip = join_lines([np.zeros((48, 40, 3), np.uint8)] * 20)
    with pytest.raises(RuntimeError, match="rec failed"):
        asyncio.run(step.recognise(strip, visit_of(TimeLimits())))
    assert not running
    assert len(begun) == 3


def test_lines_that_were_not_sent_are_the_requests_fault(pb_utils, tmp_path):
    from ocr_triton import rec_preprocess

    pb_utils.get_input_tensor_by_name = lambda request, name: None
    step = rec_preprocess.TritonPythonModel()
    step.clock = types.SimpleNamespace(export=lambda: None)
    step.pulse, step.counters, step.tickets = NO_PULSE, NO_COUNTERS, Tickets(tmp_path)
    step.limits = {}
    (response,) = step.execute([FakeRequest()])
    assert response.error.code == FakeError.INVALID_ARG
    assert "the input images is missing" in response.error.text


def test_a_page_that_cannot_be_had_is_the_requests_fault(pb_utils, tmp_path):
    from ocr_triton import det_batcher

    colours = [Image.new("RGB", (40 + 10 * number, 20)) for number in range(3)]
    file = io.BytesIO()
    colours[0].save(file, "TIFF", save_all=True, append_images=colours[1:])
    image = types.SimpleNamespace(as_numpy=lambda: np.array([file.getvalue()], object))
    pb_utils.get_input_tensor_by_name = lambda request, name: image if name == "image" else None

    class Opening(det_batcher.TritonPythonModel):
        def answer(self, request, visit):
            return {"pixels": self.opened(request, is_ocr=True)[0]}

    step = Opening()
    step.clock = types.SimpleNamespace(stage=lambda name: contextlib.nullcontext(), export=lambda: None)
    step.pulse, step.counters, step.tickets = NO_PULSE, NO_COUNTERS, Tickets(tmp_path)
    step.limits = {"max_pixels": 10**6, "max_bytes": 10**6}
    step.parameters = types.SimpleNamespace(options=DEFAULTS)
    *refused, answer = step.execute(
        [FakeRequest(parameters={"page": page}, outputs=["pixels"]) for page in (0, 4, -1, 1.5, 2)]
    )
    for response, sentence in zip(
        refused,
        [
            "the TIFF file has 3 pages; name one",
            "page 4 is asked for, but the TIFF file has 3",
            "page must be a whole number from 0 to 10000, not -1",
            "page must be a whole number from 0 to 10000, not 1.5",
        ],
        strict=True,
    ):
        assert response.error.code == FakeError.INVALID_ARG
        assert sentence in response.error.text
    assert answer.output_tensors[0][1].shape == (20, 50, 3)


class FakeMetric:
    def __init__(self, name):
        self.name, self.values = name, {}

    def Metric(self, labels):  # noqa: N802
        key = labels["model"], labels["stage"]
        self.values[key] = 0

        def increment(value):
            self.values[key] += value

        return types.SimpleNamespace(increment=increment)


def test_a_stage_that_was_not_named_is_counted_too_and_hides_no_error(pb_utils):
    from ocr_triton.metrics import StageClock

    families = []

    def family(name, *description):
        families.append(FakeMetric(name))
        return families[-1]

    family.COUNTER = "counter"
    pb_utils.MetricFamily = family
    clock = StageClock("step", ("decode",))
    with clock.stage("decode"), clock.stage("added later"):
        pass
    with pytest.raises(InvalidInput), clock.stage("another"):
        raise InvalidInput("not a picture")
    clock.export()
    clock.export()
    (count,) = [family for family in families if family.name == "ocr_stage_count"]
    assert count.values == {("step", "decode"): 1, ("step", "added later"): 1, ("step", "another"): 1}


def test_of_an_error_that_nobody_foresaw_only_the_log_tells(pb_utils):
    from ocr_triton.adapter import failure

    response = failure(KeyError("what another request holds"), "page-7")
    assert response.error.code == FakeError.INTERNAL
    assert response.error.text == "the server failed on this request; its log says why (request_id page-7)"
    (entry,) = pb_utils.logged
    assert "request_id 'page-7'" in entry
    assert "what another request holds" in entry


@pytest.mark.parametrize(
    ("shape", "widths"),
    [((48, 9, 3), [4, 4]), ((48, 9, 3), [9, 0]), ((40, 9, 3), [9]), ((48, 9, 3), [2**62, 2**62, 2**62, 2**62, 9])],
)
def test_widths_that_do_not_fit_the_strip_are_the_requests_fault(pb_utils, tmp_path, shape, widths):
    from ocr_triton import rec_batcher

    tensors = {"crops": np.zeros(shape, np.uint8), "widths": np.array(widths), "ticket": np.zeros(2, np.int64)}
    pb_utils.get_input_tensor_by_name = lambda request, name: types.SimpleNamespace(as_numpy=lambda: tensors[name])
    step = rec_batcher.TritonPythonModel()
    step.clock = types.SimpleNamespace(export=lambda: None)
    step.pulse, step.counters, step.tickets, step.max_seconds = NO_PULSE, NO_COUNTERS, Tickets(tmp_path), 9
    (response,) = asyncio.run(step.execute([FakeRequest()]))
    assert response.error.code == FakeError.INVALID_ARG


def test_a_ticket_is_handed_on_or_given_back(pb_utils, tmp_path):
    from ocr_triton import admit, det_batcher, wait_turn

    tickets.ask(tmp_path)
    of_request = {}
    pb_utils.get_input_tensor_by_name = lambda request, name: of_request.get(name)
    entry, step, last = (module.TritonPythonModel() for module in (admit, wait_turn, det_batcher))
    for one in (entry, step, last):
        one.clock = types.SimpleNamespace(export=lambda: None)
        one.pulse, one.counters, one.tickets = NO_PULSE, NO_COUNTERS, Tickets(tmp_path)
    entry.max_in_flight, step.max_at_work = 1, 1
    before = time.monotonic_ns()
    asked = FakeRequest(timeout_us=60_000_000, outputs=["turn_of_picture"])
    taken, refused = entry.execute([asked, asked])
    ((name, ticket),) = taken.output_tensors
    assert (name, entry.tickets.under_way()) == ("ticket", 1)
    assert before < ticket[1] - 60 * 10**9 <= time.monotonic_ns()
    assert refused.error.code == FakeError.UNAVAILABLE
    of_request["ticket"] = types.SimpleNamespace(as_numpy=lambda: ticket)
    (handed_on,) = step.execute([asked])
    ((name, turn),) = handed_on.output_tensors
    assert (name, turn.tolist(), entry.tickets.under_way()) == ("turn_of_picture", ticket.tolist(), 1)
    (failed,) = last.execute([asked])  # it has no picture
    assert failed.error.code == FakeError.INVALID_ARG
    assert entry.tickets.under_way() == 0


def test_a_request_that_waits_for_room_gets_on_and_ends_at_its_deadline(pb_utils, tmp_path):
    from ocr_triton import wait_turn

    tickets.ask(tmp_path)
    step, steps_forward = wait_turn.TritonPythonModel(), []
    step.tickets, step.max_at_work = Tickets(tmp_path), 1
    assert step.tickets.start(step.tickets.admit(9), 1)
    waiting = np.array([step.tickets.admit(9), time.monotonic_ns() + 30_000_000])
    pb_utils.get_input_tensor_by_name = lambda request, name: types.SimpleNamespace(as_numpy=lambda: waiting)
    visit = visit_of(TimeLimits(), steps_forward)
    visit.request = FakeRequest(outputs=["turn_of_lines"])
    step.begin(visit)
    with pytest.raises(DeadlineExceeded):
        step.answer(visit.request, visit)
    assert steps_forward


@pytest.mark.parametrize(
    ("of_triton", "parameters", "expected"),
    [(5, "", 5), (0, "", 0), (0, '{"timeout": 7}', 7), (0, '{"timeout": 0}', 0), (0, '{"page": 1}', 0)]
    + [(0, f'{{"timeout": {value}}}', None) for value in ("-1", "1.5", '"9"', "true")],
)
def test_a_timeout_is_found_wherever_triton_leaves_it(pb_utils, of_triton, parameters, expected):
    from ocr_triton.admit import timeout_us

    request = types.SimpleNamespace(timeout=lambda: of_triton, parameters=lambda: parameters)
    if expected is None:
        with pytest.raises(InvalidInput, match="timeout must be a whole number of microseconds"):
            timeout_us(request)
    else:
        assert timeout_us(request) == expected


@pytest.mark.parametrize(("deadline", "is_cancelled"), [(1, False), (0, True)])
def test_a_step_drops_what_nobody_waits_for(pb_utils, tmp_path, deadline, is_cancelled):
    from ocr_triton.adapter import Adapter

    class Last(Adapter):
        clock = types.SimpleNamespace(export=lambda: None)
        pulse, counters, tickets = NO_PULSE, NO_COUNTERS, Tickets(tmp_path)
        has_budget, max_seconds = True, 9

        def answer(self, request, visit):
            raise AssertionError("it is not begun")

    pb_utils.get_input_tensor_by_name = lambda request, name: types.SimpleNamespace(
        as_numpy=lambda: np.array([7, deadline])
    )
    (dropped,) = Last().execute([FakeRequest(is_gone=is_cancelled)])
    assert dropped.error.code == FakeError.CANCELLED


def test_no_network_is_asked_once_a_step_has_spent_its_time(pb_utils):
    from ocr_triton.det_batcher import checked

    asked = []
    begun_ns = time.monotonic_ns()
    steps_forward = []
    checked(visit_of(TimeLimits(max_seconds=60, begun_ns=begun_ns), steps_forward), asked.append)(1)
    with pytest.raises(BudgetExceeded, match=r"60 seconds.*max_seconds"):
        checked(visit_of(TimeLimits(max_seconds=60, begun_ns=begun_ns - 60 * 10**9), steps_forward), asked.append)(2)
    assert asked == steps_forward == [1]


def test_calls_of_rec_end_at_the_deadline(pb_utils, monkeypatch):
    from ocr_pipeline.stages.crops import join_lines
    from ocr_triton import rec_batcher

    begun = []

    async def infer(crops, widths, model="rec"):
        begun.append(len(crops))
        await asyncio.sleep(0.05)
        return np.zeros((len(crops), 1), np.int64), np.zeros((len(crops), 1), np.float32)

    monkeypatch.setattr(rec_batcher, "infer", infer)
    step = rec_batcher.TritonPythonModel()
    step.lines_per_call, step.pixels_per_call, step.calls_in_flight = 1, 1, 3
    strip = join_lines([np.zeros((48, 40, 3), np.uint8)] * 20)
    steps_forward = []
    with pytest.raises(DeadlineExceeded):
        asyncio.run(step.recognise(strip, visit_of(TimeLimits(time.monotonic_ns() + 20_000_000), steps_forward)))
    assert len(steps_forward) == len(begun) <= 3
