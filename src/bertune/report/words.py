"""The words of the report in one language, and how numbers are written."""

import math
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from bertune.base.errors import BertuneError
from bertune.base.wording import visible

FOLDER = Path(__file__).parent / "words"
LANGUAGES = ("en", "zh")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z0-9%]")
_CODE = re.compile(r"`([^`]*)`")


@cache
def _sentences(language: str) -> Mapping[str, str]:
    if language not in LANGUAGES:
        raise BertuneError(f"the report does not speak {language!r}.", expected=" or ".join(LANGUAGES))
    raw = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(raw))


def _flat(raw: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for key, value in raw.items():
        out += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(prefix + key, str(value))]
    return out


class Words:
    """Every sentence of the report in one language (`en` or `zh`).

    Raises BertuneError for a language without words, KeyError for a sentence that does not exist.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._sentences = _sentences(language)

    def __contains__(self, key: str) -> bool:
        return key in self._sentences

    def keys(self) -> list[str]:
        """The keys of all sentences."""
        return list(self._sentences)

    def __call__(self, key: str, **values: object) -> Markup:
        """A sentence as HTML: its own text and the values are escaped; `backticks` make code."""
        sentence = _CODE.sub(r"<code>\1</code>", str(escape(self._spaced(key, values))))
        return Markup(sentence).format(**{k: _clean(v) for k, v in values.items()})

    def plain(self, key: str, **values: object) -> str:
        """A sentence as plain text, not escaped."""
        return self._spaced(key, values).format(**values)

    def _spaced(self, key: str, values: Mapping[str, object]) -> str:
        """A sentence with a space wherever a Latin value would touch a Chinese character."""

        def spaced(match: re.Match[str]) -> str:
            value = values.get(match[1], "")
            text = value.striptags() if isinstance(value, Markup) else str(value)
            before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
            left = " " if _HAN.match(before) and _LATIN.match(text[:1]) else ""
            right = " " if _HAN.match(after) and _LATIN.match(text[-1:]) else ""
            return f"{left}{match[0]}{right}"

        return re.sub(r"\{(\w+)\}", spaced, self._sentences[key])

    def count(self, unit: str, n: int) -> str:
        """A number with its unit in the right form: `1 row`, `5,574 rows`."""
        return self.plain(f"units.{unit}.{'one' if n == 1 else 'many'}", n=number(n))

    def known(self, group: str, key: str) -> str:
        """The name of something that may be unknown here (a metric, a code): its own name with spaces then."""
        return self._sentences.get(f"{group}.{key}", key.replace("_", " "))

    def metric(self, key: str) -> str:
        """The name of a metric."""
        return self.known("metric", key)

    def listing(self, items: list[Any]) -> Markup:
        """Items one after the other with the comma of the language."""
        comma = Markup("{}").format(self._sentences["page.comma"])
        return comma.join(i if isinstance(i, Markup) else escape(visible(str(i))) for i in items)

    def sentences(self, told: list[Markup]) -> Markup:
        """Sentences one after the other with the space of the language."""
        return Markup(self._sentences["page.space"]).join(told)

    def percent(self, share: float) -> str:
        """A share as a percentage: `0.2 %`; two figures for small ones."""
        if not math.isfinite(share):
            return "–"
        value = 100 * share
        digits = 0 if abs(value) >= 9.95 or value == 0 else 1 if abs(value) >= 0.095 else 2
        text = f"{value:.{digits}f}"
        if text == "100" and share < 1:
            text = f"{math.floor(1000 * share) / 10:.1f}"
        return self.plain("page.percent", n=text)

    def duration(self, seconds: float) -> str:
        """A span of time in the two largest units."""
        if not math.isfinite(seconds) or seconds < 0:
            return "–"
        if seconds < 10:
            return self.plain("time.seconds", s=f"{seconds:.1f}")
        whole = round(seconds)
        if whole < 60:
            return self.plain("time.seconds", s=whole)
        if whole < 3600:
            return self.plain("time.minutes", m=whole // 60, s=whole % 60)
        return self.plain("time.hours", h=whole // 3600, m=whole % 3600 // 60)


def _clean(value: object) -> object:
    return value if isinstance(value, Markup) else visible(str(value))


def number(value: float | int | None, digits: int = 0) -> str:
    """A number with thousands separated: `5,574`; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.{digits}f}"


def score(value: float, digits: int = 3) -> str:
    """A score; more digits rather than a 1.00 that is not one; a dash where it is not finite."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    if float(text) == 1 and value < 1 and digits < 4:
        return score(value, digits + 1)
    return text.replace("-", "−")


def sentence(text: str) -> str:
    """A remark as a sentence: a capital where it starts with a letter, a full stop where it ends with none."""
    text = text.strip()
    start = text[:1].upper() if text[:2].isalpha() else text[:1]
    return start + text[1:] + ("" if text[-1:] in ".!?。！？…" else ".")


def small(value: float) -> str:
    """A number of any size in three figures: `1.5e-4`, `0.002`, `1.3`."""
    if not math.isfinite(value):
        return "–"
    if 0 < abs(value) < 0.001:
        figures, power = f"{value:.2e}".split("e")
        return f"{figures.rstrip('0').rstrip('.')}e{int(power)}"
    return f"{value:.3g}"


def measure(value: float, signed: bool = False) -> str:
    """A number of any size in three figures with a true minus, and with its plus where `signed`; else a dash."""
    text = small(abs(value))
    if not math.isfinite(value) or float(text) == 0:
        return text
    return ("−" if value < 0 else "+" if signed else "") + text
