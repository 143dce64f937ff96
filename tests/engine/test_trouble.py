"""Runs that diverge, collapse or run out of memory: noticed, cured once, told."""

import json
import math

import numpy as np
import pytest
import workbench
from workbench import STILL

from bertune.base.types import Terms
from bertune.engine.callbacks.trouble import ALIVE, FEWEST_UPDATES, Trouble
from bertune.engine.events import Evaluated, Stepped, Stop, Warn
from bertune.engine.learner import Learner
from bertune.engine.loop import out_of_memory
from bertune.engine.steps.plain import Plain
from bertune.evaluate.spread import spread
from bertune.runs.telling import Silent
from bertune.runs.train import train

NONE = dict.fromkeys(["learning_rate", "gradient_norm", "texts_per_second", "tokens_per_second", "seconds_left"], 0.0)
QUICK = {"training.seeds": 1, "evaluation.baselines": False, "evaluation.suspects": False, "evaluation.resamples": 100}


def stepped(step, loss):
    return Stepped(step, 0.0, loss, **NONE)


def judged(step, loss, guessed, spread=0.5):
    return Evaluated(step, 0.0, "valid", {"f1": 0.5}, loss, guessed, spread=spread)


def test_one_bad_loss_is_told_and_three_in_a_row_stop():
    trouble = Trouble([0.5, 0.5])
    assert trouble.on_stepped(stepped(1, 0.7)) is None
    assert isinstance(trouble.on_stepped(stepped(2, math.nan))[0], Warn)
    assert trouble.on_stepped(stepped(3, 0.7)) is None
    answers = [trouble.on_stepped(stepped(step, math.inf)) for step in (4, 5, 6)]
    assert isinstance(answers[0][0], Warn) and answers[1] is None and isinstance(answers[2][0], Stop)
    assert trouble.code == "diverged" and "lower learning rate" in answers[2][0].reason


@pytest.mark.parametrize(
    "shares, loss, guessed, step, collapsed",
    [
        ([0.5, 0.5], 0.69, 1, FEWEST_UPDATES, True),
        ([0.5, 0.5], 0.69, 1, FEWEST_UPDATES - 1, False),
        ([0.5, 0.5], 0.69, 2, FEWEST_UPDATES, False),
        ([0.9, 0.1], 0.20, 1, FEWEST_UPDATES, False),
        ([0.9, 0.1], 0.325, 1, FEWEST_UPDATES, True),
        ([0.02] * 50, 4.2, 5, FEWEST_UPDATES, True),
        ([0.02] * 50, 4.2, 6, FEWEST_UPDATES, False),
        ([], 0.69, 1, FEWEST_UPDATES, False),
        ([1.0], 0.0, 1, FEWEST_UPDATES, False),
    ],
    ids=[
        "blind",
        "too early",
        "two classes",
        "knows who is sure",
        "blind and skewed",
        "few of many",
        "more of many",
        "no validation",
        "one class",
    ],
)
def test_collapse_is_one_class_and_no_better_than_the_shares(shares, loss, guessed, step, collapsed):
    trouble = Trouble(shares)
    assert trouble.on_evaluated(judged(step, loss, guessed)) is None
    answer = trouble.on_evaluated(judged(step, loss, guessed))
    assert (answer is not None) == collapsed and (trouble.code == "collapsed") == collapsed


@pytest.mark.parametrize(
    "shares, beginning, spread, collapsed",
    [([0.5, 0.5], 0.05, 0.0, True), ([0.9, 0.1], 0.05, 0.0124, True), ([0.5, 0.5], 0.05, 0.0126, False),
     ([0.5, 0.5], ALIVE, 0.0, False), ([0.5, 0.5], 1.01 * ALIVE, 0.0, True), ([0.5, 0.5], 0.05, None, False),
     ([0.5, 0.5], 0.0, 0.0, False), ([1.0], 0.05, 0.0, False), ([], 0.05, 0.0, False)],
    ids=["dead", "nearly dead", "alive", "too little to begin with", "enough to begin with", "not known",
         "beginning not known", "one class", "no validation"],
)  # fmt: skip
def test_an_answer_that_no_text_moves_is_a_collapse_at_the_first_check(shares, beginning, spread, collapsed):
    trouble = Trouble(shares)
    trouble.beginning = beginning
    answer = trouble.on_evaluated(judged(1, 0.1, 2, spread))
    assert (answer is not None) == collapsed and (trouble.code == "collapsed") == collapsed
    assert not collapsed or "the same whatever the text" in answer[0].reason


