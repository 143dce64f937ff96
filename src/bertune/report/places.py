"""How rows are named: `sms.csv row 17, 91, 1,205 and 9 more`."""

from collections.abc import Sequence

from markupsafe import Markup

from bertune.base.types import Place
from bertune.report.elements import foreign, join, tag
from bertune.report.words import Words, number


def base(file: str) -> Markup:
    """A file without its folders."""
    return foreign(file.replace("\\", "/").rsplit("/", 1)[-1], 60)


def only_file(places: Sequence[Place]) -> str | None:
    """The file that all rows come from; None where there are several or none is known."""
    files = {place.file for place in places}
    return next(iter(files)) or None if len(files) == 1 else None


def where(place: Place, words: Words, with_file: bool) -> Markup:
    """One row, with its file beneath it where rows of several files stand together; empty where it is not known."""
    if not place.row:
        return Markup("")
    row = tag("span", words("page.row", n=number(place.row)), class_="nowrap")
    line = tag("span", words("page.line", n=number(place.line)), class_="cut") if place.line is not None else None
    file = tag("span", base(place.file), class_="cut") if with_file and place.file else None
    return join([part for part in (row, line, file) if part is not None], " ")


def listed(places: Sequence[Place], count: int, words: Words, most: int = 6) -> Markup:
    """The first rows of a list, grouped by file, and how many more there are; empty where none is known."""
    shown = list(dict.fromkeys(p for p in places if p.row))[:most]
    files = list(dict.fromkeys(p.file for p in shown))
    groups = []
    for file in files:
        rows = words.listing([number(p.row) for p in shown if p.file == file])
        key = "page.row" if sum(p.file == file for p in shown) == 1 else "page.rows"
        groups.append(join([base(file), tag("span", words(key, n=rows), class_="nowrap")], " "))
    left = max(count, len(places)) - len(shown)
    if shown and left > 0:
        groups.append(words("page.more", n=number(left)))
    return Markup("; ").join(groups)
