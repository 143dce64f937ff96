"""The optimizers that torch has, with the settings that matter for fine-tuning.

Bias correction of the Adam family is part of the algorithm and has no switch: without it the first updates are about
three times too large, and fine-tuning BERT fails on small data. Source: Mosbach et al. 2021, section 6; Zhang et al.
2021, section 4.
"""

from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field

from bertune.optimizers._types import Beta, Decay, Epsilon, Groups, fused

PARTS = (
    "adamw",
    "adam",
    "gradient_descent",
    "sgd",
    "momentum",
    "nesterov",
    "adagrad",
    "adadelta",
    "rmsprop",
    "nadam",
    "radam",
    "adamax",
    "adafactor",
)


def adamw(
    groups: Groups,
    learning_rate: float,
    *,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    epsilon: Epsilon = 1e-8,
    weight_decay: Decay = 0.01,
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay; the usual choice for fine-tuning.

    Each update also multiplies the weights by 1 - learning rate · weight_decay.
    Source: Loshchilov and Hutter 2019, algorithm 2; torch.optim.AdamW.
    """
    return torch.optim.AdamW(groups, learning_rate, (beta1, beta2), epsilon, weight_decay, fused=fused(groups))


def adam(
    groups: Groups,
    learning_rate: float,
    *,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    epsilon: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Running means of gradient and squared gradient, bias-corrected.

    weight_decay is coupled: weight_decay · weights is added to the gradient and so divided by its running size as well;
    for the decoupled kind take adamw. Source: Kingma and Ba 2015, algorithm 1; torch.optim.Adam.
    """
    return torch.optim.Adam(groups, learning_rate, (beta1, beta2), epsilon, weight_decay, fused=fused(groups))


def gradient_descent(groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
    """Weights minus learning rate times gradient, and nothing else.

    With training.batch_size as large as the data it is full-batch gradient descent.
    """
    return torch.optim.SGD(groups, learning_rate, fused=fused(groups))


def sgd(
    groups: Groups,
    learning_rate: float,
    *,
    momentum: Beta = 0.0,
    dampening: Annotated[
        float, Ge(0), Le(1), Field(description="share of the gradient kept out of the momentum")
    ] = 0.0,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Stochastic gradient descent, with momentum and coupled weight decay where they are set.

    Source: Robbins and Monro 1951; torch.optim.SGD.
    """
    return torch.optim.SGD(groups, learning_rate, momentum, dampening, weight_decay, fused=fused(groups))


def momentum(
    groups: Groups, learning_rate: float, *, momentum: Beta = 0.9, weight_decay: Decay = 0.0
) -> torch.optim.Optimizer:
    """Gradient descent with a heavy ball: each update is the sum of past gradients, forgotten by `momentum`.

    weight_decay is coupled (added to the gradient). Source: Polyak 1964; torch.optim.SGD.
    """
    return torch.optim.SGD(groups, learning_rate, momentum, 0.0, weight_decay, fused=fused(groups))


def nesterov(
    groups: Groups,
    learning_rate: float,
    *,
    momentum: Annotated[float, Gt(0), Lt(1), Field(description="what the momentum keeps at each update")] = 0.9,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Momentum that looks one step ahead.

    weight_decay is coupled (added to the gradient). Source: Nesterov 1983, in the form of Sutskever et al. 2013;
    torch.optim.SGD(nesterov=True).
    """
    return torch.optim.SGD(groups, learning_rate, momentum, 0.0, weight_decay, nesterov=True, fused=fused(groups))


def adagrad(
    groups: Groups,
    learning_rate: float,
    *,
    rate_decay: Annotated[float, Ge(0), Field(description="rate / (1 + (updates - 1) · rate_decay)")] = 0.0,
    initial_sum: Annotated[float, Ge(0), Field(description="sum of squares to start from")] = 0.0,
    epsilon: Epsilon = 1e-10,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Gradients over the root of the sum of all squared gradients so far.

    weight_decay is coupled (added to the gradient).
    Source: Duchi et al. 2011; torch.optim.Adagrad.
    """
    return torch.optim.Adagrad(
        groups, learning_rate, rate_decay, weight_decay, initial_sum, epsilon, fused=fused(groups, ("cpu",))
    )


def adadelta(
    groups: Groups, learning_rate: float, *, rho: Beta = 0.9, epsilon: Epsilon = 1e-6, weight_decay: Decay = 0.0
) -> torch.optim.Optimizer:
    """Gradients scaled by the running sizes of past updates and past gradients; its own learning rate is 1.

    weight_decay is coupled (added to the gradient). Source: Zeiler 2012, algorithm 1; torch.optim.Adadelta.
    """
    return torch.optim.Adadelta(groups, learning_rate, rho, epsilon, weight_decay)


def rmsprop(
    groups: Groups,
    learning_rate: float,
    *,
    alpha: Beta = 0.99,
    momentum: Beta = 0.0,
    centered: Annotated[bool, Field(description="running variance in place of the mean square")] = False,
    epsilon: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Gradients over the root of a running mean of squared gradients.

    The mean is not bias-corrected: the first updates are up to 1 / sqrt(1 - alpha) times larger. weight_decay is
    coupled (added to the gradient). Source: Tieleman and Hinton 2012, lecture 6.5; torch.optim.RMSprop.
    """
    return torch.optim.RMSprop(groups, learning_rate, alpha, epsilon, weight_decay, momentum, centered)


def nadam(
    groups: Groups,
    learning_rate: float,
    *,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    epsilon: Epsilon = 1e-8,
    momentum_decay: Annotated[float, Ge(0), Field(description="how fast the momentum rises to beta1")] = 0.004,
    decoupled: Annotated[bool, Field(description="weight decay as in adamw; else added to the gradient")] = True,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Adam with Nesterov's look ahead.

    Source: Dozat 2016; torch.optim.NAdam.
    """
    return torch.optim.NAdam(
        groups, learning_rate, (beta1, beta2), epsilon, weight_decay, momentum_decay, decoupled_weight_decay=decoupled
    )


def radam(
    groups: Groups,
    learning_rate: float,
    *,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    epsilon: Epsilon = 1e-8,
    decoupled: Annotated[bool, Field(description="weight decay as in adamw; else added to the gradient")] = True,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Adam whose first updates go without the scaling, until its variance is known well enough.

    Source: Liu et al. 2020, algorithm 2;
    torch.optim.RAdam.
    """
    return torch.optim.RAdam(
        groups, learning_rate, (beta1, beta2), epsilon, weight_decay, decoupled_weight_decay=decoupled
    )


def adamax(
    groups: Groups,
    learning_rate: float,
    *,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    epsilon: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Adam with the largest recent gradient in place of the mean square.

    weight_decay is coupled (added to the gradient). Source: Kingma and Ba 2015, algorithm 2; torch.optim.Adamax.
    """
    return torch.optim.Adamax(groups, learning_rate, (beta1, beta2), epsilon, weight_decay)


def adafactor(
    groups: Groups,
    learning_rate: float,
    *,
    decay_power: Annotated[
        float, Ge(-1), Le(0), Field(description="the mean of squares forgets by 1 - update ** this")
    ] = -0.8,
    smallest_scale: Epsilon = 1e-3,
    clip: Annotated[float, Gt(0), Field(description="largest root mean square of an update")] = 1.0,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Squared gradients kept as one number per row and column, so that the state is small.

    The learning rate is relative: the root mean square of the tensor's weights (at least smallest_scale) multiplies it,
    and it never exceeds 1 / sqrt(update). weight_decay is decoupled.
    Source: Shazeer and Stern 2018, algorithms 4 and 5; torch.optim.Adafactor.
    """
    return torch.optim.Adafactor(
        groups, learning_rate, beta2_decay=decay_power, eps=(None, smallest_scale), d=clip, weight_decay=weight_decay
    )
