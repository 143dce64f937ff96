"""Changes bytes as fuzzers do: flips, cuts, copies, splices of two inputs, and tokens of the format."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

MOST_BYTES = 1 << 16
SEPARATOR = b"\n%%\n"
NAMES = ("", "text", "label", "to_dict", "__class__", "auto_map", "n" * 2000, "\ud800", "\x1b[31m", "a.b", "../x")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 10**15, 10**30, -(10**400), 0.5, 1e308, float("inf"), float("nan"),
    "", "x", "1", "x" * 3000, "../../etc/passwd", "\ud800", "\x1b[31m\u202e", "<script>alert(1)</script>",
    [], {}, [None], [[]], [1, "a"], {"a": 1}, {"value": "x"}, ["a"] * 300,
)  # fmt: skip
SHARED = (
    b"", b"\0", b"\n", b"\r", b"\r\n", b'"', b"'", b",", b"\t", b";", b"|", b"\\", b"\xff", b"\xef\xbb\xbf",
    b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\x1f\x8b", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80",
    b"\xc0\x80", b"\xe2\x80\xae",
    b"0", b"-1", b"9" * 30, b"9" * 5000, b"1e999", b"NaN", b"null", b"true", b"text", b"label", b"=1+1", b"../../x",
)  # fmt: skip
TOKENS: dict[str, tuple[bytes, ...]] = {
    "json": (b"{", b"}", b"[", b"]", b":", b"[" * 200, b'{"a":' * 200, b"\\ud800", b"\\u0000",
             b'"text":', b"{},", b"//"),
    "toml": (b"[", b"]", b"=", b"[[", b"]]", b'"""', b"#", b".", b"[" * 3000, b"a." * 2000, b"{a=1}", b"1979-05-27",
             b"inf", b"nan", b"[data]\n", b"loss.name=", b"training.epochs=", b"0x" + b"f" * 5000,
             b"true", b"data.split"),
    "xml": (b"<", b">", b"&", b"]]>", b"<c>", b"</row>", b'r="A1"', b'r="XFD9"', b't="s"', b"<!DOCTYPE x>",
            b"<v>9</v>"),
    "text": (b'""', b'","', b"\n\n", b"a,b,c,d\n", b"#", b"text,label\n"),
    "tags": (b"B-X", b" O\n", b"\tO\n", b"-DOCSTART- ", b"# ", b"T1\tX 0 1\t", b" 0 1;2 3\t", b"\nR1\t"),
    "binary": (b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f",
               b"PAR1", b"PK\x03\x04", b"PK\x05\x06"),
}  # fmt: skip


def mutated(chance: random.Random, corpus: Sequence[bytes], kinds: Sequence[str]) -> bytes:
    """One input of the corpus changed in one to six places; `kinds` names the tokens that may be put in."""
    start = chance.choice(corpus)
    if "json" in kinds and chance.random() < 0.6 and (changed := _other_values(chance, start)) is not None:
        return changed[:MOST_BYTES]
    data = bytearray(start)
    tokens = [*SHARED, *(token for kind in kinds for token in TOKENS[kind])]
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        _change(chance, data, corpus, tokens)
    return bytes(data[:MOST_BYTES])


def _other_values(chance: random.Random, data: bytes) -> bytes | None:
    """The input with one to three values of its JSON replaced by others, still JSON; None where it is none."""
    pieces = data.split(SEPARATOR)
    at = chance.randrange(len(pieces))
    try:
        value = json.loads(pieces[at])
    except (ValueError, RecursionError):
        return None
    for _ in range(chance.randint(1, 3)):
        value = _replaced(chance, value)
    pieces[at] = json.dumps(value, ensure_ascii=chance.random() < 0.8).encode("utf-8", "surrogatepass")
    return SEPARATOR.join(pieces)


def _replaced(chance: random.Random, value: Any) -> Any:
    if not isinstance(value, (dict, list)) or not value or chance.random() < 0.15:
        return copy.deepcopy(chance.choice(VALUES))
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = chance.choice(keys)
    if chance.random() < 0.1:
        del value[key]
    elif isinstance(value, dict) and chance.random() < 0.1:
        value[chance.choice(NAMES)] = copy.deepcopy(value[key])
    else:
        value[key] = _replaced(chance, value[key])
    return value


def _change(chance: random.Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 2, 4, 16, 256)))
    way = chance.randrange(8)
    if way == 0 and at < len(data):
        data[at] ^= 1 << chance.randrange(8)
    elif way == 1 and at < len(data):
        data[at] = chance.randrange(256)
    elif way == 2:
        del data[at:end]
    elif way == 3:
        data[at:at] = data[at:end] * chance.choice((1, 2, 50))
    elif way == 4:
        data[at:end] = chance.choice(tokens)
    elif way == 5:
        other = chance.choice(corpus)
        start = chance.randrange(len(other) + 1)
        data[at:] = other[start:]
    elif way == 6:
        del data[at:]
    else:
        data[at:at] = chance.choice(tokens)
