"""One update: forward, backward over micro-batches, one division, clipping, the optimizer's step."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bertune.base import processes
from bertune.base.seeds import derive
from bertune.base.types import Batch, Terms
from bertune.engine.averaging import Averages
from bertune.engine.confidence import Confidence
from bertune.engine.devices import Compute
from bertune.engine.heap import Heap
from bertune.engine.loss_scale import LossScale
from bertune.engine.shared_gradients import SharedGradients
from bertune.model.copied_weights import unchanged_weights
from bertune.model.encoder import Model
from bertune.model.packing import to_device
from bertune.model.portioned import Portioned
from bertune.model.precision import computing
from bertune.regularizers._learned import Learned

MOST_BESIDE = 0.05  # a rate raised for what is learnt beside the network stays below: those of SGD are large already
Loss = Callable[[Tensor, Tensor], Terms]
Step = Callable[[Model, Loss, Batch, int], Terms]


@dataclass(frozen=True)
class Update:
    """What one update showed: mean loss of the batch, learning rate at the head, norm of the gradient."""

    loss: float
    learning_rate: float
    gradient_norm: float


@dataclass(eq=False)
class Learner:
    """All that changes while a model learns, with the loss of each of its tasks; `scale(step)` is the schedule's factor
    on every learning rate. `confidence` notes how each row is learnt, where that is wanted."""

    model: Model
    losses: Sequence[Loss]
    step_rule: Step
    optimizer: torch.optim.Optimizer
    schedule: Any
    regularizers: Sequence[Any]
    averages: Averages | None
    compute: Compute
    seed: int
    steps: int
    warmup: int
    clip_norm: float
    started: dict[str, Tensor]
    confidence: Confidence | None = None

    def __post_init__(self) -> None:
        self.rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.names = {id(p): name for name, p in self.model.named_parameters()}
        self.heap = Heap()
        self.loss_scale = LossScale() if self.compute.precision == "fp16" else None
        self._shared = SharedGradients(self.model, self._loss)

    def scale(self, step: int) -> float:
        """The factor on the peak learning rates for update number `step` (from 0): warm-up, then the schedule."""
        if self.schedule.own_warmup:
            return float(self.schedule.factor(step, self.steps))
        if step < self.warmup:
            return (step + 1) / self.warmup
        return float(self.schedule.factor(step - self.warmup, self.steps - self.warmup))

    def update(self, micro: Sequence[Batch], step: int, poll: Callable[[], None] = lambda: None) -> Update:
        """Make update number `step` (from 0) from one batch given in portions.

        Where loss or gradient is not finite the weights stay as they are and the loss tells it, but for gradients that
        the loss scale of fp16 made too large: it is halved, and the loss stays. `poll` is called before each portion
        and may raise: no weight knows of the update yet.
        """
        self.optimizer.zero_grad(set_to_none=True)
        if self.confidence is not None:
            self.confidence.begin()
        task = self.model.tasks[micro[0].part]
        if len(micro) > 1 and task.head.compares_rows:
            task = Portioned(task, [to_device(batch, self.compute.device) for batch in micro], poll)
            micro = [task.whole]
        with unchanged_weights():
            loss, divisor = self._learn(task, micro, step, poll)
        factor = self.scale(step)
        norm = self._apply(divisor, factor, step)
        if self.confidence is not None:
            self.confidence.keep()
        self.heap.poll()
        overflown = self.loss_scale is not None and self.loss_scale.seen(norm)
        return Update(loss if math.isfinite(norm) or overflown else math.nan, self.rates[0] * factor, norm)

    def _learn(self, task: Model, micro: Sequence[Batch], step: int, poll: Callable[[], None]) -> tuple[float, float]:
        """The mean loss of a batch, and what the gradients that now lie at the parameters are to be divided by."""
        group, total, weight = processes.now(), 0.0, 0.0
        whole = len(micro) == 1 and group.count == 1
        for number, batch in enumerate(micro):
            if number == 0 or group.count == 1:  # who computes together stops together: at the same places
                poll()
            torch.manual_seed(derive(self.seed, "dropout", step, number, *([group.rank] if group.rank else [])))
            summed, own = self._shared.compute(number == len(micro) - 1, task, batch, step, number)
            if batch.spare:
                summed, own = summed * 0.0, 0.0
            lost = summed / own if whole and own else summed
            (lost if self.loss_scale is None else lost * self.loss_scale.factor).backward()  # type: ignore[no-untyped-call]
            total, weight = total + float(summed.detach()), weight + own
        total, weight = group.total(total, weight)
        if not weight:
            return 0.0, 1.0
        divisor = 1.0 if whole else weight / group.count
        return total / weight, divisor if self.loss_scale is None else divisor * self.loss_scale.factor

    def _loss(self, task: Model, batch: Batch, step: int, number: int) -> tuple[Tensor, float]:
        """The summed loss of a portion, and the sum of its weights."""
        batch, loss = to_device(batch, self.compute.device), self.losses[batch.part]
        if self.confidence is not None:
            loss = self.confidence.noting(loss, batch)
        with computing(self.compute.precision, self.compute.device):
            terms = self.step_rule(task, loss, batch, derive(self.seed, "step", step, number))
        return (terms.values * terms.weights).sum(), float(terms.weights.sum())

    def _apply(self, divisor: float, factor: float, step: int) -> float:
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        parameters = [p for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not parameters:
            return 0.0
        gradients = [p.grad for p in parameters]
        if divisor != 1.0:
            torch._foreach_div_(gradients, divisor)
        learned = self.learned() if self.regularizers else []
        for rule in self.regularizers:
            rule.before_step(learned)
        norm = norm_of(gradients)
        if not math.isfinite(norm):
            return norm
        self._step(gradients, max(1.0, (norm + 1e-6) / self.clip_norm) if self.clip_norm else 1.0)
        for rule in self.regularizers:
            rule.after_step(learned)
        if self.averages is not None:
            self.averages.update(step + 1)
        return norm

    def _step(self, gradients: list[Tensor], excess: float) -> None:
        """One step of the optimizer, with gradients that are that many times too large."""
        if excess > 1.0 and getattr(self.optimizer, "_step_supports_amp_scaling", False):
            self.optimizer.grad_scale = torch.tensor(excess)  # type: ignore[attr-defined]
            try:
                self.optimizer.step()  # a fused kernel divides them in passing
            finally:
                del self.optimizer.grad_scale  # type: ignore[attr-defined]
            return
        if excess > 1.0:
            torch._foreach_div_(gradients, excess)
        self.optimizer.step()

    def learned(self) -> list[Learned]:
        """The weights as regularizers see them: those with a gradient, where they began, their learning rate now."""
        return [
            Learned(self.names[id(p)], p, self.started.get(self.names[id(p)]), float(group["lr"]))
            for group in self.optimizer.param_groups
            for p in group["params"]
            if p.grad is not None
        ]

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Within, the model holds the weights that are judged and kept: the averages where they are kept."""
        with self.averages.applied() if self.averages else nullcontext():
            yield


