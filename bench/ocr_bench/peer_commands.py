"""What `ocr-bench peers` does: environments, server, sides, tables."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from ocr_bench import environments, inprocess_child, peers, perf_analyzer
from ocr_bench.errors import BenchError, PeerError, UnavailableError
from ocr_bench.labels import read_dataset
from ocr_bench.machine import this_machine
from ocr_bench.progress import bar
from ocr_bench.report import write_section
from ocr_bench.server import running_server
from ocr_bench.sides import ChildSide, HttpSide, Side
from ocr_bench.subject import Subject

STATIC_REPOSITORY = Path(__file__).resolve().parents[1] / "model_repository"  # ocr_static


def run_peers(
    data: Sequence[Path],
    subject: Subject,
    chosen: Sequence[environments.Peer],
    static: bool,
    limit: int | None,
    chunk: int,
    warm: int,
    cache: Path,
    name: str,
    out: Path,
) -> str:
    """Read the same pictures with ours and with the peers; give the tables as Markdown."""
    datasets = [read_dataset(folder) for folder in data]
    pictures = peers.pictures_of(datasets, limit)
    kinds = {dataset.name: dataset.kind for dataset in datasets}
    out.mkdir(parents=True, exist_ok=True)
    log = out / f"{name}.log"
    sides: list[Side] = []
    missing: list[str] = []
    with ExitStack() as stack:
        server = stack.enter_context(running_server(subject, out / f"{name}.server.log"))
        sides.append(HttpSide("ours, HTTP, 1 in flight", server, in_flight=1))
        sides.append(HttpSide("ours, HTTP, 4 in flight", server, in_flight=4))
        sides.append(ChildSide("ours, in-process", inprocess_child.command(subject), log))
        ours = [True] * len(sides)
        if static:
            # A server of its own, so that its memory is its own too.
            folder = static_repository(subject, Path(stack.enter_context(TemporaryDirectory(prefix="ocr-bench-"))))
            extra = [f"--model-repository={folder}", "--load-model=ocr_static"]
            static_log = out / f"{name}.static.log"
            plain = stack.enter_context(running_server(subject, static_log, extra, "ocr_static"))
            sides.append(HttpSide("ocr_static, HTTP, 1 in flight", plain, "ocr_static"))
        for peer in chosen:
            try:
                command = environments.prepare(peer, cache)
                side_log = out / f"{name}.{peer.name}.log"
                sides.append(ChildSide(f"{peer.name} ({peer.model_set})", command, side_log))
            except PeerError as error:
                missing.append(f"{peer.name} is left out: {error}")
        ours += [False] * (len(sides) - len(ours))
        try:
            steps = len(sides) * (len(pictures) + min(warm, len(pictures)))
            with bar(steps, "peers") as tell:
                totals = peers.compare(sides, ours, pictures, chunk, warm, tell)
            versions = {side.name: side.versions for side in sides}
        finally:
            for side in sides:
                side.close()
    found = peers.speed_table(totals, kinds)
    found.write_csv(out / f"{name}.csv")
    parts = [
        subject.title("Peers"),
        f"{len(pictures)} pictures of {', '.join(kinds)}; {chunk} pictures a side in turn; ours with "
        f"{subject.model_set}. Line orientation is off on every side. Accuracy is the mean over the sets.",
        found.markdown(),
        peers.ratio_table(totals).markdown(),
        peers.accuracy_table(totals, kinds).markdown(),
        *(
            f"{side}: {', '.join(f'{package} {version}' for package, version in packages.items())}."
            for side, packages in versions.items()
            if packages
        ),
        *missing,
    ]
    return write_section(out, name, parts, peers.as_data(totals, kinds, versions), this_machine()).read_text("utf-8")


def static_repository(subject: Subject, folder: Path) -> Path:
    """Make the repository of `ocr_static` in `folder`; its recogniser has the weights of the subject's `rec`."""
    made = Path(shutil.copytree(STATIC_REPOSITORY, folder / "static"))
    weights = made / "rec_static" / "1" / "model.onnx"
    weights.symlink_to((subject.repository / "rec" / "1" / "model.onnx").resolve())
    return made


def run_setup(chosen: Sequence[environments.Peer], cache: Path) -> tuple[str, bool]:
    """Make the peers' environments and try perf_analyzer: what was found, and whether all of it works."""
    said, fine = [], True
    for peer in chosen:
        try:
            environments.prepare(peer, cache)
            said.append(f"{peer.name}: ready in {cache / peer.name}")
        except PeerError as error:
            said.append(f"{peer.name}: {error}")
            fine = False
    with TemporaryDirectory(prefix="ocr-bench-") as folder:
        try:
            said.append(f"perf_analyzer: {perf_analyzer.find(Path(folder)).binary.name} starts")
        except UnavailableError as error:
            said.append(str(error))
            fine = False
    return "\n".join(said), fine


def choose_peers(names: Sequence[str]) -> list[environments.Peer]:
    """Look peers up by name; none named means all.

    Raises:
        BenchError: an unknown name.
    """
    known = {peer.name: peer for peer in environments.PEERS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BenchError(f"unknown peer {', '.join(unknown)}; expected {', '.join(known)}")
    return [known[name] for name in names or known]
