"""The whole page and the contract of its sections: escaped, closed to the outside, complete, the same every time."""

import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup, escape
from report_runs import CHINESE, CHINESE_TEXTS, HOSTILE, full, hostile, minimal

from bertune.base import registry
from bertune.base.errors import BertuneError, DataError
from bertune.report import page
from bertune.report.elements import visible
from bertune.report.folder import RunFolder
from bertune.report.page import render, write
from bertune.report.words import Words

ORDERED = ["verdict", "numbers", "next_steps", "data", "learning", "scores", "mistakes", "calibration", "made", "use"]
OF_OTHER_KINDS = ["self_training", "values", "labels", "entities", "answers"]  # of other runs than these
KINDS = ("minimal", "two", "six", "many", "chinese", "hostile")
VOID = {"meta", "link", "br", "hr", "input", "path", "circle", "rect", "use", "img"}
ALLOWED = {
    *("section", "h1", "h2", "h3", "p", "span", "b", "i", "strong", "small", "code", "pre", "a", "ul", "ol", "li"),
    *("dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "wbr", "div", "figure", "figcaption", "bdi"),
    *("svg", "g", "path", "circle", "rect", "use", "defs", "clippath", "pattern", "text"),
    *("details", "summary", "input", "br", "mark", "u"),
}
OUTWARD = {"src", "href", "xlink:href", "action", "srcset", "data", "poster"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One run folder of each kind."""
    root = tmp_path_factory.mktemp("made") / "runs"
    return {
        "minimal": minimal(root / "minimal-1"),
        "two": full(root / "sms-1", classes=("ham", "spam"), n=300, right=0.97),
        "six": full(root / "messages-1", errors=True),
        "many": full(root / "banking-1", classes=[f"intent_{k}" for k in range(77)], n=400),
        "chinese": full(root / "xiaoxi-1", classes=CHINESE, texts=CHINESE_TEXTS),
        "hostile": hostile(root / "hostile-1"),
    }


@pytest.fixture(scope="module")
def pages(runs: dict[str, Path]) -> dict[str, str]:
    """The page of each run, in Chinese for the Chinese one."""
    return {k: render(RunFolder(run), Words("zh" if k == "chinese" else "en")) for k, run in runs.items()}


class Faults(HTMLParser):
    """What is wrong with HTML: elements that are not allowed, handlers, links outside, open or crossed elements."""

    def __init__(self, html: str, allowed: set[str]) -> None:
        super().__init__()
        self.allowed, self.faults, self.open, self.ids = allowed, [], [], []  # type: ignore[var-annotated]
        self.feed(html)
        self.close()
        self.faults += [f"<{t}> is not closed" for t in self.open]
        self.faults += [f"id {i} stands twice" for i in set(self.ids) if self.ids.count(i) > 1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.allowed:
            self.faults.append(f"<{tag}> is not allowed")
        if tag not in VOID and tag != "wbr":
            self.open.append(tag)
        self.check(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.allowed:
            self.faults.append(f"<{tag}/> is not allowed")
        self.check(tag, attrs)

    def check(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key.startswith("on"):
                self.faults.append(f"<{tag} {key}> is a handler")
            if key in OUTWARD and not re.fullmatch(r"#[\w-]+|data:,", value or ""):
                self.faults.append(f"<{tag} {key}={value!r}> leads outside")
            if key == "style" and re.search(r"url\((?!#)|expression|@import", value or ""):
                self.faults.append(f"<{tag} style={value!r}> loads something")
            if key == "id":
                self.ids.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def broken_rules(section: Any, made: dict[str, Path]) -> list[str]:
    """The contract: what a section does wrong on any run, in any language; empty when it keeps every rule."""
    faults: list[str] = []
    for kind, run in made.items():
        for language in ("en", "zh"):
            try:
                html = section()(RunFolder(run), Words(language))
                again = html if language == "zh" else section()(RunFolder(run), Words(language))
            except Exception as error:
                faults.append(f"{kind}: {type(error).__name__}")
                continue
            if html is None:
                continue
            if html != again:
                faults.append(f"{kind}: not the same twice")
            faults += [f"{kind}: {fault}" for fault in Faults(html, ALLOWED).faults]
            faults += [f"{kind}: writes {found}" for found in re.findall("[\x00-\x08\u202e]", html)]
            try:
                html.encode("utf-8")
            except UnicodeEncodeError:
                faults.append(f"{kind}: cannot be written as UTF-8")
    return faults


@pytest.mark.parametrize("name", registry.names("sections"))
def test_every_section_keeps_the_contract(name: str, runs: dict[str, Path]) -> None:
    assert broken_rules(registry.load("sections", name), runs) == []


class Unescaped:
    """A specimen that trusts its input."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        return f"<section>{' '.join(run.classes)}</section>"


class Crashing:
    """A specimen that needs a file which a minimal run does not have."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        return f"<section>{run.results['test']['macro_f1']['value']}</section>"


class Outside:
    """A specimen that loads something."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        return '<section><a href="https://example.org">x</a></section>'


class Unclosed:
    """A specimen that leaves an element open."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        return "<section><p>x</section>"


class Fickle:
    """A specimen that is different each time."""

    turn = 0

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        Fickle.turn += 1
        return f"<section>{Fickle.turn}</section>"


class Controls:
    """A specimen that escapes markup but lets texts turn the page around."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        return f"<section>{escape(' '.join(run.classes))}</section>"


@pytest.mark.parametrize(
    ("specimen", "fault"),
    [(Unescaped, "<script> is not allowed"), (Crashing, "KeyError"), (Outside, "leads outside"),
     (Unclosed, "closes nothing"), (Fickle, "not the same twice"), (Controls, "writes")],
)  # fmt: skip
def test_the_contract_rejects_broken_sections(specimen: Any, fault: str, runs: dict[str, Path]) -> None:
    assert any(fault in found for found in broken_rules(specimen, runs))


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_well_formed_and_loads_nothing(kind: str, pages: dict[str, str]) -> None:
    body = pages[kind]
    shell = {"html", "head", "meta", "title", "link", "style", "body", "nav", "main", "footer", "script"}
    assert Faults(body, ALLOWED | shell).faults == []
    assert body.count("<script>") == 1
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', body)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1] or "default-src 'none'" in policy[1]
    assert "http" not in policy[1]


@pytest.mark.parametrize("kind", ["two", "six", "many", "chinese", "hostile"])
def test_a_full_run_has_all_ten_parts_in_order(kind: str, pages: dict[str, str]) -> None:
    assert re.findall(r'<section id="(\w+)"', pages[kind]) == ORDERED
    assert re.findall(r'<li><a href="#(\w+)"', pages[kind]) == ORDERED


def test_a_minimal_run_has_what_it_can(pages: dict[str, str]) -> None:
    assert re.findall(r'<section id="(\w+)"', pages["minimal"]) == ["verdict", "next_steps", "made", "use"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_section_is_broken(kind: str, pages: dict[str, str]) -> None:
    assert 'class="broken"' not in pages[kind]


def test_every_figure_says_what_it_shows(pages: dict[str, str]) -> None:
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", pages["six"], re.DOTALL)
    assert pages["six"].count("<figure>") == len(captions) == 5
    assert all(re.search(r"\d", caption) for caption in captions)


def test_the_headline(pages: dict[str, str], runs: dict[str, Path]) -> None:
    headline = re.search(r"<h1>(.*?)</h1>", pages["six"], re.DOTALL)
    assert headline is not None
    score = RunFolder(runs["six"]).score
    assert score is not None
    assert Markup(headline[1]).striptags() == (
        f"Finds topic among 6 classes with macro‑F1 {score.value:.2f} ({score.low:.2f}–{score.high:.2f}) "
        "on 112 texts it never saw; clearly better than word counts (0.74)."
    )


def test_hostile_texts_are_shown_as_text(pages: dict[str, str]) -> None:
    for text in HOSTILE:
        assert str(escape(visible(text)))[:24] in pages["hostile"]
    assert "+9,600" in pages["hostile"]
    assert "\x00" not in pages["hostile"]


@pytest.mark.parametrize(("classes", "table"), [(2, True), (20, True), (21, False)])
def test_the_confusion_matrix_is_a_table_up_to_twenty_classes(classes: int, table: bool, tmp_path: Path) -> None:
    run = full(tmp_path / "run", classes=[f"c{k}" for k in range(classes)], n=200, right=0.6)
    html = registry.load("sections", "scores")()(RunFolder(run), Words("en"))
    assert ('class="heat' in html) == table


def test_cells_of_the_confusion_matrix_hold_counts_and_row_shares(runs: dict[str, Path]) -> None:
    run = RunFolder(runs["two"])
    html = registry.load("sections", "scores")()(run, Words("en"))
    n, total = run.confusion[0][0], sum(run.confusion[0])
    assert f"{n}<small>{Words('en').percent(n / total)}</small>" in html


def test_the_same_run_gives_the_same_bytes(runs: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "runs" / "messages-1"
    shutil.copytree(runs["six"], other)
    first, second = write(runs["six"]), write(other)
    assert first.name == "report.html"
    assert first.read_bytes() == second.read_bytes()


def test_changed_settings_stand_out(pages: dict[str, str]) -> None:
    assert re.search(r'<tr class="changed"><td class="mono"[^>]*><bdi dir="auto">loss\.gamma', pages["six"])
    assert re.search(r'<tr><td class="mono"[^>]*><bdi dir="auto">optimizer\.name', pages["six"])


def test_nothing_of_the_machines_paths_is_told(pages: dict[str, str], runs: dict[str, Path]) -> None:
    assert str(runs["six"].parent.parent) not in pages["six"]


def test_a_chinese_page_is_chinese(pages: dict[str, str]) -> None:
    assert '<html lang="zh-Hans">' in pages["chinese"]
    shown = Markup(re.sub(r"(?s)<(style|script|pre|code|svg)\b.*?</\1>", "", pages["chinese"])).striptags()
    own = [w for w in re.findall(r"[A-Za-z]{3,}", shown) if w.lower() in {"the", "rows", "class", "score", "answered"}]
    assert len(own) <= 12


def test_a_section_that_fails_does_not_cost_the_others(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    parts = page._parts()
    monkeypatch.setattr(page, "_parts", lambda: [("crashing", Crashing), *parts])
    html = render(RunFolder(runs["minimal"]), Words("en"))
    assert "(KeyError)" in html
    assert '<section id="verdict"' in html


def test_damage_is_an_error_and_not_a_page(runs: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs["six"], run)
    (run / "scores.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"scores\.json"):
        write(run)


def test_an_unknown_language_is_refused(runs: dict[str, Path]) -> None:
    with pytest.raises(BertuneError, match="fr"):
        write(runs["minimal"], "fr")


def test_every_section_states_its_place() -> None:
    orders = [sys.modules[made.__module__].ORDER for _, made in page._parts()]
    assert orders == sorted(set(orders))
    names = [name for name, _ in page._parts()]
    assert [name for name in names if name not in OF_OTHER_KINDS] == ORDERED
    assert [name for name in names if name in OF_OTHER_KINDS] == OF_OTHER_KINDS


def test_no_torch(runs: dict[str, Path]) -> None:
    import subprocess

    probe = "import sys, bertune.report.page, bertune.report.card; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", probe], check=True)