def test_answers_that_fade_to_one_class_are_a_collapse():
    trouble = Trouble([0.5, 0.5])
    trouble.beginning = 0.01
    for step, (guessed, now) in enumerate([(1, 0.012), (2, 0.08), (2, 0.01), (1, 0.021)]):
        assert trouble.on_evaluated(judged(step, 0.7, guessed, now)) is None
    resumed = Trouble([0.5, 0.5])
    resumed.restore(trouble.state())
    assert "the same whatever the text" in resumed.on_evaluated(judged(5, 0.7, 1, 0.019))[0].reason


def test_spread_is_that_of_the_logits_without_what_softmax_does_not_see():
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(50, 3))
    centred = logits - logits.mean(1, keepdims=True)
    assert spread(logits) == pytest.approx(np.std(centred, axis=0).max())
    assert spread(logits + chance.normal(size=(50, 1))) == pytest.approx(spread(logits))
    assert spread(np.tile(logits[:1], (50, 1))) == pytest.approx(0.0, abs=1e-12)
    assert spread(logits[:, :1]) == pytest.approx(np.std(logits[:, 0]))
    assert spread(logits[:7]) is None
    assert spread(np.where(logits > 2, np.nan, logits)) is None


_whole = Plain.__call__


def _three_to_five(self, model, loss, batch, seed):
    _three_to_five.made += 1
    terms = _whole(self, model, loss, batch, seed)
    return Terms(terms.values * math.nan, terms.weights) if 3 <= _three_to_five.made <= 5 else terms


def test_a_diverged_run_starts_once_more_and_tells_it(tiny, sentences_csv, tmp_path, monkeypatch):
    monkeypatch.setattr("bertune.engine.steps.plain.Plain.__call__", _three_to_five)
    _three_to_five.made = 0
    teller = Silent()
    recipe = workbench.recipe_of(tiny(), sentences_csv, {**QUICK, "training.epochs": 1})
    folder = train(recipe, tmp_path / "run", teller=teller)
    record = folder.record()
    assert [r["code"] for r in record["restarts"]] == ["diverged"]
    assert record["restarts"][0]["step"] == 5
    cure = "learning rate 2.5e-04 instead of 1.0e-03 and a warm-up over 20 % of the updates"
    assert record["restarts"][0]["cure"] == cure
    assert any(f"starting once more with {cure}" in text for _, text in teller.heard)
    assert any("not finite" in text for _, text in teller.heard)
    rates = [e["learning_rate"] for e in _events(folder) if e["event"] == "stepped"]
    assert max(rates[5:]) == pytest.approx(2.5e-4, rel=0.05)


def test_updates_that_are_not_finite_leave_weights_and_averages(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv)
    made.train(2)
    start, mean = made.weights(), {n: t.clone() for n, t in made.learner.averages.mean.items()}
    whole = made.learner.step_rule
    made.learner.step_rule = lambda *a: Terms(whole(*a).values * math.inf, whole(*a).weights)
    update = made.learner.update(made.feed.portions(made.feed.batches(0)[2]), 2)
    assert math.isnan(update.loss)
    assert workbench.same_bytes(start, made.weights()) and workbench.same_bytes(mean, made.learner.averages.mean)


@pytest.fixture
def small_answers(monkeypatch):
    """Limits for tiny random models, whose logits hardly differ to begin with."""
    monkeypatch.setattr("bertune.engine.callbacks.trouble.DEAD", 0.01)
    monkeypatch.setattr("bertune.engine.callbacks.trouble.ALIVE", 1e-6)


COLLAPSING = {
    **QUICK, "optimizer.learning_rate": 3.0, "training.epochs": 3, "schedule.name": "constant",
    "evaluation.per_epoch": 1, "training.averaging": "none",
}  # fmt: skip


def test_a_collapsed_run_is_noticed_in_its_first_epoch_and_recovers(tiny, sentences_csv, tmp_path, small_answers):
    """A huge learning rate makes the answer the same for every text; the second attempt is made with the rule's."""
    teller = Silent()
    folder = train(workbench.recipe_of(tiny(), sentences_csv, COLLAPSING), tmp_path / "run", teller=teller)
    record = folder.record()
    assert [r["code"] for r in record["restarts"]] == ["collapsed"]
    checks = [e for e in _events(folder) if e["event"] == "evaluated"]
    assert checks[0]["epoch"] <= 1 and checks[0]["spread"] < 1e-7
    assert record["stopped"] == "all steps made" and min(e["spread"] for e in checks[1:]) > 1e-5
    assert any("the same whatever the text" in text and "instead of 3.0e+00" in text for _, text in teller.heard)


