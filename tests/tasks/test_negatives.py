"""Hard negatives: from the rows alone, never a right text, the same each time; and the store knows of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bertune
from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.types import Examples
from bertune.data.bm25 import Bm25Texts, words_of
from bertune.tasks import _negatives
from bertune.tasks._negatives import LIKENESS, with_mined
from bertune.tasks._rankings import right_texts

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "字", "漢"]), min_size=1, max_size=5).map(" ".join)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=12)


def examples_of(pairs, given_ones=None):
    more = {} if given_ones is None else {"negatives": given_ones}
    return Examples([q for q, _ in pairs], [p for _, p in pairs], [p for _, p in pairs], more)


def test_the_best_wrong_texts_in_their_order():
    rows = examples_of([
        ("who wrote faust", "goethe wrote it in weimar"),
        ("who wrote hamlet", "shakespeare wrote hamlet"),
        ("who built the bridge", "the bridge is by eiffel"),
        ("who wrote faust", "faust is a work of goethe"),
    ])  # fmt: skip
    found = list(with_mined(rows, 2).more["negatives"])
    assert found[0] == found[3] == ("shakespeare wrote hamlet",)
    assert found[1] == ("goethe wrote it in weimar",)
    assert found[2] == ()


@settings(max_examples=60)
@given(PAIRS, st.integers(1, 5), st.booleans())
def test_no_right_text_is_taken_for_wrong(pairs, most, fill):
    rows = examples_of(pairs)
    found = list(with_mined(rows, most, fill).more["negatives"])
    right = right_texts(rows)
    documents = list(dict.fromkeys(text for _, text in pairs))
    (scores,) = Bm25Texts(documents).scores([q for q, _ in pairs])
    for row, (query, _) in enumerate(pairs):
        own = found[row]
        assert len(own) <= most and len(set(own)) == len(own)
        assert query not in own and not set(own) & set(right[query])
        near = [set(words_of(text)) for text in right[query]]
        for text in own:
            words = set(words_of(text))
            assert fill or words & set(words_of(query))
            assert all(len(words & other) < LIKENESS * len(words | other) for other in near)
        told = [scores[row, documents.index(text)] for text in own]
        assert told == sorted(told, reverse=True)


def test_given_ones_come_first_and_are_not_found_again():
    rows = examples_of([("a b", "x"), ("a c", "a y"), ("d", "a z")], [("a y",), (), ()])
    found = with_mined(rows, 3).more["negatives"]
    assert found[0] == ("a y", "a z")
    assert found.take(np.array([2, 0]))[1] == ("a y", "a z")
    assert list(found[:1]) == [("a y", "a z")] and len(found) == 3


def test_rows_without_a_common_word():
    pairs = [("a", "x"), ("b", "y")]
    retrieval, reranking = (registry.load("tasks", name) for name in ("retrieval", "reranking"))
    for task in (retrieval(hard_negatives=2), reranking(hard_negatives=0)):
        with pytest.raises(DataError, match="no hard negatives are found"):
            task.completed(examples_of(pairs), True)
    with pytest.raises(DataError, match="no hard negatives are found"):
        reranking().completed(examples_of([("a", "x"), ("b", "x")]), True)
    kept = retrieval(hard_negatives=2).completed(examples_of(pairs, [("q",), ()]), True)
    assert list(kept.more["negatives"]) == [("q",), ()]
    filled = reranking().completed(examples_of(pairs, [("q",), ()]), True)
    assert list(filled.more["negatives"]) == [("q", "y"), ("x",)]


def test_what_fills_up_goes_by_the_first_text_alone():
    pairs = [(f"q{i}", f"d{i}") for i in range(50)]
    found = [set(row) for row in with_mined(examples_of(pairs), 3, fill=True).more["negatives"]]
    assert all(len(row) == 3 for row in found) and len(set.union(*found)) > 25, "not the same ones for all"
    assert found == [set(row) for row in with_mined(examples_of(pairs), 3, fill=True).more["negatives"]]


def test_of_very_many_texts_some_are_searched(monkeypatch):
    monkeypatch.setattr(_negatives, "MOST_TEXTS", 3)
    rows = examples_of([(f"a {i}", f"a x{i}") for i in range(9)])
    assert {text for own in with_mined(rows, 9).more["negatives"] for text in own} == {"a x0", "a x3", "a x6"}


def test_only_training_rows_get_them():
    rows = examples_of([("a b", "a x"), ("a c", "a y")])
    task = registry.load("tasks", "retrieval")
    assert task().completed(rows, True) is rows and task(hard_negatives=1).completed(rows, False) is rows
    assert list(task(hard_negatives=1).completed(rows, True).more["negatives"]) == [("a y",), ("a x",)]


def test_a_run_with_hard_negatives(tiny, tmp_path):
    from test_retrieval import rows_of_topics

    settings = {"training.epochs": 1, "training.precision": "fp32", "training.seeds": 1, "task.scale": 10,
                "training.max_tokens": 256, "evaluation.baselines": False}  # fmt: skip
    runs = {}
    for most in (0, 2):
        runs[most] = bertune.train(
            rows_of_topics(48), task="retrieval", model=tiny(), out=tmp_path / str(most), quiet=True,
            settings={**settings, "task.hard_negatives": most},
        )  # fmt: skip
    assert runs[2].status == "done"
    highest = {most: max(e["loss"] for e in run.history() if e["event"] == "stepped") for most, run in runs.items()}
    assert highest[2] > highest[0] + 0.3, "more wrong texts are to be told apart"
