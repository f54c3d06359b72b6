"""`ocr-bench scaling`: how many servers a load needs, and what they cost, by simulation from measured times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from typer import Option

from ocr_bench.errors import BenchError
from ocr_bench.report import Cell, Table
from ocr_bench.runner import Measurement, Workplace
from ocr_bench.scaling.agreement import agreement
from ocr_bench.scaling.far import Surroundings, far_table
from ocr_bench.scaling.planning import Demand, Plan, Price, loads, plan
from ocr_bench.scaling.record import RECORDED, Kind, Record, read_record
from ocr_bench.scaling.simulation import Balancing, Fleet, Outcome, again
from ocr_bench.scaling.tables import agreement_table, kinds_table, loads_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL_KINDS = "all, equally often"
PARTS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # of what one server reads at most
_REQUESTS = 4000  # that one server is simulated with


@dataclass(frozen=True)
class Need:
    """A load, and the servers for it; no plan where no number of servers is fast enough."""

    model_set: str
    kind: str
    demand: Demand
    plan: Plan | None


@dataclass(frozen=True)
class Scaled:
    """What was simulated: of each record its measured loads again, and one server under more and more load."""

    records: list[Record]
    again: list[list[Outcome]]
    loads: list[list[Outcome]]
    needs: list[Need]


@dataclass(frozen=True, kw_only=True)
class Scaling(Measurement[Scaled]):
    """How many servers a load needs, and what they cost: a simulation, from what service-times has measured."""

    command: ClassVar[str] = "scaling"
    title: ClassVar[str] = "Servers for a load"

    measured: Annotated[
        list[Path], Option(help="What service-times has written, NAME.json; by default what comes along; repeatable.")
    ] = field(default_factory=lambda: sorted(RECORDED.glob("*.json"), reverse=True))
    rate: Annotated[list[float], Option(min=0.01, help="Pages a second; repeatable.")] = field(
        default_factory=lambda: [10.0, 100.0, 1000.0]
    )
    p95: Annotated[float, Option(min=0.01, help="Seconds in which 95 of 100 pages are to be answered.")] = 2.0
    most_busy: Annotated[float, Option(min=0.05, max=1, help="Part of the cores that may be busy.")] = 0.85
    balancing: Annotated[Balancing, Option(help="How clients choose a server.")] = Balancing.LEAST_OUTSTANDING
    clients: Annotated[int, Option(min=1, help="Clients; each balances for itself.")] = 8
    price: Annotated[float, Option(min=0, help="Price of a core for an hour, in any currency.")] = 0.04
    peak_to_mean: Annotated[
        float,
        Option(min=1, help="How much higher the peak is than the mean, where servers are there for it all the time."),
    ] = 1.0
    far: Annotated[float, Option(min=1, help="Pages a second at which to look at what is around the servers.")] = (
        10_000.0
    )
    seconds: Annotated[float, Option(min=1, help="Seconds that are simulated of each load.")] = 30.0
    pages: Annotated[int, Option(min=100, help="Pages that are simulated of each load at least.")] = 2000
    seed: Annotated[int, Option(help="Of the simulation.")] = 1

    def measure(self, place: Workplace) -> Scaled:
        """Simulate."""
        if not self.measured:
            raise BenchError("expected --measured with what ocr-bench service-times has written, got none")
        records = [read_record(file) for file in self.measured]
        cases = [(record, name, kinds) for record in records for name, kinds in chosen_kinds(record)]
        with place.progress(len(cases) * len(self.rate)) as done:
            needs = []
            for record, name, kinds in cases:
                for rate in self.rate:
                    demand = Demand(rate, self.p95, self.most_busy, self.seconds, self.pages, self.seed)
                    found = plan(record, kinds, demand, Fleet(1, self.clients, self.balancing))
                    needs.append(Need(record.model_set, name, demand, found))
                    done(f"{record.model_set}, {name}", 1)
        return Scaled(
            records,
            [[again(record, point) for point in record.points] for record in records],
            [loads(record, record.kinds, PARTS, self.seed, _REQUESTS) for record in records],
            needs,
        )

    def intro(self, found: Scaled) -> str:
        """What is assumed."""
        cores = " or ".join(map(str, sorted({record.cores for record in found.records})))
        return (
            f"Requests at random times (Poisson), {self.clients} clients, {self.balancing.value}. The fewest servers "
            f"with which {self.p95:g} s are enough for 95 of 100 pages, no page is refused, and at most "
            f"{self.most_busy:.0%} of the cores are busy. A server has "
            f"{cores} cores. A core costs {self.price:g} an hour; the peak "
            f"is {self.peak_to_mean:g} times the mean."
        )

    def table(self, found: Scaled) -> Table:
        """One row a model set, kind and rate."""
        header = (
            *("model set", "kind", "pages/s", "servers", "cores", "busy, %", "p50, s", "p95, s"),
            *("under way a server", "cost of a million pages"),
        )
        price = Price(self.price, self.peak_to_mean)
        cores = {record.model_set: record.cores for record in found.records}
        rows: list[tuple[Cell, ...]] = []
        for need in found.needs:
            of_rate: tuple[Cell, ...] = (need.model_set, need.kind, f"{need.demand.rate:g}")
            if need.plan is None:
                rows.append((*of_rate, "not reached", *(None,) * 6))
                continue
            replicas, outcome = need.plan.replicas, need.plan.outcome
            all_cores = replicas * cores[need.model_set]
            cost = price.of_million_pages(all_cores, need.demand.rate)
            seen = (round(100 * outcome.utilisation), outcome.summary.p50_s, outcome.summary.p95_s, outcome.under_way)
            rows.append((*of_rate, replicas, all_cores, *seen, cost))
        return Table(header, tuple(rows))

    def notes(self, found: Scaled) -> Sequence[str]:
        """One server under load, what is around many, what it all rests on, and how far it is right."""
        parts = ["One server under more and more load, all kinds equally often:"]
        parts += [loads_table(found.records, found.loads, PARTS).markdown()]
        around = Surroundings()
        parts.append(f"At {self.far:,.0f} pages a second, with the servers' cores busy to {around.utilisation:.0%}:")
        parts.append(far_table(found.records, self.far, around).markdown())
        for record, outcomes in zip(found.records, found.again, strict=True):
            parts.append(f"Measured with `{record.model_set}` in {record.precision}, on {record.processor}:")
            parts.append(kinds_table(record).markdown())
            parts.append(
                "The same server under load, all kinds equally often, and the same requests in the simulation:"
            )
            parts.append(agreement_table(record, outcomes).markdown())
        return parts

    def data(self, found: Scaled) -> object:
        """The needs."""
        return [asdict(need) for need in found.needs]

    def figure(self, found: Scaled) -> Figure:
        """What was measured, and the simulation of it."""
        return agreement(found.records, found.again)


def chosen_kinds(record: Record) -> list[tuple[str, Sequence[Kind]]]:
    """Each kind of document alone, and all of them together."""
    return [*((kind.name, [kind]) for kind in record.kinds), (ALL_KINDS, record.kinds)]
