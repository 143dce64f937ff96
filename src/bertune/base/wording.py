"""Numbers in words, and texts of strangers, the same wherever they are told."""

from typing import Any

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEEN = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    **{code: f"\u27e8U+{code:04X}\u27e9" for code in _BIDI},
    0xFFFE: "\ufffd",
    0xFFFF: "\ufffd",
}
_IN_JSON = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *_BIDI, 0x2028, 0x2029)}


def visible(text: str) -> str:
    """A text in which control, surrogate and direction-changing characters are shown instead of obeyed."""
    return text.translate(_SEEN)


def harmless_json(line: str) -> str:
    """A line of JSON that says the same, with the characters that a terminal would obey as their numbers."""
    return line.translate(_IN_JSON)


def brief(value: Any, most: int = 200) -> str:
    """A value as Python writes it, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than some thousand digits
        return "a number too long to be shown"
    return text if len(text) <= most else text[:most] + "…"


def counted(number: float, noun: str) -> str:
    """`1 text`, `1,204 texts`, `0.5 epochs`."""
    shown = f"{number:g}" if isinstance(number, float) else f"{number:,}"  # whole numbers of numpy are no int
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share in percent with as many digits as it needs: `62 %`, `0.2 %`."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 1 or value == 0 else f"{value:.1f} %" if value >= 0.1 else "under 0.1 %"
