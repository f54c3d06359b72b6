"""What Triton's Python steps do when something fails; the server's own tests hold what they answer."""

import asyncio
import contextlib
import io
import json
import sys
import types

import numpy as np
import pytest
from PIL import Image

from ocr_contract.errors import InvalidInput

NO_PULSE = types.SimpleNamespace(request=contextlib.nullcontext)


class FakeError:
    INVALID_ARG, UNAVAILABLE, CANCELLED, INTERNAL = "INVALID_ARG", "UNAVAILABLE", "CANCELLED", "INTERNAL"

    def __init__(self, message, code):
        self.text, self.code = message, code


class FakeResponse:
    def __init__(self, output_tensors=(), error=None):
        self.output_tensors, self.error = output_tensors, error


@pytest.fixture
def pb_utils(monkeypatch):
    """Triton's module, which is there in a running server alone."""
    fake = types.ModuleType("triton_python_backend_utils")
    fake.TritonError, fake.InferenceResponse = FakeError, FakeResponse
    fake.Logger = types.SimpleNamespace(log_error=lambda text: None)
    fake.Tensor = lambda name, value: (name, value)
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", fake)
    yield fake
    for name in [name for name in sys.modules if name.startswith("ocr_triton")]:
        del sys.modules[name]


def test_an_answer_that_cannot_be_packed_fails_that_request_alone(pb_utils):
    from ocr_triton.adapter import Adapter

    def no_room(name, value):
        if value.size > 1:
            raise MemoryError("shared memory is full")
        return name, value

    class Echo(Adapter):
        clock = types.SimpleNamespace(export=lambda: None)
        pulse = NO_PULSE

        def answer(self, request):
            return {"out": np.zeros(request)}

    pb_utils.Tensor = no_room
    first, second, third = Echo().execute([1, 2, 1])
    assert first.error is None
    assert second.error.code == FakeError.INTERNAL
    assert "shared memory is full" in second.error.text
    assert third.error is None


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
        asyncio.run(step.recognise(strip))
    assert not running
    assert len(begun) == 3


def test_a_page_that_cannot_be_had_is_the_requests_fault(pb_utils):
    from ocr_triton import decode

    colours = [Image.new("RGB", (40 + 10 * number, 20)) for number in range(3)]
    file = io.BytesIO()
    colours[0].save(file, "TIFF", save_all=True, append_images=colours[1:])
    image = types.SimpleNamespace(as_numpy=lambda: np.array([file.getvalue()], object))
    pb_utils.get_input_tensor_by_name = lambda request, name: image if name == "image" else None
    step = decode.TritonPythonModel()
    step.clock = types.SimpleNamespace(stage=lambda name: contextlib.nullcontext(), export=lambda: None)
    step.pulse = NO_PULSE
    step.limits = {"max_pixels": 10**6, "max_bytes": 10**6}
    asked = [
        types.SimpleNamespace(parameters=lambda page=page: json.dumps({"page": page})) for page in (0, 4, -1, 1.5, 2)
    ]
    *refused, answer = step.execute(asked)
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
    from ocr_triton.adapter import StageClock

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


@pytest.mark.parametrize(
    ("shape", "widths"),
    [((48, 9, 3), [4, 4]), ((48, 9, 3), [9, 0]), ((40, 9, 3), [9]), ((48, 9, 3), [2**62, 2**62, 2**62, 2**62, 9])],
)
def test_widths_that_do_not_fit_the_strip_are_the_requests_fault(pb_utils, shape, widths):
    from ocr_triton import rec_batcher

    tensors = {"crops": np.zeros(shape, np.uint8), "widths": np.array(widths)}
    pb_utils.get_input_tensor_by_name = lambda request, name: types.SimpleNamespace(as_numpy=lambda: tensors[name])
    step = rec_batcher.TritonPythonModel()
    step.clock = types.SimpleNamespace(export=lambda: None)
    step.pulse = NO_PULSE
    (response,) = asyncio.run(step.execute([None]))
    assert response.error.code == FakeError.INVALID_ARG
