"""Losses and gradients that are not finite, and memory that runs out, at the k-th update: noticed, told, resumable."""

import json
import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import torch
from resume_runs import Cut, begin, data_file, ending, history, recipe_of, resume, same, some
from torch import Tensor

from bertune.base.types import Terms
from bertune.engine.learner import Learner
from bertune.engine.steps.plain import Plain
from bertune.runs.telling import Silent
from bertune.runs.train import train


class _Spoilt(torch.autograd.Function):
    """The same values; a gradient multiplied by something that is not finite."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return values.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.factor, None


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "NaN loss": lambda values: values * math.nan,
    "infinite loss": lambda values: values * math.inf,
    "NaN gradient": lambda values: _Spoilt.apply(values, math.nan),
    "infinite gradient": lambda values: _Spoilt.apply(values, math.inf),
}


def spoil(monkeypatch: pytest.MonkeyPatch, kind: str, steps: Collection[int]) -> None:
    """Make the loss or gradient of some updates (from 1) bad, in every process that makes them."""
    whole = Learner.update

    def update(self: Learner, micro: Any, step: int, *given: Any) -> Any:
        rule = self.step_rule
        if step + 1 in steps:

            def bad(*asked: Any) -> Terms:
                terms = rule(*asked)
                return Terms(KINDS[kind](terms.values), terms.weights)

            self.step_rule = bad
        try:
            return whole(self, micro, step, *given)
        finally:
            self.step_rule = rule

    monkeypatch.setattr(Learner, "update", update)


def finite(run: Path) -> bool:
    """Whether every weight of the saved model is a number."""
    from safetensors.torch import load_file

    return all(bool(t.isfinite().all()) for t in load_file(run / "model" / "model.safetensors").values())


def record(run: Path) -> dict[str, Any]:
    """What run.json holds."""
    return dict(json.loads((run / "run.json").read_text(encoding="utf-8")))


@pytest.mark.fault("not finite")
@pytest.mark.parametrize("kind, cut", some([(kind, cut) for kind in KINDS for cut in (3, 4, 5)], every=4))
def test_one_bad_update_is_left_out_and_told(tiny, tmp_path: Path, monkeypatch, kind: str, cut: int) -> None:
    spoil(monkeypatch, kind, {4})
    recipe = recipe_of(data_file(tmp_path), tiny("bert"))
    teller = Silent()
    whole = train(recipe, tmp_path / "whole", teller=teller, report=False).path
    expected = ending(whole)
    losses = {e["step"]: e["loss"] for e in expected["history"] if e["event"] == "stepped"}
    assert [step for step, loss in losses.items() if isinstance(loss, str)] == [4]
    assert any("step 4: the loss or gradient is not finite; update left out" in text for _, text in teller.heard)
    assert finite(whole)
    run = begin(recipe, tmp_path / "cut", Cut("stepped", cut)).path
    resume(run)
    assert same(expected, ending(run)) == []
    assert record(run)["warnings"] == record(whole)["warnings"] != []


@pytest.mark.fault("not finite")
@pytest.mark.parametrize("again, cut", some([(again, cut) for again in (True, False) for cut in (4, 5, 6)], every=5))
def test_three_bad_updates_end_the_attempt_however_it_is_stopped(
    tiny, tmp_path: Path, monkeypatch, again: bool, cut: int
) -> None:
    """The best weights of before are kept; with a second attempt it meets the same, and the run says so."""
    spoil(monkeypatch, "NaN loss", {4, 5, 6})
    setting = f"training.restart_on_collapse={str(again).lower()}"
    recipe = recipe_of(data_file(tmp_path), tiny("bert"), setting)
    whole = begin(recipe, tmp_path / "whole").path
    expected = ending(whole)
    assert "diverged" in record(whole)["stopped"] and len(record(whole)["restarts"]) == int(again)
    assert expected["best"]["step"] in (2, 4, 6) and finite(whole)
    run = begin(recipe, tmp_path / "cut", Cut("stepped", cut)).path
    resume(run)
    assert same(expected, ending(run)) == []
    assert record(run)["restarts"] == record(whole)["restarts"]


def scarce(monkeypatch: pytest.MonkeyPatch, first: int, room: int) -> None:
    """From an update on (from 1), memory holds so many rows at once and no more."""
    whole, rule, now = Learner.update, Plain.__call__, [0]

    def update(self: Learner, micro: Any, step: int, *given: Any) -> Any:
        now[0] = step + 1
        return whole(self, micro, step, *given)

    def answer(self: Plain, model: Any, loss: Any, batch: Any, seed: int) -> Terms:
        if now[0] >= first and len(batch.rows) > room:
            raise MemoryError
        return rule(self, model, loss, batch, seed)

    monkeypatch.setattr(Learner, "update", update)
    monkeypatch.setattr(Plain, "__call__", answer)


@pytest.mark.fault("memory")
@pytest.mark.parametrize("first, cut", some([(3, 3), (1, 1), (3, 2), (3, 4), (5, 6), (8, 7)], every=4))
def test_memory_runs_out_and_the_run_is_stopped(tiny, tmp_path: Path, monkeypatch, first: int, cut: int) -> None:
    """The portions are halved, the batches stay: every update has its rows, and a resume ends the same."""
    recipe = recipe_of(data_file(tmp_path), tiny("bert"))
    easy = history(begin(recipe, tmp_path / "easy").path)
    scarce(monkeypatch, first, room=1)
    whole = begin(recipe, tmp_path / "whole").path
    expected = ending(whole)
    assert [text.split(":")[0] for text in record(whole)["warnings"]] == [f"out of memory at step {first}"] * 2
    losses = [[e["loss"] for e in events if e["event"] == "stepped"] for events in (easy, expected["history"])]
    assert losses[0][: first - 1] == losses[1][: first - 1] and losses[0] != losses[1]
    assert losses[0][first - 1] == pytest.approx(losses[1][first - 1], rel=0.2)  # the same rows, other dropout
    run = begin(recipe, tmp_path / "cut", Cut("stepped", cut)).path
    resume(run)
    assert same(expected, ending(run)) == []
