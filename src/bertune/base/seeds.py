"""Randomness as a pure function of names, so that no random state is ever stored."""

import hashlib

import numpy as np


def derive(seed: int, *keys: int | str) -> int:
    """A 63-bit seed for one purpose: the same seed and keys give the same number on every machine."""
    text = "\x1f".join([str(seed), *(f"{type(k).__name__}:{k}" for k in keys)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *keys: int | str) -> np.random.Generator:
    """A numpy generator for one purpose (PCG64 on the derived seed)."""
    return np.random.Generator(np.random.PCG64(derive(seed, *keys)))
