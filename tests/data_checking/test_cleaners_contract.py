"""Every cleaner is idempotent and maps back to the original; broken specimens are refused."""

import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.base.settings import build
from bertune.data.clean import clean, clean_column
from bertune.data.cleaners._cleaned import Cleaned, unchanged

NAMES = registry.names("cleaners")
SAMPLES = (
    "", " ", "plain", "Cafe\u0301 \u1112\u1161\u11ab", "ﬁne ＡＢ ㍿ ½", "\u0301a", "ｶﾞ", "x" + "\u0301" * 50,
    "a<br/>b &amp;amp;lt;i&amp;gt; &nbsp;<b", "<<b>b>x", "&#38;#60;b>", "שלום <b>עולם</b>",
    "a\x00b\u200bc\x0bd 👩\u200d💻", "  a \n\t b\u3000", "&" + "amp;" * 90 + "lt;",
)  # fmt: skip
PIECES = ("<b>", "<", "&", "amp;", "lt;", "b>", "\u0301", "e", " ", "\x00", "ﬁ", "#38;")
TEXT = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=14).map("".join))


def hold_contract(cleaner: Callable[[str], Cleaned], text: str) -> None:
    """Fail unless the cleaner is idempotent and its map is whole, monotone and ends with the original."""
    cleaned = cleaner(text)
    origin = cleaned.origin
    assert len(origin) == len(cleaned.text) + 1, "one entry for each character and one for the end"
    assert origin[-1] == len(text), "the last entry is the length of the original"
    assert (np.diff(origin) >= 0).all(), "the map falls"
    assert (origin >= 0).all()
    assert cleaner(cleaned.text).text == cleaned.text, "not idempotent"
    assert cleaner(text).text == cleaned.text, "not pure"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", SAMPLES)
def test_cleaners_keep_the_contract(name: str, text: str) -> None:
    hold_contract(build(registry.load("cleaners", name)), text)


@settings(max_examples=150, deadline=None)
@given(TEXT, st.sampled_from(NAMES))
def test_cleaners_keep_the_contract_on_any_text(text: str, name: str) -> None:
    hold_contract(build(registry.load("cleaners", name)), text)


@settings(max_examples=80, deadline=None)
@given(TEXT, st.lists(st.sampled_from(NAMES), max_size=4))
def test_maps_of_several_cleaners_are_joined(text: str, names: list[str]) -> None:
    cleaned = clean(text, names)
    assert cleaned.origin[-1] == len(text)
    assert (np.diff(cleaned.origin) >= 0).all()
    step = text
    for name in names:
        step = clean(step, [name]).text
    assert cleaned.text == step


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_normal_forms_equal_unicodedata(text: str) -> None:
    assert clean(text, ["nfc"]).text == unicodedata.normalize("NFC", text)
    assert clean(text, ["nfkc"]).text == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("markup", "Hi<br/>there <b>you</b> &amp; me", "Hi there you & me"),
        ("markup", "a<b and 3 < 4 <user> <3 AT&T", "a<b and 3 < 4 <user> <3 AT&T"),
        ("markup", "x<script>alert(1)</script>y<!-- no -->z", "x y z"),
        ("control_characters", "a\x00b\u200bc\td", "abc\td"),
        ("control_characters", "a\x85b", "a\nb"),
        ("whitespace", "\u3000a \n b ", "a b"),
    ],
)
def test_what_cleaners_give(name: str, text: str, expected: str) -> None:
    assert clean(text, [name]).text == expected


def test_the_map_finds_a_word_in_the_original() -> None:
    text = "<p>The Cafe\u0301  is&nbsp;<b>closed</b></p>"
    cleaned = clean(text, ["markup", "nfc", "whitespace"])
    assert cleaned.text == "The Café is closed"
    for word, original in (("Café", "Cafe\u0301"), ("closed", "closed")):
        at = cleaned.text.index(word)
        assert text[cleaned.origin[at] :].startswith(original)


def test_columns_keep_missing_values() -> None:
    assert list(clean_column([None, " a  b "], ["whitespace"])) == [None, "a b"]
    assert list(clean_column([None, " a "], [])) == [None, " a "]


def test_an_unknown_cleaner_is_named_with_the_nearest() -> None:
    with pytest.raises(BertuneError, match="did you mean whitespace"):
        clean("a", ["whitespaces"])


@pytest.mark.parametrize(
    "specimen",
    [
        lambda text: Cleaned(text[1:], np.arange(len(text[1:]) + 1) + min(1, len(text))),  # not idempotent
        lambda text: Cleaned(text, np.arange(len(text) + 1)[::-1]),  # the map falls
        lambda text: Cleaned(text, np.arange(len(text))),  # no end
        lambda text: Cleaned(text, np.zeros(len(text) + 1, dtype=np.int64)),  # does not end with the original
        lambda text: unchanged(text).replaced(__import__("re").compile("l"), lambda match: "ll"),  # grows each time
    ],
)
def test_broken_specimens_are_refused(specimen: Callable[[str], Cleaned]) -> None:
    with pytest.raises(AssertionError):
        hold_contract(specimen, "hello")
