from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ocr_client import ImageError, UsageError
from ocr_client.picture import picture_bytes
from ocr_client.request import detection_call, ocr_call, parameters, recognition_call
from ocr_client.transports.grpc import CHANNEL


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_bytes_are_sent_as_they_are(data: bytes) -> None:
    assert picture_bytes(data) == b"abc"


def test_a_path_is_read(tmp_path: Path) -> None:
    file = tmp_path / "图 1.jpg"
    file.write_bytes(b"abc")
    assert picture_bytes(file) == picture_bytes(str(file)) == b"abc"


@pytest.mark.parametrize(
    "pixels",
    [
        np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3),
        np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)[::2, ::-2],  # not contiguous
    ],
)
def test_an_array_is_encoded_without_loss(pixels: npt.NDArray[np.uint8]) -> None:
    decoded = cv2.imdecode(np.frombuffer(picture_bytes(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 4)])
def test_of_16_bit_arrays_the_high_byte_is_sent(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, shape, dtype=np.uint16)
    assert picture_bytes(pixels) == picture_bytes((pixels >> 8).astype(np.uint8))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 3, 3)), np.zeros((2, 3, 2), np.uint8), np.zeros(3, np.uint8), np.zeros((0, 3, 3), np.uint8)],
)
def test_an_array_that_is_no_picture_is_an_error(pixels: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(ImageError, match="array picture"):
        picture_bytes(pixels)


def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nothing\.png.*No such file") as caught:
        picture_bytes(tmp_path / "nothing.png")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    with pytest.raises(ImageError, match="directory"):
        picture_bytes(tmp_path)
    with pytest.raises(ImageError, match="null"):
        picture_bytes("a\0b")


def test_a_picture_of_a_wrong_type_is_an_error() -> None:
    with pytest.raises(TypeError, match="expected bytes, a path or a numpy array, got int"):
        picture_bytes(3)  # type: ignore[arg-type]


def test_each_endpoint_gets_the_input_of_its_contract() -> None:
    read, found = ocr_call(b"x", {}).request, detection_call(b"x", {}).request
    assert (read.model, read.input_name, read.payload) == ("ocr", "image", (b"x",))
    assert (found.model, found.input_name, found.payload) == ("text_detection", "image", (b"x",))
    lines = recognition_call([b"x", b"", b"yz"], {}).request
    assert (lines.model, lines.input_name, lines.payload) == ("text_recognition", "images", (b"x", b"", b"yz"))


@pytest.mark.parametrize("images", [b"x", "x.png", np.zeros((2, 3, 3), np.uint8)])
def test_one_picture_in_place_of_a_list_is_an_error(images: bytes) -> None:
    with pytest.raises(TypeError, match="put a single one into a list"):
        recognition_call(images, {})  # type: ignore[arg-type]


def test_options_left_out_or_none_are_not_sent() -> None:
    options = {"text_det_limit_side_len": 960, "text_det_thresh": None, "use_textline_orientation": False}
    assert parameters(options) == {"text_det_limit_side_len": 960, "use_textline_orientation": False}


def test_numpy_scalars_are_sent_as_plain_numbers() -> None:
    sent = parameters({"text_det_thresh": np.float64(0.25), "text_det_limit_side_len": np.int64(64)})
    assert sent == {"text_det_thresh": 0.25, "text_det_limit_side_len": 64}
    assert [type(value) for value in sent.values()] == [float, int]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1], b"min"])
def test_a_value_that_no_parameter_can_have_is_an_error(value: object) -> None:
    with pytest.raises(UsageError, match="option text_det_thresh: expected"):
        parameters({"text_det_thresh": value})


def test_grpc_messages_may_be_as_large_as_a_picture() -> None:
    limits = dict(CHANNEL)
    assert min(limits["grpc.max_send_message_length"], limits["grpc.max_receive_message_length"]) >= 2**31 - 1
