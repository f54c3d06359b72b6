"""What is left to read: the inputs that were listed, without those that stand in the output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ocr_documents.errors import DocumentError
from ocr_jobs.errors import JobRefused
from ocr_jobs.listing import Input
from ocr_jobs.output import Done, Output
from ocr_jobs.storage import Stores, fetched

Changed = Literal["refuse", "read", "keep"]


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes:
        listed: inputs that there are.
        before: of these, those that stand in the output and stay there.
        to_read: the others.
        again: of those to read, the ones whose rows are to be taken out before.
    """

    listed: int
    before: int
    to_read: Sequence[Input]
    again: frozenset[str] = field(default_factory=frozenset)


def plan(inputs: Sequence[Input], output: Output, *, retry_failed: bool, changed: Changed) -> Plan:
    """Return what is left to read.

    Args:
        inputs: that were listed.
        output: where those that were read stand.
        retry_failed: whether inputs with failures are read again.
        changed: what becomes of inputs that have other content than when they were read.

    Raises:
        JobRefused: inputs have changed, and that is to be refused.
    """
    done = output.done()
    again = {each.path for each in inputs if retry_failed and each.path in done and done[each.path].failures}
    if changed != "keep":
        other = [each for each in inputs if each.path in done and each.path not in again and _differs(each, done)]
        # Those that failed are left to --retry-failed: where nothing could be read, there is no hash to compare with.
        other = [each for each in other if not done[each.path].failures]
        others = list(_with_other_content(other, output.digests({each.path for each in other})))
        if others and changed == "refuse":
            raise JobRefused(
                f"{len(others):,} inputs have changed since they were read, {others[0]!r} for one: --changed read "
                "reads them again in place of what was read, and --changed keep leaves that as it is"
            )
        again.update(others)
    to_read = [each for each in inputs if each.path not in done or each.path in again]
    return Plan(len(inputs), len(inputs) - len(to_read), to_read, frozenset(again))


def _differs(given: Input, done: Mapping[str, Done]) -> bool:
    before = done[given.path]
    return (given.size_bytes, given.modified_ns) != (before.size_bytes, before.modified_ns)


def _with_other_content(inputs: Sequence[Input], digests: Mapping[str, str | None]) -> Iterator[str]:
    stores = Stores()
    for each in inputs:
        try:
            with fetched(stores, each.store, each.location) as (_, sha256, _):
                same = sha256 == digests.get(each.path)
        except DocumentError:  # it cannot be read any more: what was read of it stays
            same = True
        if not same:
            yield each.path


def cut(inputs: Sequence[Input], run: str, inputs_per_part: int) -> Iterator[tuple[str, Sequence[Input]]]:
    """Yield parts: a name, which no other run uses, and the inputs in it."""
    for number, first in enumerate(range(0, len(inputs), inputs_per_part)):
        yield f"{run}-{number:06d}", inputs[first : first + inputs_per_part]
