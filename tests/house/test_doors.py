"""Every door's parts load under their names, are described without being imported, and have a contract test."""

import inspect
import re
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import house_rules as house
import pytest

from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.base.settings import schema

PARTS = [(door, name) for door in registry.DOORS for name in registry.names(door)]
TESTS = "\n".join(f.read_text(encoding="utf-8") for f in (house.ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("door", registry.DOORS)
def test_a_contract_goes_over_every_part(door):
    """Some test asks the registry for all names of the door, so that a new file is tested without an edit."""
    assert registry.names(door)
    assert re.search(rf"names\(\s*[\"']{door}[\"']\s*\)", TESTS), f"no test goes over all {door}"


@pytest.mark.parametrize(("door", "name"), PARTS, ids=[f"{d}-{n}" for d, n in PARTS])
def test_a_part_is_what_its_file_says(door, name):
    part = registry.load(door, name)
    assert callable(part)
    assert part.__name__ in (name, registry.camel(name))
    assert registry.describe(door, name), "the first line of the docstring is what people are shown"
    if door != "commands":
        schema(part)
        for setting, parameter in inspect.signature(part).parameters.items():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                assert parameter.annotation is not inspect.Parameter.empty, setting


def test_a_new_file_is_a_new_part(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text('class Mine:\n    """Mine alone."""\n', encoding="utf-8")
    (tmp_path / "_shared.py").write_text("", encoding="utf-8")
    (tmp_path / "several.py").write_text('PARTS = ("one", "two")\n\n\ndef one():\n    """One."""\n', encoding="utf-8")
    monkeypatch.setitem(registry.DOORS, "losses", str(tmp_path))
    registry._files.cache_clear()
    try:
        assert registry.names("losses") == ("mine", "one", "two")
        assert registry.describe("losses", "mine") == "Mine alone."
    finally:
        registry._files.cache_clear()


def test_other_packages_join_by_an_entry_point(monkeypatch):
    point = EntryPoint("theirs", "bertune.losses.focal:Focal", "bertune.losses")
    taken = EntryPoint("focal", "bertune.losses.huber:Huber", "bertune.losses")
    monkeypatch.setattr(registry, "_points", lambda: EntryPoints([point, taken]))
    registry._others.cache_clear()
    try:
        assert registry.names("losses")[-1] == "theirs"
        assert registry.load("losses", "theirs").__name__ == "Focal"
        assert registry.describe("losses", "theirs").startswith("Cross-entropy times")
        assert registry.load("losses", "focal").__name__ == "Focal", "a name of ours cannot be taken"
    finally:
        registry._others.cache_clear()


def test_names_are_listed_without_importing_the_parts():
    code = (
        "import sys; from bertune.base import registry\n"
        "for door in registry.DOORS:\n"
        "    for name in registry.names(door): registry.describe(door, name)\n"
        "print([m for m in sys.modules if m.startswith('bertune.') and not m.startswith('bertune.base')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(("door", "name", "near"), [("losses", "focl", "focal"), ("metrics", "f1_macro", "macro_f1")])
def test_a_name_that_is_not_there_gets_the_nearest(door, name, near):
    with pytest.raises(BertuneError, match=f"did you mean {near}"):
        registry.load(door, name)


def test_a_door_that_is_not_there_gets_the_nearest():
    with pytest.raises(BertuneError, match="did you mean losses"):
        registry.names("lossse")
