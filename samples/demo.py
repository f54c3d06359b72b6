"""The main job, shown: server up, the sample pictures read, texts and overlay pictures shown, server down."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ("receipt.png", "poster.jpg", "rotated.png", "small_lines.png", "exif.jpg", "blank.png")
OVERLAYS = Path("build") / "demo"
PROGRAMS = Path(sys.executable).parent
START_LIMIT_S = 120
STOP_LIMIT_S = 60


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is being done and how long it took."""
    say(f"==> {name}")
    start = time.monotonic()
    yield
    say(f"==> {name}: done in {time.monotonic() - start:.1f} s")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, so that the demo disturbs no server of the user's."""
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


def start_server(log: Path, ports: list[int]) -> subprocess.Popen[bytes]:
    """Start ocr-serve and wait until every model is ready; exit with what it says when it does not start."""
    options = zip(("--http-port", "--grpc-port", "--metrics-port"), map(str, ports), strict=True)
    command = [str(PROGRAMS / "ocr-serve"), *(word for option in options for word in option)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    give_up = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up:
        if server.poll() is not None:
            sys.exit(f"the server did not start; {log} says:\n{log.read_text(errors='replace')[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/v2/health/ready", timeout=5):
                return server
        except OSError:
            time.sleep(0.1)
    server.terminate()
    sys.exit(f"the server was not ready after {START_LIMIT_S} s; see {log}")


def main() -> int:
    """Run the demo; the exit code is ocr-client's."""
    (ROOT / OVERLAYS).mkdir(parents=True, exist_ok=True)
    ports = free_ports(3)
    with step("server up"):
        server = start_server(ROOT / OVERLAYS / "server.log", ports)
    try:
        with step("reading the sample pictures"):
            pictures = [Path("samples") / name for name in PICTURES]
            client = subprocess.run(
                [PROGRAMS / "ocr-client", "--url", f"127.0.0.1:{ports[0]}", *pictures, "--overlay", OVERLAYS],
                cwd=ROOT,
                check=False,
            )
    finally:
        server.send_signal(signal.SIGINT)  # before anything is said: nobody may be listening any more
        with step("server down"):
            server.wait(STOP_LIMIT_S)
    say(f"==> boxes and texts are drawn in {OVERLAYS}/; `make serve` starts the server to stay")
    return client.returncode


if __name__ == "__main__":
    sys.exit(main())
