"""From a recipe to rows that a model can learn from: read, clean, find faults, split, choose a model, measure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bertune.base import registry
from bertune.base.errors import DataError, Problem, RecipeError
from bertune.base.model_files import code_named
from bertune.base.recipe import Recipe
from bertune.base.settings import build
from bertune.base.types import SPLITS, Examples, Finding, Ints, Roles, Splits, Table, Tuned, View
from bertune.base.wording import counted, percent
from bertune.data import table as tables
from bertune.data.augment import Copies
from bertune.data.duplicates import groups
from bertune.data.languages import language_of_texts
from bertune.data.texts import held
from bertune.data.tokenizer import TextTokenizer
from bertune.data.truncation import TruncationLedger, ledger
from bertune.model.choice import Chosen
from bertune.runs.examples import examples_of, task_and_roles, usable
from bertune.runs.fitting import check_metric
from bertune.runs.lineage import starting_model
from bertune.runs.parts import columns_there
from bertune.runs.telling import Teller

LONGEST = 512
_LEFT = {"tail": " to their tails", "head_tail": " to heads and tails"}  # what is left of a text that is cut
SAMPLE = 2000  # rows looked at to tell the language


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of all files with their roles, as the task reads them; texts are cleaned, None where missing."""

    table: Table
    roles: Roles
    task: Any
    examples: Examples
    exact: Ints
    near: Ints
    language: str
    digest: str
    settings: Mapping[str, Any]
    noticed: Sequence[Finding] = ()

    @property
    def texts(self) -> Sequence[str | None]:
        """The texts of all rows."""
        return self.examples.texts

    @property
    def pairs(self) -> Sequence[str | None] | None:
        """The second texts of all rows, where the task reads two."""
        return self.examples.pairs

    @property
    def labels(self) -> list[str | None] | None:
        """What is to be found in each row, as a text; None where missing."""
        if self.examples.gold is None:
            return None
        return [None if value is None else self.task.shown(value) for value in self.examples.gold]


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


def read_rows(recipe: Recipe, teller: Teller, source: Table | None = None, need_label: bool = True) -> Rows:
    """Read and clean every file that the recipe names, find the columns and the groups of duplicates."""
    data = recipe.data
    table = source if source is not None else _read_files(recipe)
    if not len(table):
        raise DataError("there are no rows.", where=", ".join(table.files), expected="a header and at least one row")
    part = recipe.part("task")
    asked = {"text": data.text, "text_pair": data.text_pair, "label": data.label, "group": data.group}
    task, roles = task_and_roles(part.name, dict(part.settings), table, asked, need_label)
    if not task.cleans and data.cleaning:
        text = f"{task.name} counts places in the text, so texts stay as they are; leave it out"
        raise RecipeError([Problem("data.cleaning", text)])
    if recipe.evaluation.metric != "auto":
        check_metric(recipe.evaluation.metric, task.kind, task.name, "evaluation.metric")
    copies_of(recipe, task)
    if recipe.data.unlabelled is not None and not task.guessed:
        fitting = ", ".join(n for n in registry.names("tasks") if registry.load("tasks", n).guessed)
        text = f"guesses of {task.name} cannot be learnt; tasks that can: {fitting}"
        raise RecipeError([Problem("data.unlabelled", text)])
    columns_there(table, recipe.evaluation.slices, "evaluation.slices: ")
    facts = " · ".join(v for k, v in table.facts.items() if k in ("format", "encoding", "delimiter"))
    teller.say("data", f"{_names(table.files)} · {len(table):,} rows" + (f" · {facts}" if facts else ""))
    examples = _examples(recipe, task, table, roles)
    settings, noticed = {**part.settings, **task.decided(examples)}, task.findings(table, roles)  # as read just now
    task = build(type(task), values=settings)
    exact, near = groups(examples.texts, examples.pairs)
    language = language_of_texts([t for t in islice(examples.texts, SAMPLE) if t])
    columns = list(dict.fromkeys([*roles.columns(), *([roles.group] if roles.group else []),
                                  *recipe.evaluation.slices]))  # fmt: skip
    digest = hashlib.sha256(
        (tables.digest(table, columns) + "|" + ",".join(map(str, np.bincount(table.given + 1, minlength=4)))).encode()
    ).hexdigest()
    return Rows(table, roles, task, examples, exact, near, language, digest, settings, noticed)


def _examples(recipe: Recipe, task: Any, table: Table, roles: Roles) -> Examples:
    """The rows as the task reads them; many texts lie on disk."""
    data = recipe.data
    fill = data.fill if data.missing == "fill" else None
    found = examples_of(task, table, roles, data.cleaning, fill, held)
    if data.label_spelling == "merge":
        if kind_of(task) != "class":
            raise RecipeError([Problem("data.label_spelling", f"{task.name} has no single label a row to merge")])
        if found.gold is not None:
            return replace(found, gold=merge_spellings(found.gold))
    return found


def _names(files: Sequence[str]) -> str:
    shown = [Path(f).name or f for f in files[:3]]
    return ", ".join(shown) + (f" and {len(files) - 3:,} more" if len(files) > 3 else "")


