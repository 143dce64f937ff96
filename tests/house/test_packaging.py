"""What pip and make rely on: pins, package data, versions, the commands of .ci/run."""

import os
import re
import tomllib

import house_rules as house
import pytest

import bertune

PROJECT = tomllib.loads((house.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = [
    line
    for line in (house.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PINNED_EXTRAS = ("minilm", "excel", "hub", "test", "track-tensorboard", "distributed", "notebook")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~ \[;]", name)[0]).lower()


def test_every_pin_is_exact_and_holds_on_every_machine():
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", line) for line in PINS), "no URLs, paths or local builds"
    assert len({normal(line) for line in PINS}) == len(PINS)
    assert "torch==2.13.0" in PINS


@pytest.mark.parametrize("extra", ["", *PINNED_EXTRAS])
def test_what_is_installed_is_pinned(extra):
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    assert {normal(name) for name in wanted} <= {normal(line) for line in PINS}


def test_the_version_is_written_once_more_only_in_the_package():
    assert PROJECT["version"] == bertune.__version__
    assert "## [Unreleased]" in (house.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in (house.ROOT / "LICENSE").read_text(encoding="utf-8")


def test_every_file_that_the_code_reads_is_packed():
    data = tomllib.loads((house.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    root = house.ROOT / "src" / "bertune"
    packed = {path for pattern in data["package-data"]["bertune"] for path in root.glob(pattern)}
    kept = {p for p in root.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")}
    assert {path.relative_to(root).as_posix() for path in kept - packed} == set()
    folders = {p.parent for p in root.rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders), "a folder without __init__.py is not packed"


@pytest.mark.skipif(os.name == "nt", reason="there is no executable bit on Windows")
def test_ci_runs_what_a_person_runs():
    script = house.ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in text
    assert text.rstrip().endswith("make test"), "the last line of the log is pytest's"
    targets = set(re.findall(r"^make ([a-z-]+)$", text, re.M))
    assert {"demo", "test"} <= targets
