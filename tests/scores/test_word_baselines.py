"""The baselines learn what they can, no more, within bounds."""

import numpy as np
import pytest

from bertune.base import registry
from bertune.base.types import Floats, Ints
from bertune.evaluate.baselines.tfidf import Tfidf

NAMES = ("majority", "tfidf")
FILLER = ["the", "order", "came", "with", "many", "small", "parts", "and", "one", "of", "them", "was", "in", "a", "box"]


def topics(rows: int, seed: int = 0) -> tuple[list[str], Ints]:
    """Texts whose class is told by one word."""
    random = np.random.default_rng(seed)
    words = ("refund", "parcel", "password")
    gold = np.arange(rows) % 3
    texts = [" ".join([*random.choice(FILLER, 6), words[k], *random.choice(FILLER, 3)]) for k in gold]
    return texts, gold


def accuracy(chance: Floats, gold: Ints) -> float:
    return float(np.mean(chance.argmax(axis=1) == gold))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("targets", [[0, 2, 2, 0, 2, 2], [1, 1, 1, 1, 1, 1]])
def test_rows_sum_to_one_and_absent_classes_get_nothing(name: str, targets: list[int]) -> None:
    part = registry.load("baselines", name)()
    texts = ["one two", "two three", "", "one", "three three", "four"]
    part.fit(texts, None, np.array(targets), 4, 0)
    chance = part.probabilities(["one", "", "never seen", "一二三"], None)
    assert chance.shape == (4, 4)
    assert np.allclose(chance.sum(axis=1), 1.0)
    assert not chance[:, [k for k in range(4) if k not in targets]].any()
    assert part.probabilities([], None).shape == (0, 4)


@pytest.mark.parametrize("name", NAMES)
def test_texts_without_any_words_are_answered_by_the_shares(name: str) -> None:
    part = registry.load("baselines", name)()
    part.fit(["", " ", "...", "?"], None, np.array([0, 1, 1, 1]), 2, 0)
    assert np.allclose(part.probabilities(["", "!"], None).sum(axis=1), 1.0)
    assert np.array_equal(part.probabilities(["", "!"], None).argmax(axis=1), [1, 1])


def test_majority_is_the_class_shares() -> None:
    part = registry.load("baselines", "majority")()
    part.fit(["a"] * 5, None, np.array([0, 1, 1, 1, 0]), 3, 0)
    assert np.allclose(part.probabilities(["b", "c"], None), [[0.4, 0.6, 0.0]] * 2)


def test_words_that_tell_the_class_are_learnt() -> None:
    part = Tfidf()
    part.fit(*_single(topics(300)), 3, 0)
    texts, gold = topics(150, seed=1)
    assert accuracy(part.probabilities(texts, None), gold) > 0.97


def test_noise_is_not_learnt() -> None:
    part = Tfidf()
    texts, _ = topics(300)
    part.fit(texts, None, np.random.default_rng(0).integers(0, 2, 300), 2, 0)
    unseen, _ = topics(300, seed=1)
    assert abs(accuracy(part.probabilities(unseen, None), np.random.default_rng(9).integers(0, 2, 300)) - 0.5) < 0.12


def test_chinese_is_read_by_characters() -> None:
    random = np.random.default_rng(0)
    filler = list("我们今天去了一家新的店里看到很多东西")

    def sample(rows: int) -> tuple[list[str], Ints]:
        gold = np.arange(rows) % 2
        return [
            "".join([*random.choice(filler, 6), ("退款", "密码")[k], *random.choice(filler, 4)]) for k in gold
        ], gold

    part = Tfidf()
    part.fit(*_single(sample(200)), 2, 0)
    assert part.words is not None
    assert part.words.vectorizer.analyzer == "char"
    texts, gold = sample(100)
    assert accuracy(part.probabilities(texts, None), gold) > 0.95


def test_pairs_are_told_apart_by_their_overlap() -> None:
    random = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(3000)])

    def sample(rows: int) -> tuple[list[str], list[str], Ints]:
        gold = np.arange(rows) % 2
        first = [random.choice(words, 8) for _ in gold]
        second = [random.permutation(f)[:5] if k else random.choice(words, 5) for f, k in zip(first, gold, strict=True)]
        return [" ".join(f) for f in first], [" ".join(s) for s in second], gold

    part = Tfidf()
    first, second, gold = sample(400)
    part.fit(first, second, gold, 2, 0)
    first, second, gold = sample(200)
    assert accuracy(part.probabilities(first, second), gold) > 0.95


def test_the_two_texts_of_a_pair_are_kept_apart() -> None:
    part = Tfidf()
    first, second, gold = ["yes", "no"] * 30, ["no", "yes"] * 30, np.array([0, 1] * 30)
    part.fit(first, second, gold, 2, 0)
    assert accuracy(part.probabilities(first, second), gold) == 1.0


def test_the_same_seed_gives_the_same_model_and_features_are_bounded() -> None:
    texts, gold = topics(120)
    found = []
    for _ in range(2):
        part = Tfidf(most_features=50)
        part.fit(texts, None, gold, 3, 7)
        assert part.model is not None
        assert part.model.coef_.shape == (3, 50)
        found.append(part.probabilities(texts, None))
    assert np.array_equal(found[0], found[1])


def _single(sample: tuple[list[str], Ints]) -> tuple[list[str], None, Ints]:
    return sample[0], None, sample[1]
