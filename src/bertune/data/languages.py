"""A light guess of script and language, from code points and a few common words.

It cannot tell languages of one script apart (all Cyrillic counts as "ru", all Arabic letters as "ar", all Devanagari
as "hi"), except seven languages in Latin letters; it knows nothing of Latin-letter languages beyond those, takes
Japanese without kana for Chinese, does not tell simplified from traditional characters, and says little about texts
of fewer than ten words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from bertune.base.types import Ints

_RANGES = (
    (0x41, 0x5A, "latin"), (0x61, 0x7A, "latin"), (0xC0, 0x24F, "latin"), (0x370, 0x3FF, "greek"),
    (0x400, 0x52F, "cyrillic"), (0x530, 0x58F, "armenian"), (0x590, 0x5FF, "hebrew"), (0x600, 0x6FF, "arabic"),
    (0x750, 0x77F, "arabic"), (0x900, 0x97F, "devanagari"), (0x980, 0x9FF, "bengali"), (0xA00, 0xA7F, "gurmukhi"),
    (0xA80, 0xAFF, "gujarati"), (0xB80, 0xBFF, "tamil"), (0xC00, 0xC7F, "telugu"), (0xC80, 0xCFF, "kannada"),
    (0xD00, 0xD7F, "malayalam"), (0xE00, 0xE7F, "thai"), (0x10A0, 0x10FF, "georgian"), (0x1100, 0x11FF, "hangul"),
    (0x1200, 0x137F, "ethiopic"), (0x1780, 0x17FF, "khmer"), (0x1E00, 0x1EFF, "latin"), (0x1F00, 0x1FFF, "greek"),
    (0x3040, 0x30FA, "kana"), (0x3130, 0x318F, "hangul"), (0x31F0, 0x31FF, "kana"), (0x3400, 0x4DBF, "han"),
    (0x4E00, 0x9FFF, "han"), (0xAC00, 0xD7A3, "hangul"), (0xF900, 0xFAFF, "han"), (0xFF21, 0xFF3A, "latin"),
    (0xFF41, 0xFF5A, "latin"), (0xFF66, 0xFF9D, "kana"), (0x20000, 0x323AF, "han"),
)  # fmt: skip
SCRIPTS = ("none", *dict.fromkeys(name for _, _, name in _RANGES))
_KANA_SHARE = 0.1  # Japanese text has at least this share of kana among its kana and Chinese characters
_WEIGHTS = np.array([{"none": 0, "han": 3, "kana": 2, "hangul": 2}.get(script, 1) for script in SCRIPTS])
_BLOCK = 1 << 20  # characters worked on at once

_LANGUAGE_OF_SCRIPT = {
    "han": "zh", "kana": "ja", "hangul": "ko", "cyrillic": "ru", "arabic": "ar", "devanagari": "hi", "greek": "el",
    "hebrew": "he", "thai": "th", "armenian": "hy", "georgian": "ka", "bengali": "bn", "tamil": "ta", "telugu": "te",
    "kannada": "kn", "malayalam": "ml", "gujarati": "gu", "gurmukhi": "pa", "ethiopic": "am", "khmer": "km",
}  # fmt: skip

# Frequent words, mostly ones that the other languages of the list lack.
_COMMON = {
    "en": "the and of to is you that it for was with this have but not are my what your they be at from if will i "
    "we he she his can would there been which their has had when who how",
    "de": "und der das ist nicht ich ein eine mit sie auf für dem den von wie auch bei aber wenn sich noch nur wird "
    "zu im zum zur habe haben wir sind nach einen oder",
    "fr": "et le les est une pas que pour dans qui je vous du au avec sur ce il elle mais nous sont cette plus été "
    "très être aux ces c'est j'ai leur",
    "es": "el los y una por las con del para como pero muy está lo más su esta cuando hay ser también yo fue eso han "
    "mi sin sobre este",
    "it": "il di che è un per non sono della con gli più anche del si questo alla nel una ho ma molto come delle dei "
    "questa dal nella",
    "pt": "não uma os em que um para com do da mais por dos muito foi mas eu você está ele isso nos são ou pelo pela "
    "também seu sua",
    "nl": "het een van ik niet dat zijn op met voor ook maar aan er naar om dit bij nog wel heeft wat uit worden "
    "hebben deze geen kan door",
}
COMMON_WORDS = {code: tuple(words.split()) for code, words in _COMMON.items()}
_LEAST_SHARE = 0.08  # share of common words that any text of a language reaches
_LANGUAGES_OF = {
    word: tuple(code for code, words in COMMON_WORDS.items() if word in words)
    for word in {word for words in COMMON_WORDS.values() for word in words}
}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def _table() -> tuple[Ints, Ints]:
    """Start of each range of code points, gaps included, and the number of its script."""
    edges: list[tuple[int, int]] = [(0, 0)]
    for start, end, name in _RANGES:
        edges += [(start, SCRIPTS.index(name)), (end + 1, 0)]
    points, numbers = zip(*edges, strict=True)
    return np.array(points, dtype=np.int64), np.array(numbers, dtype=np.int64)


_POINTS, _NUMBERS = _table()


def _portions(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = size = 0
    for end, text in enumerate(texts, start=1):
        size += len(text)
        if size > _BLOCK:
            yield texts[start:end]
            start, size = end, 0
    if start < len(texts):
        yield texts[start:]


def letters(texts: Sequence[str]) -> Ints:
    """Letters of each script in each text, [texts, SCRIPTS]; column 0 counts what is no letter of a known script."""
    counts = [np.zeros((0, len(SCRIPTS)), dtype=np.int64)]
    for portion in _portions(texts):
        codes = np.frombuffer("".join(portion).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        script = _NUMBERS[np.searchsorted(_POINTS, codes, side="right") - 1]
        owner = np.repeat(np.arange(len(portion)), [len(t) for t in portion])
        flat = np.bincount(owner * len(SCRIPTS) + script, minlength=len(portion) * len(SCRIPTS))
        counts.append(flat.reshape(-1, len(SCRIPTS)))
    return np.concatenate(counts)


def scripts_of(texts: Sequence[str]) -> list[str]:
    """The script most letters of each text belong to, "none" where it has no letters of a known script.

    A Chinese character counts as three letters, a Korean syllable as two. A text of Chinese characters with some
    kana is "kana", that is Japanese.
    """
    counts = letters(texts) * _WEIGHTS
    han, kana = SCRIPTS.index("han"), SCRIPTS.index("kana")
    japanese = counts[:, kana] > _KANA_SHARE * (counts[:, kana] + counts[:, han])
    counts[:, kana] += np.where(japanese, counts[:, han], 0)
    counts[:, han] = np.where(japanese, 0, counts[:, han])
    best = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), 0)
    return [SCRIPTS[i] for i in best.tolist()]


def script_of(text: str) -> str:
    """The script most letters of a text belong to, such as "latin", "han", "kana"; "none" without letters."""
    return scripts_of([text])[0]


def main_script(scripts: Iterable[str]) -> tuple[str, float]:
    """The script of most texts, and its share among the texts that have letters; ("none", 0.0) where none has."""
    found = Counter(script for script in scripts if script != "none")
    if not found:
        return "none", 0.0
    script, count = max(found.items(), key=lambda item: (item[1], item[0]))
    return script, count / found.total()


def word_hits(text: str) -> tuple[Counter[str], int]:
    """How many words of a text are common in each language of COMMON_WORDS, and how many words it has."""
    words = _WORD.findall(text.casefold())
    return Counter(code for word in words for code in _LANGUAGES_OF.get(word, ())), len(words)


def language_of_texts(sample: Sequence[str]) -> str:
    """A language code such as "en", "zh", "de", "ja"; "other-latin", "other" or "unknown" where it cannot tell.

    See the head of this file for what it cannot tell apart. A few hundred texts are a good sample.
    """
    script, _ = main_script(scripts_of(sample))
    if script == "none":
        return "unknown"
    if script != "latin":
        return _LANGUAGE_OF_SCRIPT.get(script, "other")
    hits: Counter[str] = Counter()
    words = 0
    for text in sample:
        found, number = word_hits(text)
        hits.update(found)
        words += number
    best, count = max(((code, hits[code]) for code in COMMON_WORDS), key=lambda item: item[1])
    return best if count >= max(2, _LEAST_SHARE * words) else "other-latin"
