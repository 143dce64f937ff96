"""HTML pieces that escape whatever they are given: the only way in which sections make markup."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from bertune.base.wording import visible

_VOID = {"br", "hr", "input"}


def _child(value: object) -> Markup:
    return value if isinstance(value, Markup) else escape(visible(str(value)))


def join(children: Iterable[object], between: str = "") -> Markup:
    """Children one after the other, each escaped unless it is markup; None is left out."""
    return Markup(between).join(_child(child) for child in children if child is not None)


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element. `class_` becomes `class`, `data_label` becomes `data-label`; None and False are left out."""
    parts = []
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(Markup(" ") + label)
        elif value is not None and value is not False:
            parts.append(Markup(' {}="{}"').format(label, visible(str(value))))
    start = Markup("<") + name + Markup("").join(parts) + Markup(">")
    return start if name in _VOID else start + join(children) + Markup("</") + name + Markup(">")


def foreign(text: object, most: int = 600) -> Markup:
    """A text of the user's: isolated in its own direction, cut (with the number of characters left out) if long."""
    whole = str(text)
    if len(whole) <= most:
        return tag("bdi", whole, dir="auto")
    return tag("bdi", whole[:most], "… ", tag("span", f"+{len(whole) - most:,}", class_="cut"), dir="auto")


def name(text: object, most: int = 48) -> Markup:
    """A label or column name in the middle of a sentence."""
    return tag("b", foreign(text, most), class_="name")


def wide_characters(text: str) -> int:
    """The width of a text in columns: East Asian wide characters count two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def section(identity: str, title: str, *children: object) -> Markup:
    """One part of the report under its heading; the heading is what the table of contents points at."""
    return tag("section", tag("h2", title), *children, id=identity)


def paragraph(*children: object, class_: str | None = None) -> Markup:
    """A paragraph of running text."""
    return tag("p", *children, class_=class_)


def figure(drawing: Markup, caption: object, legend: object = None) -> Markup:
    """A drawing, its key above it and the sentence that says what it shows here."""
    key = None if legend is None else tag("div", legend, class_="key")
    return tag("figure", *([key] if key else []), drawing, tag("figcaption", caption))


def legend(*entries: tuple[str, str]) -> Markup:
    """The key of a figure: (style class of the sample, meaning) for each mark."""
    return join(tag("span", tag("i", class_=f"sample {style}"), words) for style, words in entries)


class Cell(NamedTuple):
    """A table cell whose column is sorted by `value` and not by what is shown."""

    content: object
    value: float


def table(
    heads: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    kinds: str = "",
    class_: str = "",
    label: object = None,
    styles: Mapping[int, str] | None = None,
    identity: str | None = None,
) -> Markup:
    """A table in a box of its own that scrolls when it is too wide.

    `kinds` has one letter a column: `n` number (right-aligned), `t` text, `w` wide text, `m` monospaced. `styles`
    has a style class for each row that needs one.
    """
    names = {"n": "number", "w": "prose", "m": "mono", "t": None}
    looks = [names.get(kind) for kind in kinds.ljust(len(heads), "t")]
    head = tag("tr", *(tag("th", h, scope="col", class_=s) for h, s in zip(heads, looks, strict=True)))
    body = [
        tag("tr", *(_cell(c, h, s) for c, h, s in zip(row, heads, looks, strict=True)), class_=(styles or {}).get(n))
        for n, row in enumerate(rows)
    ]
    return tag(
        "div",
        tag("table", tag("thead", head), tag("tbody", *body), class_=class_ or None, id=identity),
        class_="box",
        role="region",
        tabindex="0",
        aria_label=label,
    )


def _cell(content: object, head: object, style: str | None) -> Markup:
    value = None
    if isinstance(content, Cell):
        content, value = content
    label = Markup(head).striptags() if isinstance(head, Markup) else head
    return tag("td", content, class_=style, data_label=label or None, data_value=value)


def code(text: str) -> Markup:
    """A block of code to copy."""
    return tag("pre", tag("code", text), tabindex="0")


def fold(summary: object, *children: Any) -> Markup:
    """Something that opens on a click (and in print)."""
    return tag("details", tag("summary", summary), *children)
