"""Reports of every kind of answer: what fits each kind stands there, what does not is absent, all of it escaped."""

import re
from pathlib import Path

import pytest
from markupsafe import Markup, escape
from report_runs import HOSTILE
from runs_of_kinds import MAKERS, RIGHT_TO_LEFT, bare, hostile_of_kind, of_kind
from test_report_page import ALLOWED, Faults, broken_rules

from bertune.base import registry
from bertune.base.wording import visible
from bertune.report.card import card
from bertune.report.folder import RunFolder
from bertune.report.judgement import judge
from bertune.report.marked import Passage, around, marked
from bertune.report.page import render
from bertune.report.words import LANGUAGES, Words, measure

OWN = {"regression": "values", "multi_label": "labels", "token_classification": "entities",
       "question_answering": "answers", "multiple_choice": None, "similarity": "values",
       "retrieval": None, "reranking": None}  # fmt: skip
SHELL = {"html", "head", "meta", "title", "link", "style", "body", "nav", "main", "footer", "script"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A full, a bare and a hostile run of each task."""
    root = tmp_path_factory.mktemp("kinds") / "runs"
    makers = {"full": of_kind, "bare": bare, "hostile": hostile_of_kind}
    return {f"{task}-{kind}": made(root / f"{task}-{kind}", task) for task in MAKERS for kind, made in makers.items()}


@pytest.fixture(scope="module")
def pages(runs: dict[str, Path]) -> dict[tuple[str, str], str]:
    """Every run as a page in both languages."""
    return {(name, of): render(RunFolder(run), Words(of)) for name, run in runs.items() for of in LANGUAGES}


def told(page: str) -> str:
    """What a page says, without its figures and code."""
    return Markup(re.sub(r"(?s)<(style|script|svg|pre)\b.*?</\1>", "", page)).striptags()


@pytest.mark.parametrize("name", ["answers", "entities", "labels", "mistakes", "values"])
def test_sections_keep_the_contract_on_every_kind(name: str, runs: dict[str, Path]) -> None:
    assert broken_rules(registry.load("sections", name), runs) == []


def test_every_page_is_whole_and_well_formed(pages: dict[tuple[str, str], str]) -> None:
    for name, page in pages.items():
        assert Faults(page, ALLOWED | SHELL).faults == [], name
        assert 'class="broken"' not in page, name


@pytest.mark.parametrize("task", MAKERS)
def test_each_kind_has_its_own_part_and_no_other(task: str, pages: dict[tuple[str, str], str]) -> None:
    found = re.findall(r'<section id="(\w+)"', pages[f"{task}-full", "en"])
    assert [name for name in found if name in OWN.values()] == [part for part in [OWN[task]] if part]
    assert "mistakes" in found
    assert 'class="heat' not in pages[f"{task}-full", "en"]
    begun = re.findall(r'<section id="(\w+)"', pages[f"{task}-bare", "en"])
    assert not set(begun) & {"mistakes", *(part for part in OWN.values() if part)}


@pytest.mark.parametrize(
    ("task", "said"),
    [("regression", "Predicts topic with Spearman correlation"), ("multi_label", "those of 3 labels that fit"),
     ("token_classification", "Finds entities of 2 types"), ("question_answering", "on 24 questions it never saw"),
     ("multiple_choice", "Picks the right one of several choices with accuracy")],
)  # fmt: skip
def test_the_headline_says_what_is_found(task: str, said: str, pages: dict[tuple[str, str], str]) -> None:
    headline = re.search(r"<h1>(.*?)</h1>", pages[f"{task}-full", "en"], re.DOTALL)
    assert headline is not None
    assert said in Markup(headline[1]).striptags()


def test_hostile_texts_labels_entities_answers_and_choices_are_shown_as_text(
    pages: dict[tuple[str, str], str],
) -> None:
    for task in MAKERS:
        page = pages[f"{task}-hostile", "en"]
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "\u202e" not in page
        assert str(escape(visible(HOSTILE[0])))[:20] in page or task == "token_classification"
    spans = re.search(r'<mark class="missed">[^○].*?</mark>', pages["token_classification-hostile", "en"])
    assert spans is not None and "&lt;scr" in spans[0] and "bdi" in spans[0]


def test_numbers_are_drawn_with_the_line_and_told_by_bands(pages: dict[tuple[str, str], str]) -> None:
    page = pages["regression-full", "en"]
    part = page[page.index('<section id="values"') :].split("</section>")[0]
    assert part.count("<svg") == 2
    assert part.count("<tr>") == 6
    assert "it keeps to the middle" in told(part)
    assert "Spearman" in page and "Calibration" not in told(page)
    lines = re.findall(r"[+−]\d\.\d+", told(page[page.index('<section id="mistakes"') :]))
    assert [abs(float(x.replace("−", "-"))) for x in lines] == sorted(
        (abs(float(x.replace("−", "-"))) for x in lines), reverse=True
    )
    assert len(lines) == 6  # a quarter of 24 rows, and not all of them


def test_labels_have_thresholds_and_are_compared_with_one_half(pages: dict[tuple[str, str], str]) -> None:
    page = told(pages["multi_label-full", "en"])
    assert "Given from" in page
    assert page.count("0.40") >= 3
    assert "0.5 for every label" in page
    row = re.search(r"<u>.*?</u>", pages["multi_label-full", "en"])
    assert row is not None


def test_entities_are_told_by_kind_and_marked(pages: dict[tuple[str, str], str], runs: dict[str, Path]) -> None:
    page = pages["token_classification-full", "en"]
    shown = told(page)
    for kind in ("wrong type", "wrong boundary", "wrong type and boundary", "missed", "invented"):
        assert f"{kind}" in shown
    assert '<mark class="missed">' in page and '<mark class="wrong">' in page and '<mark class="right">' in page
    assert RIGHT_TO_LEFT.split()[1] in page
    assert "O, B-LOC" not in card(runs["token_classification-full"])


def test_answers_are_told_by_kind_with_gold_and_answer_in_their_context(pages: dict[tuple[str, str], str]) -> None:
    page = pages["question_answering-full", "en"]
    assert re.search(r'<mark class="wrong">in  ?<small>✕</small></mark><mark class="right">Rome', page)
    assert re.search(r'<mark class="wrong">Anna', page) and re.search(r'<mark class="missed">Rome', page)
    assert "contexts of 8 there is no answer" in told(page)
    assert "(no answer)" in told(page)


def test_choices_show_the_right_one_and_the_picked_one(pages: dict[tuple[str, str], str]) -> None:
    page = pages["multiple_choice-full", "en"]
    lists = re.findall(r'<ol class="choices">(.*?)</ol>', page, re.DOTALL)
    assert len(lists) == 12
    for each in lists:
        assert each.count("<li>") == 3
        assert each.count('<mark class="right">') == each.count('<mark class="wrong">') == 1
    assert "Class by class" not in told(page)


def test_nothing_right_is_not_to_be_used(tmp_path: Path) -> None:
    run = of_kind(tmp_path / "run", "token_classification")
    scores = (run / "scores.json").read_text(encoding="utf-8")
    (run / "scores.json").write_text(scores.replace('"value": 0.62', '"value": 0.0'), encoding="utf-8")
    judgement = judge(RunFolder(run))
    assert judgement.light == "stop"
    assert [reason.key for reason in judgement.reasons if reason.light == "stop"] == ["nothing_right"]


def test_texts_read_in_windows_are_not_called_cut(pages: dict[tuple[str, str], str]) -> None:
    assert "cut at" in pages["regression-full", "en"]
    assert "cut at" not in pages["question_answering-full", "en"]
    assert "Rows of several windows" in told(pages["question_answering-full", "en"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_and_baseline_has_a_name(language: str) -> None:
    words = Words(language)
    assert [name for name in registry.names("metrics") if f"metric.{name}" not in words] == []
    assert [name for name in registry.names("baselines") if f"baseline.{name}" not in words] == []


def test_long_texts_are_cut_around_what_is_marked() -> None:
    text = "x" * 1000 + "Rome" + "y" * 1000
    passage = Passage(1000, 1004, "LOC", "missed")
    assert around(text, [passage]) == [(910, 1094)]
    shown = marked(text, [passage])
    assert shown.startswith('<bdi dir="auto">… xxx') and " …" in shown and "+1,820" in shown
    assert ">Rome " in shown
    assert around("short", []) == [(0, 5)]


def test_passages_that_overlap_or_lie_outside_are_left_out() -> None:
    shown = marked(
        "Anna in Rome", [Passage(0, 4, "", "right"), Passage(2, 7, "", "wrong"), Passage(8, 99, "", "wrong")]
    )
    assert shown.count("<mark") == 1
    assert Markup(shown).striptags().replace("✓", "").split() == ["Anna", "in", "Rome"]


@pytest.mark.parametrize(
    ("value", "shown"), [(-1.2345, "−1.23"), (0.00001, "+1e-5"), (0.0, "0"), (float("nan"), "–"), (2.0, "+2")]
)
def test_differences_have_a_sign(value: float, shown: str) -> None:
    assert measure(value, signed=True) == shown
