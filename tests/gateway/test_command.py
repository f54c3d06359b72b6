"""The command ocr-gateway: what it takes, what it refuses, and how it serves."""

import datetime
import io
import ipaddress
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image
from tests.conftest import SAMPLES, free_ports, wait_until
from typer.testing import CliRunner

from ocr_client import OcrClient
from ocr_gateway.cli import app

RECEIPT = SAMPLES / "receipt.png"


def refused(*options):
    ended = CliRunner().invoke(app, options)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    return ended.stderr


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ((), "give either --triton-url HOST:PORT or --local"),
            (("--local", "--triton-url", "x:1"), "give either --triton-url HOST:PORT or --local"),
            (("--triton-url", "http://x:1"), "is not an address for the protocol 'grpc'"),
            (("--triton-url", "x:1", "--precision", "f32"), "only with --local"),
            (("--triton-url", "x:1", "--tls-key", "x"), "belong together"),
            (("--triton-url", "x:1", "--paddle-serving-service", "cls"), "is one of ocr, det, rec"),
            (("--triton-url", "x:1", "--token-file", "/nowhere"), "cannot read /nowhere"),
            (("--triton-url", "x:1", "--address", "nowhere.invalid"), "cannot listen on nowhere.invalid"),
            (("--local", "--model-repository", "/nowhere"), "/nowhere"),
        ],
    )
    def test_what_cannot_work_is_said_in_a_sentence(self, options, says):
        assert says in refused(*options)

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert f"port {port}: Address already in use" in refused("--triton-url", "x:1", "--port", str(port))

    @pytest.mark.parametrize("token", ["", "a b", "é"])
    def test_a_token_that_no_header_can_hold(self, token, monkeypatch):
        monkeypatch.setenv("OCR_GATEWAY_TOKEN", token)
        assert "the token must be" in refused("--triton-url", "x:1")

    def test_certificates_that_are_none(self, tmp_path):
        (tmp_path / "no.pem").write_text("nothing")
        path = str(tmp_path / "no.pem")
        assert f"--tls-key {path}: expected PEM" in refused(
            "--triton-url", "x:1", "--tls-certificate", path, "--tls-key", path
        )


def self_signed(folder):
    """Paths of a certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return str(paths[0]), str(paths[1])


class TestServing:
    def test_a_server_and_the_models_in_process_read_the_same(self, server, gateway, start_gateway, model_repository):
        with OcrClient(server.http_url) as client:
            expected = "".join(f"{text}\n" for text in client.ocr(RECEIPT).texts)
        local = start_gateway("--local", "--model-repository", str(model_repository))
        for url in (gateway, local.url):
            answer = requests.post(f"{url}/read?format=text", data=RECEIPT.read_bytes(), timeout=60)
            assert sorted(answer.text.split()) == sorted(expected.split())

    def test_a_name_of_several_servers_is_taken(self, server, start_gateway):
        """As the Helm chart names its servers."""
        gateway = start_gateway("--triton-url", f"dns:///localhost:{server.grpc_port}")
        assert requests.get(f"{gateway.url}/health/ready", timeout=60).ok

    def test_several_ports(self, start_gateway):
        (second,) = free_ports(1)
        gateway = start_gateway("--triton-url", "127.0.0.1:1", "--port", str(second))
        assert requests.get(f"http://127.0.0.1:{second}/health/live", timeout=10).ok
        assert requests.get(f"{gateway.url}/health/live", timeout=10).ok

    def test_the_token_is_not_on_the_command_line(self, start_gateway, tmp_path):
        (tmp_path / "token").write_text("secret\n")
        gateway = start_gateway("--triton-url", "127.0.0.1:1", "--token-file", str(tmp_path / "token"))
        assert requests.get(f"{gateway.url}/metrics", timeout=10).status_code == 401
        headers = {"Authorization": "Bearer secret"}
        assert requests.get(f"{gateway.url}/metrics", headers=headers, timeout=10).ok

    def test_tls(self, start_gateway, tmp_path):
        certificate, key = self_signed(tmp_path)
        gateway = start_gateway("--triton-url", "127.0.0.1:1", "--tls-certificate", certificate, "--tls-key", key)
        answer = requests.get(f"https://127.0.0.1:{gateway.port}/health/live", verify=certificate, timeout=10)
        assert answer.json() == {"live": True}

    @pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
    def test_it_stops_when_it_is_told_to(self, start_gateway, sig):
        gateway = start_gateway("--triton-url", "127.0.0.1:1")
        gateway.process.send_signal(sig)
        assert gateway.process.wait(30) == 0


class TestServerBehind:
    def test_one_that_goes_and_comes_back(self, quick_repository, start_server, start_gateway):
        (port,) = free_ports(1)
        gateway = start_gateway("--triton-url", f"127.0.0.1:{port}")

        def status():
            return requests.post(f"{gateway.url}/read", data=RECEIPT.read_bytes(), timeout=60)

        away = status()
        assert away.status_code == 503
        assert int(away.headers["Retry-After"]) >= 1
        assert requests.get(f"{gateway.url}/health/ready", timeout=30).status_code == 503
        server = start_server(quick_repository, "--grpc-port", str(port))
        wait_until(lambda: status().ok, "it is served again", 30)
        server.stop()
        assert status().status_code == 503
        assert requests.get(f"{gateway.url}/health/ready", timeout=30).status_code == 503
        start_server(quick_repository, "--grpc-port", str(port))
        wait_until(lambda: requests.get(f"{gateway.url}/health/ready", timeout=30).ok, "it is ready again", 30)
        assert status().ok


def test_the_time_limit_and_hang_ups_hold_behind_a_real_server(start_gateway, server):
    gateway = start_gateway("--triton-url", server.grpc_url, "--timeout", "1")
    page = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (60, 40, 3), np.uint8)
    Image.fromarray(noise).resize((3600, 2400)).save(page, "JPEG")
    file = page.getvalue()
    with ThreadPoolExecutor(8) as pool:  # more than can be read in a second
        answers = [*pool.map(lambda _: requests.post(f"{gateway.url}/read", file, timeout=60), range(16))]
    late = [answer for answer in answers if not answer.ok]
    assert 504 in {answer.status_code for answer in late} <= {504, 408}  # a busy machine may not have the body in time
    assert all("within 1 s" in answer.json()["error"] for answer in late)
    for _ in range(5):
        requests.post(f"{gateway.url}/read?format=events", file, timeout=60, stream=True).close()
    wait_until(lambda: gateway.log.read_text().count("POST /read") == 21, "those who hung up are logged")
    assert "Traceback" not in gateway.log.read_text()
