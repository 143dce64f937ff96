"""Bombs are refused by name, in a process that may hold 1.5 GB, and nothing outside its folder is touched."""

import sys
from pathlib import Path

import pytest
from bombs import BOMBS, SLOW
from sandbox import play

READ = """
import time
from bertune.base.errors import BertuneError
from bertune.base.sections import DataSection
from bertune.data.table import read
said = {}
for path in sys.argv[2:]:
    start = time.process_time()
    try:
        outcome = f"read {len(read(path, DataSection()))} rows"
    except BertuneError as error:
        outcome = "refused " + str(error)
    except BaseException as error:
        outcome = f"broke with {type(error).__name__}: {error}"
    said[path] = [outcome, time.process_time() - start]
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by a limit that Linux keeps")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    pytest.importorskip("openpyxl")
    place = tmp_path_factory.mktemp("bombs")
    paths = {}
    for bomb in BOMBS:
        folder = place / bomb.__name__
        folder.mkdir()
        paths[bomb.__name__] = str(bomb(folder))
    found = play(READ, place, *paths.values())
    assert found.said is not None, found.err[-2000:]
    return {name: found.said[path] for name, path in paths.items()}, found.notes, paths


@pytest.mark.parametrize("name", [bomb.__name__ for bomb in BOMBS])
def test_a_bomb_is_refused_with_its_place(name, outcomes):
    said, _, paths = outcomes
    outcome, seconds = said[name]
    assert outcome.startswith("refused"), outcome[:500]
    assert paths[name] in outcome and len(outcome) < 2000
    assert seconds < 30, f"{seconds:.0f} s of the processor"


def test_nothing_outside_the_folder_is_touched(outcomes):
    assert outcomes[1] == []


@pytest.mark.slow
@pytest.mark.parametrize("bomb", SLOW, ids=lambda bomb: bomb.__name__)
def test_a_bomb_of_seconds_is_refused_too(bomb, tmp_path):
    pytest.importorskip("openpyxl")
    path = str(bomb(tmp_path))
    found = play(READ, tmp_path, path)
    assert found.said[path][0].startswith("refused"), found.said
    assert found.said[path][1] < 60
    assert found.notes == []


def test_the_limit_is_real(tmp_path: Path):
    found = play("said = None\ntry:\n    bytearray(2**31)\nexcept MemoryError:\n    said = 'no room'\n", tmp_path)
    assert found.said == "no room"


def test_the_watch_sees_writes_and_calls(tmp_path: Path):
    canary = str(tmp_path.parent / "canary")
    code = f"said = 1\nopen({canary!r}, 'w').close()\nimport subprocess\nsubprocess.run(['true'])\n"
    found = play(code, tmp_path)
    assert [event for event, _ in found.notes if event != "os.fork"][:2] == ["write", "subprocess.Popen"]


@pytest.mark.parametrize("size", [9_000_000, 10_000_001])
def test_a_field_of_megabytes_is_read_up_to_the_bound(size, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f"text,label\n{'a' * size},b\n")
    outcome = play(READ, tmp_path, str(path)).said[str(path)][0]
    assert outcome == "read 1 rows" if size < 10_000_000 else "longer than 10,000,000" in outcome
