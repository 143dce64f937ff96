"""From a recipe to rows that a model can learn from: read, clean, find faults, split, choose a model, measure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import Problem, RecipeError
from bertune.base.model_files import code_named
from bertune.base.recipe import Recipe
from bertune.base.types import Examples, Finding, Ints, Splits, Table, Tuned, View
from bertune.base.wording import counted, percent
from bertune.data.augment import Copies
from bertune.data.tokenizer import TextTokenizer
from bertune.data.truncation import TruncationLedger, ledger
from bertune.model.choice import Chosen
from bertune.runs.lineage import starting_model
from bertune.runs.rows import Rows, copies_of, kind_of, read_rows
from bertune.runs.splitting import make_splits
from bertune.runs.telling import Teller

LONGEST = 512
_LEFT = {"tail": " to their tails", "head_tail": " to heads and tails"}  # what is left of a text that is cut


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that is known before a model learns; positions in `splits` count rows of the table.

    `targets` has one entry a row, in the unit that the model learns numbers in (`unit`). `copies` are those that are
    made of the training rows, changed; they are in no split and count as no rows.
    """

    rows: Rows
    splits: Splits
    classes: tuple[str, ...]
    targets: NDArray[Any]
    chosen: Chosen
    tokenizer: TextTokenizer
    lengths: Ints
    unknown: Ints
    max_length: int
    view: View
    unit: Tuned
    copies: Copies | None = None

    def texts(self, positions: Ints) -> tuple[Sequence[str], Sequence[str] | None]:
        """The texts, and second texts where the task has them, of some rows of the splits, which all have them."""
        some = self.rows.examples.take(positions)
        return cast("Sequence[str]", some.texts), cast("Sequence[str] | None", some.pairs)

    def cut(self, split: str) -> TruncationLedger:
        """What the length limit cuts away of a split."""
        rows, lost = getattr(self.splits, split), self.view.lost
        return ledger(self.lengths[rows], self.max_length, None if lost is None else lost[rows])

    def length_told(self) -> str:
        """In one line what the length limit means for the training rows."""
        cut = self.cut("train")
        many = f"{counted(cut.rows_cut, 'text')} ({percent(cut.share_rows_cut)})" if cut.rows_cut else "nothing"
        if self.rows.task.cuts:
            left = _LEFT.get(getattr(self.rows.task, "keep", "head"), "") if cut.rows_cut else ""
            text = f"{self.max_length} tokens cut {many}{left}"
            return text + (f"; {cut.length_that_cuts_none} would cut none" if cut.rows_cut else "")
        several = int((self.lengths[self.splits.train] > self.max_length).sum())
        share = f" ({percent(several / len(self.splits.train))})" if several else ""
        text = f"windows of {self.max_length} tokens: {counted(several, 'text')}{share} in two or more, none cut"
        if cut.rows_cut:
            text = text.removesuffix("none cut") + f"the first text of {counted(cut.rows_cut, 'pair')} cut"
        return text

    def examples(self, split: str) -> Examples:
        """The rows of a split as the task reads them, with what it adds to them."""
        if split in self._completed:
            return self._completed[split]
        rows = self.rows.examples.take(getattr(self.splits, split))
        found: Examples = self.rows.task.completed(rows, split == "train")
        if found is not rows:  # it may have taken long
            self._completed[split] = found
        return found

    @cached_property
    def _completed(self) -> dict[str, Examples]:
        return {}


def prepare(recipe: Recipe, teller: Teller, source: Table | None = None) -> Prepared:
    """Everything up to the model's first update. Raises DataError, ModelError, RecipeError."""
    rows = read_rows(recipe, teller, source)
    splits = make_splits(recipe, rows)
    gold = rows.examples.gold
    assert gold is not None
    learned = rows.examples.take(splits.train)
    classes, unit = rows.task.classes(learned.gold), rows.task.unit(learned)
    targets = rows.task.targets(rows.examples, classes, unit)
    judged = rows.task.known(gold, classes)
    known = {n: p if n == "train" else p[judged[p]] for n, p in splits.named()}
    empty = np.zeros(0, np.int64)
    splits = replace(splits, valid=known.get("valid", empty), test=known.get("test", empty))
    if recipe.data.unlabelled is not None and not len(splits.valid):
        text = "guesses are calibrated and students chosen on validation rows, and there are none; give --valid"
        raise RecipeError([Problem("data.unlabelled", text)])
    chosen = starting_model(recipe, rows.language)
    say_code(chosen.folder, teller)
    return replace(measure(recipe, rows, splits, chosen), classes=classes, targets=targets, unit=unit)


def measure(recipe: Recipe, rows: Rows, splits: Splits, chosen: Chosen) -> Prepared:
    """Count tokens with the chosen model's tokenizer and settle the length of texts; classes and targets are open."""
    threads = recipe.training.threads if isinstance(recipe.training.threads, int) else None
    tokenizer = TextTokenizer(chosen.folder, rows.task.special_tokens, threads)
    lengths, unknown = rows.task.lengths(rows.examples, tokenizer)
    # A tokenizer that bertune saved has the length of its run's texts for a limit, not what the model can read.
    ours = (chosen.folder / "bertune.json").is_file()
    limit = _positions(chosen.folder)
    limit = limit if ours else min(tokenizer.limit or LONGEST, limit)
    wanted = recipe.model.max_length
    if wanted == "auto":
        base = splits.train if len(splits.train) else np.arange(len(lengths))
        wanted = rows.task.length(lengths[base], min(limit, LONGEST))
    if wanted > limit:
        text = f"found {wanted}; this model reads at most {limit} tokens"
        raise RecipeError([Problem("model.max_length", text)])
    view = View(
        table=rows.table, roles=rows.roles, splits=splits, texts=rows.texts, pairs=rows.pairs, labels=rows.labels,
        exact=rows.exact, near=rows.near, lengths=lengths, unknown=unknown, max_length=int(wanted),
        model_name=chosen.name, split_made_by_bertune=splits.how != "as given",
        kind=kind_of(rows.task), noticed=rows.noticed,
        lost=rows.task.lost(rows.examples, lengths, tokenizer, int(wanted)),
    )  # fmt: skip
    nothing = np.zeros(len(lengths), np.int64)
    made = copies_of(recipe, rows.task)
    return Prepared(rows, splits, (), nothing, chosen, tokenizer, lengths, unknown, int(wanted), view, Tuned(), made)


def say_code(folder: Path, teller: Teller) -> None:
    """Say that a model's folder asks for code to be run, which bertune does not do."""
    if named := code_named(folder):
        shown = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")
        teller.warn(f"the model's folder asks for code of its own, which is not run: {shown}", code="code_not_run")


def _positions(folder: Path) -> int:
    """Positions that the model knows, from its config; RoBERTa-like models lose those up to the padding token."""
    from bertune.base.files import FILES

    try:
        config = FILES.read_json(folder / "config.json")
    except (OSError, ValueError):
        return LONGEST
    most = config.get("max_position_embeddings") if isinstance(config, dict) else None
    if not isinstance(most, int) or most < 1:
        return LONGEST
    shifted = config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "data2vec-text")
    return most - 2 if shifted else most


def severe(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that people must see at once: errors and warnings."""
    return [f for f in findings if f.severity in ("error", "warning")]
