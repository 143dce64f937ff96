"""Prediction in bf16 and in float32: the same labels, and only where the machine computes bf16."""

from collections.abc import Callable
from pathlib import Path

import pytest

import bertune
import tiny_models
from bertune.base.errors import DataError
from bertune.cli.main import run as command_line
from bertune.runs import predict as module

TEXTS = [text for text, _ in tiny_models.sentences(300, seed=9)]


@pytest.fixture
def run(trained: Callable[..., Path]) -> bertune.Run:
    return bertune.load(trained())


def told(answers: list[bertune.Prediction]) -> list[tuple[str, float]]:
    return [(answer.label, answer.probability) for answer in answers]


def test_labels_are_those_of_float32(run: bertune.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_bf16", lambda device: True)
    exact, found = told(run.predict(TEXTS, precision="fp32")), told(run.predict(TEXTS))
    assert [label for label, _ in found] == [label for label, _ in exact]
    assert sum(a != b for a, b in zip(exact, found, strict=True)) > len(TEXTS) / 10, "some were left in bf16"
    for (_, one), (_, other) in zip(exact, found, strict=True):
        assert one == pytest.approx(other, abs=0.05)


def test_without_bf16_all_is_float32(run: bertune.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_bf16", lambda device: False)
    assert told(run.predict(TEXTS)) == told(run.predict(TEXTS, precision="fp32"))


def test_bf16_is_computed_where_it_is_asked_for(run: bertune.Run) -> None:
    exact, found = told(run.predict(TEXTS[:20], precision="fp32")), told(run.predict(TEXTS[:20], precision="bf16"))
    assert exact != found
    assert [one for _, one in exact] == pytest.approx([one for _, one in found], abs=0.05)


def test_few_rows_are_float32(run: bertune.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_bf16", lambda device: True)
    assert told(run.predict(TEXTS[:20])) == told(run.predict(TEXTS[:20], precision="fp32"))


def test_an_unknown_precision_is_refused(
    run: bertune.Run, trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="precision"):
        run.predict(TEXTS, precision="int8")
    data = tmp_path / "new.csv"
    data.write_text("text\ngood food\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        command_line(["predict", str(trained()), str(data), "--precision", "half"])
    assert "auto, fp32, bf16" in capsys.readouterr().err
