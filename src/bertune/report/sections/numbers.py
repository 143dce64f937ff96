"""The second part: four numbers."""

from math import isfinite

from markupsafe import Markup

from bertune.report.elements import foreign, section, tag
from bertune.report.entries import figure_of
from bertune.report.folder import RunFolder
from bertune.report.words import Words, number, score

ORDER = 20


class Numbers:
    """Four tiles: score with interval, best baseline, texts a second, size of the model; those that are known."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        tiles = [t for t in (_score(run, words), _baseline(run, words), _speed(run, words), _size(run, words)) if t]
        if not tiles:
            return None
        return section("numbers", words.plain("numbers.title"), tag("dl", *tiles, class_="tiles"))


def _tile(label: object, big: object, sub: object) -> Markup:
    return tag("div", tag("dt", label), tag("dd", big, class_="big"), tag("dd", sub, class_="sub"), class_="tile")


def _score(run: RunFolder, words: Words) -> Markup | None:
    found = run.score
    if found is None:
        return None
    span = tag("span", f"{score(found.low)}–{score(found.high)}", class_="nowrap")
    sub = words("numbers.interval", range=span) if isfinite(found.low) else ""
    return _tile(words("numbers.score", metric=words.metric(run.metric)), score(found.value), sub)


def _baseline(run: RunFolder, words: Words) -> Markup | None:
    best = run.best_baseline
    if best is None or run.score is None:
        return None
    return _tile(words("numbers.baseline"), score(best[1].value), words.known("baseline", best[0]))


def _speed(run: RunFolder, words: Words) -> Markup | None:
    predict, train = (figure_of(run.fact(f"speed.{k}_texts_per_second")) for k in ("predict", "train"))
    if not isfinite(predict):
        return None
    sub = words("numbers.training", n=number(train)) if isfinite(train) else ""
    return _tile(words("numbers.speed"), number(predict), sub)


def _size(run: RunFolder, words: Words) -> Markup | None:
    parameters, megabytes = figure_of(run.fact("model.parameters")), figure_of(run.fact("model.megabytes"))
    if not isfinite(parameters) and not isfinite(megabytes):
        return None
    name = foreign(run.fact("model.name", ""), 40)
    if not isfinite(megabytes):
        return _tile(words("numbers.size"), words("numbers.millions", **_counted(parameters)), name)
    sub = name
    if isfinite(parameters):
        sub = words("numbers.model", name=name, **_counted(parameters))
    return _tile(words("numbers.size"), words("numbers.megabytes", n=number(megabytes)), sub)


def _counted(parameters: float) -> dict[str, str]:
    """Parameters in the unit of each language."""
    return {"millions": f"{parameters / 1e6:.1f}", "ten_thousands": number(parameters / 1e4)}
