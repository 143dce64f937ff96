"""Groups of rows with the same and with nearly the same text.

Near duplicates are found in three steps: MinHash signatures of the character shingles (Source: Broder 1997, "On the
resemblance and containment of documents"), banding to get candidate pairs (Source: Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3), and the exact Jaccard similarity of each candidate pair. The work is done
in blocks and the compared forms of the texts lie on disk once they are many, so memory grows by 80 numbers of 4
bytes a text and not with the length of the texts.
"""

import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bertune.base.seeds import generator
from bertune.base.types import Ints
from bertune.data.normal_forms import normalize
from bertune.data.texts import Texts, held

NEAR = 0.8  # least Jaccard similarity of the shingles of two near duplicates
SHINGLE = 3  # characters in a shingle: one changed word in a message of 80 characters leaves about 0.82
SHINGLE_CJK = 2  # the same for texts written mostly in CJK characters, each of which is worth about two letters
BANDS, BAND_ROWS = 16, 5  # a pair at similarity 0.8 shares a band with probability 0.998, one at 0.4 with 0.15
SLACK = 0.13  # 2.9 standard errors of the similarity estimated from 80 hashes: worse pairs are not verified
NEIGHBOURS = 8  # pairs of a text with the next ones of its bucket; boilerplate would give the square of its rows
BLOCK = 1 << 17  # characters worked on at once: stays in the processor's cache

_SEPARATOR = "\x1f"
Words = NDArray[np.uint64]
Pairs = tuple[Ints, Ints]


def groups(texts: Sequence[str | None], pairs: Sequence[str | None] | None = None) -> tuple[Ints, Ints]:
    """(exact, near): the group number of each row among the same texts and among nearly the same texts.

    Rows share an exact group when text and pair are the same after NFKC, case folding and joining of white space,
    and a near group when they also are the same without punctuation, or are linked by pairs whose shingles have a
    Jaccard similarity of at least `NEAR` (in the text and in the pair, each for itself). Near groups contain the
    exact ones. A row without text, or with blank text, is alone. Numbers start at 0 in the order of first
    appearance; the grouping does not depend on the order of the rows.
    """
    exact, distinct, _ = _numbered(_forms(texts, pairs))
    alike, bare, digests = _numbered(_bare(distinct))
    whole = np.flatnonzero(np.fromiter((form is not None for form in bare), bool))
    order = whole[np.argsort(digests[whole])]  # an order of the content, whatever the order of the rows
    component = len(order) + np.arange(len(bare))
    component[order] = _components(cast("Sequence[str]", bare.take(order)))
    return exact, _renumbered(component[alike][exact])


def _forms(texts: Sequence[str | None], pairs: Sequence[str | None] | None) -> Iterator[str | None]:
    """What is compared of each row; None for a row without text."""
    if pairs is None:
        yield from (_same(t) if t is not None and t.strip() else None for t in texts)
        return
    for text, pair in zip(texts, pairs, strict=True):
        yield None if text is None or not text.strip() else _same(text) + _SEPARATOR + _same(pair or "")


def _same(text: str) -> str:
    folded = text if text.isascii() else normalize("NFKC", text)
    return " ".join(folded.casefold().replace(_SEPARATOR, " ").split())


def _numbered(forms: Iterable[str | None]) -> tuple[Ints, Texts, NDArray[np.bytes_]]:
    """A number for each form, the same for equal ones; the form of each number; its digest. None is never equal."""
    numbers: dict[bytes, int] = {}
    result = array("q")

    def distinct() -> Iterator[str | None]:
        for row, form in enumerate(forms):
            key = row.to_bytes(8, "little") if form is None else blake2b(form.encode(), digest_size=16).digest()
            if key not in numbers:
                numbers[key] = len(numbers)
                yield form
            result.append(numbers[key])

    kept = held(distinct())
    return np.array(result, dtype=np.int64), kept, np.array(list(numbers), dtype="S16")


def _renumbered(groups: Ints) -> Ints:
    """The same groups, numbered from 0 in the order of first appearance."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _bare(forms: Sequence[str | None]) -> Iterator[str | None]:
    """The forms without punctuation; those of nothing but punctuation as they are. Symbols (emoji) stay."""
    characters: set[str] = set()
    for form in forms:
        characters.update(form or "")
    characters.discard(_SEPARATOR)
    table = {ord(c): " " for c in characters if unicodedata.category(c)[0] in "PZC"}
    for form in forms:
        sides = () if form is None else form.split(_SEPARATOR)
        yield None if form is None else _SEPARATOR.join(" ".join(s.translate(table).split()) or s for s in sides)


def _components(forms: Sequence[str]) -> Ints:
    """The component of each of these distinct forms under near duplication."""
    component = np.arange(len(forms))
    if len(forms) < 2:
        return component
    sizes = np.fromiter((len(form) + 1 for form in forms), np.int64)
    signatures = _signatures(forms, sizes)
    edges: list[Pairs] = []
    for band in range(BANDS):
        left, right = _candidates(signatures[:, band * BAND_ROWS : (band + 1) * BAND_ROWS])
        apart = component[left] != component[right]
        left, right = _promising(signatures, left[apart], right[apart])
        verified = _verified(forms, sizes, left, right)
        if verified.any():
            edges.append((left[verified], right[verified]))
            rows, columns = (np.concatenate(side) for side in zip(*edges, strict=True))
            ones = np.ones(len(rows), dtype=np.int8)
            graph = coo_array((ones, (rows, columns)), shape=(len(forms),) * 2)
            component = connected_components(graph, directed=False)[1].astype(np.int64)
    return component


def _blocks(sizes: Ints) -> Iterator[tuple[int, int]]:
    """(start, end) of runs of items whose sizes sum to at most about BLOCK."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
        yield start, end
        start = end


