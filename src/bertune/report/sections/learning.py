"""The fifth part: how the model learnt."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from bertune.report.elements import figure, foreign, legend, paragraph, section, tag
from bertune.report.entries import Check, Step, figure_of
from bertune.report.figures import ACCENT, INK, LINE, MUTED, PAPER, Canvas, drawing, thousands
from bertune.report.folder import RunFolder
from bertune.report.words import Words, number, score, small

ORDER = 50
MOST_POINTS = 240


class Learning:
    """Loss, metric with its best point, and learning rate over the steps; restarts and warnings beside them."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        parts = [*_plan(run, words), *_curves(run, words), *_notes(run, words)]
        return section("learning", words.plain("learning.title"), *parts) if parts else None


def _plan(run: RunFolder, words: Words) -> Iterator[Markup]:
    plan = run.table("plan")
    if plan:
        yield paragraph(
            words(
                "learning.plan" if run.planned_steps else "learning.plan_short",
                epochs=small(figure_of(plan.get("epochs"))),
                steps=words.count("steps", run.planned_steps),
                batch=plan.get("batch_size", "–"),
                rate=small(figure_of(plan.get("learning_rate"))),
            )
        )
    if plan.get("why"):
        yield paragraph(foreign(plan["why"], 400), class_="quiet")


def thinned(steps: Sequence[Step], most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """(mean step, mean loss) of up to `most` equal groups of steps; steps without a finite loss are left out."""
    good = [s for s in steps if math.isfinite(s.loss)]
    size = max(1, math.ceil(len(good) / most))
    groups = [good[k : k + size] for k in range(0, len(good), size)]
    return [(sum(s.step for s in g) / len(g), sum(s.loss for s in g) / len(g)) for g in groups]


def best_check(run: RunFolder) -> Check | None:
    """The look at validation whose weights were kept; None where it is not in the history."""
    wanted = run.fact("best.step")
    return next((c for c in run.checks if c.step == wanted), None)


def _curves(run: RunFolder, words: Words) -> Iterator[Markup]:
    losses = thinned(run.steps)
    if not losses and not run.checks:
        return
    valid = [(c.step, c.loss) for c in run.checks if math.isfinite(c.loss)]
    metric = [(c.step, c.scores[run.metric]) for c in run.checks if run.metric in c.scores]
    rates = [(s.step, s.learning_rate) for s in run.steps[:: max(1, len(run.steps) // MOST_POINTS)]]
    best = best_check(run)

    def paint(canvas: Canvas) -> None:
        _paint(canvas, run, words, (losses, valid, metric, rates), best)

    marks = [("", words.plain("learning.train_loss"))]
    marks += [("quiet-dashed", words.plain("learning.valid_loss"))] if valid else []
    marks += [("dot", words.plain("learning.best"))] if best and metric else []
    drawn = drawing(paint, "learning", words.plain("learning.title"), (860, 560), (340, 560))
    yield figure(drawn, _caption(run, words, losses, valid, best), legend(*marks))


def _paint(
    canvas: Canvas, run: RunFolder, words: Words, series: Sequence[Sequence[tuple[float, float]]], best: Check | None
) -> None:
    losses, valid, metric, rates = series
    last = max(x for line in series for x, _ in line)
    width = canvas.width - 64
    places = ((28, 190), (268, 150), (466, 52))
    panels = [canvas.axes(52, top, width, height, xlim=(0, last * 1.015)) for top, height in places]
    titles = (words.plain("learning.loss"), words.metric(run.metric), words.plain("learning.rate"))
    for axes, title in zip(panels, titles, strict=True):
        axes.annotate(canvas.say(title), (0, 1), xycoords="axes fraction", xytext=(-52, 12),
                      textcoords="offset points", color=INK, fontsize=13)  # fmt: skip
        for step in _epochs(run.steps):
            axes.axvline(step, color=LINE, linewidth=1)
        axes.tick_params(labelbottom=axes is panels[-1])
    panels[0].plot(*_columns(losses), color=ACCENT)
    panels[0].plot(*_columns(valid), color=MUTED, linestyle=(0, (4, 3)))
    panels[0].set_ylim(bottom=0)
    panels[1].plot(*_columns(metric), color=ACCENT, marker="o", markersize=3)
    if best is not None and run.metric in best.scores:
        value = best.scores[run.metric]
        panels[1].plot([best.step], [value], "o", color=ACCENT, markersize=9, markeredgecolor=PAPER, markeredgewidth=2)
        late = best.step > last * 0.8
        panels[1].annotate(canvas.say(score(value)), (best.step, value), xytext=(-8 if late else 0, 10),
                           textcoords="offset points", ha="right" if late else "center", color=INK)  # fmt: skip
        panels[1].margins(y=0.22)
    panels[2].plot(*_columns(rates), color=MUTED, linewidth=1.5)
    top = max((y for _, y in rates if math.isfinite(y)), default=1.0) or 1.0
    panels[2].set_ylim(0, top * 1.08)
    panels[2].set_yticks([0, top], ["0", small(top)])
    thousands(panels[-1].xaxis)
    panels[-1].set_xlabel(canvas.say(words.plain("learning.step")), labelpad=6)


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _epochs(steps: Sequence[Step]) -> list[int]:
    """The steps at which an epoch ends; none where there would be more than 20."""
    ends = [a.step for a, b in pairwise(steps) if int(b.epoch - 1e-9) > int(a.epoch - 1e-9)]
    return ends if len(ends) <= 20 else []


def _caption(
    run: RunFolder,
    words: Words,
    losses: Sequence[tuple[float, float]],
    valid: Sequence[tuple[float, float]],
    best: Check | None,
) -> Markup:
    told = []
    if losses:
        told.append(words("learning.fell", first=small(losses[0][1]), last=small(losses[-1][1])))
    if valid:
        low = min(valid, key=lambda point: point[1])
        turned = valid[-1][1] > 1.1 * low[1]
        told.append(words("learning.turned" if turned else "learning.steady", step=number(low[0]), low=small(low[1])))
    if best is not None and run.metric in best.scores:
        value = score(best.scores[run.metric])
        place = {"step": number(best.step), "epoch": f"{best.epoch:.1f}"}
        told.append(words("learning.kept", metric=words.metric(run.metric), value=value, **place))
        highest = figure_of(run.fact("best.highest"))
        if math.isfinite(highest) and score(highest) != value:
            told.append(words("learning.tolerated", highest=score(highest)))
    return words.sentences(told)


def _notes(run: RunFolder, words: Words) -> Iterator[Markup]:
    if run.fact("stopped"):
        yield paragraph(words("learning.stopped", reason=foreign(run.fact("stopped"), 300)))
    notes = [tag("li", words("learning.restart", why=foreign(_told(r), 300))) for r in run.fact("restarts", [])]
    notes += [tag("li", foreign(_told(w), 400)) for w in run.fact("warnings", [])]
    if notes:
        yield tag("h3", words("learning.notes"))
        yield tag("ul", *notes, class_="notes")


def _told(entry: object) -> str:
    """What a warning or restart says, whatever its form."""
    if isinstance(entry, dict):
        said = [entry.get(key) for key in ("message", "reason", "cure") if entry.get(key)]
        return "; ".join(str(s) for s in said) or ", ".join(f"{k} {v}" for k, v in entry.items())
    return str(entry)
