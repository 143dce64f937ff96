"""Texts of every script, with what is hard in them: marks, joiners, emoji, blanks and characters that show nothing."""

import random

from hypothesis import strategies as st

import tiny_models

EMOJI = ["😀", "👩🏽‍🚀", "🏳️‍🌈", "🇩🇪", "👨‍👩‍👧‍👦", "1️⃣", "#️⃣", "❤️‍🔥", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☎️", "👍🏿", "🧑‍🤝‍🧑"]
LATIN = [*tiny_models.WORDS["any"], *tiny_models.WORDS["bad"], "Film", "Zoë", "e\u0301", "İ", "ß", "ﬁ", "½", "m²", "'t"]
OTHERS = [
    *tiny_models.CHINESE, "好", "の", "ン", "ー", "ㄅ", "한국", "ที่", "กำ", "ខ្មែ", "မြန်", "ລາວ", "كِتَابٌ", "می\u200cخواهم",
    "नमस्ते", ".", "-", "$", ",", "。", "…", "x" * 120,
]  # fmt: skip
HIDDEN = [
    "\u0301", "\u200b", "\u200d", "\ufe0f", "\u20e3", "\u00ad", "\ufeff", "\x00", "\x01", "\x7f", "\ufffd", "🏽", "🇩",
    "\U0001f1ff", "\u17d2", "\U000e0067", "\U0010ffff", "\u00a0", "\u3000", "\t", "\r\n", "  ", "\u2028", "\x85",
]  # fmt: skip
PIECES = [*EMOJI, *LATIN, *OTHERS, *HIDDEN]
TEXTS = st.lists(st.one_of(st.sampled_from([*PIECES, " ", "\ud800"]), st.characters(codec=None)), max_size=20).map(
    "".join
)


def texts(count: int, seed: int, pieces: int = 14) -> list[str]:
    """Random texts of at most so many pieces and characters of any kind, except halves of pairs."""
    chance = random.Random(seed)

    def piece() -> str:
        if chance.random() < 0.8:
            return chance.choice(PIECES)
        code = chance.randrange(0x110000 if chance.random() < 0.3 else 0x3000)
        return "?" if 0xD800 <= code < 0xE000 else chr(code)

    blanks = ["", "", " ", " ", " ", "\n"]
    return ["".join(piece() + chance.choice(blanks) for _ in range(chance.randint(0, pieces))) for _ in range(count)]
