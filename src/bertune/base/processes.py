"""Several processes that learn one model: each computes a share of every batch, and all make the same update.

Each process runs the whole program on the same data and recipe, so all take the same decisions; while they learn
(`together`) they add up what they computed. The first of them, the leader, speaks, writes the run and finishes it.
Processes are started by torchrun, or by bertune with the launcher of torchrun.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertune.base.types import Floats, Ints


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this one is."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one speaks and writes for all."""
        return self.rank == 0

    def share(self, rows: "Ints", lengths: "Ints") -> "Ints":
        """This process's part of some rows, the longest dealt first, back and forth, so that all get as many tokens."""
        if self.count == 1:
            return rows
        import numpy as np

        order = np.argsort(-lengths[rows], kind="stable")
        turn, place = np.divmod(np.arange(len(rows)), self.count)
        owner = np.where(turn % 2 == 0, place, self.count - 1 - place)
        own: Ints = rows[np.sort(order[owner == self.rank])]
        return own

    def total(self, *numbers: float) -> list[float]:
        """The sums of some numbers over all processes."""
        return list(numbers) if self.count == 1 else _brought_together(numbers, "SUM").tolist()

    def highest(self, *numbers: int) -> list[int]:
        """The highest of each of some numbers that every process has."""
        return list(numbers) if self.count == 1 else [int(n) for n in _brought_together(numbers, "MAX")]

    def added(self, values: "Floats | None") -> "Floats | None":
        """The sum over all processes of values that are of one shape (four sizes at most) where not None."""
        if self.count == 1:
            return values
        import numpy as np

        own = () if values is None else values.shape
        shape = [size for size in self.highest(*own, *[-1] * (4 - len(own))) if size >= 0]
        if not shape:
            return None
        return _brought_together(np.zeros(shape) if values is None else values, "SUM")


def _brought_together(numbers: Any, operation: str) -> "Floats":
    """What comes of numbers of all processes, as float64."""
    import numpy as np
    import torch
    from torch import distributed

    found = torch.from_numpy(np.array(numbers, dtype=np.float64))
    distributed.all_reduce(found, getattr(distributed.ReduceOp, operation), group=_group)
    return np.asarray(found.numpy())


ALONE = Processes()
_group: Any = None  # for numbers that lie on processors, whatever the model is on
_now = ALONE


def asked() -> Processes:
    """This process among those that torchrun starts, as its environment tells."""
    return Processes(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


def on_this_machine() -> tuple[int, int]:
    """Which of how many processes this one is on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def started() -> Processes:
    """The processes of this run, once they know each other (`joined`)."""
    if asked().count == 1:
        return ALONE
    from torch import distributed

    return asked() if distributed.is_available() and distributed.is_initialized() else ALONE


def now() -> Processes:
    """Those that compute together at this moment: this one alone, but within `together`."""
    return _now


@contextmanager
def joined() -> Iterator[Processes]:
    """Within, the processes know each other."""
    global _group
    processes = asked()
    if processes.count == 1:
        yield ALONE
        return
    import torch
    from torch import distributed

    if torch.cuda.is_available():
        torch.cuda.set_device(on_this_machine()[0])
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    _group = distributed.new_group(backend="gloo")
    try:
        yield processes
    finally:
        _group = None
        distributed.destroy_process_group()


def meet() -> None:
    """Wait until every process has come here."""
    if started().count > 1:
        from torch import distributed

        distributed.barrier(group=_group)


@contextmanager
def together() -> Iterator[Processes]:
    """Within, `now` are all processes of the run: what is called must be called by each, in the same order."""
    global _now
    before, _now = _now, started()
    try:
        yield _now
    finally:
        _now = before
