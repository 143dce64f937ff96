"""A table of the kinds of mistakes, and the rows to show of each."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from bertune.report.elements import Cell, join, table, tag
from bertune.report.entries import listed, whole_of
from bertune.report.folder import RunFolder
from bertune.report.words import Words, number

EXAMPLES = 3  # rows that are shown of each kind


def kinds_of(run: RunFolder, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How often each kind happened and in which rows, as scores.json tells; empty where it tells of other kinds."""
    raw = run.results.get("mistakes")
    good = isinstance(raw, dict) and all(isinstance(raw.get(key), dict) for key in keys)
    return {key: raw[key] for key in keys} if good and isinstance(raw, dict) else {}


def table_of_kinds(found: dict[str, dict[str, Any]], words: Words, group: str) -> Markup:
    """Each kind with what it means, how often it happened and its share."""
    total = sum(whole_of(entry.get("n")) for entry in found.values())
    heads = [words(f"{group}.head.{k}") for k in ("kind", "n", "share")]
    rows: list[list[object]] = []
    for key, entry in found.items():
        n = whole_of(entry.get("n"))
        what = join([tag("b", words(f"{group}.{key}")), tag("br"), words(f"{group}.means.{key}")])
        rows.append([what, Cell(number(n), n), words.percent(n / total) if total else "–"])
    return table(heads, rows, kinds="wnn", label=words.plain(f"{group}.title"))


def rows_of(run: RunFolder, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The first rows of a kind, each once."""
    positions = dict.fromkeys(whole_of(n, -1) for n in listed(entry.get("rows")))
    return [run.rows[n] for n in positions if 0 <= n < len(run.rows)][:EXAMPLES]
