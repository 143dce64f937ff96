"""Writes the tables of docs/recipe.md, docs/data.md and docs/tasks.md from the code.

python scripts/recipe_table.py            write them anew
python scripts/recipe_table.py --check    only tell whether they are what the code says (exit code 1 if not)

A table stands between `<!-- table: section training -->` and `<!-- end -->`; the kinds are `section NAME`,
`shared SLOT` and `door DOOR`.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from bertune.base import registry
from bertune.base.recipe import SECTIONS, SLOTS
from bertune.base.settings import schema, settings_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/recipe.md", "docs/data.md", "docs/tasks.md")
TABLE = re.compile(r"(<!-- table: (\w+) ([\w.]+) -->\n).*?(<!-- end -->)", re.DOTALL)
WITHOUT_SETTINGS = ("readers", "metrics", "cleaners", "baselines")


def cell(text: str) -> str:
    """A text that cannot break a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def shown(value: object) -> str:
    """A default as it is written in TOML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(v) for v in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def settings_table(prefix: str, model: type[BaseModel]) -> Iterable[str]:
    """One line a setting: key, default, allowed values, meaning."""
    yield "| setting | default | allowed | meaning |"
    yield "|---|---|---|---|"
    for s in settings_of(model):
        yield f"| `{prefix}.{s.name}` | `{shown(s.default)}` | {cell(s.allowed)} | {cell(s.meaning)} |"


def door_table(door: str) -> Iterable[str]:
    """One line a part: name, what it is, its settings with default and allowed values."""
    plain = door in WITHOUT_SETTINGS
    yield "| name | what it is |" if plain else "| name | what it is | its settings |"
    yield "|---|---|" if plain else "|---|---|---|"
    for name in registry.names(door):
        line = f"| `{name}` | {cell(registry.describe(door, name))} |"
        if not plain:
            own = settings_of(schema(registry.load(door, name)))
            told = [
                f"`{s.name}` = {shown(s.default)}: {s.allowed}" + (f"; {s.meaning}" if s.meaning else "") for s in own
            ]
            line += f" {cell('<br>'.join(told)).replace('&lt;br>', '<br>')} |"
        yield line


def table(kind: str, name: str) -> str:
    """The lines of one table."""
    if kind == "section":
        return "\n".join(settings_table(name, SECTIONS[name]))
    if kind == "shared":
        return "\n".join(settings_table(name, SLOTS[name].shared))
    return "\n".join(door_table(name))


def written_anew(text: str) -> str:
    """A page with its tables as the code says."""
    return TABLE.sub(lambda found: f"{found[1]}{table(found[2], found[3])}\n{found[4]}", text)


def main() -> int:
    """Write or check the pages."""
    wrong = 0
    for page in PAGES:
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        after = written_anew(before)
        if before != after and "--check" in sys.argv:
            print(f"{page} is not what the code says: python scripts/recipe_table.py", file=sys.stderr)
            wrong = 1
        elif before != after:
            path.write_text(after, encoding="utf-8", newline="\n")
            print(f"written {page}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