def norm_of(gradients: Sequence[Tensor]) -> float:
    """The Euclidean norm of gradients taken as one vector.

    On processors by products of each with itself: torch's norm takes three times as long there.
    """
    if any(gradient.device.type != "cpu" for gradient in gradients):
        return float(nn.utils.get_total_norm(gradients))
    flat = [gradient.flatten() for gradient in gradients]
    return math.sqrt(sum(float(torch.dot(part, part)) for part in flat))


def parameter_groups(
    model: Model, parameters: dict[str, nn.Parameter], rate: float, layer_decay: float
) -> list[dict[str, Any]]:
    """Groups of parameters of like depth and kind, head first: rate × decay^depth, no weight decay on biases and norms.

    What heads learn beside the network comes last, at a rate of its own and without weight decay.
    Source: layer-wise decay as in Howard and Ruder 2018 (ULMFiT) section 3.2 and ELECTRA (Clark et al. 2020).
    """
    depths = model.depths()
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    heads = [task.head.more for task in model.tasks if task.head.more is not None]
    beside = {id(p): more.rate for more in heads for p in more.parameters()}
    for name, parameter in parameters.items():
        if id(parameter) not in beside:
            groups.setdefault((depths[name], parameter.ndim > 1), []).append(parameter)
    result = []
    for (depth, decays), members in sorted(groups.items(), key=lambda item: (item[0][0], not item[0][1])):
        group: dict[str, Any] = {"params": members, "lr": rate * layer_decay**depth}
        if not decays:
            group["weight_decay"] = 0.0
        result.append(group)
    own = [p for p in parameters.values() if id(p) in beside]
    for factor in sorted({beside[id(p)] for p in own}):
        members = [p for p in own if beside[id(p)] == factor]
        result.append({"params": members, "lr": max(rate, min(rate * factor, MOST_BESIDE)), "weight_decay": 0.0})
    return result
