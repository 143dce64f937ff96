"""Several cleaners in a row, for one text or a whole column."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from bertune.base import registry
from bertune.base.settings import build
from bertune.data.cleaners._cleaned import Cleaned, unchanged


@cache
def _cleaner(name: str) -> Any:
    return build(registry.load("cleaners", name))


def clean(text: str, names: Sequence[str]) -> Cleaned:
    """The text after these cleaners in this order, with the map back to the original.

    Raises BertuneError when there is no cleaner of that name.
    """
    cleaned = unchanged(text)
    for name in names:
        cleaned = cleaned.then(_cleaner(name))
    return cleaned


def clean_column(values: Iterable[str | None], names: Sequence[str]) -> Iterator[str | None]:
    """The values after these cleaners; None stays None."""
    return (None if value is None else clean(value, names).text for value in values) if names else iter(values)
