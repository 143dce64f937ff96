"""Batches of several tasks in turn, mixed by temperature: like everything of a feed a pure function of the seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bertune.base.seeds import derive, generator
from bertune.base.types import Batch, Ints
from bertune.engine.feed import Feed


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows of one task that share a batch."""

    part: int
    rows: Ints

    def __len__(self) -> int:
        return len(self.rows)


class MixedFeed:
    """The batches of several feeds; each batch is of one of them.

    An epoch has as many batches as the epochs of all feeds together. How many are of a feed goes by its share of them,
    to the power of 1 / temperature: 1 is every row once, the larger the more evenly, so that small tasks are read
    several times and of large ones only a part in each epoch; the next epoch goes on where this one stopped.
    Source: Raffel et al. (2020), Exploring the Limits of Transfer Learning (T5), section 3.5.2.
    """

    def __init__(self, feeds: Sequence[Feed], temperature: float, seed: int) -> None:
        self.feeds, self.batch_size = tuple(feeds), feeds[0].batch_size
        self.seed = derive(seed, "mixing", *(feed.store.fingerprint for feed in feeds))
        self.counts = shares([feed.steps_per_epoch for feed in feeds], temperature)
        self.steps_per_epoch = sum(self.counts)

    @property
    def most_rows(self) -> int | None:
        """The bound on the rows of a portion, which all feeds have in common."""
        return self.feeds[0].most_rows

    @most_rows.setter
    def most_rows(self, most: int | None) -> None:
        """Bound the portions of all feeds."""
        for feed in self.feeds:
            feed.most_rows = most

    def begin(self, epoch: int) -> Sequence[Drawn]:
        """The batches of an epoch that now begins."""
        for feed in self.feeds:
            feed.on_epoch(epoch)
        return self.batches(epoch)

    def batches(self, epoch: int) -> list[Drawn]:
        """The batches of an epoch."""
        own = [iter(self._of(part, epoch)) for part in range(len(self.feeds))]
        order = generator(self.seed, "turns", epoch).permutation(np.repeat(np.arange(len(own)), self.counts))
        return [Drawn(part, next(own[part])) for part in order.tolist()]

    def _of(self, part: int, epoch: int) -> list[Ints]:
        """The batches of one feed in an epoch, from where the epoch before stopped."""
        feed, count = self.feeds[part], self.counts[part]
        first, found = epoch * count, list[Ints]()
        for own in range(first // feed.steps_per_epoch, (first + count - 1) // feed.steps_per_epoch + 1):
            start = own * feed.steps_per_epoch
            found += feed.batches(own)[max(0, first - start) : first + count - start]
        return found

    def portions(self, rows: Drawn) -> list[Batch]:
        """One batch in portions that fit in memory."""
        return [replace(portion, part=rows.part) for portion in self.feeds[rows.part].portions(rows.rows)]

    def tokens_in(self, rows: Drawn) -> int:
        """Tokens of a batch, without padding."""
        return self.feeds[rows.part].tokens_in(rows.rows)


def shares(steps: Sequence[int], temperature: float) -> list[int]:
    """How many batches of an epoch are of each feed: their sum is that of `steps`, and each has one at least."""
    weights = np.power(np.asarray(steps, float) / max(steps), 1.0 / temperature)
    total = sum(steps)
    exact = weights / weights.sum() * total
    exact = np.where(np.abs(exact - np.rint(exact)) < 1e-6, np.rint(exact), exact)  # what rounding has taken off
    found = np.maximum(np.floor(exact).astype(int), 1)
    while found.sum() > total:  # those that were raised to one
        found[np.argmax(found)] -= 1
    for place in np.argsort(-(exact - np.floor(exact)), kind="stable").tolist():
        if found.sum() == total:
            break
        found[place] += 1
    return [int(count) for count in found]
