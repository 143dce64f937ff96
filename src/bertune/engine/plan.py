"""The defaults that see to themselves: learning rate, batch, epochs from model, rows, classes.

The constants were chosen by measurement on validation data of several sets and seeds; docs/lab-notebook.md holds the
table.
"""

import math
from dataclasses import dataclass, replace

from bertune.base.errors import Problem, RecipeError
from bertune.base.recipe import Recipe
from bertune.optimizers._rates import RATE_OF_ADAMW

BATCH = 32
SMALL_BATCH, SMALL_ROWS = 16, 2000  # few rows: more updates from the same rows
RATE_AT_384, WIDTH = 1.5e-4, 384  # AdamW on MiniLM (hidden size 384); the rate falls with the width
MANY_CLASSES, RATE_OF_MANY = 20, 2.0
RATE_OF_TRAINED = {"head": 10.0, "lora": 10.0}  # where pretrained weights stay, times the rate of learning them all
UPDATES, UPDATES_OF_MANY = 600, 1400  # what is aimed at, within the bounds on epochs
EPOCHS = (3, 12)
LAYER_DECAY = 0.85
GENTLER_RATE, GENTLER_WARMUP = 0.25, 0.2  # of a second attempt after a collapse
SEEDS, FEW_ROWS = 3, 1000  # below so many training rows one seed tells little
CHECKS, CHECKS_OF_MANY = 2, 1  # an epoch; where more rows are checked than learnt, checks would take most of the time


@dataclass(frozen=True)
class Facts:
    """What the rule looks at; `copies` is how many changed copies of each training row are learnt too."""

    rows: int
    classes: int
    hidden: int
    layers: int
    pairs: bool
    valid_rows: int
    copies: int = 0


@dataclass(frozen=True)
class Plan:
    """What a run will do: batch rows, peak learning rate, layer decay, epochs, averaging, seeds; `why` in one line.

    `per_epoch` is how often in an epoch the validation rows are looked at, `warmup` the share of the updates in which
    the rate rises, `rule_rate` the learning rate that the rule gives, whatever the recipe says, and None for an
    optimizer without a measured one.
    """

    batch_size: int
    learning_rate: float
    layer_decay: float
    epochs: float
    averaging: str
    seeds: int
    per_epoch: int
    warmup: float
    rule_rate: float | None
    why: str

    def steps_between_checks(self, steps_per_epoch: int) -> int:
        """After how many updates the validation rows are looked at."""
        return max(1, round(steps_per_epoch / self.per_epoch))

    def gentler(self) -> "Plan":
        """The plan of a second attempt after a collapse: a quarter of the learning rate, at most the rule's, and a
        longer warm-up.

        Source: Mosbach et al. 2021, section 6 (low rates and a warm-up keep the gradients from vanishing).
        """
        rate = self.learning_rate * GENTLER_RATE
        rate = rate if self.rule_rate is None else min(rate, self.rule_rate)
        return replace(self, learning_rate=rate, warmup=max(self.warmup, GENTLER_WARMUP))


def plan(recipe: Recipe, facts: Facts) -> Plan:
    """Fill every `auto` of the recipe by the rule. Raises RecipeError where the rule has no measured answer."""
    training, optimizer = recipe.training, recipe.part("optimizer")
    batch = training.batch_size
    if batch == "auto":
        batch = facts.rows if optimizer.name == "gradient_descent" else _batch(facts)
    known = optimizer.name in RATE_OF_ADAMW
    trained = recipe.model.train
    usual = _rate(facts) * RATE_OF_ADAMW[optimizer.name] * RATE_OF_TRAINED.get(trained, 1.0) if known else None
    rate = optimizer.shared.learning_rate
    if rate == "auto":
        rate = _given(usual, optimizer.name)
    decay = optimizer.shared.layer_decay
    epochs = training.epochs
    if epochs == "auto":
        epochs = _epochs(facts, batch)
    averaging = "ema" if training.averaging == "auto" else training.averaging
    classes = [f"{facts.classes} classes"] if facts.classes else []
    learns = {"all": [], "head": ["the head alone"], "top": ["top layers"], "lora": ["LoRA"]}[trained]
    words = [f"{facts.rows:,} rows", *classes, f"width {facts.hidden}", *learns]
    return Plan(
        int(batch), float(rate), LAYER_DECAY if decay == "auto" else float(decay), float(epochs), averaging,
        _seeds(training.seeds, facts), _checks(recipe.evaluation.per_epoch, facts),
        recipe.part("schedule").shared.warmup, usual, "from " + ", ".join(words),
    )  # fmt: skip


def _given(usual: float | None, optimizer: str) -> float:
    if usual is None:
        text = f"{optimizer} has no measured default; give a number, or find one with bertune train --find-lr"
        raise RecipeError([Problem("optimizer.learning_rate", text)])
    return usual


def _seeds(asked: int | str, facts: Facts) -> int:
    if asked == "auto":
        return SEEDS if facts.rows < FEW_ROWS and facts.valid_rows else 1
    if int(asked) > 1 and not facts.valid_rows:
        text = f"{asked} seeds need validation rows to choose by, and there are none; give --valid, or set it to 1"
        raise RecipeError([Problem("training.seeds", text)])
    return int(asked)


def _checks(asked: int | str, facts: Facts) -> int:
    if asked == "auto":
        return CHECKS if facts.valid_rows <= facts.rows * (1 + facts.copies) else CHECKS_OF_MANY
    return int(asked)


def _batch(facts: Facts) -> int:
    return SMALL_BATCH if facts.rows < SMALL_ROWS else BATCH


def _rate(facts: Facts) -> float:
    rate = RATE_AT_384 * WIDTH / facts.hidden
    return rate * RATE_OF_MANY if facts.classes >= MANY_CLASSES else rate


def _epochs(facts: Facts, batch: int) -> float:
    per_epoch = math.ceil(facts.rows * (1 + facts.copies) / batch)
    wanted = UPDATES_OF_MANY if facts.classes >= MANY_CLASSES else UPDATES
    return float(min(EPOCHS[1], max(EPOCHS[0], round(wanted / per_epoch))))
