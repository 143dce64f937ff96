"""Every example of the documentation runs, every table and link is true."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pages import PAGES, READ, RECORDS, ROOT, RUN, Block, blocks

from bertune.base.recipe import flatten, resolve
from bertune.cli.main import run

GUIDES = [page for page in PAGES if page.name not in RECORDS]
WITH_CODE = [page for page in GUIDES if any(b.language in RUN for b in blocks(page))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def run_console(block: Block, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, shown in block.commands():
        monkeypatch.setattr(sys, "argv", ["bertune", *arguments])
        with pytest.raises(SystemExit) as stop:
            run()
        said = capsys.readouterr()
        place = f"{block.page}:{block.line} bertune {' '.join(arguments)}"
        assert int(stop.value.code or 0) == block.exit_code, f"{place}\n{said.err}"
        if "exact" in block.wish:
            assert said.err + said.out == shown, place
        topics = {line.split()[0] for line in shown.splitlines() if line[:1].strip() and "…" not in line[:9]}
        told = {line.split()[0] for line in (said.err + said.out).splitlines() if line[:1].strip()}
        assert topics <= told, f"{place} shows lines that it does not say: {topics - told}"


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_every_example_runs(page: Path, demo_folder, capsys, monkeypatch):
    names: dict[str, object] = {}
    for block in blocks(page):
        if block.wish.startswith("skip"):
            continue
        if block.language == "console":
            run_console(block, capsys, monkeypatch)
        elif block.language == "python":
            exec(compile(block.text, f"{page.name}:{block.line}", "exec"), names)
        elif block.language == "toml":
            resolve(dict(flatten(tomllib.loads(block.text))))


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_block_names_a_known_language_and_a_reason_to_be_left_out(page: Path):
    for block in blocks(page):
        assert block.language in (*RUN, *READ), block
        assert not block.wish.startswith("skip") or len(block.wish.split()) > 3, "a block is left out without a reason"
    assert page.read_text(encoding="utf-8").count("\n```") % 2 == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}, link


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in GUIDES:
        for block in blocks(page):
            assert set(re.findall(r"^make ([a-z-]+)", block.text, re.M)) <= targets
        assert set(re.findall(r"`make ([a-z-]+)`", page.read_text(encoding="utf-8"))) <= targets


def test_the_tables_are_what_the_code_says():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "recipe_table.py"), "--check"],
        check=False, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_finding_is_explained():
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    codes = set()
    for file in (ROOT / "src" / "bertune" / "data" / "checks").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding":
                codes |= _codes(node.args[0])
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_KINDS":
                codes |= {kind.elts[0].value for kind in node.value.elts}
    assert len(codes) > 20
    assert {code for code in codes if f"`{code}`" not in page} == set()


def _codes(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.JoinedStr):
        pattern = ast.unparse(node)
        if "unlabelled" in pattern:
            return {"unlabelled_valid", "unlabelled_test"}
        return {pattern.replace("{kind}", kind).strip("f'\"") for kind in ("exact", "near")}
    return set()


def test_both_readmes_show_the_same_commands():
    english, chinese = (blocks(ROOT / name) for name in ("README.md", "README.zh-CN.md"))
    both = [{tuple(a) for b in page if b.language == "console" for a, _ in b.commands()} for page in (english, chinese)]
    assert both[0] <= both[1]
    python = [[b.text for b in page if b.language in ("python", "sh", "powershell")] for page in (english, chinese)]
    assert python[0] == python[1]
