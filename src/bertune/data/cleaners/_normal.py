"""Unicode normalisation that keeps the map to the original: shared by `nfc` and `nfkc`."""

import unicodedata
from typing import Literal

import numpy as np

from bertune.data.cleaners._cleaned import Cleaned, inside, unchanged
from bertune.data.normal_forms import normalize


def normalised(text: str, form: Literal["NFC", "NFKC"]) -> Cleaned:
    """The text in a Unicode normal form. Source: Unicode Standard Annex 15."""
    whole = normalize(form, text)
    if whole == text:
        return unchanged(text)
    parts = _parts(text, form)
    pieces = [normalize(form, text[start:end]) for start, end in parts]
    if "".join(pieces) != whole:
        parts, pieces = [(0, len(text))], [whole]
    offsets = [inside(start, end, len(piece)) for (start, end), piece in zip(parts, pieces, strict=True)]
    return Cleaned(whole, np.concatenate([*offsets, np.array([len(text)])]))


def _parts(text: str, form: Literal["NFC", "NFKC"]) -> list[tuple[int, int]]:
    """(start, end) of the shortest stretches of the text whose normal forms do not depend on each other."""
    parts: list[tuple[int, int]] = []
    start, before = 0, unicodedata.normalize(form, text[0])
    for at in range(1, len(text)):
        character = text[at]
        alone = unicodedata.normalize(form, character)
        if character.isascii() or (
            not unicodedata.combining(character)
            and unicodedata.normalize(form, before[-30:] + alone) == before[-30:] + alone
        ):
            parts.append((start, at))
            start, before = at, alone
        else:
            before = unicodedata.normalize(form, before + alone) if len(before) < 30 else (before + alone)[-30:]
    return [*parts, (start, len(text))]
