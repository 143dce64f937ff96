"""The batches of a run: a pure function of seed, epoch and data digest, so that nothing of it needs storing."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bertune.base import processes
from bertune.base.seeds import derive
from bertune.base.types import Batch, Ints
from bertune.data.batches import epoch_batches, micro_batches
from bertune.data.store import TokenStore


class Batches(Protocol):
    """What the loop asks of a feed. What stands for a batch is the feed's own; its length is the number of rows."""

    batch_size: int
    steps_per_epoch: int

    @property
    def most_rows(self) -> int | None:
        """The most rows of a portion."""

    @most_rows.setter
    def most_rows(self, most: int | None) -> None: ...

    def begin(self, epoch: int) -> Sequence[Any]:
        """The batches of an epoch that now begins."""

    def portions(self, rows: Any) -> list[Batch]:
        """One batch in portions that fit in memory."""

    def tokens_in(self, rows: Any) -> int:
        """Tokens of a batch, without padding."""


class Feed:
    """Gives the rows of each batch of an epoch, and a batch as packed portions.

    `most_rows` bounds a portion (halved when memory runs out); `on_epoch` is called as an epoch begins.
    """

    def __init__(
        self,
        store: TokenStore,
        sampler: Any,
        *,
        batch_size: int,
        max_tokens: int,
        most_rows: int | None,
        seed: int,
        grouped: bool,
        on_epoch: Callable[[int], None] = lambda epoch: None,
    ) -> None:
        self.store, self.sampler, self.on_epoch = store, sampler, on_epoch
        self.batch_size, self.max_tokens, self.most_rows, self.grouped = batch_size, max_tokens, most_rows, grouped
        self.seed = derive(seed, "order", store.fingerprint)
        self.steps_per_epoch = math.ceil(len(self.rows(0)) / batch_size)

    def rows(self, epoch: int) -> Ints:
        """The rows that an epoch shows, in the sampler's order."""
        return self.sampler.rows(self.store.classes, self.seed, epoch)  # type: ignore[no-any-return]

    def batches(self, epoch: int) -> Sequence[Ints]:
        """The rows of each batch of an epoch."""
        return epoch_batches(self.rows(epoch), self.store.lengths, self.batch_size, self.seed, epoch, self.grouped)

    def begin(self, epoch: int) -> Sequence[Ints]:
        """The batches of an epoch that now begins."""
        self.on_epoch(epoch)
        return self.batches(epoch)

    def portions(self, rows: Ints) -> list[Batch]:
        """One batch in portions that fit in memory; of several processes, this one's share of it.

        A process that gets no row computes one for nothing (`spare`), as all must compute something.
        """
        own = processes.now().share(rows, self.store.lengths)
        if not len(own):
            return [replace(self.store.batch(rows[:1]), spare=True)]
        parts = micro_batches(own, self.store.lengths, self.max_tokens, self.most_rows)
        return [self.store.batch(part) for part in parts]

    def tokens_in(self, rows: Ints) -> int:
        """Tokens of a batch, without padding."""
        return int(self.store.lengths[rows].sum())
