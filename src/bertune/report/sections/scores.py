"""The sixth part: how well the model does."""

import math
from collections.abc import Iterator

from markupsafe import Markup

from bertune.base.types import Score
from bertune.report.classes import class_part
from bertune.report.confusion import MOST_CLASSES, heat_table, pair_table, worst_pairs
from bertune.report.elements import figure, legend, name, paragraph, section, table, tag
from bertune.report.entries import scores_of
from bertune.report.folder import RunFolder
from bertune.report.judgement import openings, seed_scores
from bertune.report.slices import between, interval, slice_part
from bertune.report.words import Words, number, score

ORDER = 60


class Scores:
    """Metrics with intervals and baselines, the confusion matrix, each class, slices, seeds, and leaked rows."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        sources = (_metrics, _confusion, _per_class, slice_part, _seeds)
        parts = [part for source in sources for part in source(run, words)]
        return section("scores", words.plain("scores.title"), *parts) if parts else None


def _metrics(run: RunFolder, words: Words) -> Iterator[Markup]:
    split = "test" if run.scores("test") else "valid"
    own = run.scores(split)
    if not own:
        return
    ordered = sorted(own, key=lambda metric: metric != run.metric)
    rows: list[list[object]] = []
    styles: dict[int, str] = {}
    for metric in ordered:
        lines = list(_lines(run, metric, split, words))
        most = max(1.0, *(s.high if math.isfinite(s.high) else s.value for _, s in lines))
        for position, (who, value) in enumerate(lines):
            styles[len(rows)] = "weak" if position else "strong"
            shown = words.metric(metric) if not position else ""
            bar = interval(value) if most <= 1 else ""
            rows.append([shown, who, score(value.value), between(value), bar])
    heads = [words(f"scores.head.{k}") for k in ("metric", "who", "value", "interval", "scale")]
    n = max(value.n for value in own.values())
    yield paragraph(words(f"scores.lead_{split}", rows=words.count("rows", n)))
    opened = openings(run)
    if split == "test" and opened:
        yield paragraph(words(f"scores.opened.{'one' if opened == 1 else 'many'}", n=opened), class_="quiet")
    yield _key(words)
    yield table(heads, rows, kinds="ttnnt", styles=styles, class_="scores", label=words.plain("scores.title"))
    yield from _difference(run, words)


def _key(words: Words) -> Markup:
    marks = legend(("dot", words.plain("scores.dot")), ("whisker", words.plain("scores.whisker")))
    return tag("div", marks, class_="key")


def _lines(run: RunFolder, metric: str, split: str, words: Words) -> Iterator[tuple[str, Score]]:
    yield words.plain(f"scores.model_{split}"), run.scores(split)[metric]
    clean = scores_of(run.results.get("without_leaked"))
    if metric in clean:
        yield words.plain("scores.without_leaked"), clean[metric]
    if split == "test" and metric in run.scores("valid"):
        yield words.plain("scores.model_valid"), run.scores("valid")[metric]
    best = run.best_baseline
    for who in sorted(run.baselines, key=lambda name: best is None or name != best[0]):
        if metric in run.baselines[who]:
            yield words.known("baseline", who), run.baselines[who][metric]


def _difference(run: RunFolder, words: Words) -> Iterator[Markup]:
    verdict, best = run.compared.get("verdict"), run.best_baseline
    difference = scores_of({"d": run.compared.get("difference")}).get("d")
    if verdict not in ("yes", "no", "cannot tell") or best is None or difference is None:
        return
    yield paragraph(
        words(
            f"scores.difference.{str(verdict).replace(' ', '_')}",
            baseline=words.known("baseline", best[0]),
            metric=words.metric(str(run.compared.get("metric") or run.metric)),
            value=_signed(difference.value),
            low=_signed(difference.low),
            high=_signed(difference.high),
        )
    )


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "") + score(value)


def _confusion(run: RunFolder, words: Words) -> Iterator[Markup]:
    matrix, classes = run.confusion, run.classes
    if run.kind != "class" or len(classes) < 2 or not any(map(sum, matrix)):
        return
    pairs = worst_pairs(matrix)
    yield tag("h3", words("scores.confusion"))
    if len(classes) > MOST_CLASSES:
        hidden = words("scores.pairs_lead", n=len(classes))
        yield paragraph(hidden)
    if pairs:
        g, a, n, share = pairs[0]
        total = sum(matrix[g])
        told = {"gold": name(classes[g]), "answer": name(classes[a]), "n": number(n), "total": number(total)}
        caption = words("scores.worst", share=words.percent(share), **told)
    else:
        caption = words("scores.no_mistake")
    if len(classes) <= MOST_CLASSES:
        yield figure(heat_table(matrix, classes, words), caption)
    elif pairs:
        yield figure(pair_table(matrix, classes, words), caption)
    else:
        yield paragraph(caption)


def _per_class(run: RunFolder, words: Words) -> Iterator[Markup]:
    """Positions of choices are no classes, and labels have a part of their own."""
    if run.kind not in ("choice", "labels"):
        yield from class_part(run, words, "scores.type" if run.kind == "spans" else "scores.class")


def _seeds(run: RunFolder, words: Words) -> Iterator[Markup]:
    found = seed_scores(run)
    if len(found) < 2:
        return
    values = [value for _, value in found]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    listed = words.listing([words("scores.seed", seed=seed, value=score(value)) for seed, value in found])
    yield tag("h3", words("scores.seeds"))
    yield paragraph(words("scores.seeds_told", n=len(found), metric=words.metric(run.metric), mean=score(mean),
                          spread=score(spread), listed=listed))  # fmt: skip
