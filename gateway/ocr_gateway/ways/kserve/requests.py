"""Requests of the KServe V2 protocol over HTTP, checked; a client's half is in ocr_client.transports.v2_codec."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocr_client.transports.v2_tensors import BYTES, HEADER_LENGTH, read_tensors, split, strings_in
from ocr_contract.options import RECOGNITION, Endpoint, parse_option, resolve
from ocr_gateway.refusals import NotUnderstood
from ocr_gateway.ways.kserve.models import input_name, output_names

# Parameters of Triton that change nothing in the answers of these models, there as here.
_WITHOUT_EFFECT = frozenset({"priority", "sequence_id", "sequence_start", "sequence_end"})
_BINARY_OUTPUT, _TIMEOUT = "binary_data_output", "timeout"
_MAX_DIGITS = 20  # of a length


@dataclass(frozen=True)
class InferenceRequest:
    """A request for inference.

    Attributes:
        pictures: files, or their base64 text: one, or for `text_recognition` any number.
        options: of the reader.
        id: given back with the answer; None where there is none.
        outputs: tensors that are wanted, and whether as bytes; None for all of them.
        is_binary: whether tensors are wanted as bytes where `outputs` does not say it.
        timeout_s: seconds after which the client no longer waits; None where it does not say.
    """

    pictures: list[bytes]
    options: dict[str, Any]
    id: str | None = None
    outputs: Mapping[str, bool] | None = None
    is_binary: bool = False
    timeout_s: float | None = None

    @classmethod
    def of_infer(cls, endpoint: Endpoint, body: bytes, header_length: str | None) -> InferenceRequest:
        """Read the body of a request to `infer`.

        Args:
            endpoint: that it is sent to.
            body: JSON, then the tensors that it says are binary; or, where no byte of it is JSON, one picture.
            header_length: the header that says how many bytes are JSON; None where all are.

        Raises:
            InvalidOption: a parameter is no option of the endpoint, or out of its range.
            NotUnderstood: the body is not what the protocol and the endpoint ask for.
        """
        json_size = _json_size(header_length, len(body))
        if json_size == 0:
            return cls([body], {}, is_binary=True)
        header, rest = _split(body, json_size)
        parameters = _object(header, "parameters")
        pictures = _pictures(endpoint, header.get("inputs"), rest)
        return cls(
            pictures,
            _options(endpoint, parameters),
            _id(header),
            _outputs(endpoint, header.get("outputs")),
            _flag(parameters, _BINARY_OUTPUT),
            _timeout_s(parameters),
        )

    @classmethod
    def of_generate(cls, endpoint: Endpoint, body: bytes) -> InferenceRequest:
        """Read the body of a request to `generate`: the input, and the parameters beside it, by their names.

        Raises:
            InvalidOption: a parameter is no option of the endpoint, or out of its range.
            NotUnderstood: the body is not what the endpoint asks for.
        """
        document, _ = _split(body, None)
        parameters = _object(document, "parameters")
        name = input_name(endpoint)
        if name not in document:
            raise NotUnderstood(f'missing the input "{name}" of model "{endpoint}": base64 text of an image file')
        beside = {key: value for key, value in document.items() if key not in (name, "id", "parameters")}
        given = document[name] if isinstance(document[name], list) else [document[name]]
        try:
            pictures = strings_in(given)
        except ValueError as error:
            raise NotUnderstood(f"{name}: {error}") from error
        _check_count(endpoint, len(pictures))
        given = {**parameters, **beside}
        return cls(pictures, _options(endpoint, given), _id(document), timeout_s=_timeout_s(given))


def _json_size(header_length: str | None, length: int) -> int | None:
    if not header_length:
        return None
    is_number = header_length.isascii() and header_length.isdigit() and len(header_length) <= _MAX_DIGITS
    if not is_number or int(header_length) > length:
        raise NotUnderstood(f"{HEADER_LENGTH} must be a whole number from 0 to {length}, not {header_length[:40]!r}")
    return int(header_length)


def _split(body: bytes, json_size: int | None) -> tuple[dict[str, Any], memoryview]:
    try:
        document, rest = split(body, json_size)
    except ValueError as error:
        raise NotUnderstood(f"the body is not the JSON of a request: {str(error)[:300]}") from error
    if not isinstance(document, dict):
        raise NotUnderstood("the body is not the JSON of a request: an object expected")
    return document, rest


def _pictures(endpoint: Endpoint, inputs: Any, rest: memoryview) -> list[bytes]:
    expected = f'the input "{input_name(endpoint)}" of model "{endpoint}"'
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise NotUnderstood(f'"inputs" must be a list with one object, {expected}')
    described = inputs[0]
    name, datatype, shape = (described.get(key) for key in ("name", "datatype", "shape"))
    if name != input_name(endpoint):
        raise NotUnderstood(f"unexpected input {reprlib.repr(name)}: {expected} expected")
    if datatype != BYTES:
        raise NotUnderstood(f"{expected} must be of datatype {BYTES}, not {reprlib.repr(datatype)}")
    if not isinstance(shape, list) or len(shape) != 1 or type(shape[0]) is not int or shape[0] < 0:
        raise NotUnderstood(f"{expected} must have a shape of one whole number, not {reprlib.repr(shape)}")
    _check_count(endpoint, shape[0])
    parameters = _object(described, "parameters")
    size = parameters.get("binary_data_size")
    if any(parameter != "binary_data_size" for parameter in parameters):
        raise NotUnderstood(f"{expected} may have the parameter binary_data_size alone; there is no shared memory")
    if ("data" in described) == (size is not None):
        raise NotUnderstood(f'{expected} must have either "data" or the parameter binary_data_size')
    if size is not None and type(size) is not int:
        raise NotUnderstood(f"binary_data_size must be a whole number, not {reprlib.repr(size)}")
    if len(rest) != (size or 0):
        raise NotUnderstood(f"{size or 0} bytes expected after the JSON of the request, and {len(rest)} came")
    try:
        strings: list[bytes] = read_tensors([described], rest)[name].tolist()
    except ValueError as error:
        raise NotUnderstood(str(error)[:300]) from error
    return strings


def _check_count(endpoint: Endpoint, count: int) -> None:
    if endpoint != RECOGNITION and count != 1:
        raise NotUnderstood(f'the input "image" of model "{endpoint}" is one picture, and {count} came')


def _outputs(endpoint: Endpoint, outputs: Any) -> dict[str, bool] | None:
    if outputs is None or outputs == []:
        return None
    if not isinstance(outputs, list) or not all(isinstance(one, dict) for one in outputs):
        raise NotUnderstood('"outputs" must be a list of objects')
    known = output_names(endpoint)
    wanted = {}
    for one in outputs:
        name, parameters = one.get("name"), _object(one, "parameters")
        if name not in known:
            raise NotUnderstood(f'unexpected output {reprlib.repr(name)}: model "{endpoint}" has {", ".join(known)}')
        for unknown in parameters.keys() - {"binary_data"}:
            raise NotUnderstood(f"an output may have the parameter binary_data alone, not {unknown[:60]!r}")
        wanted[name] = _flag(parameters, "binary_data")
    return wanted


def _options(endpoint: Endpoint, parameters: Mapping[str, Any]) -> dict[str, Any]:
    others = _WITHOUT_EFFECT | {_BINARY_OUTPUT, _TIMEOUT}
    given = {name: value for name, value in parameters.items() if name not in others}
    for name, value in given.items():
        if not isinstance(value, str | bool | int | float):
            raise NotUnderstood(f"parameter {name[:60]!r} must be a string, a number, true or false")
    resolve(given, endpoint)
    return {name: parse_option(name, value) for name, value in given.items()}


def _object(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise NotUnderstood(f'"{name}" must be an object')
    return value


def _flag(parameters: Mapping[str, Any], name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise NotUnderstood(f"{name} must be true or false, not {reprlib.repr(value)}")
    return value


def _timeout_s(parameters: Mapping[str, Any]) -> float | None:
    value = parameters.get(_TIMEOUT, 0)
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise NotUnderstood(f"timeout must be a whole number of microseconds, not {reprlib.repr(value)}")
    return value / 1e6 or None


def _id(document: Mapping[str, Any]) -> str | None:
    value = document.get("id")
    if value is not None and not isinstance(value, str):
        raise NotUnderstood(f'"id" must be a string, not {reprlib.repr(value)}')
    return value
