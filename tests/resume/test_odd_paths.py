"""Run folders and data under odd names and in odd places: the run ends the same, or an error says why it cannot."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_count import Trial
from resume_runs import Cut, Saving, begin, data_file, ending, recipe_of, same, some, train_arguments

from bertune.base.errors import BertuneError
from bertune.engine import checkpoint
from bertune.runs import journey
from bertune.runs.command import not_taken, resume_command
from bertune.runs.telling import Silent


def linked(place: Path) -> Path:
    """A folder that is reached over a link."""
    (place / "real").mkdir()
    (place / "link").symlink_to(place / "real", target_is_directory=True)
    return place / "link"


def made(name: str) -> Callable[[Path], Path]:
    """A folder of a name."""

    def make(place: Path) -> Path:
        (place / name).mkdir(parents=True)
        return place / name

    return make


PLACES: dict[str, Callable[[Path], Path]] = {
    "linked": linked,
    "spaces": made("  two  words "),
    "signs": made("a'b\"c;$(d)&[e]*{f}#%20?\\=,"),
    "emoji": made("评论 🧪👩‍🔬 отзывы é e\u0301"),
    "longest name": made("n" * 255),
    "longest name in UTF-8": made("语" * 85),
    "line break": made("one\ntwo\ttab"),
    "leading dash": made("--out"),
    "deep": made("/".join(["deeper"] * 200)),
}


@pytest.fixture(autouse=True)
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is drawn from what is compared here."""
    monkeypatch.setattr(journey.Journey, "_write_report", lambda self: None)


@pytest.fixture(scope="module")
def expected(tiny, tmp_path_factory):
    """The ending of a run in a plain place."""
    place = tmp_path_factory.mktemp("whole")
    return plain(ending(begin(recipe_of(data_file(place), tiny("bert")), place / "run").path))


def plain(end: dict) -> dict:
    """An ending without the names of the files that the rows came from."""
    tables = end["predictions"]
    return end | {"predictions": {k: [r | {"file": ""} for r in rows] for k, rows in tables.items()}}


def works(expected: dict, tiny, place: Path) -> None:
    """A run in a place, with its data there too, stopped and resumed as the commands do, ends as in a plain place."""
    recipe = recipe_of(data_file(place), tiny("bert"))
    out = place / "run"
    not_taken(out)
    begin(recipe, out, Saving(), Cut("stepped", 5))
    assert checkpoint.newest_sound(out / "checkpoints")[0] == out / "checkpoints" / "step-000005"
    resume_command(str(out), Silent())
    assert same(expected, plain(ending(out))) == []


@pytest.mark.fault("odd place")
@pytest.mark.parametrize("name", some([(name,) for name in PLACES], every=3))
def test_a_run_in_an_odd_place(expected, tiny, tmp_path: Path, name: str) -> None:
    works(expected, tiny, PLACES[name](tmp_path))


@pytest.mark.fault("odd place")
@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no second file system")
def test_a_run_on_another_file_system(expected, tiny, tmp_path: Path) -> None:
    """Reached over a link from the first; its data stay on the first."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        (tmp_path / "other").symlink_to(other, target_is_directory=True)
        assert os.stat(other).st_dev != os.stat(tmp_path).st_dev
        works(expected, tiny, tmp_path / "other")


@pytest.mark.fault("odd place")
def test_the_run_folder_itself_is_a_link(expected, tiny, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    works(expected, tiny, tmp_path)
    assert (tmp_path / "elsewhere" / "run.json").exists()


@pytest.mark.fault("name not UTF-8")
def test_names_that_are_not_utf_8(expected, tiny, tmp_path: Path, server, trial: Trial) -> None:
    """A recipe is UTF-8 and cannot hold them: data, model and run folder of such names are refused before anything."""
    odd = tmp_path / os.fsdecode(b"caf\xe9-\xff\xfe")
    odd.mkdir()
    data, model, out = data_file(odd), odd / "model", odd / "run"
    shutil.copytree(tiny("bert"), model)
    plain_data = data_file(tmp_path)
    for given in ((data, tiny("bert"), tmp_path / "run"), (plain_data, model, tmp_path / "run"),
                  (plain_data, tiny("bert"), out)):  # fmt: skip
        with trial():
            (tmp_path / "log").unlink(missing_ok=True)
            child = server.start(train_arguments(*given), tmp_path / "log", no_report=True)
            assert child.wait() == 2 and "UTF-8 text" in child.said and "Traceback" not in child.said, child.said
            assert not (tmp_path / "run").exists() and not out.exists()
    (tmp_path / "link").symlink_to(odd, target_is_directory=True)
    with trial():
        works(expected, tiny, tmp_path / "link")


@pytest.mark.fault("odd place")
def test_the_folder_above_may_be_written_and_not_read(
    expected, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a drop box of a shared machine is: its entries cannot be flushed, which is no reason to fail."""
    opened, refused = os.open, []

    def guarded(path: object, *given: object, **named: object) -> int:
        if path == tmp_path:
            refused.append(path)
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *given, **named)

    monkeypatch.setattr(os, "open", guarded)
    works(expected, tiny, tmp_path)
    assert refused


IMPOSSIBLE: dict[str, Callable[[Path], Path]] = {
    "name too long": lambda place: place / ("n" * 256),
    "path too long": lambda place: place / "/".join(["d" * 200] * 25),
    "below a file": lambda place: place / "rows.csv" / "run",
    "a file": lambda place: place / "rows.csv",
    "a broken link": lambda place: broken(place / "link"),
    "a loop of links": lambda place: broken(place / "loop", to="loop"),
    "no place for new entries": lambda place: Path("/proc/self/run"),
}


def broken(link: Path, to: str = "nowhere/at/all") -> Path:
    """A link to what is not there."""
    link.symlink_to(to)
    return link


@pytest.mark.fault("impossible place")
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_place_that_cannot_hold_a_run_is_refused_in_words(server, tiny, tmp_path: Path, name: str) -> None:
    """By the command itself: exit code 2, what is wrong, no traceback, and nothing left behind."""
    data = data_file(tmp_path)
    out = IMPOSSIBLE[name](tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    child = server.start(train_arguments(data, tiny("bert"), out), tmp_path / "log", no_report=True)
    assert child.wait() == 2, child.said
    assert "Traceback" not in child.said and child.said.strip()
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "log") == before


def test_a_missing_run_is_refused_in_words(tmp_path: Path) -> None:
    for name in ("nowhere", "n" * 256, "sub/" * 30, "a\0b"):
        with pytest.raises((BertuneError, OSError)):
            resume_command(str(tmp_path / name), Silent())
