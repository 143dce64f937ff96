"""The third part: what to do next."""

import math
from collections.abc import Iterator

from markupsafe import Markup

from bertune.report.elements import foreign, join, name, section, tag
from bertune.report.folder import RunFolder
from bertune.report.judgement import judge, only_answer, weak_classes
from bertune.report.places import listed
from bertune.report.snippets import labelled_file, new_file
from bertune.report.words import Words, number, score, sentence

ORDER = 30
MOST = 5
WANTED_HALF_WIDTH = 0.03
CUT_WORTH_SAYING = 0.01


class NextSteps:
    """At most five things to do, the most urgent first, each with its rows or its command."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        steps = [step for source in (_unfinished, _errors, _gain, _suspects, _test_rows, _classes, _cut, _go)
                 for step in source(run, words)]  # fmt: skip
        if not steps:
            return None
        return section("next_steps", words.plain("next_steps.title"), tag("ol", *steps[:MOST], class_="next"))


def _step(what: object, detail: object = None) -> Markup:
    return tag("li", what, *([tag("span", detail, class_="quiet")] if detail else []))


def _unfinished(run: RunFolder, words: Words) -> Iterator[Markup]:
    if not run.finished:
        yield _step(words("next_steps.resume", run=run.shown))


def _errors(run: RunFolder, words: Words) -> Iterator[Markup]:
    for finding in [f for f in run.findings if f.severity == "error"][:2]:
        what = words("next_steps.error", fix=foreign(sentence(finding.fix), 300))
        why = foreign(sentence(finding.message), 300)
        rows = listed(finding.rows, finding.count, words)
        yield _step(what, join([why, tag("br"), rows]) if rows else why)


def _gain(run: RunFolder, words: Words) -> Iterator[Markup]:
    best = run.best_baseline
    if run.compared.get("verdict") in ("no", "cannot tell") and best is not None:
        train = number(run.fact("split.train"))
        yield _step(words("next_steps.gain", baseline=words.known("baseline", best[0]), train=train))


def _suspects(run: RunFolder, words: Words) -> Iterator[Markup]:
    if run.suspects:
        rows = words.count("rows", len(run.suspects))
        places = listed([s.place for s in run.suspects], len(run.suspects), words)
        yield _step(words("next_steps.suspects", rows=rows, link=_link("mistakes", words)), places)


def _link(section_name: str, words: Words) -> Markup:
    return tag("a", words.plain(f"{section_name}.title"), href=f"#{section_name}")


def _test_rows(run: RunFolder, words: Words) -> Iterator[Markup]:
    if run.score is None:
        yield _step(words("next_steps.test", run=run.shown, file=labelled_file(run)))
        return
    half = (run.score.high - run.score.low) / 2
    if math.isfinite(half) and half > WANTED_HALF_WIDTH * 1.2 and run.score.n:
        needed = run.score.n * (half / WANTED_HALF_WIDTH) ** 2 - run.score.n
        rounded = int(round(needed, -2)) or 100
        yield _step(words("next_steps.interval", n=number(rounded), now=score(half, 3), then=WANTED_HALF_WIDTH))


def _classes(run: RunFolder, words: Words) -> Iterator[Markup]:
    scores = {c.name: c.f1 for c in run.per_class}
    for weak in weak_classes(run)[:1] if only_answer(run) is None else []:
        train = run.table("class_counts.train").get(weak)
        own = f"next_steps.class_{run.kind}"
        key = "next_steps.class_trained" if train is not None else own if own in words else "next_steps.class"
        yield _step(words(key, label=name(weak), f1=score(scores[weak], 2), train=number(train)))


def _cut(run: RunFolder, words: Words) -> Iterator[Markup]:
    ledger = run.table("lengths.ledger.train")
    share, whole = ledger.get("share_rows_cut", 0), ledger.get("length_that_cuts_none")
    if not run.windowed and isinstance(share, (int, float)) and share > CUT_WORTH_SAYING and whole:
        yield _step(words("next_steps.cut", share=words.percent(share), length=whole))


def _go(run: RunFolder, words: Words) -> Iterator[Markup]:
    if judge(run).light != "stop" and run.finished:
        yield _step(words("next_steps.predict", run=run.shown, file=new_file(run)))
