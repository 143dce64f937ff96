"""What tasks share, against brute force: thresholds, spans, grades, and what a column of labels holds."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.base.types import Judged
from bertune.data.frames import table_of
from bertune.metrics.quadratic_weighted_kappa import QuadraticWeightedKappa
from bertune.runs.examples import examples_of, task_and_roles
from bertune.tasks._best_spans import TOP, best_spans
from bertune.tasks._choices import choices_of, find_columns, gold_of
from bertune.tasks._grades import learned_cuts, rounded
from bertune.tasks._labels import binary_columns, is_scale, is_several, number_at, separator_of
from bertune.tasks._thresholds import FEW, _best, best_thresholds

MANY = settings(max_examples=120)
CHANCES = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40)


def f1_at(threshold, chances, gold):
    given_out = chances >= threshold
    return 2 * (given_out & gold).sum() / max(given_out.sum() + gold.sum(), 1)


@MANY
@given(CHANCES)
def test_the_threshold_has_the_best_f1_of_all(rows):
    chances, gold = np.array([c / 20 for c, _ in rows]), np.array([g for _, g in rows])
    found = _best(chances, gold)
    if not gold.any():
        assert found == 0.5
        return
    best = max(f1_at(threshold, chances, gold) for threshold in [*np.unique(chances), 2.0])
    assert f1_at(found, chances, gold) == pytest.approx(best)
    assert 0 <= found <= 1


def test_thresholds_of_many_rows_are_those_of_each_label_and_few_lean_on_all():
    rng = np.random.default_rng(0)
    gold = rng.random((4000, 3)) < [0.3, 0.02, 0.0005]
    chances = np.clip(
        np.where(gold, [0.8, 0.25, 0.9], [0.5, 0.1, 0.2]) + 0.08 * rng.normal(size=gold.shape), 0.01, 0.99
    )
    found, common = best_thresholds(chances, gold), _best(chances.reshape(-1), gold.reshape(-1))
    rows = gold.sum(axis=0)
    for k in range(3):
        own = _best(chances[:, k], gold[:, k]) if rows[k] else common
        low, high = sorted([own, common])
        assert low - 1e-9 <= found[k] <= high + 1e-9
        share = rows[k] / (rows[k] + FEW)
        odds = np.log([found[k] / (1 - found[k]), own / (1 - own), common / (1 - common)])
        assert odds[0] == pytest.approx(share * odds[1] + (1 - share) * odds[2])
    assert f1_at(found[0], chances[:, 0], gold[:, 0]) > f1_at(0.5, chances[:, 0], gold[:, 0])


def test_a_label_that_no_row_has_gets_the_common_threshold():
    chances = np.array([[0.9, 0.4], [0.8, 0.3], [0.2, 0.1]])
    gold = np.array([[True, False], [True, False], [False, False]])
    assert best_thresholds(chances, gold)[1] == _best(chances.reshape(-1), gold.reshape(-1)) == pytest.approx(0.6)


@st.composite
def windowed_scores(draw):
    sizes = draw(st.lists(st.integers(2, TOP), min_size=1, max_size=3))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    total = sum(sizes)
    scores = rng.normal(size=(total, 2)).round(draw(st.sampled_from([0, 6])))
    begin = np.full(total, -1)
    windows = np.cumsum([0, *sizes])
    for first, last in itertools.pairwise(windows.tolist()):
        own = np.arange(first + 1, last)  # the first token of a window is special
        begin[own] = 2 * (rng.integers(0, 4) + np.arange(len(own)))
    end = np.where(begin >= 0, begin + 2, -1)
    return scores, windows, begin, end, draw(st.integers(1, 8)), draw(st.integers(1, 6))


@MANY
@given(windowed_scores())
def test_the_best_spans_are_the_best_of_all_pairs(case):
    scores, windows, begin, end, longest, most = case
    every: dict[tuple[int, int], float] = {}
    for first, last in itertools.pairwise(windows.tolist()):
        for s, e in itertools.product(range(first, last), repeat=2):
            if begin[s] >= 0 and begin[e] >= 0 and s <= e < s + longest:
                place = (int(begin[s]), int(end[e]))
                every[place] = max(every.get(place, -np.inf), scores[s, 0] + scores[e, 1])
    best = best_spans(scores, windows, begin, end, longest, most)
    wanted = sorted(every.values(), reverse=True)[:most]
    assert best.score.tolist() == pytest.approx(wanted)
    places = list(zip(best.start.tolist(), best.end.tolist(), strict=True))
    assert len(set(places)) == len(places)
    assert [every[place] for place in places] == pytest.approx(wanted)
    assert best.none == pytest.approx(min(scores[first].sum() for first in windows[:-1]))


def test_the_best_span_is_found_among_many_tokens_where_its_ends_are_among_the_best():
    rng = np.random.default_rng(1)
    for _ in range(50):
        scores = rng.normal(size=(300, 2))
        start = int(rng.integers(1, 280))
        last = start + int(rng.integers(0, 10))
        scores[start, 0] += 20
        scores[last, 1] += 20
        begin = np.append(-1, np.arange(299) * 3)
        best = best_spans(scores, np.array([0, 300]), begin, np.where(begin < 0, -1, begin + 3), 30, 5)
        assert (best.start[0], best.end[0]) == (begin[start], begin[last] + 3)


def test_a_window_without_context_gives_no_span():
    best = best_spans(np.ones((3, 2)), np.array([0, 3]), np.full(3, -1), np.full(3, -1), 5, 5)
    assert len(best.start) == len(best.score) == 0 and best.none == 2.0


@MANY
@given(
    st.lists(st.tuples(st.integers(0, 6), st.floats(-3, 9)), min_size=2, max_size=40),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_grades_agree_no_worse_than_plain_rounding(rows, weight):
    gold = np.array([float(g) for g, _ in rows])
    values = weight * np.array([v for _, v in rows]) + (1 - weight) * (0.4 * gold + 2)
    kappa = QuadraticWeightedKappa()
    grades = rounded(values, learned_cuts(values, gold))
    plain = np.clip(np.floor(values + 0.5), gold.min(), gold.max())
    assert kappa(Judged(gold, grades, None, ())) >= kappa(Judged(gold, plain, None, ())) - 1e-9
    assert set(grades) <= set(np.arange(gold.min(), gold.max() + 1))
    order = np.argsort(values, kind="stable")
    assert (np.diff(grades[order]) >= 0).all(), "a higher value never gets a lower grade"


def test_grades_of_squeezed_values_are_spread_again():
    """A model that plays safe answers near the mean; the bounds by frequency find the grades."""
    gold = np.repeat(np.arange(1.0, 7.0), 20)
    values = 3.5 + 0.1 * (gold - 3.5) + np.tile(np.linspace(-0.02, 0.02, 20), 6)
    assert (rounded(values, learned_cuts(values, gold)) == gold).mean() > 0.95


NAMES = [f"{last}, {first}" for last in ("Smith", "Miller", "Jones", "Brown", "Clark") for first in ("John", "Ann")]
SENTENCES = [f"I like {a}, {b} and {c}." for a, b, c in itertools.permutations(["tea", "milk", "rum", "cake"], 3)]
ONE_LABEL = {
    "names": [*(f"Surname{i}, Given{i * 7 % 50}" for i in range(200)), "Smith, John"],
    "the same names again and again": NAMES * 20,
    "sentences": SENTENCES * 3,
    "one class has a comma": ["sport", "politics", "health, family"] * 30,
    "one class has a bar": ["yes", "no", "n|a"] * 30,
    "two classes with commas": ["delivery, late", "delivery, lost", "refund"] * 30,
    "numbers with a comma": [f"{i},{i * 7 % 10}" for i in range(300)],
    "thousands": ["1,000", "2,500", "3,000"] * 20,
    "plain": ["a", "b"] * 20,
    "nothing": [],
}  # fmt: skip
SEVERAL = {
    "bars": ["a|b", "a", "b", "c", "b|c"] * 10,
    "semicolons and blanks": ["red; blue", "red", "blue", "green", "green; red"] * 10,
    "commas": ["joy,love", "love", "anger", "joy", "anger,fear", "fear"] * 10,
    "always two of a few": [f"{a}|{b}" for a, b in itertools.permutations("abcdef", 2)],
    "rarely two": ["a", "b", "c"] * 30 + ["a|b", "b|c", "a|c"],
}


@pytest.mark.parametrize("name", ONE_LABEL)
def test_a_text_with_a_sign_in_it_is_one_label(name):
    assert separator_of(ONE_LABEL[name]) is None


@pytest.mark.parametrize("name", SEVERAL)
def test_labels_that_are_joined_are_several(name):
    assert separator_of(SEVERAL[name]) is not None


def test_a_separator_that_was_found_is_kept_for_other_files():
    texts = [f"text number {i}" for i in range(50)]
    table = table_of({"text": texts, "labels": SEVERAL["bars"]})
    task, roles = task_and_roles("auto", {}, table, {})
    examples = examples_of(task, table, roles)
    again = type(task)(**task.decided(examples))
    one = table_of({"text": ["a text"], "labels": ["a|c"]})
    assert again.gold(one, roles) == [("a", "c")]
    assert type(task)().gold(one, roles) == [("a|c",)], "one row cannot tell"
    assert type(task)(separator=";").gold(table_of({"text": ["a text"], "labels": ["a|c;d"]}), roles) == [("a|c", "d")]


COLUMNS = [
    ("text_classification", [str(1 + i % 5) for i in range(60)]),  # ratings of 1 to 5
    ("text_classification", [str(i % 20) for i in range(60)]),
    ("regression", [str(i % 21) for i in range(60)]),
    ("text_classification", [i % 3 for i in range(60)]),
    ("text_classification", [float(i % 3) for i in range(60)]),
    ("text_classification", [bool(i % 2) for i in range(60)]),
    ("text_classification", ["-1" if i % 2 else "1" for i in range(60)]),
    ("text_classification", ["v1.5" if i % 2 else "v2.5" for i in range(60)]),
    ("regression", [str(i % 5 + 0.5) for i in range(60)]),
    ("regression", [i % 30 for i in range(60)]),
    ("regression", [f"{i / 60:.2e}" for i in range(60)]),
    ("multi_label", ["a|b" if i % 3 else "b" if i % 2 else "a" for i in range(60)]),
    ("multi_label", [["a", "b"][: i % 3] for i in range(60)]),
]


@pytest.mark.parametrize("name, labels", COLUMNS, ids=lambda value: str(value)[:40])
def test_what_a_label_column_is_taken_for(name, labels):
    texts = [f"This is the text of row number {i}, which is long enough." for i in range(60)]
    task, roles = task_and_roles("auto", {}, table_of({"text": texts, "label": labels}), {})
    assert (task.name, roles.label) == (name, "label")


def test_years_and_ids_are_no_labels_of_classes_but_a_scale():
    years = table_of({"y": [1990 + i % 34 for i in range(100)], "word": ["a"] * 100, "missing": [None] * 100})
    assert is_scale(years, "y") and not is_several(years, "y")
    assert not is_scale(years, "word") and not is_scale(years, "missing") and not is_scale(years, None)
    assert not is_scale(table_of({"y": ["1.5", "inf", "nan!"]}), "y")
    assert not is_scale(table_of({"y": ["1.5", "inf"]}), "y")


def test_columns_of_0_and_1():
    table = table_of(
        {"a": [0, 1], "b": ["true", "false"], "c": [1, 1], "d": [0, 2], "e": [None, 1], "f": [True, False]}
    )
    assert binary_columns(table, table.names) == ["a", "b", "f"]


@pytest.mark.parametrize("text", ["good", "nan", "inf", "1,5", "", "1e999"])
def test_what_is_no_number_is_named_by_row(text):
    table = table_of({"score": ["1.5", text]})
    assert number_at(table, "score", 0, "1.5") == 1.5
    with pytest.raises(DataError, match="row 2"):
        number_at(table, "score", 1, text)


def read_choices(**columns):
    table = table_of(columns)
    roles = find_columns(table, {}, True)
    choices = choices_of(table, roles)
    return choices, gold_of(table, roles, choices)


def test_labels_of_choices_that_could_mean_two_things():
    many = [["9", "5", "7"]] * 3
    assert read_choices(question=["2 + 3?"] * 3, choices=many, label=["5", "9", "7"])[1] == [1, 0, 2]  # by their texts
    letters = [["b", "a", "c"]] * 2
    assert read_choices(question=["?"] * 2, choices=letters, label=["a", "B"])[1] == [1, 1]  # a text before a letter
    assert read_choices(question=["?"] * 3, choices=[["x", "y"]] * 3, label=[1, 1, 2])[1] == [0, 0, 1]
    assert read_choices(question=["?"] * 3, choices=[["x", "y"]] * 3, label=[0, 1, None])[1] == [0, 1, None]


def test_columns_of_choices_come_in_their_order():
    columns = {f"ending{k}": [f"end {k}"] * 2 for k in (10, 2, 0, 1, 9)}
    choices, gold = read_choices(ctx=["It begins."] * 2, **columns, label=[4, 0])
    assert choices[0] == ["end 0", "end 1", "end 2", "end 9", "end 10"] and gold == [4, 0]


@pytest.mark.parametrize(
    "columns",
    [
        {"text": ["some text"] * 4, "label": ["a", "b"] * 2},
        {"question": ["?"] * 4, "answer": ["yes", "no"] * 2},
        {"question": ["?"] * 4, "A": ["yes"] * 4, "label": ["A"] * 4},
        {"question": ["?"] * 4, "choices": ["a, b"] * 4, "label": ["a"] * 4},
        {"context": ["c"] * 4, "choice": ["a"] * 4, "label": [0] * 4},
    ],
    ids=",".join,
)
def test_other_columns_are_no_choices(columns):
    assert find_columns(table_of(columns), {}, True) is None


def test_columns_of_truth_values_beside_questions_are_no_labels():
    """SQuAD's own columns of true and false do not make several labels of a question."""
    rows = [{"question": f"Who is number {i}?", "context": f"Number {i} is Anna.", "is_impossible": i % 2 == 0,
             "certain": i % 3 == 0, "answers": {"text": ["Anna"] * (i % 2), "answer_start": [12] * (i % 2)}}
            for i in range(10)]  # fmt: skip
    task, roles = task_and_roles("auto", {}, table_of(rows), {})
    assert task.name == "question_answering" and roles.label == "answers"
