"""Of numbers: how they lie beside the gold ones, and how far off in each part of the scale."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from markupsafe import Markup

from bertune.report.elements import Cell, figure, legend, section, table, tag
from bertune.report.entries import figure_of, listed, whole_of
from bertune.report.figures import ACCENT, INK, MUTED, Canvas, drawing
from bertune.report.folder import RunFolder
from bertune.report.words import Words, measure, number

ORDER = 62
NARROWED = 0.5  # of the mean absolute error: mean errors beyond say that answers keep to the middle

Point = tuple[float, float]


class Values:
    """The scatter of gold and answer with the line on which they agree, and the errors in each fifth of the scale."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        raw = run.results.get("values")
        told: dict[str, Any] = raw if isinstance(raw, dict) else {}
        points = _points(told.get("points"))
        bands = [b for b in listed(told.get("bands")) if isinstance(b, dict) and whole_of(b.get("n"))]
        if not points or not bands:
            return None
        return section("values", words.plain("values.title"), _scatter(points, bands, words), *_table(bands, words))


def _points(raw: Any) -> list[Point]:
    pairs = [tuple(figure_of(x) for x in p) for p in listed(raw) if isinstance(p, list) and len(p) == 2]
    return [(p[0], p[1]) for p in pairs if isfinite(p[0]) and isfinite(p[1])]


def _scatter(points: Sequence[Point], bands: Sequence[dict[str, Any]], words: Words) -> Markup:
    every = [x for point in points for x in point]
    room = 0.04 * (max(every) - min(every)) or 1.0
    low, high = min(every) - room, max(every) + room

    def paint(canvas: Canvas) -> None:
        axes = canvas.axes(58, 30, canvas.width - 72, canvas.height - 84, xlim=(low, high), ylim=(low, high))
        axes.annotate(canvas.say(words.plain("values.answered")), (0, 1), xycoords="axes fraction", xytext=(-58, 10),
                      textcoords="offset points", color=INK, fontsize=13)  # fmt: skip
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1)
        axes.plot(*zip(*points, strict=True), "o", color=ACCENT, markersize=5, alpha=0.5, markeredgewidth=0)
        axes.set_xlabel(canvas.say(words.plain("values.gold")), labelpad=6)

    marks = legend(("dot", words.plain("values.row")), ("quiet-line", words.plain("values.agree")))
    drawn = drawing(paint, "values", words.plain("values.title"), (560, 480), (340, 360))
    return figure(drawn, _caption(bands, words), marks)


def _caption(bands: Sequence[dict[str, Any]], words: Words) -> Markup:
    rows = sum(whole_of(b["n"]) for b in bands)
    absolute = sum(whole_of(b["n"]) * figure_of(b.get("absolute_error")) for b in bands) / rows
    worst = max(bands, key=lambda b: figure_of(b.get("absolute_error")))
    off = measure(figure_of(worst.get("absolute_error")))
    told = [words("values.off", off=measure(absolute)), words("values.worst", range=_range(worst), off=off)]
    first, last = figure_of(bands[0].get("error")), figure_of(bands[-1].get("error"))
    if len(bands) > 1 and first > NARROWED * absolute and last < -NARROWED * absolute:
        told.append(words("values.narrowed", first=measure(first, signed=True), last=measure(last, signed=True)))
    return words.sentences(told)


def _range(band: dict[str, Any]) -> str:
    return " – ".join(measure(figure_of(band.get(side))) for side in ("low", "high"))


def _table(bands: Sequence[dict[str, Any]], words: Words) -> Iterator[Markup]:
    yield tag("h3", words("values.bands"))
    heads = [words(f"values.band.{k}") for k in ("range", "rows", "error", "absolute")]
    rows: list[list[object]] = []
    for band in bands:
        error, absolute = figure_of(band.get("error")), figure_of(band.get("absolute_error"))
        rows.append([Cell(_range(band), figure_of(band.get("low"))), number(whole_of(band["n"])),
                     Cell(measure(error, signed=True), error), Cell(measure(absolute), absolute)])  # fmt: skip
    yield table(heads, rows, kinds="tnnn", label=words.plain("values.bands"))
