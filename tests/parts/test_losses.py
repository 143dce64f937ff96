"""The losses: the contract, the references, and broken specimens that the contract must reject."""

import itertools
from typing import Any, ClassVar

import loss_contract as contract
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from loss_contract import CLASSES, ROWS, logits_for, targets_for
from sklearn.metrics import brier_score_loss
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from bertune.base import registry
from bertune.base.errors import RecipeError
from bertune.base.settings import build
from bertune.base.types import Terms

NAMES = registry.names("losses")


def make(name: str, **values: Any) -> Any:
    return build(registry.load("losses", name), values=values)


def reduced(terms: Terms) -> Tensor:
    """The engine's one division."""
    return (terms.values * terms.weights).sum() / terms.weights.sum()


CASES = [(name, kind) for name in NAMES for kind in registry.load("losses", name).kinds]


def test_names() -> None:
    assert set(NAMES) >= {
        "cross_entropy", "label_smoothing", "focal", "class_balanced", "weighted", "mean_squared", "mean_absolute",
        "huber", "binary_cross_entropy",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_kinds_are_known(name: str) -> None:
    kinds = registry.load("losses", name).kinds
    assert isinstance(kinds, tuple) and kinds and set(kinds) <= set(contract.KINDS)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_contract(check: Any, name: str, kind: str) -> None:
    check(make(name), kind)


# --- references -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_is_torchs(smoothing: float) -> None:
    logits, targets = logits_for("class"), targets_for("class")
    expected = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, targets)
    torch.testing.assert_close(reduced(make("label_smoothing", smoothing=smoothing)(logits, targets)), expected)


def test_cross_entropy_is_torchs() -> None:
    logits, targets = logits_for("class"), targets_for("class")
    targets[2] = -100
    torch.testing.assert_close(reduced(make("cross_entropy")(logits, targets)), F.cross_entropy(logits, targets))


@pytest.mark.parametrize("weights", [(1.0, 2.0, 0.5, 3.0), (0.0, 1.0, 1.0, 0.25)])
def test_weighted_is_torchs_weighted_mean(weights: tuple[float, ...]) -> None:
    logits, targets = logits_for("class"), targets_for("class")
    loss = make("weighted", weights=list(weights))
    loss.fit(targets, CLASSES)
    expected = F.cross_entropy(logits, targets, weight=torch.tensor(weights, dtype=torch.float64))
    torch.testing.assert_close(reduced(loss(logits, targets)), expected)


def test_inverse_weights_are_scikit_learns_balanced() -> None:
    targets = torch.tensor([0] * 50 + [1] * 5 + [2] * 20 + [3])
    logits = torch.randn(len(targets), CLASSES, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    balanced = compute_class_weight("balanced", classes=np.arange(CLASSES), y=targets.numpy())
    for rule, expected in (("inverse", balanced), ("inverse_sqrt", np.sqrt(balanced))):
        loss = make("weighted", weights=rule)
        loss.fit(targets, CLASSES)
        terms = loss(logits, targets)
        assert terms.weights[[0, 50, 55, 75]].mean().item() == pytest.approx(1.0)
        weight = torch.tensor(expected)
        torch.testing.assert_close(
            reduced(terms), F.cross_entropy(logits, targets, weight=weight), rtol=1e-6, atol=1e-6
        )


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 1 - 1e-12])
def test_class_balanced_is_the_papers_formula(beta: float) -> None:
    counts = np.array([500.0, 50.0, 5.0, 1.0])
    targets = torch.repeat_interleave(torch.arange(CLASSES), torch.tensor(counts).long())
    loss = make("class_balanced", beta=beta)
    loss.fit(targets, CLASSES)
    weights = loss(torch.zeros(CLASSES, CLASSES, dtype=torch.float64), torch.arange(CLASSES)).weights.numpy()
    plain = (1 - beta) / -np.expm1(counts * np.log(beta)) if beta else np.ones(CLASSES)
    np.testing.assert_allclose(weights, plain / plain.sum() * CLASSES, rtol=1e-6)
    if beta == 1 - 1e-12:  # the limit is the inverse class size
        np.testing.assert_allclose(weights, (1 / counts) / (1 / counts).sum() * CLASSES, rtol=1e-5)


