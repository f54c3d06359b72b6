"""What a very large number of pages a second would mean for all that is around the servers.

Bounds of others are named with where they are stated. They are no laws: most can be raised, or the load be split.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ocr_bench.report import Cell, Table
from ocr_bench.scaling.planning import pages_per_s_at_most
from ocr_bench.scaling.record import Record

_DNS_ANSWER_BYTES = 65_535  # RFC 1035, 4.2.2: a message over TCP has a length of two bytes
_DNS_ADDRESS_BYTES = 16  # an A record whose name is a pointer: RFC 1035, 4.1.3 and 4.1.4
_SCRAPE_S = 15.0
ADDRESSES = "addresses in one answer of DNS"
READS = "reads of an object store, one a page"
BESIDE = {
    "servers": "150,000 pods in a cluster of Kubernetes",  # kubernetes.io, "Considerations for large clusters"
    ADDRESSES: f"{_DNS_ANSWER_BYTES:,} bytes, over TCP",
    READS: "5,500 a second for a prefix of S3",  # docs.aws.amazon.com, S3, "Best practices design patterns"
}


@dataclass(frozen=True)
class Surroundings:
    """What is assumed of all that is not a server.

    Attributes:
        utilisation: of the servers' cores.
        clients: processes that ask; each is connected to every server.
        cores_of_node: of a machine that servers run on.
        memory_gib: of a server under load.
        series: that a server exports.
        gateway_cpu_s: processor seconds of the gateway for a page.
    """

    utilisation: float = 0.75
    clients: int = 100
    cores_of_node: int = 64
    memory_gib: float = 2.5
    series: int = 220
    gateway_cpu_s: float = 0.009


def far_table(records: Sequence[Record], rate: float, around: Surroundings) -> Table:
    """What is there at a rate, all kinds equally often, and how much of it others say there may be."""
    columns = [_column(record, rate, around) for record in records]
    rows: list[tuple[Cell, ...]] = [
        (name, *(column[name] for column in columns), BESIDE.get(name, "")) for name in columns[0]
    ]
    return Table(("", *(record.model_set for record in records), "limit of others"), tuple(rows))


def _column(record: Record, rate: float, around: Surroundings) -> dict[str, str]:
    replicas = math.ceil(rate / (around.utilisation * pages_per_s_at_most(record, record.kinds)))
    bits_in = 8 * rate * fmean(fmean(page.file_bytes for page in kind.pages) for kind in record.kinds)
    bits_out = 8 * rate * fmean(fmean(page.answer_bytes for page in kind.pages) for kind in record.kinds)
    return {
        "servers": _whole(replicas),
        "cores": _whole(replicas * record.cores),
        f"machines of {around.cores_of_node} cores": _whole(replicas * record.cores / around.cores_of_node),
        "memory of the servers": f"{replicas * around.memory_gib / 1024:.1f} TiB",
        ADDRESSES: f"{replicas * _DNS_ADDRESS_BYTES:,} bytes",
        f"connections of {around.clients} clients": _whole(around.clients * replicas),
        "pictures": f"{bits_in / 1e9:.1f} Gbit/s",
        "pictures, for each server": f"{bits_in / replicas / 1e6:.1f} Mbit/s",
        "answers": f"{bits_out / 1e9:.2f} Gbit/s",
        READS: f"{rate:,.0f} a second",
        "gateways of one core": _whole(rate * around.gateway_cpu_s / around.utilisation),
        "series in Prometheus": _whole(replicas * around.series),
        "samples in Prometheus": f"{replicas * around.series / _SCRAPE_S:,.0f} a second",
        "servers that start in a minute when the load grows by a tenth": _whole(replicas / 10),
    }


def _whole(number: float) -> str:
    return f"{math.ceil(number):,}"
