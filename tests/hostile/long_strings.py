"""Texts of a megabyte that cost clumsy code the square of their length: each made by a function of the length."""

from collections.abc import Callable

LONG: dict[str, Callable[[int], str]] = {
    "one word": lambda n: "a" * n,
    "spaces": lambda n: " " * n + "x",
    "spaces and letters": lambda n: (" " * 999 + "a") * (n // 1000),
    "line breaks": lambda n: "\n" * n + "x",
    "combining": lambda n: "a" + "\u0301" * n,
    "combining of two kinds": lambda n: "a" + "\u0301\u0316" * (n // 2),
    "less than": lambda n: "<" * n,
    "open tags": lambda n: "<a " * (n // 3),
    "open comments": lambda n: "<!--" * (n // 4),
    "nested tags": lambda n: "<b>" * (n // 7) + "</b>" * (n // 7),
    "ampersands": lambda n: "&" * n,
    "entities of entities": lambda n: "&" + "amp;" * (n // 4),
    "unfinished entities": lambda n: "&am" * (n // 3),
    "quotes": lambda n: '"' * n,
    "nested quotes": lambda n: "\u201c'" * (n // 4) + "'\u201d" * (n // 4),
    "zero width": lambda n: "a\u200b" * (n // 2),
    "right to left": lambda n: "\u05d0" * n,
    "overrides": lambda n: "\u202e\u202c" * (n // 2),
    "emoji in families": lambda n: "\U0001f468\u200d" * (n // 2),
    "hanzi": lambda n: "\u5f88" * n,
    "digits": lambda n: "1" * n,
    "dots": lambda n: "a." * (n // 2),
    "addresses": lambda n: "a@" * (n // 2),
    "braces": lambda n: "{" * n,
    "backslashes": lambda n: "\\" * n,
    "words": lambda n: "ab " * (n // 3),
    "other words": lambda n: " ".join(str(i * 7919 % 999_983) for i in range(n // 7)),
}