@pytest.mark.parametrize("name", ["weighted", "class_balanced"])
def test_a_class_without_rows_weighs_nothing_and_spoils_nothing(name: str) -> None:
    loss = make(name)
    loss.fit(torch.tensor([0, 0, 0, 1]), 3)
    weights = loss(torch.zeros(3, 3), torch.tensor([0, 1, 2])).weights
    assert weights[2] == 0 and weights[:2].mean().item() == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["weighted", "class_balanced"])
def test_class_weights_before_fit_are_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match="fit"):
        make(name)(logits_for("class"), targets_for("class"))


def test_unfit_weights_are_named() -> None:
    with pytest.raises(RecipeError, match=r"loss\.weights.*found 2 weights; expected 4"):
        make("weighted", weights=[1.0, 2.0]).fit(targets_for("class"), CLASSES)
    with pytest.raises(RecipeError, match="weighs 0"):
        make("weighted", weights=[0.0, 0.0, 1.0]).fit(torch.tensor([0, 1]), 3)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_is_the_papers_formula(gamma: float) -> None:
    loss, logits = make("focal", gamma=gamma), logits_for("class")
    targets = targets_for("class")
    p = torch.softmax(logits, dim=1)[torch.arange(ROWS), targets]
    torch.testing.assert_close(loss(logits, targets).values, -((1 - p) ** gamma) * p.log())
    labels = targets_for("labels")
    p = torch.where(labels > 0.5, torch.sigmoid(logits), 1 - torch.sigmoid(logits))
    torch.testing.assert_close(loss(logits, labels).values, (-((1 - p) ** gamma) * p.log()).mean(dim=1))


def test_focal_of_a_sure_row_is_not_lost_to_rounding() -> None:
    logits = torch.tensor([[20.0, 0.0]], dtype=torch.float32)
    rest = np.exp(-20.0) / (1 + np.exp(-20.0))
    value = make("focal", gamma=0.5)(logits, torch.tensor([0])).values.item()
    # -log p rounds to 0 or 1.2e-7 in float32 at best; what must be right is that the factor is sqrt(1 - p), not 0.
    assert value <= np.sqrt(rest) * 3e-7
    wrong = make("focal", gamma=0.5)(logits, torch.tensor([1])).values.item()
    assert wrong == pytest.approx(20.0, rel=1e-5)


def test_mean_squared_of_classes_is_the_brier_score() -> None:
    logits, targets = logits_for("class"), targets_for("class")
    expected = brier_score_loss(targets, torch.softmax(logits, 1).numpy(), labels=range(CLASSES), scale_by_half=False)
    assert reduced(make("mean_squared")(logits, targets)).item() == pytest.approx(expected)


def test_mean_absolute_of_classes_is_ghoshs() -> None:
    logits, targets = logits_for("class"), targets_for("class")
    p = torch.softmax(logits, dim=1)[torch.arange(ROWS), targets]
    torch.testing.assert_close(make("mean_absolute")(logits, targets).values, 2 - 2 * p)


@pytest.mark.parametrize(
    ("name", "reference"),
    [("mean_squared", F.mse_loss), ("mean_absolute", F.l1_loss), ("huber", F.huber_loss)],
)
def test_values_are_torchs(name: str, reference: Any) -> None:
    logits, targets = logits_for("value"), targets_for("value")
    torch.testing.assert_close(reduced(make(name)(logits, targets)), reference(logits[:, 0], targets))


def test_huber_of_classes_by_hand() -> None:
    logits, targets = logits_for("class"), targets_for("class")
    distance = (torch.softmax(logits, 1) - F.one_hot(targets, CLASSES)).abs()
    expected = torch.where(distance <= 0.3, distance**2 / 2, 0.3 * (distance - 0.15)).sum(dim=1)
    torch.testing.assert_close(make("huber", delta=0.3)(logits, targets).values, expected)


