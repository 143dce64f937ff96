"""bertune train --find-lr: the learning-rate range test.

The rate rises exponentially from update to update while the loss is watched; nothing is kept of the weights.
Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks, section 3.3; smoothing with bias correction
as in Kingma and Ba 2015, section 3.
"""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base.errors import BertuneError
from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Table
from bertune.engine.devices import compute
from bertune.engine.interrupt import Watch
from bertune.engine.learner import Learner
from bertune.optimizers._rates import RATE_OF_ADAMW
from bertune.report.figures import ACCENT, INK, MUTED, Canvas, drawing
from bertune.runs import build
from bertune.runs.prepare import prepare
from bertune.runs.telling import Teller

LOWEST, HIGHEST = 1e-7, 1e-1  # for AdamW; times its factor for an optimizer related to it
HIGHEST_OF_OTHERS = 10.0  # gradient descent and its like take far larger rates
STEPS = 100
SMOOTHING = 0.9
DIVERGED = 4.0  # times the lowest smoothed loss so far
FEWEST = 10  # updates before divergence is judged
LEAST_FALL = 0.02  # of the first smoothed loss: less is no learning
BELOW_MINIMUM = 10.0


@dataclass(frozen=True)
class Found:
    """What a range test saw, one entry an update, and what follows.

    `losses` are those of each batch before its update, `smoothed` their running mean. `steepest` is the rate at the
    steepest fall of the smoothed loss over the logarithm of the rate, on the way down to its minimum; `minimum` the
    rate at that minimum. `suggestion` is the smaller of `steepest` and a tenth of `minimum`; None where the loss did
    not fall by LEAST_FALL.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steepest: float | None
    minimum: float | None
    suggestion: float | None
    diverged: bool
    optimizer: str


class _Held:
    """A schedule that leaves the rates alone."""

    own_warmup = True

    def factor(self, step: int, steps: int) -> float:
        """Always 1."""
        return 1.0


def find_lr(recipe: Recipe, folder: Path, teller: Teller, source: Table | None = None) -> Found:
    """Try rising learning rates on the training rows; write find_lr.json and find_lr.svg, tell the suggestion."""
    trial = recipe.changed({"optimizer.learning_rate": 1.0, "training.averaging": "none"})
    with Watch(), tempfile.TemporaryDirectory(prefix="bertune-") as place:
        machine = compute(trial.training)
        prepared = prepare(trial, teller, source)
        stores = build.stores(prepared, Path(place))
        model = build.network(trial, prepared, trial.seed)
        model.to(machine.device)
        model.network.train()
        plan = build.planned(trial, model, prepared)
        feed = build.feed_of(trial, plan, stores.train, model, trial.seed)
        learner = build.learner_of(trial, [build.loss_of(trial, prepared, feed)], plan, model, feed, machine)
        name = trial.part("optimizer").name
        teller.say("try", f"{STEPS} updates of {plan.batch_size} rows, learning rate rising from "
                          f"{LOWEST:g} to {highest(name):g} ({name})")  # fmt: skip
        rates, losses = range_test(learner, feed, highest(name))
    found = judge(rates, losses, name)
    _leave(found, folder, teller)
    return found


def highest(optimizer: str) -> float:
    """The rate at which the test of an optimizer ends."""
    factor = RATE_OF_ADAMW.get(optimizer)
    return HIGHEST_OF_OTHERS if factor is None else HIGHEST * max(1.0, factor)


def range_test(learner: Learner, feed: Any, end: float, steps: int = STEPS) -> tuple[list[float], list[float]]:
    """(rates, losses) of up to `steps` updates, fewer where the loss diverges.

    The groups of the learner keep their relative rates (layer decay); its own schedule and warm-up are set aside.
    """
    relative = [rate / learner.rates[0] for rate in learner.rates]
    learner.schedule = _Held()
    rates: list[float] = []
    losses: list[float] = []
    batches = (rows for epoch in count() for rows in feed.begin(epoch))
    for step, rate in enumerate(np.geomspace(LOWEST, end, steps).tolist()):
        learner.rates = [rate * share for share in relative]
        loss = learner.update(feed.portions(next(batches)), step).loss
        rates.append(rate)
        losses.append(loss)
        if diverged(losses):
            break
    return rates, losses


def smooth(losses: Sequence[float]) -> list[float]:
    """The exponential running mean, each value divided by 1 - SMOOTHING^n so that the start is not drawn to 0."""
    mean, result = 0.0, []
    for n, loss in enumerate(losses, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        result.append(mean / (1 - SMOOTHING**n))
    return result


def diverged(losses: Sequence[float]) -> bool:
    """Whether the last loss is not finite, or the smoothed loss is DIVERGED times its lowest value."""
    if not losses or not math.isfinite(losses[-1]):
        return bool(losses)
    smoothed = smooth(losses)
    return len(losses) >= FEWEST and smoothed[-1] > DIVERGED * min(smoothed)


def judge(rates: Sequence[float], losses: Sequence[float], optimizer: str) -> Found:
    """Where the loss fell most steeply and where it was lowest, and the rate that follows (see Found)."""
    ended = diverged(losses)
    finite = [i for i, loss in enumerate(losses) if math.isfinite(loss)]
    rates, losses = [rates[i] for i in finite], [losses[i] for i in finite]
    smoothed = smooth(losses)
    low = int(np.argmin(smoothed)) if smoothed else 0
    nothing = Found(tuple(rates), tuple(losses), tuple(smoothed), None, None, None, ended, optimizer)
    if low < 2 or smoothed[low] > (1 - LEAST_FALL) * smoothed[0]:
        return nothing
    slopes = np.gradient(np.array(smoothed), np.log(rates))
    steepest = rates[int(np.argmin(slopes[: low + 1]))]
    suggestion = float(f"{min(steepest, rates[low] / BELOW_MINIMUM):.2g}")
    return Found(
        tuple(rates), tuple(losses), tuple(smoothed), steepest, rates[low], suggestion, ended, optimizer
    )  # fmt: skip


def _leave(found: Found, folder: Path, teller: Teller) -> None:
    if not found.rates:
        raise BertuneError(
            "the loss is not finite from the first update on.", where="find_lr",
            next_move="try --set training.precision=fp32, or another loss",
        )  # fmt: skip
    FILES.write_json(folder / "find_lr.json", asdict(found))
    FILES.write_text(folder / "find_lr.svg", plot(found))
    start, low = found.smoothed[0], min(found.smoothed)
    fell = f"loss {start:.3f} at {found.rates[0]:.0e}, lowest {low:.3f}"
    fell += f", diverged at {found.rates[-1]:.1e}" if found.diverged else ""
    teller.say("loss", fell, rates=found.rates, losses=found.losses, smoothed=found.smoothed)
    if found.suggestion is None:
        teller.warn(f"no rate lowered the loss in {len(found.rates)} updates: nothing to suggest")
    else:
        teller.say("rate", f"{found.suggestion:g}   (steepest fall at {found.steepest:.1e}, a tenth of the "
                           f"rate at the lowest loss is {(found.minimum or 0) / BELOW_MINIMUM:.1e}; the smaller "
                           "of the two)", suggestion=found.suggestion)  # fmt: skip
    teller.say("plot", f"{folder / 'find_lr.svg'}       numbers  {folder / 'find_lr.json'}",
               plot=str(folder / "find_lr.svg"), numbers=str(folder / "find_lr.json"))  # fmt: skip
    if found.suggestion is not None:
        setting = f"optimizer.learning_rate={found.suggestion:g}"
        teller.say("next", f"bertune train … --set {setting}", setting=setting)


STYLE = """<style>
svg { --paper: #ffffff; --line: #dfe3e8; --muted: #5a6471; --ink: #181c21; --accent: #1f5bc4;
  --warn: #8a5800; background: var(--paper); font-family: system-ui, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #14171b; --line: #323a43; --muted: #9ba6b3; --ink: #e7eaee;
  --accent: #86b1ff; --warn: #e8b655; } }
</style>"""


def plot(found: Found) -> str:
    """The loss over the learning rate as one SVG file, in the colours of the reader's theme."""
    drawn = str(drawing(lambda canvas: _paint(canvas, found), "find_lr", "Loss over the learning rate", (720, 400),
                        (720, 400)))  # fmt: skip
    svg = drawn[drawn.index("<svg") : drawn.index("</svg>") + len("</svg>")]
    names = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    head, rest = svg.replace("<svg ", names, 1).split(">", 1)
    return f"{head}>{STYLE}{rest}\n"


def _paint(canvas: Canvas, found: Found) -> None:
    axes = canvas.axes(64, 44, canvas.width - 96, canvas.height - 104, xscale="log")
    axes.plot(found.rates, found.losses, color=MUTED, linewidth=1, alpha=0.5)
    axes.plot(found.rates, found.smoothed, color=ACCENT)
    top = DIVERGED * min(found.smoothed)
    shown = [loss for loss in found.losses if loss <= top]
    margin = 0.06 * (max(shown) - min(shown) or 1.0)
    axes.set_ylim(min(shown) - margin, max(shown) + margin)
    if found.suggestion is not None:
        axes.axvline(found.suggestion, color=MUTED, linestyle=(0, (4, 3)), linewidth=1.5)
        axes.annotate(canvas.say(f"suggestion {found.suggestion:g}"), (found.suggestion, 1), color=INK,
                      xycoords=("data", "axes fraction"), xytext=(6, -12), textcoords="offset points")  # fmt: skip
    lowest, highest_ = math.floor(math.log10(found.rates[0])), math.ceil(math.log10(found.rates[-1]))
    ticks = [10.0**k for k in range(lowest, highest_ + 1) if found.rates[0] * 0.99 <= 10.0**k <= found.rates[-1] * 1.01]
    axes.set_xticks(ticks, [f"{tick:.0e}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(canvas.say("learning rate"), labelpad=6)
    axes.annotate(canvas.say("training loss of each batch, and smoothed"), (0, 1), xycoords="axes fraction",
                  xytext=(-50, 18), textcoords="offset points", color=INK, fontsize=13)  # fmt: skip
