"""bertune doctor: it tells of the machine without a network, and its kill test passes here and can fail."""

import re
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from fork_server import Child, Server
from transformers import AutoModel, AutoTokenizer

from bertune.cli.main import run as command_line
from bertune.runs import doctor, endings, kill_test
from bertune.runs.kill_test import Trial
from bertune.runs.small_model import write_model, write_rows
from bertune.runs.telling import Silent


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection fails the test."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)


def test_the_machine_is_told_without_a_network(no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    teller = Silent()
    doctor.examine(teller)
    said = dict(teller.heard)
    assert {"bertune", "versions", "device", "memory", "disk", "models", "hub"} <= set(said)
    assert "torch 2." in said["versions"] and "GB free" in said["memory"]
    assert re.search(r" · (1 thread|[2-9] threads|\d{2,} threads) · ", said["device"])
    assert said["hub"].startswith("not asked")


def test_the_hub_is_asked_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refused(address: object, timeout: float) -> socket.socket:
        asked.append(address)
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", refused)
    assert doctor.hub(True).startswith("offline") and not asked
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example:8443/hub")
    assert doctor.hub(True).startswith("not reachable (mirror.example)")
    assert asked == [("mirror.example", 8443)]
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket())
    assert doctor.hub(True).startswith("reachable")


@pytest.mark.parametrize("passes, code", [(True, 0), (False, 1)])
def test_the_command_fails_when_the_kill_test_does(
    no_network: None, monkeypatch: pytest.MonkeyPatch, passes: bool, code: int
) -> None:
    monkeypatch.setattr(kill_test, "kill_test", lambda kills, seed, teller: passes)
    with pytest.raises(SystemExit) as end:
        command_line(["doctor", "--kill-test", "--kills", "2"])
    assert (end.value.code or 0) == code


def test_the_small_model_is_whole(tmp_path: Path) -> None:
    write_model(tmp_path)
    _, about = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not about["missing_keys"] and not about["unexpected_keys"]
    write_rows(tmp_path / "rows.csv", 50)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for line in (tmp_path / "rows.csv").read_text().splitlines()[1:]:
        ids = tokenizer(line.split(",")[0])["input_ids"]
        assert tokenizer.unk_token_id not in ids and ids[0] == tokenizer.cls_token_id


@pytest.fixture
def start(server: Server, monkeypatch: pytest.MonkeyPatch) -> kill_test.Starter:
    """Starts the runs of the kill test in forked children, on fewer rows."""
    monkeypatch.setattr(kill_test, "ROWS", 60)
    short = (*kill_test.SETTINGS, "training.epochs=1", "training.threads=1", "evaluation.suspects=false")
    monkeypatch.setattr(kill_test, "SETTINGS", short)

    def started(arguments: Sequence[str], log: Path) -> Child:
        return server.start(arguments, log, no_report=True)

    return started


def test_kills_and_damage_end_bit_identical(start: kill_test.Starter) -> None:
    teller = Silent()
    assert kill_test.kill_test(1, 0, teller, start)
    assert ("result", "1 kills, 1 bit-identical endings · 1 damaged checkpoint, recovered") in teller.heard
    assert [topic for topic, _ in teller.heard] == ["unbroken", "trial", "trial", "result"]


def test_an_ending_that_differs_is_found(start: kill_test.Starter, tmp_path: Path) -> None:
    """Every part of the ending counts; each is broken in turn."""
    ground = kill_test.small_ground(tmp_path, 0, start)
    expected, _ = kill_test.unbroken(ground)
    run = tmp_path / "whole"
    assert endings.differences(expected, endings.ending(run)) == ()
    history = (run / "history.jsonl").read_text()
    (run / "history.jsonl").write_text(history.replace('"texts_per_second": ', '"texts_per_second": 1', 1))
    assert endings.differences(expected, endings.ending(run)) == ()  # times may differ
    (run / "history.jsonl").write_text(history.replace('"loss": ', '"loss": 1', 1))
    assert endings.differences(expected, endings.ending(run)) == ("history",)
    (run / "history.jsonl").write_text(history)
    weights = bytearray((run / "model" / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (run / "model" / "model.safetensors").write_bytes(bytes(weights))
    scores = (run / "scores.json").read_text()
    (run / "scores.json").write_text(scores + " ")
    (run / "predictions" / "test.parquet").write_bytes((run / "predictions" / "valid.parquet").read_bytes())
    assert endings.differences(expected, endings.ending(run)) == ("weights", "scores", "predictions")


def test_the_kill_test_can_fail(start: kill_test.Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Trial("damaged x", 1.0, 2, (), told=False).passed
    assert not Trial("killed", 1.0, 2, ("weights",)).passed
    monkeypatch.setattr(kill_test, "unbroken", lambda ground: ({"history": []}, 1.0))
    monkeypatch.setattr(kill_test, "killed", lambda *_: Trial("killed", 1.0, 2, ("weights",)))
    monkeypatch.setattr(kill_test, "damaged", lambda *_: Trial("damaged x", 1.0, 2, (), told=False))
    teller = Silent()
    assert not kill_test.kill_test(3, 0, teller, start)
    assert ("result", "3 kills, 0 bit-identical endings · 1 damaged checkpoint, NOT recovered") in teller.heard
    assert any("DIFFERENT: weights" in text for _, text in teller.heard)
    assert any("NOT told" in text for _, text in teller.heard)


@pytest.mark.slow
def test_the_kill_test_as_a_person_runs_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command_line(["doctor", "--kill-test", "--kills", "1"])
    assert not end.value.code
    assert "1 kills, 1 bit-identical endings" in capsys.readouterr().err