def test_binary_cross_entropy_is_torchs() -> None:
    logits, loss = logits_for("labels"), make("binary_cross_entropy")
    labels = targets_for("labels")
    torch.testing.assert_close(reduced(loss(logits, labels)), F.binary_cross_entropy_with_logits(logits, labels))
    targets = targets_for("class")
    hot = F.one_hot(targets, CLASSES).double()
    torch.testing.assert_close(reduced(loss(logits, targets)), F.binary_cross_entropy_with_logits(logits, hot))


WEIGHING_LABELS = [("binary_cross_entropy", {}), ("focal", {"gamma": 1.5})]
RARE = torch.tensor([[1.0, 0.0, 1.0, 1.0]] + [[0.0, 0.0, 1.0, 1.0]] * 3 + [[0.0, 0.0, 1.0, 0.0]] * 6)  # 1, 0, 10, 4


@pytest.mark.parametrize(("rule", "power"), [("balanced", 1.0), ("balanced_sqrt", 0.5)])
def test_weights_of_labels_are_torchs(rule: str, power: float) -> None:
    loss, logits = make("binary_cross_entropy", positive_weight=rule), logits_for("labels")
    loss.fit(RARE, CLASSES)
    weight = torch.tensor([9.0, 1.0, 1.0, 1.5], dtype=torch.float64) ** power
    expected = torch.nn.BCEWithLogitsLoss(pos_weight=weight)(logits, targets_for("labels"))
    torch.testing.assert_close(reduced(loss(logits, targets_for("labels"))), expected, rtol=1e-6, atol=1e-7)


def test_weights_of_classes_one_against_the_rest_are_torchs() -> None:
    loss, logits, targets = make("binary_cross_entropy", positive_weight="balanced"), logits_for("class"), torch.tensor(
        [0, 0, 0, 1, 1, 2, 3]
    )  # fmt: skip
    loss.fit(targets, CLASSES)
    weight = torch.tensor([4 / 3, 5 / 2, 6, 6], dtype=torch.float64)
    hot = F.one_hot(targets, CLASSES).double()
    expected = F.binary_cross_entropy_with_logits(logits, hot, pos_weight=weight)
    torch.testing.assert_close(reduced(loss(logits, targets)), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize(("name", "settings"), WEIGHING_LABELS)
@pytest.mark.parametrize("weight", ["balanced", "balanced_sqrt", [0.5, 2.0, 1.0, 7.0]])
def test_contract_with_weights_of_labels(check: Any, name: str, settings: dict[str, Any], weight: Any) -> None:
    check(make(name, positive_weight=weight, **settings), "labels")


def test_focal_weighs_the_yes_alone() -> None:
    logits, targets = logits_for("labels")[:, :1], targets_for("labels")[:, :1]
    plain, weighing = make("focal"), make("focal", positive_weight=[3.0])
    weighing.fit(targets, 1)
    factor = torch.where(targets[:, 0] > 0.5, 3.0, 1.0)
    torch.testing.assert_close(weighing(logits, targets).values, plain(logits, targets).values * factor)


def test_weights_of_labels_that_do_not_fit_are_named() -> None:
    with pytest.raises(RecipeError, match=r"loss\.positive_weight.*found 2 weights; expected 4"):
        make("binary_cross_entropy", positive_weight=[1.0, 2.0]).fit(RARE, CLASSES)
    with pytest.raises(RecipeError, match=r"one class.*weighted"):
        make("focal", positive_weight="balanced").fit(targets_for("class"), CLASSES)
    with pytest.raises(RuntimeError, match="fit"):
        make("binary_cross_entropy", positive_weight="balanced")(logits_for("labels"), targets_for("labels"))


@pytest.mark.parametrize(("name", "kind"), CASES)
@given(cut=st.integers(1, ROWS - 1))
def test_parts_of_a_batch_add_up(name: str, kind: str, cut: int) -> None:
    """What gradient accumulation rests on: numerators and denominators of two micro-batches add up to the batch's."""
    loss = contract.fitted(make(name), kind)
    logits, targets = logits_for(kind), targets_for(kind)
    parts = [loss(logits[:cut], targets[:cut]), loss(logits[cut:], targets[cut:])]
    above = sum((t.values * t.weights).sum() for t in parts)
    below = sum(t.weights.sum() for t in parts)
    torch.testing.assert_close(above / below, reduced(loss(logits, targets)))


def test_triplet_is_the_margin_to_the_hardest() -> None:
    logits, targets = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, -1e4], [9.0, 1.0, 0.0]]), torch.tensor([0, 0, 0])
    assert make("triplet", margin=4.0)(logits, targets).values.tolist() == [3.0, 9.0, 0.0]
    assert make("triplet")(torch.tensor([[1.0]]), torch.tensor([0])).values.tolist() == [0.0]


