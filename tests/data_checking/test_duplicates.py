"""Groups of duplicates against a slow reference that compares all pairs."""

import time

import numpy as np
import pytest
from data_checking_views import clean_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.types import Ints
from bertune.data.duplicates import NEAR, groups, leaked

TEXT = "I was told that the shelf comes in two boxes, and box 1 is nowhere to be found."


def same(numbers: Ints, a: int, b: int) -> bool:
    return bool(numbers[a] == numbers[b])


def test_exact_ignores_case_space_and_width_but_not_punctuation() -> None:
    exact, near = groups(["Yes!", " yes!", "ＹＥＳ！", "yes", "no"], None)
    assert exact.tolist() == [0, 0, 0, 1, 2]
    assert near.tolist() == [0, 0, 0, 0, 1]


def test_missing_and_blank_texts_are_alone() -> None:
    exact, near = groups([None, "", None, " ", "x", "x"], None)
    assert exact.tolist() == near.tolist() == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (TEXT.replace("nowhere", "still nowhere"), True),
        (TEXT.replace("told", "informed"), True),
        (TEXT.upper().replace(",", " -"), True),
        (TEXT.replace("shelf comes in two boxes", "sofa comes in nine pieces"), False),
        ("I was told that the shelf comes in two boxes.", False),
    ],
)
def test_near_is_a_word_and_not_a_sentence(other: str, expected: bool) -> None:
    assert same(groups([TEXT, other, "Something else."], None)[1], 0, 1) is expected


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Card Platinum ordered", "Card Silver ordered"),
        ("yes", "yes please"),
        ("good 😀", "good 😡"),
        ("कि", "का"),
        ("???", "!!!"),
        ("order 12345 is late", "order 99807 is late"),
    ],
)
def test_short_texts_and_templates_do_not_collapse(a: str, b: str) -> None:
    assert not same(groups([a, b], None)[1], 0, 1)


def test_chinese_texts() -> None:
    text = "取件码失效了,柜子打不开,请重新发一个取件码给我好吗"
    near = groups([text, text.replace("给我", "给俺"), "儿童平衡车适合几岁的孩子,她两岁,个子高。"], None)[1]
    assert near.tolist() == [0, 0, 1]


def test_pairs_must_be_alike_on_both_sides() -> None:
    long = " ".join(clean_texts(6))
    exact, near = groups([long, long, long, long], ["It rains.", "It rains!", "Dogs bark.", None])
    assert len(set(exact.tolist())) == 4
    assert near.tolist() == [0, 0, 1, 2]
    assert not same(groups(["a b", "a"], ["c", "b c"])[1], 0, 1)


def shingles(text: str) -> set[str]:
    return {text[i : i + 3] for i in range(max(1, len(text) - 2))}


def jaccard(a: str, b: str) -> float:
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b))


def test_agrees_with_comparing_all_pairs() -> None:
    """Words are changed in copies of 40 texts; components over all 19,900 pairs are the reference."""
    random = np.random.default_rng(3)
    texts = []
    for text in clean_texts(40):
        for changes in range(5):
            words = text.casefold().strip(".").split()
            for _ in range(changes):
                words[random.integers(len(words))] = f"x{random.integers(100)}"
            texts.append(" ".join(words))
    _, near = groups(texts, None)
    found = {(a, b) for a in range(len(texts)) for b in range(a) if near[a] == near[b]}
    linked = np.eye(len(texts), dtype=bool)
    for a in range(len(texts)):
        for b in range(a):
            linked[a, b] = linked[b, a] = jaccard(texts[a], texts[b]) >= NEAR
    for _ in range(8):
        linked = linked @ linked
    expected = {(a, b) for a in range(len(texts)) for b in range(a) if linked[a, b]}
    assert len(expected) > 40
    assert not found - expected, "every group is linked by verified pairs"
    assert len(expected - found) <= 0.02 * len(expected), "the bands miss about 0.2 % of the pairs at the threshold"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=12), st.randoms())
def test_groups_hold_for_any_text(texts: list[str | None], random: object) -> None:
    exact, near = groups(texts, None)
    assert len(exact) == len(near) == len(texts)
    for a in range(len(texts)):
        for b in range(a):
            if texts[a] is not None and texts[a] == texts[b] and (texts[a] or "").strip():
                assert same(exact, a, b)
            if same(exact, a, b):
                assert same(near, a, b)
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    again = groups([texts[i] for i in order], None)
    for old, new in ((exact, again[0]), (near, again[1])):
        back = np.empty(len(texts), dtype=np.int64)
        back[order] = new
        assert [same(old, a, b) for a in range(len(texts)) for b in range(a)] == [
            same(back, a, b) for a in range(len(texts)) for b in range(a)
        ]


def test_boilerplate_is_fast_and_identical_texts_are_never_missed() -> None:
    random = np.random.default_rng(0)
    words = [f"w{i}" for i in range(400)]
    filler = [
        f"Your order of {' '.join(random.choice(words, 3))} has been sent and will arrive soon." for _ in range(3000)
    ]
    texts = [*filler, *["The same line."] * 3000]
    start = time.process_time()
    exact, near = groups(texts, None)
    assert time.process_time() - start < 10
    assert len(set(exact[3000:].tolist())) == len(set(near[3000:].tolist())) == 1


def test_leaked_rows_are_those_of_later_splits() -> None:
    numbers = np.array([0, 1, 0, 2, 2, 1, 3])
    found = leaked(numbers, np.array([0, 1]), np.array([2, 3]), np.array([4, 5, 6]))
    assert found.tolist() == [2, 4, 5]
