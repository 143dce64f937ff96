"""The fourth part: what the model learnt from."""

from collections.abc import Iterator
from itertools import pairwise
from math import inf, isfinite

from markupsafe import Markup

from bertune.base.types import Finding
from bertune.report.elements import Cell, figure, fold, foreign, legend, name, paragraph, section, table, tag
from bertune.report.entries import figure_of, whole_of
from bertune.report.figures import ACCENT, INK, MUTED, WARN, Canvas, drawing, thousands
from bertune.report.folder import RunFolder
from bertune.report.places import listed
from bertune.report.words import Words, number, sentence

ORDER = 40
MOST_BARS = 20
MARKS = {"error": "✕", "warning": "!", "note": "i"}


class Data:
    """Splits, classes as bars, lengths with the cut line, and the findings of `bertune check`."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        parts = [*_source(run, words), *_classes(run, words), *_lengths(run, words), *_findings(run, words)]
        return section("data", words.plain("data.title"), *parts) if parts else None


def _source(run: RunFolder, words: Words) -> Iterator[Markup]:
    rows, split = run.fact("data.rows"), run.table("split")
    if rows is not None:
        files = [foreign(str(f).replace("\\", "/").rsplit("/", 1)[-1], 60) for f in run.fact("data.files", [])]
        columns = words.listing([name(c) for c in dict.fromkeys(run.table("columns").values()) if c])
        told = {"rows": words.count("rows", rows), "files": words.listing(files)}
        yield paragraph(words("data.source", **told, columns=columns) if columns else words("data.bare", **told))
    if split:
        sizes = [words(f"data.{key}", n=number(split[key])) for key in ("train", "valid", "test") if key in split]
        key = "data.split_how" if split.get("how") else "data.split"
        yield paragraph(words(key, sizes=words.listing(sizes), how=foreign(split.get("how", ""), 200)))
    made = run.table("augmented")
    if made:
        told = {"copies": words.count("copies", whole_of(made.get("rows"))), "name": name(made.get("name", ""))}
        yield paragraph(words("data.augmented", **told))


def _classes(run: RunFolder, words: Words) -> Iterator[Markup]:
    counts = {str(k): whole_of(v) for k, v in run.table("class_counts.train").items()}
    total = sum(counts.values())
    if not total or run.kind != "class":
        return
    ordered = sorted(counts, key=lambda label: -counts[label])
    bars = [_bar(label, counts[label], max(counts.values()), total, words) for label in ordered]
    first, last = ordered[0], ordered[-1]
    ratio = counts[first] / max(counts[last], 1)
    caption = words(
        "data.classes_caption",
        largest=name(first),
        share=words.percent(counts[first] / total),
        smallest=name(last),
        rows=words.count("rows", counts[last]),
        ratio=number(ratio, 0 if ratio >= 10 else 1),
    )
    yield tag("h3", words("data.classes"))
    yield figure(tag("div", *bars[:MOST_BARS], class_="bars"), caption)
    if len(bars) > MOST_BARS:
        rest = tag("div", *bars[MOST_BARS:], class_="bars")
        yield fold(words("data.more_classes", n=number(len(bars) - MOST_BARS)), rest)


def _bar(label: str, n: int, most: int, total: int, words: Words) -> Markup:
    value = words("data.bar", n=number(n), share=words.percent(n / total))
    return Markup("").join(
        (
            tag("span", foreign(label, 60), class_="label", title=label[:200]),
            tag("span", tag("i", style=f"--share:{100 * n / most:.2f}%"), class_="track", aria_hidden="true"),
            tag("span", value, class_="value"),
        )
    )


def _lengths(run: RunFolder, words: Words) -> Iterator[Markup]:
    ledger = run.table("lengths.ledger")
    drawn = _histogram(run, words)
    if not ledger and drawn is None:
        return
    yield tag("h3", words("data.lengths"))
    if drawn is not None:
        yield drawn
    rows = [_ledger_row(split, entry, words) for split, entry in ledger.items() if isinstance(entry, dict)]
    keys = ["split", "rows", "rows_cut", "tokens", "tokens_cut", "whole"]
    if run.windowed:  # no token is lost: only how many rows need several windows is told
        rows, keys = [row[:4] for row in rows], ["split", "rows", "windows", "tokens"]
    if rows:
        heads = [words(f"data.ledger.{k}") for k in keys]
        yield table(heads, rows, kinds="t" + "n" * (len(keys) - 1), label=words.plain("data.lengths"))


def _ledger_row(split: str, entry: dict[str, object], words: Words) -> list[object]:
    def both(key: str) -> Markup:
        n, share = figure_of(entry.get(f"{key}_cut")), figure_of(entry.get(f"share_{key}_cut"))
        return words("data.bar", n=number(n), share=words.percent(share))

    rows, tokens, whole = (figure_of(entry.get(k)) for k in ("rows", "tokens", "length_that_cuts_none"))
    named = words.known("split", split)
    return [named, number(rows), both("rows"), number(tokens), both("tokens"), number(whole)]


def _histogram(run: RunFolder, words: Words) -> Markup | None:
    edges, counts = run.fact("lengths.histogram.edges", []), run.fact("lengths.histogram.counts", [])
    if len(edges) < 2 or len(counts) != len(edges) - 1 or not sum(counts):
        return None
    limit = inf if run.fact("lengths.windows", False) else figure_of(run.fact("lengths.max_length", inf))

    def paint(canvas: Canvas) -> None:
        axes = canvas.axes(48, 26, canvas.width - 60, canvas.height - 76)
        for (low, high), n in zip(pairwise(edges), counts, strict=True):
            gap = 0.08 * (high - low)
            if not low >= limit:
                axes.bar(low, n, min(high - gap, limit) - low, align="edge", facecolor=ACCENT, linewidth=0)
            if high - gap > limit:
                start = max(low, limit)
                axes.bar(start, n, high - gap - start, align="edge", facecolor="none", edgecolor=WARN, hatch="////")
        axes.set_xlim(edges[0], max(edges[-1], limit * 1.05 if isfinite(limit) else 0))
        thousands(axes.yaxis)
        thousands(axes.xaxis)
        axes.set_xlabel(canvas.say(words.plain("data.tokens")), labelpad=8)
        if isfinite(limit):
            axes.axvline(limit, color=INK, linewidth=1.5)
            right = limit > (edges[0] + axes.get_xlim()[1]) / 2
            shift = (-6 if right else 6, 10)
            axes.annotate(
                canvas.say(words.plain("data.window" if run.windowed else "data.limit", n=number(limit))),
                (limit, 1), xycoords=("data", "axes fraction"), xytext=shift, textcoords="offset points",
                ha="right" if right else "left", color=INK,
            )  # fmt: skip
        axes.tick_params(labelcolor=MUTED)

    entry = run.table("lengths.ledger.train")
    cut = figure_of(entry.get("rows_cut"))
    known = isfinite(cut) and isfinite(limit)
    key = "data.lengths_plain" if not known else "data.lengths_cut" if cut else "data.lengths_whole"
    if known and run.windowed:
        key = "data.lengths_windows" if cut else "data.lengths_window"
    caption = words(
        key,
        limit=number(limit),
        rows=words.count("texts", int(cut) if isfinite(cut) else 0),
        share=words.percent(figure_of(entry.get("share_rows_cut"))),
        tokens=words.percent(figure_of(entry.get("share_tokens_cut"))),
        whole=number(figure_of(entry.get("length_that_cuts_none"))),
        longest=number(edges[-1]),
    )
    marks = [("fill", words.plain("data.in_one" if run.windowed else "data.kept"))]
    if edges[-1] > limit:
        marks.append(("fill-cut", words.plain("data.in_windows" if run.windowed else "data.beyond")))
    title = words.plain("data.lengths")
    return figure(drawing(paint, "lengths", title, (860, 300), (340, 260)), caption, legend(*marks))


def _findings(run: RunFolder, words: Words) -> Iterator[Markup]:
    if not (run.path / "findings.json").is_file():
        return
    yield tag("h3", words("data.findings"))
    if not run.findings:
        yield paragraph(words("data.clean"))
        return
    heads = [words(f"data.finding.{k}") for k in ("severity", "what", "count", "rows", "fix")]
    rows = [_finding_row(finding, words) for finding in run.findings]
    yield table(heads, rows, kinds="twntw", class_="stack sortable", label=words.plain("data.findings"))


def _finding_row(finding: Finding, words: Words) -> list[object]:
    rank = {"error": 0, "warning": 1, "note": 2}[finding.severity]
    sign = tag("span", MARKS[finding.severity], aria_hidden="true")
    mark = tag("span", sign, words.plain(f"severity.{finding.severity}"), class_=f"mark {finding.severity}")
    key = f"finding.{finding.code}"
    what = [tag("b", words.plain(key)), tag("br")] if key in words and words.language != "en" else []
    return [
        Cell(mark, rank),
        Markup("").join([*what, foreign(sentence(finding.message), 400)]),
        Cell(number(finding.count), finding.count),
        listed(finding.rows, finding.count, words, 4),
        foreign(sentence(finding.fix), 400),
    ]