def test_contrastive_asks_of_each_candidate() -> None:
    logits, targets = logits_for("position") * 20, targets_for("position")
    hot = F.one_hot(targets, CLASSES).double()
    expected = F.binary_cross_entropy_with_logits(logits - 10, hot, reduction="none").sum(dim=1)
    torch.testing.assert_close(make("contrastive")(logits, targets).values, expected)
    absent = torch.cat([logits, torch.full((len(logits), 1), -1e4, dtype=logits.dtype)], dim=1)
    torch.testing.assert_close(make("contrastive")(absent, targets).values, expected)


# --- broken specimens -------------------------------------------------------------------------------------------------


class Right:
    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def fit(self, targets: Tensor, classes: int) -> None: ...

    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits, targets, reduction="none")

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        values = self.values(logits, targets)
        return Terms(values, (targets != -100).to(values.dtype))


class Reduces(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits, targets)


class LeaksAcrossRows(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(logits - logits.mean(dim=0) * 0.01, targets)


class DependsOnPosition(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(logits, targets) * torch.linspace(1, 2, len(logits), dtype=logits.dtype)


class TurnsGradientsOff(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        values = super().values(logits, targets)
        torch.set_grad_enabled(False)
        return values


class DrawsRandomNumbers(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        torch.rand(1)
        return super().values(logits, targets)


class WrongGradient(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(logits * 2 - logits.detach(), targets)


class CutFromTheGraph(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(logits.detach(), targets)


class LogOfSoftmax(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return -torch.softmax(logits, 1)[torch.arange(len(targets)), targets.clamp(min=0)].log() * (targets >= 0)


class CountsIgnoredRows(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(logits, targets.clamp(min=0))


class UpsideDown(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(-logits, targets)


class ChangesItsArguments(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        with torch.no_grad():
            logits += 1
        return super().values(logits, targets)


class Remembers(Right):
    def __init__(self) -> None:
        self.calls = itertools.count(1)

    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(logits, targets) * next(self.calls)


class LearnsItsWeights(Right):
    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        values = self.values(logits, targets)
        return Terms(values, values.exp())


class OtherType(Right):
    def values(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().values(logits.double(), targets)


BROKEN = [
    (Reduces, contract.check_form),
    (CutFromTheGraph, contract.check_form),
    (LearnsItsWeights, contract.check_form),
    (OtherType, contract.check_form),
    (LeaksAcrossRows, contract.check_rows_apart),
    (DependsOnPosition, contract.check_order),
    (WrongGradient, contract.check_gradient),
    (LogOfSoftmax, contract.check_finite),
    (UpsideDown, contract.check_truth_is_best),
    (CountsIgnoredRows, contract.check_ignored),
    (TurnsGradientsOff, contract.check_leaves_torch_alone),
    (DrawsRandomNumbers, contract.check_leaves_torch_alone),
    (ChangesItsArguments, contract.check_leaves_torch_alone),
    (Remembers, contract.check_pure),
]


@pytest.mark.parametrize(("specimen", "check"), BROKEN, ids=lambda x: x.__name__)
def test_broken_specimens_are_rejected(specimen: Any, check: Any) -> None:
    with pytest.raises(AssertionError):
        check(specimen(), "class")


def test_every_check_rejects_something() -> None:
    assert {check for _, check in BROKEN} == set(contract.CHECKS)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
def test_the_right_specimen_passes(check: Any) -> None:
    check(Right(), "class")
