"""Every augmenter is a pure function of text and random numbers that keeps what it must; broken specimens are not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.errors import ModelError, Problem, RecipeError
from bertune.base.recipe import resolve
from bertune.base.seeds import generator
from bertune.base.settings import build
from bertune.data.augmenters._augmenter import Augmenter, changeable
from bertune.data.tokenizer import TextTokenizer

NAMES = registry.names("augmenters")
TEXTS = ["The film was very good, and warm.", "An awful film: dull, grey and cold!", "这家店很好，服务太差了。", "a",
         "The book is good",
         "The meal is cold", "", "  ", "!?", "good good good", "👍🏽 fine 👩‍👩‍👧 day", "שלום עולם טוב"]  # fmt: skip
LONG = "the plot of this film is thin , but its cast was lovely and the song is superb " * 6


@pytest.fixture(scope="module")
def tokenizer(tiny: Any) -> TextTokenizer:
    return TextTokenizer(tiny("bert"))


def made(name: str, **values: Any) -> Augmenter:
    part: Augmenter = build(registry.load("augmenters", name), values=values)
    part.learn(TEXTS)
    return part


def hold_contract(part: Augmenter, tokenizer: TextTokenizer) -> None:
    """Fail unless copies are a function of text and generator, differ from it, and keep what they promise to."""
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    ids = np.array(tokenizer.inner(LONG)["input_ids"])
    copies = [part.text(LONG, generator(0, copy)) for copy in range(4)]
    rows = [part.tokens(ids, tokenizer, generator(0, copy)).tolist() for copy in range(4)]
    assert np.random.get_state()[1].tolist() == before, "moves the global random state"  # type: ignore[index]
    np.random.seed(2)
    assert copies == [part.text(LONG, generator(0, copy)) for copy in range(4)], "not pure"
    assert rows == [part.tokens(ids, tokenizer, generator(0, copy)).tolist() for copy in range(4)], "not pure"
    assert len({*copies, *map(str, rows)}) == 5, "copies are alike"
    if part.keeps_places:
        assert set(copies) == {LONG}, "changes the text"
        special = np.isin(ids, tokenizer.special_ids)
        for row in rows:
            assert len(row) == len(ids), "moves tokens"
            assert np.array_equal(np.array(row)[special], ids[special]), "replaces special tokens"
            assert 0 < (np.array(row) != ids).sum() < 0.5 * len(ids), "changes all, or nothing"
    else:
        assert all(row == ids.tolist() for row in rows), "changes tokens too"
        for copy in copies:
            kept = {LONG[a:b] for a, b in changeable(LONG)} & {copy[a:b] for a, b in changeable(copy)}
            assert len(kept) > 8, "little is left of the text"
    for text in TEXTS:
        assert bool(part.text(text, generator(0)).strip()) == bool(text.strip()), "a text got lost"


@pytest.mark.parametrize("name", NAMES)
def test_augmenters_keep_the_contract(name: str, tokenizer: TextTokenizer) -> None:
    hold_contract(made(name), tokenizer)


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(max_size=60), seed=st.integers(0, 99))
def test_any_text_has_a_copy_of_its_own_words(name: str, text: str, seed: int) -> None:
    part = made(name)
    copy = part.text(text, generator(seed))
    assert copy == part.text(text, generator(seed))
    if changeable(text):
        assert copy.strip()


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in changeable(text)]


def test_swapped_words_are_the_same_words() -> None:
    part, text = made("random_edits", swap=0.3, delete=0.0), "The film, it was good; the plot thin."
    copies = {part.text(text, generator(seed)) for seed in range(20)}
    assert len(copies) > 10 and text not in copies
    for copy in copies:
        assert sorted(words(copy)) == sorted(words(text))
        assert [c for c in copy if c in ",;."] == [",", ";", "."], "punctuation keeps its order"


def test_words_are_left_out_but_never_all() -> None:
    part, text = made("random_edits", swap=0.0, delete=0.3), "one two three four five six seven eight nine ten"
    left = [words(part.text(text, generator(seed))) for seed in range(300)]
    assert all(1 <= len(some) < 10 and some == [w for w in words(text) if w in some] for some in left)
    assert np.mean([10 - len(some) for some in left]) == pytest.approx(3.0, abs=0.3)
    assert {part.text("yes no", generator(seed)) for seed in range(20)} == {"yes", "no"}


def test_chinese_is_edited_by_characters() -> None:
    copy = made("random_edits", swap=0.2, delete=0.0).text("这家店的服务很好。", generator(3))
    assert copy != "这家店的服务很好。" and sorted(copy) == sorted("这家店的服务很好。") and copy.endswith("。")
    assert len(made("random_edits", swap=0.0).text("味道不好吃", generator(1))) < 5


def test_edits_of_nothing_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"data\.augment.*both 0"):
        resolve({"data.augment.name": "random_edits", "data.augment.swap": 0.0, "data.augment.delete": 0.0})


def test_words_that_tell_most_stay_and_those_that_tell_nothing_go() -> None:
    """By hand: `the` and `is` are in all texts, so they tell nothing; each last word is in one text alone."""
    part = build(registry.load("augmenters", "tfidf_replacement"), values={"share": 0.5})
    names = ["alpha", "beta", "gamma", "delta"]
    part.learn([f"the {name} is" for name in names])
    copies = [words(part.text("the alpha is", generator(seed))) for seed in range(400)]
    assert all(copy[1] == "alpha" for copy in copies), "the word that tells most has probability 0"
    replaced = [copy[0] for copy in copies if copy[0] != "the"]
    assert not set(replaced) & {*names, "alpha"}, "words of the highest frequency times IDF are never drawn"
    # Each of the two is replaced with probability 0.5 * 1 / (2 / 3) = 0.75, half of the time by itself.
    assert len(replaced) / len(copies) == pytest.approx(0.375, abs=0.07)


def test_where_all_words_tell_the_same_nothing_is_replaced() -> None:
    part = build(registry.load("augmenters", "tfidf_replacement"))
    part.learn(["alpha beta", "alpha beta"])
    assert part.text("alpha beta", generator(0)) == "alpha beta"
    part.learn([])
    assert part.text("alpha beta", generator(0)) == "alpha beta"


@pytest.mark.parametrize("behind", ["mask", "unknown"])
def test_tokens_are_hidden_at_the_rate_that_is_asked_for(behind: str, tokenizer: TextTokenizer) -> None:
    ids = np.array(tokenizer.inner(LONG * 20)["input_ids"])
    found = made("word_dropout", share=0.25, behind=behind).tokens(ids, tokenizer, generator(0))
    hidden = found != ids
    assert set(found[hidden].tolist()) == {tokenizer.stand_in(behind)}
    assert hidden.mean() == pytest.approx(0.25, abs=0.03)


def test_a_tokenizer_without_the_token_is_named(tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "unknown_id", None)
    with pytest.raises(ModelError, match="no unknown token"):
        made("word_dropout", behind="unknown").tokens(np.arange(9), tokenizer, generator(0))


def test_a_problem_names_the_setting() -> None:
    with pytest.raises(RecipeError) as caught:
        resolve({"data.augment.name": "word_droput", "data.augment.copies": 0})
    assert {p.key for p in caught.value.problems if isinstance(p, Problem)} >= {"data.augment.name"}


class GlobalState(Augmenter):
    def text(self, text: str, random: Any) -> str:
        return " ".join(np.random.permutation(text.split()))


class NoCopyAtAll(Augmenter):
    pass


class LosesTheText(Augmenter):
    def text(self, text: str, random: Any) -> str:
        return " ".join(random.permutation(text.split())[:2])


class MovesTokens(Augmenter):
    keeps_places = True

    def tokens(self, ids: Any, tokenizer: Any, random: Any) -> Any:
        return ids[random.random(len(ids)) > 0.1]


class HidesSpecialTokens(Augmenter):
    keeps_places = True

    def tokens(self, ids: Any, tokenizer: Any, random: Any) -> Any:
        hidden = random.random(len(ids)) < 0.1
        hidden[0] = True
        return np.where(hidden, tokenizer.stand_in("mask"), ids)


@pytest.mark.parametrize("specimen", [GlobalState, NoCopyAtAll, LosesTheText, MovesTokens, HidesSpecialTokens])
def test_broken_specimens_are_refused(specimen: type[Augmenter], tokenizer: TextTokenizer) -> None:
    with pytest.raises(AssertionError):
        hold_contract(specimen(), tokenizer)
