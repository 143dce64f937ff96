"""The words of the report: both languages say the same things, and numbers are written as people write them."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.report.words import FOLDER, LANGUAGES, Words, number, score, sentence, small


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_both_languages_have_the_same_keys() -> None:
    english, chinese = (set(Words(language).keys()) for language in LANGUAGES)
    assert english == chinese


def test_every_language_with_a_file_is_offered() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(LANGUAGES)


def test_a_sentence_never_needs_a_value_that_the_other_language_does_not_get() -> None:
    """English may leave out what Chinese says, but the caller passes one set of values for both."""
    english, chinese = Words("en"), Words("zh")
    units = {frozenset({"millions"}), frozenset({"ten_thousands"})}
    for key in sorted(english.keys()):
        one, other = fields(english._sentences[key]), fields(chinese._sentences[key])
        assert one == other or {frozenset(one - other), frozenset(other - one)} == units, key


def test_chinese_sentences_have_chinese_punctuation() -> None:
    for key, text in Words("zh")._sentences.items():
        plain = "".join(part for k, part in enumerate(text.split("`")) if k % 2 == 0)
        for position, character in enumerate(plain[:-1]):
            if "\u4e00" <= character <= "\u9fff":
                assert plain[position + 1] not in ",:;?(", (key, text)


def test_every_section_has_a_title_in_both_languages() -> None:
    for name in registry.names("sections"):
        assert all(f"{name}.title" in Words(language) for language in LANGUAGES)


def test_a_metric_without_a_name_here_is_shown_by_its_own() -> None:
    assert Words("zh").metric("macro_f1") == "宏平均 F1"
    assert Words("zh").metric("my_own_metric") == "my own metric"


def test_remarks_become_sentences() -> None:
    assert sentence("delete the rows") == "Delete the rows."
    assert sentence("--set data.missing=fill keeps them.") == "--set data.missing=fill keeps them."
    assert sentence("4 rows repeat") == "4 rows repeat."


def test_values_are_escaped_and_markup_is_kept() -> None:
    words = Words("en")
    assert "&lt;b&gt;" in words("page.title", run="<b>")
    assert "<b>x</b>" in words("page.title", run=Markup("<b>x</b>"))
    assert "{run.path}" in words("page.title", run="{run.path}")


def test_backticks_become_code() -> None:
    assert "<code>bertune resume runs/a</code>" in Words("en")("next_steps.resume", run="runs/a")


def test_latin_values_do_not_touch_chinese_characters() -> None:
    assert "宏平均 F1 为 0.87" in Words("zh")("learning.kept", metric="宏平均 F1", value="0.87", step=1, epoch=1)
    assert "准确率为 0.87" in Words("zh")("learning.kept", metric="准确率", value="0.87", step=1, epoch=1)


def test_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(BertuneError, match="en or zh"):
        Words("fr")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.9821, "0.982"),
        (0.99961, "0.9996"),
        (1.0, "1.000"),
        (float("nan"), "–"),
        (-0.1, "−0.100"),
    ],
)
def test_scores(value: float, shown: str) -> None:
    assert score(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0 %"),
        (0.002, "0.2 %"),
        (0.4, "40 %"),
        (0.0999, "10 %"),
        (0.998, "99.8 %"),
        (1.0, "100 %"),
    ],
)
def test_percentages(share: float, shown: str) -> None:
    assert Words("en").percent(share) == shown


@given(st.floats(0, 1))
def test_a_percentage_says_all_or_nothing_only_when_it_is(share: float) -> None:
    shown = Words("en").percent(share)
    assert (shown == "100 %") == (share == 1)
    assert (shown == "0 %") == (share == 0)


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [(4.26, "4.3 s", "4.3 秒"), (74.3, "1 min 14 s", "1 分 14 秒"), (7322, "2 h 2 min", "2 小时 2 分")],
)
def test_durations(seconds: float, english: str, chinese: str) -> None:
    assert Words("en").duration(seconds) == english
    assert Words("zh").duration(seconds) == chinese


def test_counts_agree_with_their_unit() -> None:
    assert Words("en").count("rows", 1) == "1 row"
    assert Words("en").count("rows", 5574) == "5,574 rows"


def test_other_numbers() -> None:
    assert (number(5574), number(None)) == ("5,574", "–")
    told = [small(x) for x in (1.5e-4, 3e-4, 2e-5, 1e-10, 0.001, 0.0421, 1.944, 0.0, float("nan"))]
    assert told == ["1.5e-4", "3e-4", "2e-5", "1e-10", "0.001", "0.0421", "1.94", "0", "–"]


def test_words_are_packaged() -> None:
    assert Path(FOLDER).is_dir()
