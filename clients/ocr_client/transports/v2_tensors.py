"""Tensors in messages of the KServe V2 protocol over HTTP, requests and answers alike.

A message is JSON, which describes tensors; the values of each stand there too, or, in the protocol's binary form, as
bytes after the JSON, one tensor after the other.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER_LENGTH = "Inference-Header-Content-Length"  # bytes of JSON in a message that goes on with tensors
BYTES = "BYTES"
_TYPES = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
_DATATYPES = {np.dtype(code): datatype for datatype, code in _TYPES.items()}
_LENGTH = struct.Struct("<I")  # before each string of a BYTES tensor
_MALFORMED = (LookupError, TypeError, AttributeError, OverflowError, RecursionError, struct.error)


def split(body: bytes, json_size: int | None) -> tuple[Any, memoryview]:
    """The JSON of a message, and the bytes after it.

    Args:
        body: the message.
        json_size: bytes of JSON; None when all of it is.

    Raises:
        ValueError: it is not JSON, which knows no NaN.
    """
    end = len(body) if json_size is None else json_size
    try:
        return json.loads(body[:end], parse_constant=_no_json), memoryview(body)[end:]
    except RecursionError as error:
        raise ValueError("JSON: nested too deeply") from error


def read_tensors(described: Sequence[Mapping[str, Any]], rest: memoryview) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a message by name; strings are arrays of bytes.

    Args:
        described: what its JSON says of each.
        rest: the bytes after the JSON.

    Raises:
        ValueError: the parts contradict each other, or are none of the protocol's.
    """
    tensors: dict[str, npt.NDArray[Any]] = {}
    try:
        for one in described:
            name, shape = str(one["name"]), [int(side) for side in one["shape"]]
            size = one.get("parameters", {}).get("binary_data_size")
            if size is None:
                values = _from_json(one["datatype"], one["data"])
            else:
                if not 0 <= size <= len(rest):
                    raise ValueError(f"{name} is said to have {size} bytes, and {len(rest)} are left")
                values, rest = _from_bytes(one["datatype"], rest[:size]), rest[size:]
            if min(shape, default=1) < 0 or values.size != math.prod(shape):
                raise ValueError(f"{name} is said to be {shape}, and has {values.size} values")
            tensors[name] = values.reshape(shape)
    except _MALFORMED as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return tensors


def datatype_of(array: npt.NDArray[Any]) -> str:
    """The protocol's name for the type of an array; arrays of objects hold strings."""
    return BYTES if array.dtype == np.object_ else _DATATYPES[array.dtype]


def strings_in(data: Any) -> list[bytes]:
    """The strings of a BYTES tensor as they stand in JSON, in a list or in nested ones.

    Raises:
        ValueError: there is something else, or a string is not Unicode.
    """
    try:
        return [text.encode() for text in _flat(data)]
    except RecursionError as error:
        raise ValueError("lists are nested too deeply") from error


def string_parts(strings: Iterable[bytes]) -> Iterator[bytes]:
    """The binary form of a BYTES tensor, in parts."""
    for string in strings:
        yield _LENGTH.pack(len(string))
        yield string


def timeout_us(limit_s: float) -> int:
    """The parameter `timeout` of a request: microseconds after which the server may drop the work on it."""
    return max(int(limit_s * 1e6), 1)


def to_bytes(array: npt.NDArray[Any]) -> bytes:
    """The binary form of a tensor."""
    if array.dtype == np.object_:
        return b"".join(string_parts(array.reshape(-1)))
    return array.astype(_TYPES[datatype_of(array)], copy=False).tobytes()


def to_json(array: npt.NDArray[Any]) -> list[Any]:
    """The values of a tensor as they stand in JSON, one after the other; strings are UTF-8."""
    values: list[Any] = array.reshape(-1).tolist()
    return [value.decode() for value in values] if array.dtype == np.object_ else values


def _no_json(constant: str) -> float:
    raise ValueError(f"JSON: {constant} is no number")


def _from_json(datatype: str, data: list[Any]) -> npt.NDArray[Any]:
    if datatype == BYTES:
        return _strings(strings_in(data))
    return np.array(data, _TYPES[datatype])


def _flat(data: Any) -> Iterator[str]:
    if not isinstance(data, list):
        raise ValueError(f"strings expected in a list, not {type(data).__name__}")
    for item in data:
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            yield from _flat(item)
        else:
            raise ValueError(f"strings expected, not {type(item).__name__}")


def _from_bytes(datatype: str, data: memoryview) -> npt.NDArray[Any]:
    if datatype != BYTES:
        return np.frombuffer(data, _TYPES[datatype])
    texts = []
    while data:
        end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        if end > len(data):
            raise ValueError("a text is longer than its tensor")
        texts.append(bytes(data[_LENGTH.size : end]))
        data = data[end:]
    return _strings(texts)


def _strings(texts: list[bytes]) -> npt.NDArray[np.object_]:
    array = np.empty(len(texts), np.object_)
    array[:] = texts
    return array
