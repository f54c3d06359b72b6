"""The V2 protocol's binary form, held to tritonclient's own implementation of it."""

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tritonclient.http
from hypothesis import given
from hypothesis import strategies as st

from ocr_client.request import InferRequest
from ocr_client.transports.v2_codec import decode, encode

TENSORS: dict[str, npt.NDArray[Any]] = {
    "boxes": np.arange(16, dtype=np.float32).reshape(2, 4, 2),
    "texts": np.array(["发票 No. 7".encode(), b""], np.object_),
    "steps": np.array([3, 4], np.int64),
    "none": np.zeros((0, 4, 2), np.float32),
}
KINDS = {"boxes": "FP32", "texts": "BYTES", "steps": "INT64", "none": "FP32"}


def raw(array: npt.NDArray[Any]) -> bytes:
    if array.dtype != np.object_:
        return array.tobytes()
    return b"".join(struct.pack("<I", len(text)) + text for text in array)


def answer(binary: bool) -> tuple[bytes, int | None]:
    """TENSORS as a server's answer."""
    outputs: list[dict[str, Any]] = [
        {"name": n, "datatype": KINDS[n], "shape": list(TENSORS[n].shape)} for n in TENSORS
    ]
    for output, array in zip(outputs, TENSORS.values(), strict=True):
        if binary:
            output["parameters"] = {"binary_data_size": len(raw(array))}
        else:
            flat = array.reshape(-1).tolist()
            output["data"] = [one.decode() if isinstance(one, bytes) else one for one in flat]
    text = json.dumps({"model_name": "ocr", "outputs": outputs}).encode()
    return (text + b"".join(map(raw, TENSORS.values())), len(text)) if binary else (text, None)


def test_a_request_is_what_tritonclient_sends() -> None:
    payload = (b"one", b"", bytes(range(256)))
    array = np.array(payload, np.object_)
    tensor = tritonclient.http.InferInput("images", [3], "BYTES").set_data_from_numpy(array, binary_data=True)
    theirs, their_size = tritonclient.http.InferenceServerClient.generate_request_body(
        [tensor], request_id="a-name", timeout=1_500_000, parameters={"use_textline_orientation": True}
    )
    ours, our_size = encode(
        InferRequest("text_recognition", "images", payload, {"use_textline_orientation": True}, "a-name"), 1.5
    )
    assert json.loads(ours[:our_size]) == json.loads(theirs[:their_size])
    assert ours[our_size:] == theirs[their_size:]


@pytest.mark.parametrize("binary", [True, False])
def test_an_answer_is_read_as_tritonclient_reads_it(binary: bool) -> None:
    body, size = answer(binary)
    ours = decode(body, size)
    theirs = tritonclient.http.InferenceServerClient.parse_response_body(body, header_length=size)
    assert list(ours) == list(TENSORS)
    for name, expected in TENSORS.items():
        np.testing.assert_array_equal(ours[name], expected)
        assert ours[name] is not None
        if expected.size and not (name == "texts" and not binary):  # there tritonclient gives str
            np.testing.assert_array_equal(theirs.as_numpy(name), expected)


@given(st.binary(max_size=200), st.none() | st.integers(0, 250))
def test_bytes_of_any_kind_are_an_answer_or_a_value_error(body: bytes, size: int | None) -> None:
    try:
        decode(body, size)
    except ValueError:
        return


@given(st.integers(0, 200), st.integers(0, 255), st.integers(-40, 40))
def test_an_answer_that_was_changed_is_an_answer_or_a_value_error(at: int, byte: int, shift: int) -> None:
    body, size = answer(binary=True)
    assert size is not None
    broken = bytearray(body)
    broken[at] = byte
    try:
        decode(bytes(broken), max(size + shift, 0))
    except ValueError:
        return


@pytest.mark.parametrize(
    "output",
    [
        {"datatype": "FP32", "shape": [2], "data": [1]},
        {"datatype": "FP32", "shape": [-1, -1], "data": [1]},
        {"datatype": "FP128", "shape": [1], "data": [1]},
        {"datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 5}},
        {"datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 4}},
        {"datatype": "FP32", "shape": [0], "parameters": {"binary_data_size": -1}},
        {"datatype": "FP32", "shape": [1]},
    ],
)
def test_a_tensor_that_contradicts_itself_is_a_value_error(output: dict[str, Any]) -> None:
    text = json.dumps({"outputs": [{"name": "x", **output}]}).encode()
    with pytest.raises(ValueError, match=r"x|Error"):
        decode(text + struct.pack("<I", 7), len(text))
