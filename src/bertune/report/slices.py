"""Scores of parts of the rows in the report, and how any score is shown with its interval."""

import math
import re
from collections.abc import Iterator

from markupsafe import Markup

from bertune.base.types import Score
from bertune.report.elements import foreign, join, name, paragraph, table, tag
from bertune.report.entries import SliceScore, slices_of
from bertune.report.folder import RunFolder
from bertune.report.words import Words, number, score

OWN = ("length", "script")  # columns that bertune makes itself; their names and values are translated
_THIRDS = {
    "upto": re.compile(r"up to (?P<high>\S+?)( tokens)?"),
    "within": re.compile(r"over (?P<low>\S+?) up to (?P<high>\S+?)( tokens)?"),
    "over": re.compile(r"over (?P<low>\S+?)( tokens)?"),
}
NAMED = 6  # slices named in the sentence below the table


def interval(value: Score) -> Markup:
    """A score as a dot with its interval as a bar, on a scale from 0 to 1."""

    def at(figure: float) -> str:
        return f"{min(max(100 * figure, 0), 100):.2f}%" if math.isfinite(figure) else "0%"

    low, high = (at(v if math.isfinite(v) else value.value) for v in (value.low, value.high))
    style = f"--at:{at(value.value)};--low:{low};--high:{high}"
    return tag("span", tag("i"), tag("b"), class_="interval", style=style, aria_hidden="true")


def between(value: Score) -> str:
    """The interval of a score in figures; empty where there is none."""
    return f"{score(value.low)} – {score(value.high)}" if math.isfinite(value.low) else ""


def slice_part(run: RunFolder, words: Words) -> Iterator[Markup]:
    """The table of slices, and below it which are worse than the rest and which rest on few rows."""
    found = slices_of(run.results.get("slices"))
    if not found:
        return
    yield tag("h3", words("scores.slices", metric=words.metric(run.metric)))
    heads = [words(f"scores.slice.{k}") for k in ("slice", "value", "n", "score", "interval", "scale", "note")]
    yield table(heads, [_row(s, words) for s in found], kinds="ttnnntt", label=words.plain("scores.slice.slice"))
    below = [s for s in found if s.below]
    if below:
        more = [words("page.more", n=number(len(below) - NAMED))] if len(below) > NAMED else []
        listed = words.listing([*(_named(s, words) for s in below[:NAMED]), *more])
        yield paragraph(words("scores.slices_below", listed=listed))
    elif any("below_rest" in value for value in _marks(run)):
        yield paragraph(words("scores.slices_alike"), class_="quiet")
    few = sum(s.few for s in found)
    if few:
        yield paragraph(words("scores.slices_few", n=number(few)), class_="quiet")


def _marks(run: RunFolder) -> list[dict[str, object]]:
    raw = run.results.get("slices")
    values = [v for column in raw.values() if isinstance(column, dict) for v in column.values()] if raw else []
    return [v for v in values if isinstance(v, dict)]


def _row(found: SliceScore, words: Words) -> list[object]:
    notes = [words(f"scores.slice.{k}") for k, told in (("below", found.below), ("few", found.few)) if told]
    bar = interval(found.score) if found.score.high <= 1 or math.isnan(found.score.high) else ""
    return [
        foreign(_column(found, words), 40), foreign(_value(found, words), 60), number(found.score.n),
        score(found.score.value), between(found.score), bar, join(notes, words.plain("page.comma")),
    ]  # fmt: skip


def _column(found: SliceScore, words: Words) -> str:
    return words.known("slice", found.column) if found.column in OWN else found.column


def _value(found: SliceScore, words: Words) -> str:
    """The value as it stands in the data; those that bertune makes itself in the words of the language."""
    for key, pattern in _THIRDS.items():
        if match := pattern.fullmatch(found.value):
            unit = words.plain("scores.slice.tokens") if found.value.endswith(" tokens") else ""
            return words.plain(f"scores.slice.{key}", **match.groupdict(), unit=unit)
    special = {"(missing)": "missing", "(others)": "others"}
    if found.value in special:
        return words.plain(f"scores.slice.{special[found.value]}")
    return words.known("script", found.value) if found.column == "script" else found.value


def _named(found: SliceScore, words: Words) -> Markup:
    told = f"{_column(found, words)}: {_value(found, words)}"
    return words("scores.slice_named", slice=name(told, 80), value=score(found.score.value))
