"""The seventh part: where the model is wrong, and where the labels may be."""

from collections.abc import Iterator

from markupsafe import Markup

from bertune.report.elements import Cell, foreign, paragraph, section, table, tag
from bertune.report.entries import Suspect
from bertune.report.folder import RunFolder
from bertune.report.places import base, only_file, where
from bertune.report.words import Words, number, score
from bertune.report.worst import MAKERS, text_of, worst_classes

ORDER = 70


class Mistakes:
    """The worst answers on the test rows, and training rows whose label may be wrong."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        parts = [*_mistakes(run, words), *_suspects(run, words)]
        return section("mistakes", words.plain("mistakes.title"), *parts) if parts else None


def _mistakes(run: RunFolder, words: Words) -> Iterator[Markup]:
    worst = MAKERS.get(run.kind, worst_classes)(run, words)
    if worst is None:
        return
    told = {"wrong": number(worst.wrong), "rows": words.count("rows", worst.judged)}
    if not worst.wrong:
        yield paragraph(words("mistakes.none", **told))
        return
    share = words.percent(worst.wrong / worst.judged)
    key = "mistakes.lead" if worst.group == "wrong" else f"mistakes.{worst.group}.lead"
    lead = words(key, share=share, shown=number(len(worst.lines)), **told)
    file = only_file(worst.places)
    yield paragraph(words.sentences([lead, *_rows_of(file, words)]))
    if worst.key is not None:
        yield worst.key
    lines = [[*line, Cell(where(place, words, file is None), place.row)]
             for line, place in zip(worst.lines, worst.places, strict=True)]  # fmt: skip
    if lines:
        yield from _listing(worst.group, worst.heads, worst.kinds, lines, words)


def _rows_of(file: str | None, words: Words) -> Iterator[Markup]:
    if file is not None:
        yield words("mistakes.rows_of", file=base(file))


def _listing(
    group: str, columns: tuple[str, ...], kinds: str, rows: list[list[object]], words: Words
) -> Iterator[Markup]:
    heads = [words(f"mistakes.{group}.{k}") for k in (*columns, "row")]
    identity = f"table-{group}"
    style = "stack sortable" + (" told" if kinds.count("w") > 1 else "")
    if len(rows) > 10:
        hint = words.plain("mistakes.filter")
        yield tag("input", class_="filter", type="search", hidden=True, data_table=identity, placeholder=hint,
                  aria_label=hint)  # fmt: skip
    yield table(heads, rows, kinds=kinds + "t", class_=style, label=words.plain(f"mistakes.{group}.table"),
                identity=identity)  # fmt: skip


def _suspects(run: RunFolder, words: Words) -> Iterator[Markup]:
    if not run.suspects:
        return
    shown = run.suspects[: run.examples]
    yield tag("h3", words("mistakes.suspects"))
    rows = words.count("rows", len(run.suspects))
    lead = words("mistakes.suspects_lead", rows=rows, shown=number(len(shown)))
    file = only_file([s.place for s in shown])
    yield paragraph(words.sentences([lead, *_rows_of(file, words)]))
    lines = [_suspect_row(s, file is None, words) for s in shown]
    yield from _listing("suspect", ("text", "first", "second", "sure"), "wttn", lines, words)


def _suspect_row(s: Suspect, with_file: bool, words: Words) -> list[object]:
    return [
        text_of(s.text, None),
        foreign(s.given, 60),
        tag("b", foreign(s.suggested, 60)),
        Cell(score(s.doubt, 2), s.doubt),
        Cell(where(s.place, words, with_file), s.place.row),
    ]
