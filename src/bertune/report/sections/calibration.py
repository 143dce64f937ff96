"""The eighth part: whether the probabilities mean what they say."""

from collections.abc import Sequence
from math import isfinite

from markupsafe import Markup

from bertune.report.elements import figure, legend, paragraph, section
from bertune.report.entries import Bin, figure_of
from bertune.report.figures import ACCENT, INK, MUTED, PAPER, Canvas, drawing, thousands
from bertune.report.folder import RunFolder
from bertune.report.words import Words, number, score

ORDER = 80


class Calibration:
    """The reliability diagram before and after temperature, with the rows behind each point beneath it."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        before, after = run.bins("before"), run.bins("after")
        if not before and not after:
            return None
        shown = after or before

        def paint(canvas: Canvas) -> None:
            _paint(canvas, before if after else (), shown, words)

        marks = [("dot", words.plain("calibration.after" if after else "calibration.before"))]
        marks += [("ring", words.plain("calibration.before"))] if before and after else []
        marks.append(("quiet-line", words.plain("calibration.perfect")))
        drawn = drawing(paint, "calibration", words.plain("calibration.title"), (560, 480), (340, 400))
        lead = paragraph(words("calibration.lead"))
        return section(
            "calibration",
            words.plain("calibration.title"),
            lead,
            figure(drawn, _caption(run, shown, words), legend(*marks)),
        )


def _paint(canvas: Canvas, before: Sequence[Bin], after: Sequence[Bin], words: Words) -> None:
    width, foot = canvas.width - 70, 64
    top = canvas.height - foot - 110
    axes = canvas.axes(56, 30, width, top, xlim=(0, 1.02), ylim=(0, 1.05))
    axes.annotate(canvas.say(words.plain("calibration.right")), (0, 1), xycoords="axes fraction", xytext=(-56, 10),
                  textcoords="offset points", color=INK, fontsize=13)  # fmt: skip
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.tick_params(labelbottom=False)
    axes.plot([b.confidence for b in before], [b.accuracy for b in before], "o", color=MUTED, markersize=8,
              markerfacecolor=PAPER, markeredgewidth=2)  # fmt: skip
    axes.plot(
        [b.confidence for b in after], [b.accuracy for b in after], "o-", color=ACCENT, markersize=8, linewidth=1.5
    )
    rows = canvas.axes(56, canvas.height - foot - 50, width, foot, xlim=(0, 1.02))
    rows.annotate(canvas.say(words.plain("calibration.rows")), (0, 1), xycoords="axes fraction", xytext=(-56, 6),
                  textcoords="offset points", color=INK, fontsize=13)  # fmt: skip
    rows.bar([b.confidence for b in after], [b.n for b in after], 0.035, color=ACCENT)
    most = max(b.n for b in after)
    rows.set_yticks([0, most])
    thousands(rows.yaxis)
    rows.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    rows.set_xlabel(canvas.say(words.plain("calibration.said")), labelpad=6)


def _caption(run: RunFolder, shown: Sequence[Bin], words: Words) -> Markup:
    temperature = figure_of(run.calibration.get("temperature", run.fact("temperature")))
    ece = [figure_of((run.calibration.get(side) or {}).get("ece")) for side in ("before", "after")]
    most = max(shown, key=lambda b: b.n)
    told = []
    if all(isfinite(e) for e in ece) and isfinite(temperature):
        key = "calibration.lowered" if ece[1] < ece[0] else "calibration.not_lowered"
        told.append(words(key, temperature=score(temperature, 2), before=score(ece[0]), after=score(ece[1])))
    elif isfinite(ece[0]):
        told.append(words("calibration.error", before=score(ece[0])))
    figures = {"confidence": words.percent(most.confidence), "accuracy": words.percent(most.accuracy)}
    told.append(words("calibration.told", rows=words.count("rows", most.n), n=number(most.n), **figures))
    return words.sentences(told)