def test_a_run_that_collapses_again_ends_and_says_so(tiny, sentences_csv, tmp_path, small_answers, monkeypatch):
    monkeypatch.setattr("bertune.engine.plan.Plan.gentler", lambda plan: plan)
    record = train(workbench.recipe_of(tiny(), sentences_csv, COLLAPSING), tmp_path / "run").record()
    assert [r["code"] for r in record["restarts"]] == ["collapsed"] and "collapsed" in record["stopped"]


def test_no_second_start_where_the_recipe_says_so(tiny, sentences_csv, tmp_path, monkeypatch):
    monkeypatch.setattr("bertune.engine.steps.plain.Plain.__call__", _three_to_five)
    _three_to_five.made = 0
    settings = {**QUICK, "training.epochs": 1, "training.restart_on_collapse": False}
    record = train(workbench.recipe_of(tiny(), sentences_csv, settings), tmp_path / "run").record()
    assert record["restarts"] == [] and "diverged" in record["stopped"]


class Scarce:
    """Memory for at most `room` rows at once, from update number `first` on."""

    def __init__(self, room, first):
        self.room, self.first, self.step = room, first, -1
        self.whole = Plain.__call__

    def answer(self, step, model, loss, batch, seed):
        if len(batch.rows) > self.room and self.step >= self.first:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 TB")
        return self.whole(step, model, loss, batch, seed)


@pytest.mark.parametrize("room, portions", [(4, 4), (3, 2), (1, 1)])
def test_out_of_memory_halves_the_portion_and_makes_the_same_update(
    tiny, sentences_csv, tmp_path, monkeypatch, room, portions
):
    settings = {**QUICK, **STILL, "optimizer.name": "sgd", "optimizer.learning_rate": 0.5, "training.epochs": 1,
                "data.split.valid_share": 0.0, "data.split.test_share": 0.0, "training.averaging": "none"}  # fmt: skip
    recipe = workbench.recipe_of(tiny(), sentences_csv, settings)
    easy = train(recipe, tmp_path / "easy")
    scarce, teller = Scarce(room, 3), Silent()
    monkeypatch.setattr(Plain, "__call__", _method(scarce.answer))
    whole = Learner.update

    def update(self, micro, step, poll):
        scarce.step = step
        return whole(self, micro, step, poll)

    monkeypatch.setattr(Learner, "update", update)
    hard = train(recipe, tmp_path / "hard", teller=teller)
    told = [text for _, text in teller.heard if "out of memory" in text]
    assert told[0].startswith("out of memory at step 4: now 4 rows at once")
    assert f"now {portions} rows at once" in told[-1]
    assert hard.record()["warnings"] == told
    weights = [_weights(folder) for folder in (easy, hard)]
    assert workbench.furthest(*weights) < 1e-6
    assert len([e for e in _events(easy) if e["event"] == "stepped"]) == len(
        [e for e in _events(hard) if e["event"] == "stepped"]
    )


def test_memory_for_not_even_one_row_is_an_error(tiny, sentences_csv, tmp_path, monkeypatch):
    monkeypatch.setattr(Plain, "__call__", lambda *a: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        train(workbench.recipe_of(tiny(), sentences_csv, QUICK), tmp_path / "run")


@pytest.mark.parametrize(
    "error, expected",
    [(MemoryError(), True), (RuntimeError("CUDA out of memory. Tried"), True),
     (RuntimeError("shape '[2]' is invalid"), False), (ValueError("no"), False)],
)  # fmt: skip
def test_which_errors_are_out_of_memory(error, expected):
    assert out_of_memory(error) == expected


def _events(folder):
    return [json.loads(line) for line in folder.history.read_text(encoding="utf-8").splitlines()]


def _weights(folder):
    from safetensors.torch import load_file

    return load_file(folder.model / "model.safetensors")


def _method(function):
    """A function as a method of the class it is put into: it gets `self` like any other argument."""

    def method(self, *given):
        return function(self, *given)

    return method
