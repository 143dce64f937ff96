"""The confusion matrix: as a heat table up to 20 classes, beyond that as a list of the worst pairs."""

from collections.abc import Sequence

from markupsafe import Markup

from bertune.report.elements import Cell, foreign, join, table, tag, wide_characters
from bertune.report.words import Words, number

MOST_CLASSES = 20
MOST_PAIRS = 15
STRONG = 0.55


def worst_pairs(matrix: Sequence[Sequence[int]]) -> list[tuple[int, int, int, float]]:
    """(gold, answer, rows, share of the gold class) of each kind of mistake, most rows first."""
    pairs = [(g, a, n, n / sum(row)) for g, row in enumerate(matrix) for a, n in enumerate(row) if n and a != g]
    return sorted(pairs, key=lambda pair: (-pair[2], -pair[3], pair[0], pair[1]))


def heat_table(matrix: Sequence[Sequence[int]], classes: Sequence[str], words: Words) -> Markup:
    """Rows: what it was; columns: what was answered; cells: rows, shaded by the share of their gold class."""
    tall = len(classes) > 6 or sum(min(wide_characters(c), 16) for c in classes) > 70
    dense = len(classes) > 10
    heads = [tag("th", _breakable(c, tall), scope="col", title=c[:200]) for c in classes]
    corner = tag("th", words("scores.corner"), class_="corner", scope="col")
    body = [_heat_row(k, row, classes, dense, words) for k, row in enumerate(matrix)]
    style = " ".join(["heat", *(["tall"] if tall else []), *(["dense"] if dense else [])])
    inner = tag("table", tag("thead", tag("tr", corner, *heads)), tag("tbody", *body), class_=style)
    return tag("div", inner, class_="box bare", role="region", tabindex="0", aria_label=words.plain("scores.confusion"))


def _breakable(label: str, tall: bool) -> Markup:
    """A column head; a horizontal one may break after an underscore."""
    shown = foreign(label, 24)
    return shown if tall else Markup(str(shown).replace("_", "_<wbr>"))


def _heat_row(gold: int, row: Sequence[int], classes: Sequence[str], dense: bool, words: Words) -> Markup:
    total = sum(row)
    head = tag("th", foreign(classes[gold], 24), scope="row", title=classes[gold][:200])
    return tag("tr", head, *(_heat_cell(n, total, gold == k, dense, words) for k, n in enumerate(row)))


def _heat_cell(n: int, total: int, right: bool, dense: bool, words: Words) -> Markup:
    share = n / total if total else 0.0
    styles = [s for s, wanted in (("right", right), ("full", share > STRONG), ("none", not n)) if wanted]
    content = join([number(n), None if dense or not n else tag("small", words.percent(share))])
    strength = 0.08 + 0.87 * share if n else 0
    title = words.percent(share) if dense and n else None
    return tag("td", content, class_=" ".join(styles) or None, style=f"--share:{strength:.3f}", title=title)


def pair_table(matrix: Sequence[Sequence[int]], classes: Sequence[str], words: Words) -> Markup:
    """The commonest kinds of mistake as a table."""
    heads = [words(f"scores.pair.{k}") for k in ("gold", "answer", "rows", "share")]
    rows = [
        [foreign(classes[g], 60), foreign(classes[a], 60), Cell(number(n), n), Cell(words.percent(share), share)]
        for g, a, n, share in worst_pairs(matrix)[:MOST_PAIRS]
    ]
    return table(heads, rows, kinds="ttnn", class_="sortable", label=words.plain("scores.confusion"))
