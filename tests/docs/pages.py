"""The code blocks of the documentation, with what a comment above them asks of the test.

`<!-- test: exit 2 -->` expects that exit code, `exact` the very output that is shown, `skip WHY` leaves a block out.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
RECORDS = (
    "architecture.md",
    "lab-notebook.md",
    "reliability.md",
)  # they tell what was done
RUN, READ = ("console", "python", "toml"), ("sh", "powershell", "text", "json")
BLOCK = re.compile(r"(?:<!-- test: (?P<wish>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A code block: where it stands, its language, its text and the wishes of its comment."""

    page: str
    line: int
    language: str
    text: str
    wish: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code that its commands end with."""
        found = re.search(r"exit (\d+)", self.wish)
        return int(found[1]) if found else 0

    def commands(self) -> Iterator[tuple[list[str], str]]:
        """(arguments of bertune, the output that is shown) of each command of a console block."""
        for piece in re.split(r"^\$ ", self.text, flags=re.M)[1:]:
            line, _, shown = piece.partition("\n")
            program, *arguments = shlex.split(line)
            assert program == "bertune", f"{self.page}:{self.line} runs {program}"
            yield arguments, shown


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text[: m.start("language")].count("\n") + 1, m["language"], m["text"], m["wish"] or "")
        for m in BLOCK.finditer(text)
    ]
