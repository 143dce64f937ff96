"""A file operation that fails, whichever it is, leaves a folder that can be resumed to the same end."""

import errno
import random
from pathlib import Path
from typing import Any

import pytest
from fault_count import Trial
from faulty_files import CHANGING, ERRORS, failing, faults, largest_file
from resume_runs import Saving, begin, data_file, ending, recipe_of, resume, same, scratch, some

from bertune.base.files import FILES, Files
from bertune.base.recipe import Recipe
from bertune.data.tokenizer import TextTokenizer
from bertune.engine import checkpoint

EPOCH = ("training.epochs=1", "evaluation.per_epoch=1")
POINTS = [0.0, 0.05, 0.12, 0.2, 0.27, 0.33, 0.41, 0.48, 0.55, 0.63, 0.7, 0.8, 0.9, 0.97]
Counted = tuple[Recipe, dict[str, Any], list[str]]


@pytest.fixture(scope="module")
def counted(tiny, tmp_path_factory) -> Counted:
    """(recipe, ending, operations) of a whole run with a checkpoint at each of its four updates."""
    place = tmp_path_factory.mktemp("counted")
    recipe = recipe_of(data_file(place), tiny("bert"), *EPOCH)
    with faults(None) as files:
        run = begin(recipe, place / "run", Saving()).path
        seen = list(files.seen)
    return recipe, ending(run), seen


class Told(Saving):
    """Wishes for a checkpoint at every update, and remembers the last that the run told of."""

    last = ""

    def on_saved(self, event: Any) -> None:
        """Remember it."""
        self.last = event.checkpoint if event.checkpoint.startswith("step-") else self.last


def go_on(recipe: Recipe, out: Path, *listeners: Any) -> None:
    """Resume; a run that failed before it had left a trace starts anew."""
    if (out / "recipe.toml").exists():
        resume(out, *listeners)
    else:
        begin(recipe, out, *listeners)


def survives(counted: Counted, out: Path, number: int, error: str, lasting: bool) -> None:
    """Let an operation fail: the last checkpoint told is whole, and the resumed run ends the same."""
    recipe, expected, _ = counted
    told = Told()
    with faults(number, lasting=lasting, fault=ERRORS[error]), pytest.raises(OSError, match=r"\[Errno"):
        begin(recipe, out, told)
    if told.last:
        newest, _ = checkpoint.newest_sound(out / "checkpoints")
        assert newest is not None and newest.name >= told.last
    go_on(recipe, out, Saving())
    assert same(expected, ending(out)) == [], (number, error, lasting)


def test_every_kind_of_operation_is_counted(counted: Counted) -> None:
    assert set(counted[2]) >= set(CHANGING) - {"truncate"}
    assert type(FILES) is Files


@pytest.mark.fault("failing operation")
@pytest.mark.parametrize("point", range(len(POINTS)))
def test_an_operation_fails(counted: Counted, tmp_path: Path, point: int) -> None:
    """Shares of all operations of the run, from its first file to its last; the errors take turns."""
    number = 1 + int(POINTS[point] * len(counted[2]))
    survives(counted, tmp_path / "run", number, list(ERRORS)[point % 4], lasting=point % 8 < 4)


@pytest.mark.slow
@pytest.mark.fault("failing operation")
@pytest.mark.parametrize("lasting", [False, True])
def test_one_operation_after_the_other_fails(counted: Counted, tmp_path: Path, trial: Trial, lasting: bool) -> None:
    """Every eleventh, to the last of about 1,400; the four errors take turns. Beyond the last a run is clean."""
    for number in range(6 if lasting else 1, len(counted[2]) + 1, 11):
        with trial(), scratch(tmp_path) as place:
            survives(counted, place / "run", number, list(ERRORS)[number % 4], lasting)
    with faults(len(counted[2]) + 1):
        begin(counted[0], tmp_path / "clean", Saving())


