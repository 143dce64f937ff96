"""Recognises the encoding of a text file from its beginning, and says so; what is not plain is left to the user."""

import codecs
import re
from collections import Counter
from typing import NamedTuple

from bertune.base.errors import DataError
from bertune.base.registry import nearest

SAMPLE_BYTES = 1 << 20

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32 (byte order mark)"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32 (byte order mark)"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8 (byte order mark)"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 (byte order mark)"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 (byte order mark)"),
)
_CANDIDATES = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252", "cp1250", "cp1251", "latin-1")
_COMMON_NAMES = ["utf-8", "utf-16", "utf-32", *_CANDIDATES, "gbk", "ascii", "iso-8859-2", "iso-8859-15"]

# The most frequent characters of modern Chinese (about half of any text), and those of usual column names.
_FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成"
    "方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使"
    "情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老"
    "给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目"
    "太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王"
    "吗吧呢啊哦很店房服买卖快慢差贵便宜酒喜欢推荐客错值标签类别容评句题句"
)
# What Western European languages write beyond ASCII. In Hungarian, which is not one of them, ő reads as õ; Portuguese
# has ã wherever it has õ.
_WESTERN = frozenset("àâäáãåæçéèêëîïíñôöóõøœùûüúßÀÂÄÁÃÅÆÇÉÈÊËÎÏÍÑÔÖÓÕØŒÙÛÜÚ€£§©®°«»¡¿–„•™\xa0")
_FEW = 0.005  # of all characters: as few as English has; whatever they are, hardly a word is read wrongly
_PUNCTUATION = frozenset("，。！？、；：“”‘’（）《》【】…—·～　％")


class Encoding(NamedTuple):
    """How to decode a file: Python's codec name, length of the byte order mark, and what to tell the user."""

    codec: str
    mark: int
    said: str


def recognise(sample: bytes, path: str, *, whole: bool) -> Encoding:
    """The encoding of a file by its first bytes; `whole` says that the sample is the whole file.

    UTF-8, UTF-16 and UTF-32 with a byte order mark, UTF-8 and UTF-16 without, GB18030 where the text reads as Chinese,
    and Windows-1252 where it reads as a Western European language. Raises DataError with the candidates otherwise:
    which single-byte encoding it is cannot be told safely.
    """
    for mark, codec, said in _MARKS:
        if sample.startswith(mark) and not (codec == "utf-32-le" and len(sample) % 4):
            return Encoding(codec, len(mark), said)
    if b"\0" in sample and (wide := _utf_16(sample, whole)):
        return Encoding(wide, 0, "UTF-16 (recognised)")
    if decode(sample, "utf-8", whole) is not None:
        return Encoding("utf-8", 0, "UTF-8")
    chinese = decode(sample, "gb18030", whole)
    if chinese is not None and reads_as_chinese(chinese):
        return Encoding("gb18030", 0, "GB18030 (recognised)")
    western = decode(sample, "cp1252", whole)
    if western is not None and reads_as_western(western):
        return Encoding("cp1252", 0, "Windows-1252 (recognised)")
    raise _unknown(sample, path, whole)


def named(name: str, sample: bytes, path: str) -> Encoding:
    """The encoding that the user named; a byte order mark at the start is left out. Raises DataError."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        codec = None
    if codec is None or not getattr(codec, "_is_text_encoding", True) or codec.incrementaldecoder is None:
        raise DataError(
            f"there is no text encoding called {name!r}.",
            where=path,
            expected="auto, or a name such as utf-8, utf-16, gb18030, cp1252",
            next_move=f"did you mean --set data.encoding={nearest(name, _COMMON_NAMES)}?",
        )
    for mark, marked, said in _MARKS:
        if sample.startswith(mark) and marked.replace("-", "_").startswith(codec.name.replace("-", "_")):
            return Encoding(marked, len(mark), said)
    wide = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(codec.name, codec.name)
    return Encoding(wide, 0, f"{codec.name} (as set)")


def decode(sample: bytes, codec: str, whole: bool) -> str | None:
    """The sample decoded strictly, None where it cannot be; a character cut off at its end is no fault."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        return decoder.decode(sample, whole)
    except UnicodeDecodeError:
        return None


def reads_as_chinese(text: str) -> bool:
    """Whether decoded text looks like Chinese rather than another encoding read wrongly.

    At least 85 % of the characters beyond ASCII must be common hanzi (first level of GB 2312) or Chinese punctuation,
    and a fifth of them from the few hundred most frequent ones: Korean, Russian or Western text read as GB18030 gives
    hanzi too, but not these.
    """
    counts = Counter(character for character in text if character > "\x7f")
    total = sum(counts.values())
    if not total:
        return True
    usual = sum(n for character, n in counts.items() if _usual(character))
    frequent = sum(n for character, n in counts.items() if character in _FREQUENT or character in _PUNCTUATION)
    return usual >= 0.85 * total and frequent >= 0.2 * total


def reads_as_western(text: str) -> bool:
    """Whether text decoded as Windows-1252 looks like English or another Western European language.

    Nearly all that is not ASCII must be letters or signs of these languages, or hardly anything; most of it alone
    between ASCII characters, as the bytes of Chinese, Japanese and Korean are not. Of other single-byte encodings
    (Polish, Czech, Turkish, Greek, Russian, those of DOS and old Macintoshes) too much falls on other characters.
    """
    runs = [len(run) for run in re.findall("[\x80-\U0010ffff]+", text)]
    total = sum(runs)
    if runs.count(1) < 0.5 * len(runs):
        return False
    if total <= _FEW * len(text):
        return True
    counts = Counter(character for character in text if character > "\x7f")
    known = sum(n for character, n in counts.items() if character in _WESTERN or character in _PUNCTUATION)
    return known >= 0.98 * total and counts["õ"] <= counts["ã"]


def _usual(character: str) -> bool:
    if character in _PUNCTUATION or "\uff01" <= character <= "\uff5e":
        return True
    try:
        code = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and 0xB0 <= code[0] <= 0xD7


def _utf_16(sample: bytes, whole: bool) -> str | None:
    """utf-16-le or -be where all NUL bytes stand on one side of the pairs and the text has lines; else None."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if even + odd < 2 or (even and odd):
        return None
    codec = "utf-16-le" if odd else "utf-16-be"
    text = decode(sample, codec, whole)
    if text is None or not ("\n" in text or "\r" in text or text.lstrip()[:1] in ("[", "{")):
        return None
    return codec if all(c.isprintable() or c.isspace() or c == "\ufeff" for c in text[:4096]) else None


def _unknown(sample: bytes, path: str, whole: bool) -> DataError:
    possible = [name for name in _CANDIDATES if decode(sample, name, whole) is not None]
    try:
        sample.decode("utf-8")
        at = len(sample)
    except UnicodeDecodeError as error:
        at = error.start
    return DataError(
        "the encoding cannot be told from the bytes.",
        where=f"{path} line {sample[:at].count(10) + 1:,}",
        expected="UTF-8, UTF-16, GB18030 or Windows-1252",
        found=f"byte 0x{sample[at]:02x} at offset {at:,}; it could be {', '.join(possible)}",
        next_move=f"name it, for example --set data.encoding={_likely(possible)}",
    )


def _likely(possible: list[str]) -> str:
    return next((name for name in ("cp1252", *possible) if name in possible), "latin-1")
