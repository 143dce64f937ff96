"""Words of texts in every script: nothing lost, nothing split that belongs together; spans to words and back."""

import itertools
import unicodedata

import pytest
from any_texts import EMOJI, TEXTS, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.data.words import joined, to_characters, to_words, words_of


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in words_of(text)]


def check_words(text: str) -> None:
    words = words_of(text)
    assert all(start < end for start, end in words)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(words))
    covered = {at for start, end in words for at in range(start, end)}
    assert covered == {at for at, character in enumerate(text) if not character.isspace()}
    for start, _ in words:
        if start and unicodedata.category(text[start])[0] == "M":
            assert text[start - 1].isspace(), "a mark is parted from its base"


@given(TEXTS)
@settings(max_examples=300)
def test_every_character_but_blanks_is_in_one_word(text: str) -> None:
    check_words(text)


def test_words_of_thousands_of_texts() -> None:
    for text in texts(5000, seed=0):
        check_words(text)


@given(TEXTS, TEXTS)
@settings(max_examples=200)
def test_a_blank_parts_words_and_has_no_other_effect(one: str, other: str) -> None:
    for blank in (" ", "\u3000", "\n"):
        assert cut(one + blank + other) == cut(one) + cut(other)


@given(TEXTS.filter(lambda text: not any(character in text for character in "\u1039\u17d2")))
@settings(max_examples=200)
def test_composed_and_decomposed_letters_make_the_same_words(text: str) -> None:
    whole, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert [unicodedata.normalize("NFC", word) for word in cut(apart)] == cut(whole)


@pytest.mark.parametrize("emoji", EMOJI)
def test_an_emoji_is_one_word_wherever_it_stands(emoji: str) -> None:
    assert cut(emoji) == [emoji]
    assert cut(f"so{emoji}{emoji}7好{emoji}!") == ["so", emoji, emoji, "7", "好", emoji, "!"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop, m² 3.14", "Don ' t stop , m² 3 . 14"),
        ("foo_bar@x.org", "foo _ bar @ x . org"),
        ("日本語のテキスト。ＡＢ１", "日 本 語 の テ キ ス ト 。 ＡＢ１"),
        ("한국어 좋아요!", "한국어 좋아요 !"),
        ("ﾊﾟｿｺﾝ", "ﾊﾟ ｿ ｺ ﾝ"),
        ("葛\U000e0100飾", "葛\U000e0100 飾"),
        ("𠀀𪚥", "𠀀 𪚥"),
        ("ที่นี่กำลัง๒๕", "ที่ นี่ กำ ลั ง ๒๕"),
        ("ខ្មែរ", "ខ្មែ រ"),
        ("မြန်မာ", "မြ န် မာ"),
        ("ພາສາ", "ພ າ ສ າ"),
        ("كِتَابٌ جديد، نعم", "كِتَابٌ جديد ، نعم"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("नमस्ते दुनिया।", "नमस्ते दुनिया ।"),
        ("re\u00adport x\u00ad.", "re\u00adport x \u00ad ."),
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        ("a\x00b", "a \x00 b"),
        ("🇩🇪🇫🇷🇮", "🇩🇪 🇫🇷 🇮"),
        ("C++ → ∑", "C + + → ∑"),
        ("\u0301a", "\u0301 a"),
        ("\u200ba", "\u200b a"),
        ("", ""),
    ],
)
def test_words_of_scripts(text: str, words: str) -> None:
    assert cut(text) == [word for word in words.split(" ") if word]


@given(st.lists(TEXTS, max_size=8))
@settings(max_examples=200)
def test_joined_tokens_are_found_at_their_places(tokens: list[str]) -> None:
    text, places = joined(tokens)
    assert [text[start:end] for start, end in places] == tokens
    gaps = [text[a[1] : b[0]] for a, b in itertools.pairwise(places)]
    assert set(gaps) <= {"", " "}
    assert len(text) == sum(map(len, tokens)) + gaps.count(" ")


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["It", "is", "n't", "."], "It is n't ."),
        (["这", "家店", "，", "好", "。"], "这家店，好。"),
        (["用", "BERT", "吧"], "用 BERT 吧"),
        (["日本", "の", "ソニー"], "日本のソニー"),
        (["한국어", "좋아요"], "한국어 좋아요"),
        (["葛\U000e0100", "飾", "ที่", "นี่"], "葛\U000e0100飾ที่นี่"),
        (["a", "", "好"], "a  好"),
        ([], ""),
    ],
)
def test_blanks_of_joined_tokens(tokens: list[str], text: str) -> None:
    assert joined(tokens)[0] == text


@given(TEXTS, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from("XY")), max_size=5))
@settings(max_examples=200)
def test_spans_of_characters_become_the_words_they_touch(text: str, spans: list[tuple[int, int, str]]) -> None:
    words = words_of(text)
    touched = [{i for i, (a, b) in enumerate(words) if max(a, start) < min(b, end)} for start, end, _ in spans]
    made, problems = to_words(spans, words)
    kept = [number for number, some in enumerate(touched) if some]
    assert [(set(range(start, end)), kind) for start, end, kind in made] == [(touched[n], spans[n][2]) for n in kept]
    for number, (start, end, _) in enumerate(spans):
        covered = {at for i in touched[number] for at in range(*words[i])}
        earlier = any(touched[number] & touched[before] for before in range(number))
        wrong = not covered or not covered <= set(range(start, end)) or earlier
        assert wrong == any(number == at for at, _ in problems)
    back, none = to_words(to_characters(made, words), words)
    assert back == made
    assert all("shares" in message for _, message in none)


def test_problems_of_spans_are_told() -> None:
    words = words_of("Neu York, NY")
    spans = [(0, 8, "A"), (5, 8, "B"), (10, 11, "C"), (8, 8, "D"), (9, 10, "E"), (8, 10, "F")]
    made, problems = to_words(spans, words)
    assert made == [(0, 2, "A"), (1, 2, "B"), (3, 4, "C"), (2, 3, "F")]
    assert problems == [
        (1, "it begins at 5, within the word from 4 to 8."),
        (1, "it shares a word with span 0."),
        (2, "it ends at 11, within the word from 10 to 12."),
        (3, "characters 8 to 8 hold no word."),
        (4, "characters 9 to 10 hold no word."),
    ]
