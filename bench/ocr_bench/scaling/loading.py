"""Loading a real server: pages one by one, so many in flight, or at random times."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from ocr_bench.errors import BenchError
from ocr_bench.process_tree import tree
from ocr_bench.runner import REQUEST_TIMEOUT_S
from ocr_bench.scaling.exported import scrape_work
from ocr_bench.scaling.record import NETWORKS, Kind, Page, Part
from ocr_bench.scaling.traffic import Answer
from ocr_bench.server import Server
from ocr_client import AsyncOcrClient, OcrClient
from ocr_contract.result import OcrResult
from ocr_pipeline.clock import STAGES

Key = TypeVar("Key")
_STUB = "triton_python_backend_stub"
_SERVER, _CLIENT = "server", "client"


@dataclass(frozen=True)
class Picture:
    """A picture as it is sent."""

    name: str
    content: bytes


def read_pictures(folder: Path, paths: Iterable[Path]) -> list[Picture]:
    """Read pictures of a folder.

    Raises:
        BenchError: one cannot be read.
    """
    try:
        return [Picture(path.name, path.read_bytes()) for path in paths]
    except OSError as error:
        raise BenchError(f"{error.filename or folder} cannot be read: {error.strerror}") from error


@dataclass
class _Alone:
    """What one picture has taken so far, alone."""

    times: int = 0
    wall_s: float = 0.0
    answer_bytes: int = 0
    stages_us: dict[tuple[str, str], float] = field(default_factory=dict)
    calls: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)


def measure_kinds(
    server: Server, of_kind: Mapping[str, Sequence[Picture]], rounds: int, done: Callable[[], None]
) -> list[Kind]:
    """Read pictures, one after the other, with nothing else under way.

    All are read in every round, after one that does not count, in an order of chance: where the same picture came
    several times in a row, the networks would know its shapes from just before.

    Args:
        server: that reads.
        of_kind: pictures, by the kind of document.
        rounds: that count.
        done: is called after every round.

    Raises:
        OcrClientError: a picture was not read.
    """
    found = {name: [_Alone() for _ in pictures] for name, pictures in of_kind.items()}
    every = [(name, number) for name, pictures in of_kind.items() for number in range(len(pictures))]
    with OcrClient(server.grpc, "grpc", timeout_s=REQUEST_TIMEOUT_S) as client:
        for turn in range(rounds + 1):
            random.Random(f"round {turn}").shuffle(every)  # noqa: S311 -- nothing to guess
            for name, number in every:
                picture = of_kind[name][number]
                if turn:
                    _read_alone(server, client, picture, found[name][number])
                else:
                    client.ocr(picture.content)
            done()
    return [_kind(name, pictures, found[name]) for name, pictures in of_kind.items()]


def _read_alone(server: Server, client: OcrClient, picture: Picture, alone: _Alone) -> None:
    before, cpu_before = scrape_work(server.metrics), processor_s(server.pid)
    own_before_s, began_s = time.process_time(), time.perf_counter()
    answer = client.ocr(picture.content)
    alone.wall_s += time.perf_counter() - began_s
    own_s = time.process_time() - own_before_s
    cpu_after, after = processor_s(server.pid), scrape_work(server.metrics)
    alone.times += 1
    alone.answer_bytes = answer_bytes(answer)
    _add(alone.stages_us, after.stages_us, before.stages_us)
    _add(alone.calls, after.answers, before.answers)
    _add(alone.cpu_s, {**cpu_after, _CLIENT: own_s}, cpu_before)


def _add(totals: dict[Key, float], after: Mapping[Key, float], before: Mapping[Key, float]) -> None:
    """Add to totals by how much counters have grown."""
    for key, value in after.items():
        totals[key] = totals.get(key, 0.0) + value - before.get(key, 0.0)


def _kind(name: str, pictures: Sequence[Picture], found: Sequence[_Alone]) -> Kind:
    pages = tuple(_page(picture, alone) for picture, alone in zip(pictures, found, strict=True))
    times = sum(alone.times for alone in found)
    cpu_s: dict[str, float] = {}
    for alone in found:
        _add(cpu_s, alone.cpu_s, {})
    return Kind(name, pages, {process: round(spent_s / times, 6) for process, spent_s in cpu_s.items()})


def _page(picture: Picture, alone: _Alone) -> Page:
    parts = [
        Part(
            step,
            stage,
            round(alone.stages_us[step, stage] / alone.times / 1e6, 6),
            max(1, round(alone.calls[stage] / alone.times)) if stage in NETWORKS else 1,
        )
        for stage in STAGES
        for step, of_stage in alone.stages_us
        if of_stage == stage and alone.stages_us[step, stage] > 0
    ]
    wall_s = round(alone.wall_s / alone.times, 6)
    return Page(picture.name, len(picture.content), alone.answer_bytes, wall_s, tuple(parts))


def answer_bytes(answer: OcrResult) -> int:
    """Bytes of the tensors of an answer, each text with its length before it."""
    texts = sum(4 + len(text.encode("utf-8")) for text in (*answer.texts, *answer.words))
    arrays = (answer.boxes, answer.scores, answer.box_scores, answer.word_boxes, answer.word_scores, answer.word_lines)
    return texts + sum(array.nbytes for array in arrays)


def processor_s(pid: int) -> dict[str, float]:
    """Processor seconds of a server so far: of each Python model by its name, and of all else as "server"."""
    spent: dict[str, float] = {}
    for process in tree(pid):
        try:
            words, times = process.cmdline(), process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        is_stub = bool(words) and words[0].endswith(_STUB)
        name = Path(words[1]).parents[1].name if is_stub else _SERVER  # .../MODEL/VERSION/FILE
        spent[name] = spent.get(name, 0.0) + times.user + times.system
    return spent


def load_closed(server: Server, asked: Sequence[bytes], in_flight: int) -> list[Answer]:
    """Keep so many requests in flight, until all have been answered.

    Raises:
        OcrClientError: one was not answered.
    """

    async def run() -> list[Answer]:
        left = iter(asked)
        async with _client(server) as client:

            async def ask_on() -> list[Answer]:
                return [await _ask(client, content) for content in left]

            answered = await asyncio.gather(*(ask_on() for _ in range(in_flight)))
        return [answer for answers in answered for answer in answers]

    return asyncio.run(run())


def load_open(server: Server, asked: Sequence[bytes], at_s: Sequence[float]) -> list[Answer]:
    """Send requests at their times, in seconds after the start, whether or not those before have been answered.

    Raises:
        OcrClientError: one was not answered.
    """

    async def run() -> list[Answer]:
        async with _client(server) as client:
            began_s = time.perf_counter()

            async def ask_at(content: bytes, due_s: float) -> Answer:
                await asyncio.sleep(began_s + due_s - time.perf_counter())
                return await _ask(client, content)

            return await asyncio.gather(*(ask_at(content, due_s) for content, due_s in zip(asked, at_s, strict=True)))

    return asyncio.run(run())


def _client(server: Server) -> AsyncOcrClient:
    return AsyncOcrClient(server.grpc, "grpc", timeout_s=REQUEST_TIMEOUT_S, retries=0)


async def _ask(client: AsyncOcrClient, content: bytes) -> Answer:
    sent_s = time.perf_counter()
    await client.ocr(content)
    return Answer(sent_s, time.perf_counter())
