"""The annotation files of brat: one annotation a line, with file and line of every fault."""

from collections import Counter

from bertune.base.errors import DataError
from bertune.data.readers._spans import reads

# The first character of a line tells its kind; only T marks a place of the text.
OTHER_KINDS = {
    "R": "relations", "*": "equivalences", "E": "events", "A": "attributes", "M": "modifications",
    "N": "normalizations", "#": "notes",
}  # fmt: skip
_DIGITS = 12


def places(lines: list[str], text: str, path: str, shift: int, left_out: Counter[str]) -> list[tuple[int, int, str]]:
    """(start, end, label) of each text-bound annotation of an .ann file; lines of other kinds go to `left_out`.

    `path` is that of the .ann file, `shift` is taken off every offset. Raises DataError naming file and line.
    """
    found = []
    for number, line in enumerate(lines, 1):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        if line[0] in OTHER_KINDS:
            left_out[OTHER_KINDS[line[0]]] += 1
            continue
        where = f"{path} line {number:,}"
        start, end, label, quoted = _parsed(line, where)
        start, end = start - shift, end - shift
        if end > len(text) or start < 0:
            raise DataError(
                "the marked place lies beyond the text.",
                where=where,
                expected=f"ends up to {len(text):,}, the characters of the .txt file",
                found=f"{start:,} to {end:,}",
                next_move="is this the .txt file that was annotated?",
            )
        if not reads(text, start, end, quoted):
            raise _elsewhere(text, where)
        found.append((start, end, label))
    return sorted(found)


def _parsed(line: str, where: str) -> tuple[int, int, str, str]:
    """Start, end, label and quoted text of one text-bound annotation."""
    fields = line.split("\t", 2)
    label, _, ends = fields[1].partition(" ") if len(fields) == 3 else ("", "", "")
    if ";" in ends:
        raise DataError(
            "the marked place has a gap.",
            where=where,
            expected="one piece of text: T1, a tab, NAME 0 5, a tab, the text",
            found=ends[:80],
            next_move="mark the whole from its first to its last character, or remove the line",
        )
    numbers = ends.split(" ")
    whole = len(numbers) == 2 and all(n.isascii() and n.isdigit() and len(n) <= _DIGITS for n in numbers)
    if not line.startswith("T") or not label or not whole or int(numbers[0]) >= int(numbers[1]):
        raise DataError(
            "the line is no annotation of brat.",
            where=where,
            expected="T1, a tab, NAME 0 5, a tab, the text; or a line that starts with R * E A M N #",
            next_move="tabs may have become blanks: export the annotation again",
        )
    return int(numbers[0]), int(numbers[1]), label, fields[2]


def _elsewhere(text: str, where: str) -> DataError:
    move = "is this the .txt file that was annotated, in its encoding?"
    if "\r\n" in text:
        move = "some versions count the line end CR LF once: write the .txt file with LF alone"
    return DataError(
        "the quoted text does not stand at the marked place.",
        where=where,
        expected="the same text in the .ann and the .txt file",
        next_move=move,
    )