def _shingles(forms: Sequence[str]) -> tuple[Words, Ints]:
    """All shingles of some forms, each as one number that is unique to it, and the form each belongs to.

    Three code points of 21 bits fill 63 bits; the highest bit tells the pair from the text. A side shorter than a
    shingle is one shingle. Every form has at least one.
    """
    sides = [side for form in forms for side in (form or "\0").split(_SEPARATOR)]
    parts = len(sides) // len(forms)
    lengths = np.array([len(side) for side in sides], dtype=np.int64)
    codes = np.frombuffer("".join(sides).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    side = np.repeat(np.arange(len(sides)), lengths)
    ends = np.cumsum(lengths)
    left = ends[side] - np.arange(len(codes))  # characters from here to the end of the side
    wide = np.bincount(side, weights=codes >= 0x2E80, minlength=len(sides)) > 0.5 * lengths
    size = np.where(wide, SHINGLE_CJK, SHINGLE)[side]
    value = codes.copy()
    for step in range(1, SHINGLE):
        inside = np.flatnonzero((left > step) & (size > step))
        value[inside] |= codes[inside + step] << np.uint64(21 * step)
    value |= (side % parts).astype(np.uint64) << np.uint64(63)
    keep = (left >= size) | (left == lengths[side])
    return value[keep], side[keep] // parts


def _mixed(values: Words) -> Words:
    """Well-spread 64-bit hashes. Source: the finaliser of SplitMix64, Steele et al. 2014."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _signatures(forms: Sequence[str], sizes: Ints) -> NDArray[np.uint32]:
    """MinHash signatures [forms, BANDS * BAND_ROWS]: the smallest of each of many hashes over the shingles."""
    factors = generator(0, "minhash").integers(1, 1 << 63, BANDS * BAND_ROWS, dtype=np.uint64) | np.uint64(1)
    signatures = np.empty((len(forms), len(factors)), dtype=np.uint32)
    for start, end in _blocks(sizes):
        values, rows = _shingles(forms[start:end])
        values = _mixed(values)
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        for column, factor in enumerate(factors):
            # Only the high bits of a product are well spread, and 32 of them suffice.
            hashed = ((values * factor) >> np.uint64(32)).astype(np.uint32)
            signatures[start:end, column] = np.minimum.reduceat(hashed, starts)
    return signatures


def _candidates(band: NDArray[np.uint32]) -> Pairs:
    """Pairs of forms with the same values in a band: each with its next NEIGHBOURS and with the first of its bucket."""
    key = np.zeros(len(band), dtype=np.uint64)
    for column in range(band.shape[1]):
        key = _mixed(key + band[:, column] + np.uint64(0x9E3779B97F4A7C15))
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    new = np.diff(ordered, prepend=~ordered[:1]) != 0
    first = np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
    far = np.flatnonzero(np.arange(len(new)) - first > NEIGHBOURS)
    left, right = [order[first[far]]], [order[far]]
    for distance in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
        at = np.flatnonzero(ordered[distance:] == ordered[:-distance])
        left.append(order[at])
        right.append(order[at + distance])
    return np.concatenate(left), np.concatenate(right)


def _promising(signatures: NDArray[np.uint32], left: Ints, right: Ints) -> Pairs:
    """The pairs whose signatures do not already say that they are too different."""
    least = (NEAR - SLACK) * signatures.shape[1]
    keep = np.zeros(len(left), dtype=bool)
    for start in range(0, len(left), 4096):
        part = slice(start, start + 4096)
        keep[part] = np.count_nonzero(signatures[left[part]] == signatures[right[part]], axis=1) >= least
    return left[keep], right[keep]


def _verified(forms: Sequence[str], sizes: Ints, left: Ints, right: Ints) -> NDArray[np.bool_]:
    """Whether the Jaccard similarity of the shingles of each pair is at least NEAR, on each side of a text pair."""
    result = np.zeros(len(left), dtype=bool)
    both = np.stack([left, right], axis=1)
    for start, end in _blocks(sizes[both].sum(axis=1)):
        values, rows = _shingles([forms[i] for i in both[start:end].ravel().tolist()])
        # One number a shingle, sorted without an index: pair and side (18 bits), hash (45 bits), which of the two.
        judged = (rows // 2 * 2).astype(np.uint64) + (values >> np.uint64(63))
        hashed = _mixed(values) >> np.uint64(19)
        key = np.sort((judged << np.uint64(46)) | (hashed << np.uint64(1)) | (rows % 2).astype(np.uint64))
        key = key[np.diff(key, prepend=~key[:1]) != 0]
        judge = (key >> np.uint64(46)).astype(np.int64)
        twice = np.flatnonzero(key[1:] >> np.uint64(1) == key[:-1] >> np.uint64(1))
        total = np.bincount(judge, minlength=2 * (end - start))
        shared = np.bincount(judge[twice], minlength=2 * (end - start))
        enough = shared >= NEAR * (total - shared)
        result[start:end] = enough.reshape(-1, 2).all(axis=1)
    return result


def leaked(numbers: Ints, train: Ints, valid: Ints, test: Ints) -> Ints:
    """Positions of the valid and test rows whose group has a row in an earlier split, in ascending order.

    `numbers` are the exact or near groups, the rest are positions of the rows of each split. Train is earlier than
    valid, valid earlier than test.
    """
    in_valid = valid[np.isin(numbers[valid], numbers[train])]
    in_test = test[np.isin(numbers[test], numbers[np.concatenate([train, valid])])]
    return np.sort(np.concatenate([in_valid, in_test])).astype(np.int64)
