"""Changes bytes as fuzzers do: flips, cuts, copies, splices of two inputs, and tokens of the format."""

import random
from collections.abc import Sequence

MOST_BYTES = 1 << 16
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
    "binary": (b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f",
               b"PAR1", b"PK\x03\x04", b"PK\x05\x06"),
}  # fmt: skip


def mutated(chance: random.Random, corpus: Sequence[bytes], kinds: Sequence[str]) -> bytes:
    """One input of the corpus changed in one to six places; `kinds` names the tokens that may be put in."""
    data = bytearray(chance.choice(corpus))
    tokens = [*SHARED, *(token for kind in kinds for token in TOKENS[kind])]
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        _change(chance, data, corpus, tokens)
    return bytes(data[:MOST_BYTES])


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
