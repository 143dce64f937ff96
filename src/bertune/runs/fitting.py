"""Whether a metric judges what a task answers."""

from bertune.base import registry
from bertune.base.errors import Problem, RecipeError


def fitting_metrics(kind: str) -> tuple[str, ...]:
    """The metrics of a kind ("class", "value", …), by name."""
    return tuple(name for name in registry.names("metrics") if registry.load("metrics", name).kind == kind)


def check_metric(name: str, kind: str, task: str, key: str) -> None:
    """Raises RecipeError, naming those that fit, where a metric is of another kind than a task; `key` is who named it.

    The metric must exist.
    """
    found = str(registry.load("metrics", name).kind)
    if found != kind:
        text = f"{name} judges {_WHAT.get(found, found)}, the task {task} answers {_WHAT.get(kind, kind)}; "
        raise RecipeError([Problem(key, text + f"expected one of {', '.join(fitting_metrics(kind))}")])


# what is judged, by the kind of a metric
_WHAT = {
    "class": "one class a row", "labels": "several labels a row", "value": "numbers", "spans": "spans",
    "answer": "texts", "ranking": "rankings",
}  # fmt: skip
