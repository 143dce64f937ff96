"""Writes report.html: the sections of a run folder on one page that needs nothing from outside."""

import base64
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.base.files import FILES
from bertune.report.elements import paragraph, section
from bertune.report.folder import RunFolder
from bertune.report.words import Words

HERE = Path(__file__).parent
LAST = 1000


@dataclass(frozen=True)
class Rendered:
    """A section as it stands on the page: its name, title and HTML."""

    name: str
    title: str
    html: Markup


def write(run: Path, language: str = "en") -> Path:
    """Write `report.html` into a run folder and give its path. The same run gives the same bytes.

    Raises DataError when a file of the run is damaged, BertuneError for a language that is not `en` or `zh`.
    """
    path = run / "report.html"
    FILES.write_text(path, render(RunFolder(run), Words(language)))
    return path


def render(run: RunFolder, words: Words) -> str:
    """The whole page as HTML."""
    parts = [part for name, made in _parts() if (part := _rendered(name, made, run, words)) is not None]
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    script = (HERE / "page.js").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    with run.reading("the report"):
        return environment.get_template("page.html").render(
            words=words,
            run=run,
            parts=parts,
            style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_digest=digest,
            page_language={"en": "en", "zh": "zh-Hans"}[words.language],
        )


def _parts() -> list[tuple[str, Any]]:
    """The sections in their order."""
    found = [(name, registry.load("sections", name)) for name in registry.names("sections")]
    return sorted(found, key=lambda pair: (getattr(sys.modules[pair[1].__module__], "ORDER", LAST), pair[0]))


def _rendered(name: str, made: Any, run: RunFolder, words: Words) -> Rendered | None:
    """One section; a fault of ours in one must not cost the user all the others, so it is told in its place."""
    key = f"{name}.title"
    title = words.plain(key) if key in words else name.replace("_", " ").capitalize()
    try:
        html = made()(run, words)
    except BertuneError:
        raise
    except Exception as error:
        html = section(name, title, paragraph(words("page.broken", error=type(error).__name__), class_="broken"))
    return None if html is None else Rendered(name, title, Markup(html))
