"""bertune check: findings about labelled rows, without training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base.errors import BertuneError, DataError, ModelError
from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import SPLITS, Finding, Splits, Table, View
from bertune.data.check import check
from bertune.engine.interrupt import Watch
from bertune.model.choice import Chosen, known, locate
from bertune.runs.ask import ask
from bertune.runs.lineage import starting_model
from bertune.runs.prepare import measure, say_code
from bertune.runs.rows import Rows, kind_of, read_rows
from bertune.runs.splitting import make_splits
from bertune.runs.telling import Silent, Teller

SIGNS = {"error": "✗", "warning": "!", "note": "·"}


def check_data(recipe: Recipe, teller: Teller | None = None, source: Table | None = None) -> list[Finding]:
    """Everything that `check` finds; also where labels are missing altogether or no model knows the language."""
    teller = teller or Silent()
    rows = read_rows(recipe, teller, source, need_label=False)
    roles = (("text", rows.roles.text), ("text pair", rows.roles.text_pair), ("label", rows.roles.label))
    teller.say("", " · ".join(f'{role} "{name}"' for role, name in roles if name) + f" ({rows.roles.why})")
    splits = _splits(recipe, rows)
    chosen = _model(recipe, rows)
    if chosen is None:
        view = View(rows.table, rows.roles, splits, rows.texts, rows.pairs, rows.labels, rows.exact, rows.near,
                    split_made_by_bertune=splits.how != "as given", kind=kind_of(rows.task),
                    noticed=rows.noticed)  # fmt: skip
    else:
        view = measure(recipe, rows, splits, chosen).view
        teller.say("model", f"{chosen.name} · {chosen.reason}")
        say_code(chosen.folder, teller)
    return check(view)


def _splits(recipe: Recipe, rows: Rows) -> Splits:
    """The splits as training would have them; where that cannot be, all rows count as training rows."""
    try:
        return make_splits(recipe, rows)
    except DataError:
        given = rows.table.given
        parts = {name: np.flatnonzero(given == i) for i, name in enumerate(SPLITS)}
        parts["train"] = np.flatnonzero((given < 0) | (given == 0))
        return Splits(parts["train"], parts["valid"], parts["test"], "as given")


def _model(recipe: Recipe, rows: Rows) -> Chosen | None:
    """The model whose tokenizer is tried on the rows; where none knows the language, the one at hand all the same."""
    try:
        return starting_model(recipe, rows.language)
    except ModelError:
        if recipe.model.name != "auto" or recipe.model.from_run is not None:
            raise
    for model in known():
        try:
            folder = locate(model["source"], model.get("digest"), None)
        except BertuneError:
            continue
        return Chosen(
            model["name"], folder, tuple(model["languages"]), "the only one at hand; it was not made for this language"
        )
    return None


def check_command(
    flags: Mapping[str, Any], settings: Sequence[str], recipe_file: str | None, out: str | None, teller: Teller
) -> None:
    """Print the findings, errors first; `out` receives findings.json."""
    with Watch():
        findings = check_data(ask(flags, settings, recipe_file), teller)
    for finding in findings:
        tell(finding, teller)
    counts = {kind: sum(f.severity == kind for f in findings) for kind in SIGNS}
    words = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items() if n]
    teller.say("found", ", ".join(words) or "nothing to mend", **counts)
    if out is not None:
        FILES.write_json(Path(out), [f.as_json() for f in findings])
        teller.say("written", out)


def tell(finding: Finding, teller: Teller) -> None:
    """Show one finding with its first places and its remedy."""
    text = f"{SIGNS[finding.severity]} {finding.message}"
    if finding.rows:
        text += f"\n  at   {places(finding)}"
    if finding.fix:
        text += f"\n  next {finding.fix}"
    teller.say(finding.severity, text, finding=finding.as_json())


def places(finding: Finding, most: int = 8) -> str:
    """The first rows of a finding, by file: `a.csv rows 3, 17; b.csv row 5; 12 more`."""
    by_file: dict[str, list[str]] = {}
    for place in finding.rows[:most]:
        by_file.setdefault(Path(place.file).name or place.file, []).append(f"{place.row:,}")
    shown = [f"{name} row{'s' if len(rows) > 1 else ''} {', '.join(rows)}" for name, rows in by_file.items()]
    left = len(finding.rows) - most
    return "; ".join([*shown, *([f"{left:,} more"] if left > 0 else [])])