def nested(counted: Counted, out: Path, seed: int) -> None:
    """The disk fails at a random operation of the run, of its resume, and of the next."""
    recipe, expected, seen = counted
    chance = random.Random(seed)
    for depth in range(3):
        number = chance.randrange(1, len(seen) if depth == 0 else len(seen) // 3)
        with faults(number, lasting=chance.random() < 0.5, fault=chance.choice(list(ERRORS.values()))):
            try:
                go_on(recipe, out, Saving())
            except OSError:
                continue
        break  # the resume needed fewer operations than that
    else:
        go_on(recipe, out, Saving())
    assert same(expected, ending(out)) == [], seed


@pytest.mark.fault("failing again")
@pytest.mark.parametrize("seed", range(3))
def test_the_disk_fails_again_in_the_resume(counted: Counted, tmp_path: Path, seed: int) -> None:
    nested(counted, tmp_path / "run", seed)


@pytest.mark.slow
@pytest.mark.fault("failing again")
def test_the_disk_fails_again_in_many_resumes(counted: Counted, tmp_path: Path, trial: Trial) -> None:
    for seed in range(100, 140):
        with trial(), scratch(tmp_path) as place:
            nested(counted, place / "run", seed)


@pytest.mark.fault("failing removal")
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_pruning_fails(counted: Counted, tmp_path: Path, share: float) -> None:
    recipe, expected, _ = counted
    here: dict[str, Any] = {"within": "checkpoints/", "kinds": ("remove",)}
    with faults(None, **here) as files:
        begin(recipe, tmp_path / "counting", Saving())
        removals = len(files.seen)
    out = tmp_path / "run"
    with faults(1 + int(share * removals), fault=ERRORS["input/output"], **here), pytest.raises(OSError):
        begin(recipe, out, Saving())
    go_on(recipe, out, Saving())
    assert same(expected, ending(out)) == []


@pytest.mark.fault("failing library")
@pytest.mark.parametrize("size", some([(size,) for size in (1_000, 60, 50_000, 20_000)], every=2))
def test_no_file_may_grow_beyond_a_size(tiny, tmp_path: Path, size: int) -> None:
    """With the head alone learning, the saved model, which a library writes, is by far the largest file."""
    recipe = recipe_of(data_file(tmp_path), tiny("bert"), *EPOCH, "model.train=head")
    expected = ending(begin(recipe, tmp_path / "whole", Saving()).path)
    out = tmp_path / "run"
    with largest_file(size), pytest.raises(OSError):
        begin(recipe, out, Saving())
    go_on(recipe, out, Saving())
    assert same(expected, ending(out)) == []


def test_a_tokenizer_that_cannot_be_written_is_a_failing_disk(tiny, tmp_path: Path) -> None:
    tokenizer = TextTokenizer(tiny("bert"))
    with largest_file(100), pytest.raises(OSError):
        tokenizer.save(tmp_path)


@pytest.mark.fault("failing read")
def test_a_checkpoint_that_a_bad_disk_cannot_read_is_passed_over(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trial: Trial
) -> None:
    recipe, expected, _ = counted
    for name in ("manifest.json", "state.json", "model.safetensors"):
        with trial():
            run = stopped(recipe, tmp_path / name)
            with monkeypatch.context() as broken:
                unreadable(broken, f"step-000003/{name}", errno.EIO)
                resume(run, Saving([4]))  # the place of the third stays as bad as it is
            assert same(expected, ending(run)) == []


@pytest.mark.fault("failing read")
def test_a_checkpoint_that_may_not_be_read_is_kept_and_told(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be read by another user: nothing is wrong with it."""
    recipe, expected, _ = counted
    run = stopped(recipe, tmp_path / "run")
    before = sorted(p.name for p in checkpoint.found(run / "checkpoints"))
    with monkeypatch.context() as broken:
        unreadable(broken, "step-000003/manifest.json", errno.EACCES)
        with pytest.raises(PermissionError):
            resume(run, Saving())
    assert sorted(p.name for p in checkpoint.found(run / "checkpoints")) == before
    resume(run, Saving())
    assert same(expected, ending(run)) == []


def stopped(recipe: Recipe, out: Path) -> Path:
    """A run that stopped after its third update, as the disk failed."""
    with faults(1, within="best-", kinds=("make_folder",)), pytest.raises(OSError):
        begin(recipe, out, Saving([2, 3]))
    assert [p.name for p in checkpoint.found(out / "checkpoints")] == ["step-000003", "step-000002"]
    return out


def unreadable(broken: pytest.MonkeyPatch, ending_with: str, number: int) -> None:
    """From now on a file cannot be read."""
    for name in ("read", "digest"):
        whole = getattr(FILES, name)

        def refuse(path: Path, whole: Any = whole) -> Any:
            if str(path).endswith(ending_with):
                failing(number)()
            return whole(path)

        broken.setattr(FILES, name, refuse)
