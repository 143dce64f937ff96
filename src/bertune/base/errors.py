"""The errors bertune raises on purpose.

    BertuneError
    ├── RecipeError    a setting that cannot be, with every other problem of the recipe beside it
    ├── DataError      a file, row, column or label that cannot be used
    ├── ModelError     a model or tokenizer that is missing, damaged, unsafe or unfit
    ├── ResumeError    a run folder that cannot be continued exactly
    └── MissingExtra   an optional package that this needs and that is not installed

Each says what was expected, what was found, where, and the next move; all are the user's to mend (exit code 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass


class BertuneError(Exception):
    """An error whose cause lies outside bertune, told with its remedy.

    `where` names the file and row (or the setting), `expected`, `found` and `next_move` each one short line.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        next_move: str | None = None,
    ) -> None:
        self.message, self.where = message, where
        self.expected, self.found, self.next_move = expected, found, next_move
        super().__init__(self.text())

    def text(self) -> str:
        """The whole message as it is shown: a head line, then the aligned details that are known."""
        head = f"{self.where}: {self.message}" if self.where else self.message
        details = (("expected", self.expected), ("found", self.found), ("next", self.next_move))
        return "\n".join([head, *(f"  {name:<10}{value}" for name, value in details if value)])


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a recipe: its key, what was found, what is allowed, and where it was written."""

    key: str
    message: str
    where: str = ""


class RecipeError(BertuneError):
    """All the problems of a recipe, in one message; nothing was started."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        width = max((len(p.key) for p in problems), default=0) + 2
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        lines = [f"  {p.key:<{width}}{p.message}" + (f"   ({p.where})" if p.where else "") for p in problems]
        super().__init__("\n".join([f"{count} in the recipe, nothing was started:", *lines]))


class DataError(BertuneError):
    """A file, row, column or label that cannot be used."""


class ModelError(BertuneError):
    """A model or tokenizer that is missing, damaged, unsafe or unfit for the task."""


class ResumeError(BertuneError):
    """A run folder that cannot be continued exactly; names what differs."""


class MissingExtra(BertuneError):  # noqa: N818 - the design fixes this name
    """An optional package that is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed.",
            next_move=f"pip install 'bertune[{extra}]'",
        )
