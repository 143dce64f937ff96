"""Shards answered by several processes, here or on a cluster that the user names, by Ray Data."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bertune.base import threads
from bertune.base.errors import BertuneError, MissingExtra
from bertune.engine.interrupt import Watch
from bertune.runs.shards import Predictor

STORE_BYTES = 100 * 2**20  # of memory that Ray's processes share: only paths and counts go through it
CONNECT_SECONDS = 10.0
# Ray's settings for a start on this machine: its processes listen on 127.0.0.1 alone, and know each other by a word
# that is drawn anew.
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
ALWAYS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}


def by_workers(work: str, jobs: Sequence[str], workers: int, address: str | None) -> Iterator[str]:
    """The results of jobs (see `Predictor`) as they come. A worker that died is started again, and gets its job again.

    `address` is that of a Ray cluster; None starts one on this machine, which ends with this iterator.
    Raises MissingExtra, and BertuneError where no cluster answers.
    """
    workers = min(workers, len(jobs))
    with _started(workers, address):
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        rows = ray.data.from_items([{"shard": job} for job in jobs], override_num_blocks=len(jobs))
        results = rows.map(
            Predictor, fn_constructor_args=(work,), **_share(workers),
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
        )  # fmt: skip
        with Watch():  # once more: Ray put its own answer to SIGTERM in the place of ours
            yield from (row["result"] for row in results.iter_rows())


@contextmanager
def _started(workers: int, address: str | None) -> Iterator[None]:
    os.environ.update(ALWAYS if address else ALWAYS | ALONE | {"RAY_AUTH_TOKEN": secrets.token_hex(32)})
    try:
        import ray.data
    except ImportError:
        raise MissingExtra("ray[data]", "distributed", "Prediction by several workers") from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        count = max(workers, threads.available())
        ray.init("local", num_cpus=count, object_store_memory=STORE_BYTES, include_dashboard=False, **quiet)
    else:
        _join(address, quiet)
    try:
        yield
    finally:
        ray.shutdown()


def _join(address: str, quiet: dict[str, Any]) -> None:
    """Work on a cluster. Raises BertuneError where none answers; Ray itself would try for minutes."""
    import ray

    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if port.isdecimal():
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
        ray.init(address, **quiet)
    except (OSError, RuntimeError, ValueError, OverflowError) as error:
        raise BertuneError(
            "no Ray cluster can be joined there.", where=address, expected="host:port of its head",
            found=str(error)[:300], next_move="where the cluster asks for a token: RAY_AUTH_MODE=token",
        ) from error  # fmt: skip


def _share(workers: int) -> dict[str, float]:
    """What each worker gets: its share of the GPUs, else of the processors, and no more than one machine has."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = sum(machine.get("GPU", 0) for machine in machines) / workers
    if gpus:
        return {"num_gpus": min(1, int(100 * gpus) / 100)}
    processors = [machine["CPU"] for machine in machines if machine.get("CPU")]
    return {"num_cpus": max(1, min([sum(processors) // workers, *processors]))}
