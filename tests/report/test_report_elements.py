"""Escaping: whatever goes in comes out as text."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from bertune.report.elements import Cell, foreign, join, table, tag, visible
from bertune.report.figures import INK, Canvas, drawing

ANY = st.text(st.characters(), max_size=60)


class Read(HTMLParser):
    """Collects the elements and the text of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@given(ANY, ANY)
def test_text_and_attributes_come_back_as_they_were(text: str, title: str) -> None:
    read = Read(tag("p", text, title=title))
    assert read.tags == ["p"]
    assert read.text == visible(text)
    assert read.attributes == [("title", visible(title))]


@given(ANY)
def test_visible_text_can_be_written_and_hides_nothing(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not any(ord(c) < 32 and c not in "\n\t" for c in shown)
    assert not set(shown) & set("\u202e\u202a\u2066\u2069\u200f\x7f\x85")
    assert visible(shown) == shown


def test_controls_are_shown() -> None:
    assert visible("a\x00b\u202ec") == "a\u2400b⟨U+202E⟩c"


def test_emoji_and_joined_scripts_stay() -> None:
    assert visible("👩‍👩‍👧 नमस्ते مرحبا") == "👩‍👩‍👧 नमस्ते مرحبا"


def test_long_texts_are_cut_and_say_by_how_much() -> None:
    shown = foreign("x" * 10_000, 400)
    assert Read(shown).text == "x" * 400 + "… +9,600"


@pytest.mark.parametrize("value", [None, False])
def test_attributes_without_value_are_left_out(value: object) -> None:
    assert tag("p", hidden=value) == "<p></p>"


def test_markup_is_kept_and_none_left_out() -> None:
    assert join([Markup("<b>a</b>"), None, "<"], ", ") == "<b>a</b>, &lt;"


def test_tables_name_their_columns_and_sort_by_value() -> None:
    html = table(["Class", "Rows"], [["<a>", Cell("5,574", 5574)]], kinds="tn", styles={0: "weak"})
    assert '<tr class="weak"><td data-label="Class">&lt;a&gt;</td>' in html
    assert '<td class="number" data-label="Rows" data-value="5574">5,574</td>' in html


@settings(max_examples=25, deadline=None)
@given(ANY)
def test_texts_of_drawings_never_reach_the_plotting_library(text: str) -> None:
    def paint(canvas: Canvas) -> None:
        canvas.axes(0, 0, 50, 50).set_title(canvas.say(text), color=INK)

    html = drawing(paint, "salt", text, (100, 80), (60, 60))
    read = Read(html)
    assert read.text.count(visible(text)) >= 2
    assert {"script", "img", "a", "image"}.isdisjoint(read.tags)


def test_drawings_take_their_colours_from_the_page() -> None:
    html = drawing(lambda c: c.axes(0, 0, 90, 70).plot([0, 1], color=INK), "salt", "t", (100, 80), (60, 60))  # type: ignore[arg-type, return-value]
    assert "var(--ink)" in html
    assert "#0" not in html.replace('"#', "")
