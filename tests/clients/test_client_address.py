import pytest

from ocr_client import AsyncOcrClient, OcrClient, UsageError
from ocr_client.address import Address, read_addresses


@pytest.mark.parametrize(
    ("url", "protocol", "expected"),
    [
        (None, "http", "http://localhost:8000"),
        (None, "grpc", "grpc://localhost:8001"),
        ("ocr.example", "http", "http://ocr.example:8000"),
        ("ocr.example:80", "http", "http://ocr.example:80"),
        ("http://ocr.example:9000/", "http", "http://ocr.example:9000"),
        ("https://ocr.example/behind/gateway/", "http", "https://ocr.example:443/behind/gateway"),
        ("10.0.0.1:7", "grpc", "grpc://10.0.0.1:7"),
        ("grpcs://ocr.example", "grpc", "grpcs://ocr.example:443"),
        ("[::1]:8000", "http", "http://[::1]:8000"),
    ],
)
def test_addresses_are_read(url: str | None, protocol: str, expected: str) -> None:
    address = Address.parse(url, protocol)
    assert address.url == expected
    assert address.tls == expected.startswith(("https", "grpcs"))


@pytest.mark.parametrize(
    ("url", "protocol", "message"),
    [
        ("localhost:8000", "ftp", "protocol: expected 'http' or 'grpc', got 'ftp'"),
        ("localhost:port", "http", "expected host:port, got 'localhost:port'"),
        ("localhost:99999", "http", "expected host:port"),
        ("http://", "http", "expected host:port"),
        ("", "http", "expected host:port"),
        ("grpc://localhost:8001", "http", "not an address for the protocol 'http'"),
        ("http://localhost:8000", "grpc", "not an address for the protocol 'grpc'"),
        ("ftp://localhost", "http", "not an address"),
        ("localhost:8001/v2", "grpc", "expected host:port"),
        ("localhost:8000?x=1", "http", "expected host:port"),
    ],
)
def test_addresses_that_cannot_work_are_an_error(url: str, protocol: str, message: str) -> None:
    for client in (OcrClient, AsyncOcrClient):
        with pytest.raises(UsageError, match=message):
            client(url, protocol)


def test_several_addresses_are_read_in_their_order() -> None:
    addresses = read_addresses(["a:8001", "grpc://b", "[::1]:7"], "grpc")
    assert [address.url for address in addresses] == ["grpc://a:8001", "grpc://b:8001", "grpc://[::1]:7"]
    assert read_addresses("a", "http") == read_addresses(["a"], "http") == (Address.parse("a", "http"),)


@pytest.mark.parametrize(
    ("urls", "protocol", "message"),
    [
        ([], "http", r"expected an address or a list of them, got \[\]"),
        (["a", None], "http", "expected an address or a list of them, got"),
        (["a", ""], "http", "expected host:port, got ''"),
        (["a:8000", "http://a"], "http", "http://a:8000 is there twice; name each server once"),
        (["a", "grpc://b"], "http", "'grpc://b' is not an address for the protocol 'http'"),
        (["a", "https://b"], "http", "give all addresses with https://, or none"),
        (["grpcs://a", "b"], "grpc", "give all addresses with grpcs://, or none"),
    ],
)
def test_lists_of_addresses_that_cannot_work_are_an_error(urls: list[str], protocol: str, message: str) -> None:
    for client in (OcrClient, AsyncOcrClient):
        with pytest.raises(UsageError, match=message):
            client(urls, protocol)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_no_time_is_an_error(timeout_s: float) -> None:
    for client in (OcrClient, AsyncOcrClient):
        with pytest.raises(UsageError, match="timeout_s: expected seconds"):
            client(timeout_s=timeout_s)


@pytest.mark.parametrize("retries", [-1, 101])
def test_a_number_of_retries_that_cannot_be_meant_is_an_error(retries: int) -> None:
    for client in (OcrClient, AsyncOcrClient):
        with pytest.raises(UsageError, match="retries: expected"):
            client(retries=retries)


@pytest.mark.parametrize("headers", [{"": "x"}, {"a": "b\r\nc: d"}, {"a\n": "b"}])
def test_headers_that_cannot_be_sent_are_an_error(headers: dict[str, str]) -> None:
    for client in (OcrClient, AsyncOcrClient):
        with pytest.raises(UsageError, match="headers: expected"):
            client(headers=headers)
