"""The models inside of the ensembles, asked directly: what no step would hand them is the request's fault."""

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

BOX = np.array([[[0, 0], [40, 0], [40, 12], [0, 12]]], np.float32)
LINES = {
    "index": np.array([0, 5, 7]),
    "score": np.array([1, 0.5, 0.5], np.float32),
    "steps": np.array([3]),
    "pieces": np.array([1]),
    "widths": np.array([24]),
    "boxes": BOX,
}
SECRET = 1234567890123456  # stands for what a message must not repeat


def pixels(*shape):
    return np.zeros(shape, np.uint8)


def ask(server, model, tensors):
    """The server's answer; raises InferenceServerException."""
    inputs = []
    for name, value in tensors.items():
        inputs.append(InferInput(name, value.shape, np_to_triton_dtype(value.dtype)))
        inputs[-1].set_data_from_numpy(value)
    with InferenceServerClient(server.grpc_url) as client:
        return client.infer(model, inputs, request_id="from-a-test")


@pytest.mark.parametrize(
    ("model", "tensors"),
    [
        ("ctc_decode", LINES),
        ("ctc_decode", {**LINES, "box_scores": np.array([0.9], np.float32)}),
        ("rec_batcher", {"crops": pixels(48, 64, 3), "widths": np.array([40, 24])}),
        ("rec_batcher", {"crops": pixels(48, 0, 3), "widths": np.zeros(0, np.int64)}),
        ("det", {"image": pixels(1, 64, 96, 3)}),
        ("rec", {"crops": pixels(2, 48, 64, 3), "widths": np.array([[64], [-5]])}),
        ("cls", {"crops": pixels(1, 48, 192, 3)}),
    ],
)
def test_what_a_step_would_send_is_answered(server, model, tensors):
    assert ask(server, model, tensors).get_response().outputs


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"index": np.array([0, -1, 7])}, "index has a class that is not from 0 to 6624"),
        ({"index": np.array([0, SECRET, 7])}, "index has a class that is not from 0 to 6624"),
        ({"index": None}, "the input index is missing"),
        ({"steps": np.array([SECRET])}, "the steps of lines are whole numbers from 0 to 3"),
        ({"steps": np.array([2])}, "the steps in sum do not fit"),
        ({"pieces": np.array([SECRET])}, "pieces"),
        ({"widths": np.array([0])}, "widths are whole numbers from 1 to 3200"),
        ({"widths": np.array([SECRET])}, "widths are whole numbers from 1 to 3200"),
        ({"boxes": BOX * np.nan}, "boxes has a coordinate that is no number"),
        ({"boxes": BOX * 1e30}, "boxes has a coordinate"),
        ({"boxes": BOX + np.inf}, "boxes has a coordinate"),
        ({"score": np.array([1, np.nan, 1], np.float32)}, "score has what is no probability"),
        ({"score": np.array([1, -1, 1], np.float32)}, "score has what is no probability"),
        ({"box_scores": np.array([np.inf], np.float32)}, "box_scores has what is no probability"),
        ({"box_scores": np.array([1, 1], np.float32)}, "2 box_scores do not fit 1 boxes"),
    ],
)
def test_ctc_decode_refuses_what_no_recogniser_answers(server, change, words):
    # A page, so that one input may be left out and Triton counts the others as enough.
    tensors = {**LINES, "box_scores": np.array([0.9], np.float32), **change}
    refused(server, "ctc_decode", {name: value for name, value in tensors.items() if value is not None}, words)


@pytest.mark.parametrize(
    ("model", "tensors", "words"),
    [
        ("det_batcher", {"rgb": pixels(1, 0, 64, 3)}, "a picture has at least one pixel, got 64 x 0"),
        (
            "rec_batcher",
            {"crops": pixels(48, 3300, 3), "widths": np.array([3300])},
            "a line is wider than the 3200 pixels",
        ),
        ("rec_batcher", {"crops": pixels(48, 64, 3), "widths": np.array([SECRET])}, "from 1 to 2000000"),
        ("rec_batcher", {"crops": pixels(48, 64, 3), "widths": np.array([63])}, "the widths in sum do not fit"),
        ("det", {"image": pixels(1, 64, 33, 3)}, "shape [1, 64, 33, 3]; this network takes [N, n, n, 3]"),
        ("det", {"image": pixels(1, 0, 64, 3)}, "n being multiples of 32"),
        ("det", {"image": pixels(1, 2016, 1984, 3)}, "11999232 numbers; this network takes 11808768 at a time"),
        ("rec", {"crops": pixels(1, 48, 40, 3), "widths": np.array([[40]])}, "[N, 48, n, 3], n being multiples of 32"),
        ("rec", {"crops": pixels(1, 48, 0, 3), "widths": np.array([[40]])}, "[N, 48, n, 3], n being multiples of 32"),
        ("rec", {"crops": pixels(1, 48, 32000, 3), "widths": np.array([[1]])}, "this network takes 1843200 at a time"),
        ("cls", {"crops": pixels(1, 48, 96, 3)}, "this network takes [N, 48, 192, 3]"),
    ],
)
def test_pictures_and_lines_of_no_size_or_too_large_are_refused(server, model, tensors, words):
    refused(server, model, tensors, words)


def refused(server, model, tensors, words):
    with pytest.raises(InferenceServerException) as refusal:
        ask(server, model, tensors)
    assert refusal.value.status() == "StatusCode.INVALID_ARGUMENT"
    assert words in refusal.value.message()
    assert str(SECRET) not in refusal.value.message()
