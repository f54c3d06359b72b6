"""Ray: one of this job's own on this machine, or a cluster; and the parts through its actors."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocr_jobs.errors import JobRefused, RayFailed
from ocr_jobs.listing import Input
from ocr_jobs.quiet import standard_error_kept
from ocr_jobs.settings import Servers, Work, WorkerSettings
from ocr_jobs.storage import first_line
from ocr_jobs.worker import PartReader, part_row
from ocr_pipeline.cores import cores

_OBJECT_STORE_BYTES = 128 << 20  # it holds paths and figures
_LOCAL_CPUS_PER_ACTOR = 4
_ACTORS_PER_NODE = 2  # that send to servers: while one ends a part, the other keeps them busy


@dataclass(frozen=True)
class Pool:
    """The actors of a job.

    Attributes:
        actors: how many.
        cpus: of each, as Ray counts them.
        concurrency: pages under way in each.
        cores: that each keeps to; None for all that there are.
    """

    actors: int
    cpus: int
    concurrency: int
    cores: int | None


def choose_pool(work: Work, reader: object, cpus: int, nodes: int = 1) -> Pool:
    """Return the actors for a machine or a cluster.

    Args:
        work: what the user asks for.
        reader: who reads.
        cpus: of all nodes together.
        nodes: how many there are.

    Raises:
        JobRefused: a cluster has no room for one actor.
    """
    if isinstance(reader, Servers):
        each = work.cpus_per_actor or 1
        actors = work.actors or max(1, min(_ACTORS_PER_NODE * nodes, cpus // each))
        return Pool(actors, each, work.concurrency or 4, None)
    each = work.cpus_per_actor or min(_LOCAL_CPUS_PER_ACTOR, cpus)
    actors = work.actors or max(1, cpus // each)
    if work.address is not None and each > cpus:
        raise JobRefused(f"--cpus-per-actor {each}: the cluster has {cpus} in all")
    return Pool(actors, each, work.concurrency or 2, each)


class Engine:
    """A Ray that runs.

    Attributes:
        pool: the actors that a job gets.
        logs: where its logs are.
    """

    def __init__(self, pool: Pool, logs: Path) -> None:
        self.pool = pool
        self.logs = logs

    def read(
        self, parts: Iterable[tuple[str, Sequence[Input]]], settings: WorkerSettings
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the figures of each part when it has been written; see `PartReader`.

        Raises:
            RayFailed: it did.
        """
        import ray.data  # noqa: PLC0415 -- takes seconds, and must find its settings in the environment
        from ray.exceptions import RayError  # noqa: PLC0415

        rows = [part_row(name, inputs) for name, inputs in parts]
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.enable_rich_progress_bars = False
        logging.getLogger("ray").setLevel(logging.ERROR)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        actors = min(self.pool.actors, len(rows))
        # A block a part: one that an actor has taken is all that waits in it.
        data = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            PartReader,
            fn_constructor_args=[replace(settings, concurrency=self.pool.concurrency, cores=self.pool.cores)],
            compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=1),
            num_cpus=self.pool.cpus,
        )
        try:
            yield from data.iter_rows()
        except RayError as error:
            raise RayFailed(f"Ray failed: {first_line(error)} (its logs are in {self.logs})") from error


@contextmanager
def running_ray(work: Work, reader: object) -> Iterator[Engine]:
    """Start Ray on this machine, or join a cluster; it ends, or is left, at the end.

    A Ray of the job's own listens on 127.0.0.1 alone and takes nobody without its token. Its logs are removed at the
    end, unless it was Ray that failed.

    Raises:
        JobStopped: it does not start, or cannot be reached.
        JobRefused: a cluster has no room for one actor.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before Ray is imported, as is all that follows
    if work.address is None:
        # Ray keeps to the loopback interface on systems where it has no clusters; it is told that this is one.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)
    import ray  # noqa: PLC0415 -- takes seconds

    logs = Path(tempfile.mkdtemp(prefix="ocr-jobs-ray-"))
    keep = False
    try:
        with standard_error_kept(logs / "standard-error.log"):
            try:
                yield Engine(_start(work, reader, logs), logs)
            finally:
                ray.shutdown()
    except RayFailed:
        keep = True
        raise
    finally:
        if not keep:
            shutil.rmtree(logs, ignore_errors=True)  # a process of Ray's may still be about to go


def _start(work: Work, reader: object, folder: Path) -> Pool:
    """Start or join Ray, and return the actors that it has room for."""
    import ray  # noqa: PLC0415 -- as above

    terminate = signal.getsignal(signal.SIGTERM)
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if work.address is None:
            pool = choose_pool(work, reader, cores())
            ray.init(
                address="local",
                num_cpus=max(cores(), pool.actors * pool.cpus),  # otherwise actors would wait for ever
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                _temp_dir=str(folder),
                **quiet,
            )
        else:
            ray.init(address=work.address, **quiet)
            nodes = sum(node["Alive"] for node in ray.nodes())
            pool = choose_pool(work, reader, int(ray.cluster_resources().get("CPU", 0)), nodes)
    except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
        where = "on this machine" if work.address is None else f"at {work.address}"
        token = "" if work.address is None else "; a cluster that asks for a token needs RAY_AUTH_MODE=token"
        raise RayFailed(f"Ray {where} cannot be used: {first_line(error)} (its logs are in {folder}){token}") from error
    except SystemExit as error:  # which is how Ray itself answers SIGTERM, with the code 15
        raise SystemExit(128 + signal.SIGTERM) from error
    signal.signal(signal.SIGTERM, terminate)  # Ray has put its own handler there
    return pool
