"""Of several labels a text: how each is recognised, and from which probability it is given."""

from collections.abc import Iterator
from math import isfinite

from markupsafe import Markup

from bertune.report.classes import class_part
from bertune.report.elements import paragraph, section
from bertune.report.entries import figure_of
from bertune.report.folder import RunFolder
from bertune.report.words import Words, score

ORDER = 63
METRIC = "labels_macro_f1"


class Labels:
    """The table of labels with their thresholds, and what the thresholds bring against one half for every label."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        if run.kind != "labels" or not run.per_class:
            return None
        return section("labels", words.plain("labels.title"), *_thresholds(run, words),
                       *class_part(run, words, "scores.label"))  # fmt: skip


def _thresholds(run: RunFolder, words: Words) -> Iterator[Markup]:
    raw = run.results.get("fixed_threshold")
    fixed = figure_of(raw.get(METRIC)) if isinstance(raw, dict) else float("nan")
    own = run.scores(run.judged_on).get(METRIC)
    if own is None or not isfinite(fixed):
        return
    told = {"metric": words.metric(METRIC), "own": score(own.value), "fixed": score(fixed)}
    yield paragraph(words("labels.better" if own.value > fixed else "labels.no_better", **told))
