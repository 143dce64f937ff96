"""The command line as a person and a machine meet it: light, clear, with the right exit codes."""

import io
import json
import os
import signal
import subprocess
import sys

import pytest
from rich.cells import cell_len
from rich.console import Console

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.cli.main import run
from bertune.engine.interrupt import Interrupted
from bertune.runs.telling import Json, People

HEAVY = ("torch", "transformers", "pyarrow", "numpy", "sklearn", "matplotlib")
COMMANDS = registry.names("commands")


def outcome(capsys, *arguments: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command line."""
    with pytest.raises(SystemExit) as stop:
        run(list(arguments))
    shown = capsys.readouterr()
    return int(stop.value.code or 0), shown.out, shown.err


def start(*arguments: str, code: str = "from bertune.cli.main import run; run()", **environment: str):
    """A command line in a new interpreter, as text."""
    known = {**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1", **environment}
    return subprocess.run([sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True,
                          env=known, encoding="utf-8", timeout=120)  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["tasks"], ["--version"], ["train", "--help"], ["trian"]])
def test_light_commands_import_nothing_heavy(arguments):
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('HEAVY', [m for m in {HEAVY} if m in sys.modules]))\n"
        "from bertune.cli.main import run; run()"
    )
    assert "HEAVY []" in start(*arguments, code=code).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_says_what_it_does_and_fits(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = outcome(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert registry.describe("commands", command) in " ".join(out.split())
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "--json" in out


def test_help_lists_every_command_and_fits(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (["--help"], ["-h"], []):
        code, out, err = outcome(capsys, *arguments)
        assert (code, err) == (0, "")
        assert all(f"\n  {command} " in out for command in COMMANDS)
        assert max(len(line) for line in out.splitlines()) <= 80


def test_every_option_has_its_help(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for command in COMMANDS:
        out = outcome(capsys, command, "--help")[1]
        for line in out.splitlines():
            if line.startswith("  -"):
                assert "  " in line.strip(), f"{command}: {line}"


def test_version(capsys):
    from bertune import __version__

    assert outcome(capsys, "--version") == (0, f"bertune {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], "no command 'trian'; did you mean train?"),
        (["evalute", "x"], "did you mean evaluate?"),
        (["train", "--modle", "x"], "--model"),
        (["predict"], "Missing argument 'RUN'"),
        (["train", "a.csv", "--seed", "many"], "Invalid value for '--seed'"),
        (["show", "lossse"], "did you mean losses?"),
        (["show", "losses", "focl"], "did you mean focal?"),
        (["train", "no-such-file.csv"], "no-such-file.csv"),
        (["check", "no-such-file.csv"], "no-such-file.csv"),
        (["check"], "data.train"),
        (["train"], "data.train"),
        (["train", "a.csv", "--recipe", "no-such-recipe.toml"], "there is no such file"),
        (["predict", "no-such-run", "-"], "no-such-run"),
        (["evaluate", "no-such-run", "a.csv"], "no-such-run"),
        (["resume", "no-such-run"], "no run lies here"),
        (["report", "no-such-run"], "no run lies here"),
    ],
)
def test_what_the_user_can_mend_is_told_without_a_traceback(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = outcome(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert words in err
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.rglob("*")} <= {"runs"}, "no run is left behind"


def test_a_file_that_is_no_recipe(capsys, tmp_path):
    (tmp_path / "r.toml").write_text("epochs = = 3", encoding="utf-8")
    code, _, err = outcome(capsys, "train", "a.csv", "--recipe", str(tmp_path / "r.toml"))
    assert code == 2
    assert "not readable as TOML" in err and "line 1" in err


def test_a_folder_without_a_model(capsys, tmp_path, sentences_csv):
    (tmp_path / "run").mkdir()
    code, _, err = outcome(capsys, "predict", str(tmp_path / "run"), str(sentences_csv))
    assert code == 2
    assert "expected" in err and "next" in err
    code, _, err = outcome(capsys, "train", str(sentences_csv), "--model", str(tmp_path / "run"), "--out",
                           str(tmp_path / "out"))  # fmt: skip
    assert code == 2
    assert "holds no model" in err


def test_a_folder_that_is_taken(capsys, tmp_path, sentences_csv):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine", encoding="utf-8")
    code, _, err = outcome(capsys, "train", str(sentences_csv), "--out", str(tmp_path / "run"))
    assert code == 2
    assert "another --out" in err
    assert (tmp_path / "run" / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_a_wrong_file_is_named_with_its_row(capsys, tmp_path):
    (tmp_path / "bad.csv").write_text('text,label\nfine,a\n"never closed,b\nnext,c\n', encoding="utf-8")
    code, _, err = outcome(capsys, "check", str(tmp_path / "bad.csv"))
    assert code == 2
    assert "bad.csv" in err and "line 3" in err and "next" in err


def raising(monkeypatch, error: BaseException) -> None:
    """`bertune tasks` fails with this error."""

    def fail(door: str, *rest: str):
        if door == "tasks":
            raise error
        return COMMANDS

    monkeypatch.setattr(registry, "names", fail)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DataError("wrong.", where="a.csv row 3"), 2, "a.csv row 3: wrong."),
        (KeyboardInterrupt(), 130, "stopped"),
        (Interrupted(signal.SIGINT), 130, "stopped by a signal"),
        (Interrupted(signal.SIGTERM), 3, "stopped by a signal"),
        (Interrupted(0), 3, "stopped"),
        (OSError(28, "No space left on device", "out.bin"), 2, "out.bin: No space left on device"),
    ],
)
def test_exit_codes(error, code, words, capsys, monkeypatch):
    raising(monkeypatch, error)
    found, out, err = outcome(capsys, "tasks")
    assert (found, out) == (code, "")
    assert words in err


def test_an_interrupted_run_is_named(capsys, monkeypatch):
    error = Interrupted(signal.SIGTERM)
    error.run = "runs/mine-1"
    raising(monkeypatch, error)
    assert "bertune resume runs/mine-1" in outcome(capsys, "tasks")[2]


def test_a_failure_of_ours_keeps_its_traceback():
    code = (
        "from bertune.base import registry\nfrom bertune.cli.main import run\nnames = registry.names\n"
        "def fail(door):\n    if door == 'tasks': raise ZeroDivisionError('ours')\n    return names(door)\n"
        "registry.names = fail\nrun()"
    )
    ended = start("tasks", "--json", code=code)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr and "ZeroDivisionError: ours" in ended.stderr
    assert json.loads(ended.stdout)["kind"] == "ZeroDivisionError"


@pytest.mark.parametrize(
    "arguments",
    [
        ["tasks"], ["show", "losses"], ["show", "losses", "focal"], ["show", "optimizer", "adamw"],
        ["show", "losses", "focl"], ["train", "nowhere.csv"], ["resume", "nowhere"], ["tasks", "--bogus"],
    ],
)  # fmt: skip
def test_json_is_all_there_is_on_stdout(arguments, capsys):
    code, out, err = outcome(capsys, *arguments, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines and all(isinstance(line, dict) and "topic" in line for line in lines)
    assert (code == 0) == (err == "")
    assert (code == 2) == (lines[-1]["topic"] == "error")


def test_check_as_json(capsys, tmp_path, monkeypatch):
    path = tmp_path / "评论.csv"
    path.write_text(
        "text,label\n" + "".join(f"这家店第{i}次来都很好,好\n太差了{i},差\n" for i in range(30)), encoding="gb18030"
    )
    monkeypatch.setattr("bertune.runs.check._model", lambda recipe, rows: None)
    code, out, err = outcome(capsys, "check", str(path), "--json", "--out", str(tmp_path / "f.json"))
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert "评论.csv" in lines[0]["text"] and "GB18030" in lines[0]["text"]
    findings = [line["finding"] for line in lines if "finding" in line]
    assert findings == json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))


def test_text_that_is_not_english(capsys, tmp_path):
    path = tmp_path / "données 数据.csv"
    code, _, err = outcome(capsys, "check", str(path))
    assert code == 2
    assert "données 数据.csv" in err
    code, _, err = outcome(capsys, "train", str(path), "--set", "损失.名称=焦点")
    assert code == 2
    assert "损失.名称" in err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_old_encoding_of_the_pipe_does_not_fail(encoding):
    """A pipe on Windows is often not UTF-8: JSON is all the same, other characters are shown as their numbers."""
    old = {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    ended = start("check", "不存在.csv", "--json", **old)
    assert ended.returncode == 2, ended.stderr
    assert "不存在.csv" in json.loads(ended.stdout)["text"]
    assert "\\u4e0d" in ended.stderr


def test_show_tells_the_settings_of_a_part(capsys):
    code, _, err = outcome(capsys, "show", "losses", "focal")
    assert code == 0
    assert "focal" in err and "gamma = 2.0: a number at least 0 and at most 10" in err
    assert outcome(capsys, "show", "loss", "focal")[2] == err, "the slot's name is as good as the door's"
    listed = outcome(capsys, "show", "losses")[2]
    assert all(name in listed for name in registry.names("losses"))


@pytest.mark.parametrize("door", [d for d in registry.DOORS if d != "commands"])
def test_show_works_for_every_part(door, capsys):
    for name in registry.names(door):
        code, out, err = outcome(capsys, "show", door, name)
        assert (code, out) == (0, ""), err
        assert name in err


def test_every_topic_is_apart_from_its_text():
    stream = io.StringIO()
    people = People(Console(file=stream, width=80))
    for topic in ("data", "pair_classification", "text_classification"):
        people.say(topic, "words")
    assert stream.getvalue().splitlines() == [
        "data     words",
        "pair_classification words",
        "text_classification words",
    ]


def test_a_terminal_of_80_columns_is_not_exceeded():
    stream = io.StringIO()
    people = People(Console(file=stream, width=80, force_terminal=True, color_system=None))
    people.say("data", "word " * 60 + "\n  at   " + "messages.csv row 1; " * 20)
    people.warn("警告：这一行很长，" * 20)
    people.say("path", "/a/very/long/path" * 12)
    lines = stream.getvalue().splitlines()
    assert len(lines) > 8
    assert max(cell_len(line) for line in lines) <= 80
    assert people.bar == "bar"


def test_elsewhere_than_on_a_terminal_lines_are_plain_and_whole():
    stream = io.StringIO()
    people = People(Console(file=stream, width=80))
    people.say("data", "word " * 60)
    people.say("data", "again")
    people.warn("care")
    first, second, third = stream.getvalue().splitlines()
    assert first == "data     " + ("word " * 60).rstrip()
    assert (second, third) == ("         again", "         ! care")
    assert "\x1b" not in stream.getvalue()
    assert people.bar == "lines"


def test_texts_with_markup_are_shown_as_they_are():
    stream = io.StringIO()
    people = People(Console(file=stream, width=80))
    people.say("data", "[red]not red[/red] [/] :smile:")
    assert stream.getvalue() == "data     [red]not red[/red] [/] :smile:\n"


def test_json_lines_hold_what_people_read_and_the_data():
    stream = io.StringIO()
    teller = Json(stream)
    teller.say("plan", "两行\n文字", steps=3)
    teller.warn("care", code="x")
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"topic": "plan", "text": "两行\n文字", "steps": 3},
        {"topic": "warning", "text": "care", "code": "x"},
    ]


def test_a_message_on_a_terminal_is_wrapped_under_its_words(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    code, _, err = outcome(capsys, "show", "lossse")
    assert code == 2
    lines = err.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert lines[1].startswith("  expected  tasks") and lines[2].startswith(" " * 12)
