"""The first part: what the model does, how well, and whether to use it."""

from math import isfinite

from markupsafe import Markup

from bertune.report.elements import join, name, paragraph, tag
from bertune.report.folder import RunFolder
from bertune.report.judgement import Reason, judge
from bertune.report.words import Words, number, score

ORDER = 10

SIGNS = {
    "use": Markup('<circle cx="13" cy="13" r="12" fill="none" stroke="currentColor" stroke-width="2"/>'
                  '<path d="M7.5 13.5l3.7 3.7 7.3-8" fill="none" stroke="currentColor" stroke-width="2.4"/>'),
    "look": Markup('<path d="M13 2.5L24.5 23h-23z" fill="none" stroke="currentColor" stroke-width="2" '
                   'stroke-linejoin="round"/><path d="M13 10v6.2M13 18.2v2.2" stroke="currentColor" '
                   'stroke-width="2.4"/>'),
    "stop": Markup('<path d="M8.2 1.5h9.6l6.7 6.7v9.6l-6.7 6.7H8.2l-6.7-6.7V8.2z" fill="none" stroke="currentColor" '
                   'stroke-width="2"/><path d="M9 9l8 8M17 9l-8 8" stroke="currentColor" stroke-width="2.4"/>'),
}  # fmt: skip


class Verdict:
    """The headline, and a traffic light in words with its reasons.

    Do not use it, where the comparison with the best baseline says `no`, every test row was given the same class, or no
    label, entity or answer was right.

    Look closer, where any of these holds: training did not come to its end; nothing was tested; a data finding of
    severity `error` (leaks, unknown tokens, ...); better than the baseline `cannot tell`; a 95 % interval wider than
    0.10; a class with an F1 under 0.50; a calibration error above 0.10 whose interval does not reach 0; more than
    10 % of the training texts cut; the test rows looked at more than three times; seeds that differ by more than 0.05.

    Use it otherwise.
    """

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        judgement = judge(run)
        reasons = [tag("li", reason_text(reason, run, words)) for reason in judgement.reasons]
        sign = tag("svg", SIGNS[judgement.light], viewBox="0 0 26 26", aria_hidden="true")
        started = str(run.fact("started", ""))[:16].replace("T", " ")
        eyebrow = join([part for part in (words("verdict.kind"), run.name, started) if part], " · ")
        return tag(
            "section",
            paragraph(eyebrow, class_="eyebrow"),
            tag("h1", headline(run, words)),
            tag(
                "div",
                sign,
                tag("strong", words(f"verdict.{judgement.light}")),
                tag("ul", *reasons),
                class_=f"light {judgement.light}",
                role="note",
            ),
            id="verdict",
        )


def headline(run: RunFolder, words: Words) -> Markup:
    """One sentence: what is found, how well, on how many rows, compared with what."""
    texts = words.count(_unit(run), run.score.n if run.score else 0)
    goal = _goal(run, words)
    if run.score is None:
        return words("verdict.untested" if run.finished else "verdict.unfinished", goal=goal)
    best, value = run.best_baseline, run.score
    told = {
        "goal": goal,
        "metric": words.metric(run.metric),
        "value": score(value.value, 2),
        "texts": texts,
    }
    interval = value.high - value.low
    key = "verdict.tested" if isfinite(interval) else "verdict.tested_once"
    told |= {"low": score(value.low, 2), "high": score(value.high, 2)}
    verdict = run.compared.get("verdict")
    if best is None or verdict not in ("yes", "no", "cannot tell"):
        return words(key, **told, compared=words("verdict.alone"))
    compared = words(
        f"verdict.compared.{str(verdict).replace(' ', '_')}",
        baseline=words.known("baseline", best[0]),
        value=score(best[1].value, 2),
    )
    return words(key, **told, compared=compared)


def _goal(run: RunFolder, words: Words) -> Markup:
    key = f"verdict.goal_{run.kind}"
    if key not in words:
        key = "verdict.goal" if run.classes else "verdict.goal_value"
    label = name(run.fact("columns.label") or words.plain("verdict.label"), 60)
    return words(key, label=label, classes=len(run.classes), types=words.count("types", len(run.types)))


def _unit(run: RunFolder) -> str:
    if run.kind in ("answer", "choice"):
        return "questions"
    return "pairs" if run.fact("columns.text_pair") else "texts"


def reason_text(reason: Reason, run: RunFolder, words: Words) -> Markup:
    """The sentence of a reason with its numbers."""
    shown: dict[str, object] = {"metric": words.metric(run.metric)}
    for key, value in reason.values.items():
        if key == "baseline":
            shown[key] = words.known("baseline", value)
        elif key == "labels":
            more = [words("page.more", n=number(len(value) - 3))] if len(value) > 3 else []
            shown[key] = words.listing([*(name(v) for v in value[:3]), *more])
        elif key == "label":
            shown[key] = name(value)
        elif key in ("width", "spread"):
            shown[key] = score(value / 2 if key == "width" else value, 3)
        elif key == "share":
            shown[key] = words.percent(value)
        elif key == "n":
            shown[key] = number(value)
        else:
            shown[key] = score(value) if isinstance(value, float) else str(value)
    return words(f"judgement.{reason.key}", **shown)
