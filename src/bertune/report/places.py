"""How rows are named: `sms.csv row 17, 91, 1,205 and 9 more`."""

from collections.abc import Sequence

from markupsafe import Markup

from bertune.base.types import Place
from bertune.report.elements import foreign, join
from bertune.report.words import Words, number


def where(place: Place, words: Words) -> Markup:
    """One row of a file; empty where it is not known."""
    if not place.row:
        return Markup("")
    line = words("page.line", n=number(place.line)) if place.line is not None else None
    base = place.file.replace("\\", "/").rsplit("/", 1)[-1]
    return join([foreign(base, 60), words("page.row", n=number(place.row)), line], " ")


def listed(places: Sequence[Place], count: int, words: Words, most: int = 6) -> Markup:
    """The first rows of a list, grouped by file, and how many more there are; empty where none is known."""
    shown = list(dict.fromkeys(p for p in places if p.row))[:most]
    files = list(dict.fromkeys(p.file for p in shown))
    groups = []
    for file in files:
        rows = words.listing([number(p.row) for p in shown if p.file == file])
        base = file.replace("\\", "/").rsplit("/", 1)[-1]
        key = "page.row" if sum(p.file == file for p in shown) == 1 else "page.rows"
        groups.append(join([foreign(base, 60), words(key, n=rows)], " "))
    left = max(count, len(places)) - len(shown)
    if shown and left > 0:
        groups.append(words("page.more", n=number(left)))
    return Markup("; ").join(groups)
