"""Tells JSON documents of known forms apart by their first item."""

from collections.abc import Iterator
from typing import Any

from bertune.base.errors import DataError
from bertune.data.readers._chunk import suffixed
from bertune.data.readers._document import Document


def form_of(path: str) -> str:
    """The reader for a .json file by the first item of its list: "squad", "label_studio", or "" for any other."""
    if not suffixed(path, (".json",)):
        return ""
    try:
        first = next(_items(Document(path, "auto")), None)
    except (DataError, OSError):
        return ""
    if first is None:
        return ""
    if isinstance(first.get("paragraphs"), list) or isinstance(first.get("qas"), list):
        return "squad"
    task = isinstance(first.get("data"), dict) and any(
        isinstance(first.get(name), list) for name in ("annotations", "completions", "predictions")
    )
    small = "annotation_id" in first and bool({"annotator", "lead_time", "created_at"} & set(first))
    return "label_studio" if task or small else ""


def _items(document: Document) -> Iterator[dict[str, Any]]:
    items = document.items() if document.opens() == "[" else document.items_of("data")
    for item, _, _ in items:
        yield item
