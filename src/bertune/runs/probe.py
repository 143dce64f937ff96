"""Times and weighs a few updates and answers of a model, and tells from them what many would take."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
import psutil
import torch
from scipy.optimize import nnls

from bertune.base.types import Floats, Ints
from bertune.data.batches import micro_batches
from bertune.data.store import TokenStore
from bertune.engine.devices import Compute
from bertune.engine.feed import Feed
from bertune.engine.heap import give_back
from bertune.engine.learner import Learner
from bertune.evaluate.predict import predict
from bertune.model.encoder import Model

SECONDS = 4.0  # the probe of updates is repeated while it has taken less
ANSWERED_SECONDS = 5.0  # the probe of answers ends when its first round has taken so long
ROUNDS = 7
STROLL, STROLL_SECONDS = 16, 15.0  # updates of all sizes before those that are timed, which leave memory in pieces
# What runs take on top of their beginning, as a share of what the probe takes.
PIECES = {"fp32": 1.0, "bf16": 1.05, "fp16": 1.05}
WHILE_LEARNING = 150 * 2**20  # bytes: longer updates leave the heap in more pieces than the probe's
# Bytes that the end of a run takes beyond the probe's: drawing, the report, and in half precision kernels for more
# shapes and a heap in more pieces.
AFTERWARDS = {"fp32": 100 * 2**20, "bf16": 350 * 2**20, "fp16": 350 * 2**20}
LOOK = 0.005  # seconds between two looks at the memory


@dataclass(frozen=True, eq=False)
class Cost:
    """Seconds as a sum over portions: each one, each padded token, each pair of padded tokens of a text (attention)."""

    each: float
    token: float
    pair: float

    def seconds(self, portions: Floats) -> float:
        """What portions of these features [portions, 3] take together."""
        return float(portions.sum(0) @ np.array([self.each, self.token, self.pair]))


def features(texts: int, longest: int) -> list[float]:
    """What a portion of texts, padded to the longest, is made of: 1, padded tokens, pairs of tokens."""
    return [1.0, float(texts * longest), float(texts * longest * longest)]


def of_portions(store: TokenStore, portions: Iterable[Ints]) -> Floats:
    """The features of portions of a store's rows, [portions, 3]."""
    return np.array([features(len(p), int(store.lengths[p].max())) for p in portions]).reshape(-1, 3)


def fitted(portions: Floats, seconds: Floats) -> Cost:
    """The cost that explains measured seconds best, none of its parts negative; errors count by their share."""
    weighed = portions / seconds[:, None]
    scale = np.where(weighed.max(0) > 0, weighed.max(0), 1.0)
    solution, _ = nnls(weighed / scale, np.ones(len(seconds)))
    each, token, pair = (solution / scale).tolist()
    return Cost(each, token, pair)


def of_update(feed: Feed, rows: Ints) -> Floats:
    """The features of one update, summed over its portions; [3]."""
    portions = micro_batches(rows, feed.store.lengths, feed.max_tokens, feed.most_rows)
    return np.asarray(of_portions(feed.store, portions).sum(0))


def three(batches: Sequence[Ints], weights: Floats) -> list[Ints]:
    """A light, a middling and the heaviest batch."""
    order = np.argsort(weights, kind="stable")
    places = dict.fromkeys([len(order) // 20, len(order) // 2, len(order) - 1])
    return [batches[order[i]] for i in places]


def stroll(batches: Sequence[Ints], weights: Floats) -> list[Ints]:
    """STROLL batches from the lightest to the heaviest at equal distances, in the order in which they come."""
    order = np.argsort(weights, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, STROLL).round().astype(int))
    return [batches[i] for i in sorted(order[places].tolist())]


def time_updates(learner: Learner, feed: Feed) -> Cost:
    """The cost of updates, from the light, middling and heaviest batch of the first epoch. Changes the weights."""
    batches = list(feed.begin(0))
    weights = np.array([of_update(feed, rows)[1] for rows in batches])
    chosen = three(batches, weights)
    began = time.perf_counter()
    for rows in stroll(batches, weights):
        _update(learner, feed, rows)
        if time.perf_counter() - began > STROLL_SECONDS:
            break
    seconds = timed([partial(_update, learner, feed, rows) for rows in chosen], learner.compute)
    return fitted(np.array([of_update(feed, rows) for rows in chosen]), seconds)


def _update(learner: Learner, feed: Feed, rows: Ints) -> None:
    learner.update(feed.portions(rows), 0)


def time_answers(model: Model, store: TokenStore, machine: Compute, precision: str, portions: Sequence[Ints]) -> Cost:
    """The cost of answers without gradients, from portions of all sizes, each answered twice: first times, when kernels
    are made and memory is new, are no measure of the many portions of a run, most of which are like one before."""
    chosen = stroll(portions, of_portions(store, portions)[:, 1])

    def answer(rows: Ints) -> Any:
        part = store.take(rows)
        return predict(model, part, batch_size=len(rows), max_tokens=2**40, precision=precision, device=machine.device)

    heaviest = int(np.argmax([store.lengths[rows].sum() for rows in chosen]))  # comes first, for the memory
    others = np.random.default_rng(0).permutation(np.delete(np.arange(len(chosen)), heaviest))
    asked = [chosen[place] for place in (heaviest, *others)]
    began, warm = time.perf_counter(), 0
    while warm < len(asked) and (not warm or time.perf_counter() - began < ANSWERED_SECONDS):
        answer(asked[warm])  # of any size, where time is up before the last
        warm += 1
    seconds = [_seconds(partial(answer, rows), machine) for rows in asked[:warm]]
    give_back()
    return fitted(of_portions(store, asked[:warm]), np.array(seconds))


def timed(actions: Sequence[Callable[[], Any]], machine: Compute) -> Floats:
    """The median seconds of each action, over rounds; the last, heaviest one is done once before, untimed."""
    actions[-1]()
    rounds: list[list[float]] = []
    began = time.perf_counter()
    while not rounds or (time.perf_counter() - began < SECONDS and len(rounds) < ROUNDS):
        rounds.append([_seconds(action, machine) for action in actions])
    give_back()
    return np.median(np.array(rounds), axis=0)  # type: ignore[no-any-return]


def _seconds(action: Callable[[], Any], machine: Compute) -> float:
    started = time.perf_counter()
    action()
    if machine.device.type == "cuda":
        torch.cuda.synchronize()
    return max(time.perf_counter() - started, 1e-9)


class Memory:
    """While entered, watches the resident memory of this process (of a GPU its allocated memory).

    `peak` is what a run would take at most, in bytes, while it learns or at its end: what was there, PIECES of what
    came on top until `learnt` and WHILE_LEARNING; or what was there after that and AFTERWARDS.
    """

    def __init__(self, precision: str = "fp32") -> None:
        self.peak = self.learning = 0
        self._pieces, self._afterwards = PIECES[precision], AFTERWARDS[precision]
        self._process = psutil.Process()
        self._before = int(self._process.memory_info().rss)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Memory":
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        self._look()
        learning = round(self._before + self._pieces * max(0, self.learning - self._before)) + WHILE_LEARNING
        self.peak = max(learning if self.learning else 0, self.peak + self._afterwards)
        if torch.cuda.is_available():
            self.peak = int(torch.cuda.max_memory_allocated())

    def learnt(self) -> None:
        """From here on it is the end of a run that is watched."""
        self._look()
        give_back()
        self.learning, self.peak = self.peak, 0

    def _watch(self) -> None:
        while not self._done.wait(LOOK):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, int(self._process.memory_info().rss))
