"""Metrics of extracted answers: values worked out by hand, odd texts, and what holds for every answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_files import judged_answers

from bertune.base import registry
from bertune.metrics._answer_kinds import kind_of
from bertune.metrics._chinese_answers import longest_run, segments
from bertune.metrics._latin_words import latin_words

NAMES = ("exact_match", "answer_f1", "cmrc_exact_match", "cmrc_f1")
TEXTS = st.text(st.sampled_from("aAtThe .,!'\"-，。？北京大学年1３🙂\t\u3000ı"), max_size=12)


def value(name: str, *rows: tuple[tuple[str, ...], str]) -> float:
    return registry.load("metrics", name)()(judged_answers(list(rows)))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("gold", "guess", "exact", "f1"),
    [
        (("the Kite",), "kite!", 1, 1),
        (("kite", "red kite"), "a red kite flies", 0, 2 * 2 / (2 + 3)),
        (("red red kite",), "red kite kite", 0, 2 * 2 / (3 + 3)),
        (("red red kite",), "red red", 0, 2 * 2 / (3 + 2)),
        (("U.S.",), "us", 1, 1),
        (("state-of-the-art",), "stateoftheart", 1, 1),
        (("theatre",), "atre", 0, 0),
        (("10 000",), "10,000", 0, 0),
        (("kite",), "", 0, 0),
        ((), "", 1, 1),
        ((), " the ...", 1, 1),
        ((), "kite", 0, 0),
        (("The",), "", 1, 1),
        (("The", "kite"), "", 0, 0),
        (("the",), "kite", 0, 0),
        (("“kite”",), "kite", 0, 0),
        (("数据 集",), "集 数据", 0, 1),
    ],
)
def test_squad_values_worked_out_by_hand(gold: tuple[str, ...], guess: str, exact: float, f1: float) -> None:
    assert value("exact_match", (gold, guess)) == exact
    assert value("answer_f1", (gold, guess)) == pytest.approx(f1, rel=1e-15)


@pytest.mark.parametrize(
    ("gold", "guess", "exact", "f1"),
    [
        (("北京大学",), "《北京大学》。", 1, 1),
        (("北京大学",), "大学北京", 0, 2 * 2 / (4 + 4)),
        (("北京大学", "大学"), "大学里", 0, 2 * 2 / (2 + 3)),
        (("1998年",), "1998年。", 1, 1),
        (("1998年",), "199年", 0, 2 * 1 / (2 + 2)),
        (("Windows XP",), "windows xp", 1, 1),
        (("Windows XP系统",), "XP系统", 0, 2 * 3 / (4 + 3)),
        (("a-b",), "ab", 1, 1),
        (("年 月",), "年月", 0, 1),
        (("北京…",), "北京", 0, 2 * 2 / (3 + 2)),
        (("北京, 大学",), "北京大学", 0, 2 * 2 / (5 + 4)),
        (("。",), "", 1, 0),
        (("北京",), "", 0, 0),
        ((), "", 1, 1),
        ((), "，。", 1, 1),
        ((), "北京", 0, 0),
    ],
)
def test_cmrc_values_worked_out_by_hand(gold: tuple[str, ...], guess: str, exact: float, f1: float) -> None:
    assert value("cmrc_exact_match", (gold, guess)) == exact
    assert value("cmrc_f1", (gold, guess)) == pytest.approx(f1, rel=1e-15)


# What nltk.word_tokenize gives (NLTK 3.10).
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("he's won't they'll the boys' o'neil", "he 's wo n't they 'll the boys ' o'neil"),
        ("cannot gonna wanna go gimme d'ye more'n", "can not gon na wan na go gim me d 'ye more 'n"),
        ("'tis 'twas", "' tis ' twas"),
        ('"so" he said ("now")', "`` so '' he said ( `` now '' )"),
        ("u.s.a. in the u.s.a.", "u.s.a. in the u.s.a ."),
        ('the end.")', "the end . '' )"),
        ("1,000 a,b c, d,", "1,000 a , b c , d ,"),
        ("$5 10% a&b #1 me@x what?!", "$ 5 10 % a & b # 1 me @ x what ? !"),
        ("well... so..", "well ... so .."),
        ("1990—1995", "1990 — 1995"),
        ("«vive» ‘x", "« vive » ‘ x"),
        (" \t\u3000", ""),
        (".", "."),
    ],
)
def test_latin_words_are_those_of_nltk(text: str, words: str) -> None:
    assert latin_words(text) == words.split()


def test_segments_are_characters_and_words() -> None:
    found = segments("  iPhone 4S在2011年。发布！ㄅㄆ龥龦 ")
    assert found == ["iphone", "4s", "在", "2011", "年", "发", "布", "ㄅㄆ", "龥", "龦"]


@given(st.lists(st.sampled_from("ab"), max_size=8), st.lists(st.sampled_from("ab"), max_size=8))
def test_the_longest_run_is_the_longest(a: list[str], b: list[str]) -> None:
    runs = ({tuple(x[i:j]) for i in range(len(x) + 1) for j in range(i, len(x) + 1)} for x in (a, b))
    assert longest_run(a, b) == max(map(len, set.intersection(*runs)))


@settings(max_examples=200)
@given(st.lists(TEXTS, max_size=3), TEXTS, TEXTS)
def test_what_holds_for_every_answer(gold: list[str], guess: str, more: str) -> None:
    for name in NAMES:
        one = value(name, (tuple(gold), guess))
        assert 0.0 <= one <= 1.0
        assert value(name, (tuple(reversed(gold)), guess)) == one
        assert value(name, (tuple(gold), guess), ((), "")) == pytest.approx((one + 1) / 2)
        if gold and (name.startswith("cmrc") or value(name, ((), more)) == value(name, ((), gold[0])) == 0):
            assert value(name, ((*gold, more), guess)) >= one
    for exact, f1 in (("exact_match", "answer_f1"), ("cmrc_exact_match", "cmrc_f1")):
        if value(exact, (tuple(gold), guess)) == 1.0 and segments(guess):
            assert value(f1, (tuple(gold), guess)) == 1.0


def test_rows_of_none_are_zero() -> None:
    assert [value(name) for name in NAMES] == [0.0] * 4


@pytest.mark.parametrize(
    ("gold", "guess", "kind"),
    [
        (("北京大学",), "北京大学。", "exact"),
        (("北京大学",), "大学", "partly"),
        (("北京大学", "清华"), "清华园", "partly"),
        (("北京大学",), "复旦", "elsewhere"),
        (("1998年",), "1998", "partly"),
        (("red kite",), "the kite", "partly"),
        (("kite",), "kites", "elsewhere"),
        (("the Kite",), "kite!", "exact"),
        ((), "大学", "invented"),
        (("大学",), "", "withheld"),
        ((), "", "exact"),
    ],
)
def test_kinds_of_answers_count_chinese_characters(gold: tuple[str, ...], guess: str, kind: str) -> None:
    """SQuAD's scorer takes a Chinese sentence for one word, so nothing but the whole would be partly right."""
    assert kind_of(gold, guess) == kind
