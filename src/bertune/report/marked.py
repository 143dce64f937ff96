"""Texts with passages marked: what stood there, what was answered. Long texts are cut around what is marked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from bertune.report.elements import join, tag

AROUND = 90  # characters that are shown before and after a marked passage of a long text
MOST = 500  # characters of a text that are shown whole
SIGNS = {"right": "✓", "missed": "○", "wrong": "✕"}


class Passage(NamedTuple):
    """Characters of a text (start, end exclusive), the type they are marked with, and `right`, `missed` or `wrong`."""

    start: int
    end: int
    label: str
    style: str


def marked(text: str, passages: Iterable[Passage], shown: Sequence[tuple[int, int]] | None = None) -> Markup:
    """A text with its passages marked, isolated in its own direction; of overlapping passages the first is marked.

    `shown` are the parts of the text that are shown; without it those around the passages.
    """
    placed = _apart(text, passages)
    parts = around(text, placed) if shown is None else shown
    pieces: list[object] = []
    for first, last in parts:
        pieces.append((" … " if pieces else "… ") if first else "")
        at = first
        for passage in placed:
            if first <= passage.start and passage.end <= last:
                pieces += [text[at : passage.start], _mark(text, passage)]
                at = passage.end
        pieces.append(text[at:last])
    if parts and parts[-1][1] < len(text):
        pieces.append(" …")
    left = len(text) - sum(last - first for first, last in parts)
    cut = tag("span", f" +{left:,}", class_="cut") if left > 0 else None
    return tag("bdi", *pieces, cut if cut is not None else "", dir="auto")


def around(text: str, passages: Iterable[Passage]) -> list[tuple[int, int]]:
    """The parts of a text to show: all of a short one, of a long one what stands around the passages."""
    if len(text) <= MOST:
        return [(0, len(text))]
    parts: list[tuple[int, int]] = []
    for passage in sorted(passages):
        first, last = max(0, passage.start - AROUND), min(len(text), max(passage.end, passage.start) + AROUND)
        if parts and first <= parts[-1][1]:
            parts[-1] = (parts[-1][0], max(last, parts[-1][1]))
        elif sum(b - a for a, b in parts) < MOST:
            parts.append((first, last))
    return [(a, min(b, a + 2 * MOST)) for a, b in parts] or [(0, MOST)]


def _apart(text: str, passages: Iterable[Passage]) -> list[Passage]:
    found: list[Passage] = []
    for passage in sorted(passages):
        if 0 <= passage.start < passage.end <= len(text) and (not found or found[-1].end <= passage.start):
            found.append(passage)
    return found


def _mark(text: str, passage: Passage) -> Markup:
    label = tag("bdi", passage.label[:40], dir="auto") if passage.label else None
    sign = tag("small", join([SIGNS[passage.style], label], " "))
    return tag("mark", text[passage.start : passage.end], " ", sign, class_=passage.style)


def key(meanings: Mapping[str, str]) -> Markup:
    """The key of the marks: a sample of each style with what it means."""
    samples = [tag("span", tag("mark", SIGNS[style], class_=style), meaning) for style, meaning in meanings.items()]
    return tag("div", *samples, class_="key")
