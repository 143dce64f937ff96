"""Which model is taken when none is named: by language and hardware, said with the reason, never in silence."""

from pathlib import Path

import pytest

from bertune.base.errors import ModelError
from bertune.model import choice


@pytest.fixture
def only_minilm(monkeypatch):
    """A machine without a network, with the English package model alone."""

    def locate(source: str, digest: str | None, revision: str | None) -> Path:
        if source.startswith("package:"):
            return Path("here")
        raise ModelError("not in the cache.", where=source)

    monkeypatch.setattr(choice, "locate", locate)


def test_english_gets_the_english_model(only_minilm):
    chosen = choice.choose("auto", "en", "cpu")
    assert (chosen.name, chosen.languages) == ("minilm", ("en",))
    assert "English" in chosen.reason


@pytest.mark.parametrize("language", ["other-latin", "unknown"])
def test_texts_that_do_not_tell_are_taken_for_english_and_it_is_said(only_minilm, language):
    assert "taken for English" in choice.choose("auto", language, "cpu").reason


@pytest.mark.parametrize("language", ["zh", "de", "ru"])
def test_another_language_never_gets_it_in_silence(only_minilm, language):
    with pytest.raises(ModelError) as error:
        choice.choose("auto", language, "cpu")
    assert language in error.value.message
    assert "minilm (" not in (error.value.found or "").replace("multilingual-minilm", "")
    assert "--model" in (error.value.next_move or "")


def test_every_known_model_says_where_for_what_and_why():
    for model in choice.known():
        assert set(model) >= {"name", "source", "languages", "hardware", "reason"}
        assert model["source"].partition(":")[0] in ("package", "hub")
        assert set(model["hardware"]) <= {"cpu", "cuda", "mps"}


def test_a_folder_without_a_model_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        choice.choose(str(tmp_path), "en", "cpu")
    with pytest.raises(ModelError, match="no such folder"):
        choice.choose(str(tmp_path / "missing"), "en", "cpu")
