"""What was measured on one server: the time that pages take alone, and the answers to a load.

`ocr-bench service-times` writes it, and the simulation reads it. Two such files are part of the package: RECORDED.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ocr_bench.errors import BenchError

RECORDED = Path(__file__).parent / "measured"
Mode = Literal["closed", "open"]
NETWORKS = ("det", "cls", "rec", "rec_second")  # stages that a network runs
ALLOWED = 0.04  # of the cores, for others: what took more is disturbed; the kernel itself takes some


@dataclass(frozen=True)
class Part:
    """A stage of a page: the step that it is in, its name, and seconds with nothing else under way.

    Where a network runs it, the stage has the network's name, and is so many calls of it.
    """

    step: str
    stage: str
    seconds: float
    calls: int = 1


@dataclass(frozen=True)
class Page:
    """A picture, read with nothing else under way.

    Attributes:
        picture: name of its file.
        file_bytes, answer_bytes: what goes over the network, without headers.
        wall_s: from sending to the unpacked answer.
        parts: in their order.
    """

    picture: str
    file_bytes: int
    answer_bytes: int
    wall_s: float
    parts: tuple[Part, ...]

    @property
    def outside_s(self) -> float:
        """The time outside all stages: client, network, and Triton between the steps."""
        return max(0.0, self.wall_s - sum(part.seconds for part in self.parts))


@dataclass(frozen=True)
class Kind:
    """A kind of document.

    Attributes:
        name: that of the folder of its pictures.
        pages: its pictures.
        cpu_s: processor seconds a page, by process: a step, a network, "server" (tritonserver itself), or "client".
    """

    name: str
    pages: tuple[Page, ...]
    cpu_s: Mapping[str, float]


@dataclass(frozen=True)
class Point:
    """What a load came to.

    Attributes:
        mode: "closed", so many requests in flight always; "open", so many a second, at random times (Poisson).
        level: requests in flight, or requests a second.
        requests: how many were sent, a page each, kinds equally often, in the order that `seed` gives.
        seed: of the order, and of the times.
        pages_per_s: answers a second.
        p50_s, p95_s: from sending to the answer.
        others: part of the cores that others took meanwhile.
    """

    mode: Mode
    level: float
    requests: int
    seed: int
    pages_per_s: float
    p50_s: float
    p95_s: float
    others: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What a server does at a time.

    Attributes:
        instances: of the steps, by name.
        max_at_work, max_in_flight: requests; as in config.pbtxt.
        rec_calls_in_flight: calls of a recogniser that a page has under way.
    """

    instances: Mapping[str, int]
    max_at_work: int
    max_in_flight: int
    rec_calls_in_flight: int = 16


@dataclass(frozen=True)
class Record:
    """One server and what it did.

    Attributes:
        model_set, precision: what it read with.
        processor: of the machine.
        cores: that it had.
        limits: that it had.
    """

    model_set: str
    precision: str
    processor: str
    cores: int
    limits: Limits
    kinds: tuple[Kind, ...]
    points: tuple[Point, ...]
    others: float = 0.0

    def kind(self, name: str) -> Kind:
        """A kind by its name.

        Raises:
            BenchError: there is none of that name.
        """
        for kind in self.kinds:
            if kind.name == name:
                return kind
        raise BenchError(
            f"no kind {name!r} was measured; expected one of {', '.join(kind.name for kind in self.kinds)}"
        )


def read_record(file: Path) -> Record:
    """Read what `ocr-bench service-times` has written.

    Raises:
        BenchError: it cannot be read, or is something else.
    """
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["data"]
        kinds = tuple(
            Kind(**{**kind, "pages": tuple(_page(page) for page in kind["pages"])}) for kind in data.pop("kinds")
        )
        points = tuple(Point(**point) for point in data.pop("points"))
        return Record(**{**data, "limits": Limits(**data["limits"]), "kinds": kinds, "points": points})
    except OSError as error:
        raise BenchError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"{file} is none that ocr-bench service-times has written: {error!r}") from error


def _page(fields: dict[str, Any]) -> Page:
    return Page(**{**fields, "parts": tuple(Part(**part) for part in fields["parts"])})