def _read_files(recipe: Recipe) -> Table:
    data = recipe.data
    if data.train is None:
        raise RecipeError([Problem("data.train", "names no data", "give a file: bertune train DATA")])
    parts = [tables.read(data.train, data, given="train" if data.valid or data.test else None)]
    for name in ("valid", "test"):
        path = getattr(data, name)
        if path is not None:
            parts.append(tables.read(path, data, given=name))
    return tables.concatenate(parts) if len(parts) > 1 else parts[0]


def merge_spellings(labels: Sequence[str | None]) -> list[str | None]:
    """Labels that differ only in case and outer spaces become the commonest of their spellings."""
    counts: dict[str, dict[str, int]] = {}
    for label in labels:
        if label is not None:
            spellings = counts.setdefault(label.strip().casefold(), {})
            spellings[label] = spellings.get(label, 0) + 1
    best = {key: max(sorted(spellings), key=lambda s: spellings[s]) for key, spellings in counts.items()}
    return [None if label is None else best[label.strip().casefold()] for label in labels]


def make_splits(recipe: Recipe, rows: Rows) -> Splits:
    """The splits that the files give, completed by those that the recipe's split part makes; labelled rows only."""
    if rows.examples.gold is None:
        raise DataError("there is no label column.", found=rows.roles.why, next_move="name it: --label NAME")
    good = usable(rows.examples) & np.array([value is not None for value in rows.examples.gold], dtype=bool)
    given = rows.table.given
    have = {name: good & (given == i) for i, name in enumerate(SPLITS)}
    base = have["train"] | (good & (given < 0))
    if not base.any():
        raise DataError("no row has both a text and a label.", where=_names(rows.table.files))
    missing = [name for name in ("valid", "test") if not (given == SPLITS.index(name)).any()]
    if not missing:
        return Splits(np.flatnonzero(base), np.flatnonzero(have["valid"]), np.flatnonzero(have["test"]), "as given")
    part = recipe.part("data.split")
    settings = dict(part.settings)
    if "test" not in missing and "test_share" in settings:
        settings["test_share"] = 0.0
    if "valid" not in missing and "valid_share" in settings:
        settings["valid_share"] = 0.0
    positions = np.flatnonzero(base)
    names = _deal(recipe, rows, positions, build(registry.load("splits", part.name), values=settings))
    made = {name: positions[names == name] for name in SPLITS}
    for name in ("valid", "test"):
        if name not in missing:
            made[name] = np.sort(np.concatenate([made[name], np.flatnonzero(have[name])]))
    how = f"{part.name}, seed {recipe.seed}, no duplicate straddles"
    if len(missing) == 1:
        how = f"{missing[0]} {how}; {'test' if missing[0] == 'valid' else 'valid'} as given"
    return Splits(made["train"], made["valid"], made["test"], how)


def _deal(recipe: Recipe, rows: Rows, positions: Ints, part: Any) -> Any:
    gold = rows.examples.gold
    assert gold is not None
    keys = [
        hashlib.blake2b(
            "\x1f".join([rows.texts[i] or "", "" if rows.pairs is None else rows.pairs[i] or ""]).encode(
                "utf-8", "surrogatepass"
            ),
            digest_size=16,
        ).hexdigest()
        for i in positions.tolist()
    ]
    strata = rows.task.strata([gold[i] for i in positions.tolist()])
    kinds = {name: n for n, name in enumerate(sorted(set(strata)))}
    numbers = np.array([kinds[name] for name in strata], dtype=np.int64)
    near = rows.near[positions]
    if part.needs_group and rows.roles.group is None:
        raise RecipeError([Problem("data.group", "the split 'grouped' needs a column: --set data.group=NAME")])
    if rows.roles.group is not None:
        near = _joined(near, [str(v) for v in rows.table.take(positions).values(rows.roles.group)])
    return np.array(part(keys, numbers, near, recipe.seed), dtype=object)


def _joined(near: Ints, column: list[str]) -> Ints:
    """Groups so that rows of one near-duplicate group or one value of a column are together."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, one = np.unique(near, return_inverse=True)
    _, two = np.unique(np.array(column), return_inverse=True)
    links = coo_matrix((np.ones(len(one)), (one, two + one.max() + 1)), shape=(one.max() + two.max() + 2,) * 2)
    return np.asarray(connected_components(links, directed=False)[1][one], dtype=np.int64)


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


def copies_of(recipe: Recipe, task: Any) -> Copies | None:
    """The copies of training rows that the recipe asks for. Raises RecipeError where the task cannot have them."""
    part = recipe.part("data.augment")
    if part.name == "none":
        return None
    if not (task.edits or registry.load("augmenters", part.name).keeps_places):
        fitting = [n for n in registry.names("augmenters") if registry.load("augmenters", n).keeps_places]
        text = f"{part.name} changes texts, and what {task.name} looks for lies in them; "
        raise RecipeError([Problem("data.augment.name", text + f"expected {' or '.join(fitting)}, or none")])
    return Copies(part.name, part.shared.copies, recipe.seed, part.settings)


def kind_of(task: Any) -> str:
    """What checks of labels may think that labels are: classes only where classes are learnt, one a row."""
    return str(task.kind if task.loss_kind == "class" else task.loss_kind)


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
