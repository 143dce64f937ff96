"""Choices and the right one among them, in the shapes that people keep them."""

import re
from collections.abc import Sequence

import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.types import Roles, Table
from bertune.data._names import plain
from bertune.data.columns import label_texts, text_values
from bertune.tasks._task import Asked

LISTS = ("choices", "options", "endings", "candidates", "answers", "选项")
ONE_EACH = re.compile(r"(?:choice|option|ending|answer|hypothesis|solution|sol|选项)_?([0-9]+|[a-z])$|([a-h])$")
CONTEXTS = ("context", "document", "article", "passage", "premise", "sent1", "startphrase", "ctx", "文章", "材料")
QUESTIONS = ("question", "query", "sent2", "ask_for", "goal", "prompt", "问题")
LABELS = ("label", "answer", "answerkey", "gold", "correct", "target", "答案", "标签")
CHOICE = "choice "  # begins the role of a column that is a choice of its own


def find_columns(table: Table, asked: Asked, need_label: bool) -> Roles | None:
    """The columns of a multiple-choice table; None where it is none."""
    names = {plain(name): name for name in reversed(table.names)}
    more = _list_column(table, names) or _own_columns(table, names)
    if not more:
        return None
    free = {short: name for short, name in names.items() if name not in more.values()}
    context = _first(free, CONTEXTS, asked.get("text"))
    question = _first(free, QUESTIONS, asked.get("text_pair"))
    if asked.get("text") and not asked.get("text_pair") and _first(free, CONTEXTS, None) != asked["text"]:
        question = None
    label = _first(free, LABELS, asked.get("label"))
    text = context or question
    if text is None or (need_label and label is None) or text not in table.names:
        return None
    return Roles(text, question if context else None, label, asked.get("group"), "choices by name", more)


def _first(names: dict[str, str], wanted: Sequence[str], asked: str | None) -> str | None:
    return asked or next((names[name] for name in wanted if name in names), None)


def _list_column(table: Table, names: dict[str, str]) -> dict[str, str] | None:
    for short in LISTS:
        if short in names:
            kind = table.columns.column(names[short]).type
            listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
            if listed and (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)):
                return {"choices": names[short]}
    return None


def _own_columns(table: Table, names: dict[str, str]) -> dict[str, str] | None:
    found = {}
    for short, name in names.items():
        match = ONE_EACH.match(short)
        if match and not pa.types.is_nested(table.columns.column(name).type):
            found[match[1] or match[2]] = name
    keys = sorted(found, key=lambda key: (not key.isdigit(), int(key) if key.isdigit() else 0, key))
    if len(keys) < 2 or len({key.isdigit() for key in keys}) > 1:
        return None
    return {CHOICE + key: found[key] for key in keys}


def choices_of(table: Table, roles: Roles) -> list[list[str]]:
    """The choices of each row, at least two. Raises DataError naming file and row."""
    if "choices" in roles.more:
        rows = [
            [str(c) for c in v or () if c is not None] for v in table.columns.column(roles.more["choices"]).to_pylist()
        ]
    else:
        columns = [list(text_values(table, n)) for role, n in roles.more.items() if role.startswith(CHOICE)]
        rows = [[choice for choice in row if choice is not None] for row in zip(*columns, strict=True)]
    for i, row in enumerate(rows):
        if len(row) < 2:
            raise DataError(
                "there is nothing to choose from.", where=str(table.place(i)), expected="two choices or more",
                found=f"{len(row)}", next_move="mend the row, or delete it",
            )  # fmt: skip
    return rows


def gold_of(table: Table, roles: Roles, choices: Sequence[Sequence[str]]) -> list[int | None]:
    """The position of the right choice, from 0. Raises DataError naming file and row."""
    assert roles.label is not None
    labels = label_texts(table, roles.label)
    numbers = [label for label in labels if label is not None and label.strip().isdigit()]
    first = 1 if numbers and "0" not in (n.strip() for n in numbers) and _counts_from_one(labels, choices) else 0
    return [None if label is None else _position(table, roles, i, label.strip(), choices[i], first)
            for i, label in enumerate(labels)]  # fmt: skip


def _counts_from_one(labels: Sequence[str | None], choices: Sequence[Sequence[str]]) -> bool:
    """Whether some label is the number of its row's choices: so people count from 1."""
    pairs = zip(labels, choices, strict=True)
    return any(label is not None and label.strip() == str(len(row)) for label, row in pairs)


def _position(table: Table, roles: Roles, i: int, label: str, choices: Sequence[str], first: int) -> int:
    stripped = [choice.strip() for choice in choices]
    if label.isdigit() and first <= int(label) < len(choices) + first:
        return int(label) - first
    if label in stripped:
        return stripped.index(label)
    if len(label) == 1 and label.isalpha() and label.isascii() and ord(label.upper()) - 65 < len(choices):
        return ord(label.upper()) - 65
    raise DataError(
        "this label is none of the row's choices.", where=str(table.place(i)),
        expected=f"a number from {first} to {len(choices) - 1 + first}, a letter, or the text of a choice",
        found=repr(label[:80]), next_move=f"mend column {roles.label!r} of the row",
    )  # fmt: skip
