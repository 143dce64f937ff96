"""Between data and learning: which guesses on unlabelled rows were learnt, and whether that helped."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from bertune.report.elements import name, paragraph, section, table
from bertune.report.entries import figure_of, whole_of
from bertune.report.folder import RunFolder
from bertune.report.words import Words, number, score

ORDER = 45
MOST_CLASSES = 20


class SelfTraining:
    """The rounds as a table: sure guesses, those learnt, and teacher beside student on the validation rows."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        told = run.table("self_training")
        rounds = [entry for entry in told.get("rounds", []) if isinstance(entry, dict)]
        if not told or not rounds:
            return None
        return section("self_training", words.plain("self_training.title"), *_parts(run, told, rounds, words))


def _parts(run: RunFolder, told: dict[str, Any], rounds: list[dict[str, Any]], words: Words) -> Iterator[Markup]:
    left = sum(whole_of(n) for n in told.get("left_out", {}).values())
    yield paragraph(words("self_training.lead", rows=words.count("unlabelled", whole_of(told.get("rows"))),
                          left=words.count("rows", left)))  # fmt: skip
    kept = whole_of(told.get("kept_round"))
    yield paragraph(words("self_training.kept" if kept else "self_training.teacher", round=kept))
    heads = [words(f"self_training.{k}") for k in ("round", "sure", "learnt", "confidence", "before", "after")]
    rows = [_row(entry) for entry in rounds]
    yield table(heads, rows, kinds="nnnnnn", label=words.plain("self_training.title"))
    last = rounds[max(kept, 1) - 1] if len(rounds) >= kept else rounds[-1]
    classes = [(k, whole_of(n)) for k, n in last.get("classes", {}).items()][:MOST_CLASSES]
    if classes:
        listed = [Markup("{} {}").format(name(label), number(n)) for label, n in classes]
        yield paragraph(words("self_training.classes", classes=words.listing(listed)))
    metric = words.metric(str(last.get("metric", run.metric)))
    yield paragraph(words("self_training.caption", metric=metric))


def _row(entry: dict[str, Any]) -> list[object]:
    counts = [number(whole_of(entry.get(k))) for k in ("round", "sure", "learnt")]
    return [*counts, *(score(figure_of(entry.get(k))) for k in ("mean_confidence", "teacher", "student"))]
