"""The seventh part: where the model is wrong, and where the labels may be."""

from collections.abc import Iterator

from markupsafe import Markup

from bertune.report.elements import Cell, foreign, join, paragraph, section, table, tag
from bertune.report.entries import Mistake, Suspect
from bertune.report.folder import RunFolder
from bertune.report.places import base, only_file, where
from bertune.report.words import Words, number, score

ORDER = 70
MOST_CHARACTERS = 400


class Mistakes:
    """The most confident wrong answers on the test rows, and training rows whose label may be wrong."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        parts = [*_mistakes(run, words), *_suspects(run, words)]
        return section("mistakes", words.plain("mistakes.title"), *parts) if parts else None


def _mistakes(run: RunFolder, words: Words) -> Iterator[Markup]:
    judged, wrong = run.judged
    if not judged:
        return
    told = {"wrong": number(len(wrong)), "rows": words.count("rows", judged)}
    if not wrong:
        yield paragraph(words("mistakes.none", **told))
        return
    shown = wrong[: run.examples]
    share = words.percent(len(wrong) / judged)
    lead = words("mistakes.lead", share=share, shown=number(len(shown)), **told)
    file = only_file([m.place for m in shown])
    yield paragraph(words.sentences([lead, *_rows_of(file, words)]))
    if shown:
        yield from _listing("wrong", [_mistake_row(m, file is None, words) for m in shown], words)


def _rows_of(file: str | None, words: Words) -> Iterator[Markup]:
    if file is not None:
        yield words("mistakes.rows_of", file=base(file))


def _listing(key: str, rows: list[list[object]], words: Words) -> Iterator[Markup]:
    heads = [words(f"mistakes.{key}.{k}") for k in ("text", "first", "second", "sure", "row")]
    identity = f"table-{key}"
    if len(rows) > 10:
        hint = words.plain("mistakes.filter")
        yield tag("input", class_="filter", type="search", hidden=True, data_table=identity, placeholder=hint,
                  aria_label=hint)  # fmt: skip
    yield table(heads, rows, kinds="wttnt", class_="stack sortable", label=words.plain(f"mistakes.{key}.table"),
                identity=identity)  # fmt: skip


def _text(text: str, pair: str | None) -> Markup:
    return join([foreign(text, MOST_CHARACTERS), None if pair is None else
                 join([tag("br"), tag("span", "+ ", class_="cut"), foreign(pair, MOST_CHARACTERS)])])  # fmt: skip


def _mistake_row(m: Mistake, with_file: bool, words: Words) -> list[object]:
    return [
        _text(m.text, m.pair),
        foreign(m.gold, 60),
        tag("b", foreign(m.answer, 60)),
        Cell(score(m.probability, 2), m.probability),
        Cell(where(m.place, words, with_file), m.place.row),
    ]


def _suspects(run: RunFolder, words: Words) -> Iterator[Markup]:
    if not run.suspects:
        return
    shown = run.suspects[: run.examples]
    yield tag("h3", words("mistakes.suspects"))
    rows = words.count("rows", len(run.suspects))
    lead = words("mistakes.suspects_lead", rows=rows, shown=number(len(shown)))
    file = only_file([s.place for s in shown])
    yield paragraph(words.sentences([lead, *_rows_of(file, words)]))
    yield from _listing("suspect", [_suspect_row(s, file is None, words) for s in shown], words)


def _suspect_row(s: Suspect, with_file: bool, words: Words) -> list[object]:
    return [
        _text(s.text, None),
        foreign(s.given, 60),
        tag("b", foreign(s.suggested, 60)),
        Cell(score(s.doubt, 2), s.doubt),
        Cell(where(s.place, words, with_file), s.place.row),
    ]
