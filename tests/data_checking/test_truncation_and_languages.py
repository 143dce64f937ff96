"""The truncation ledger against plain counting; the language guess on known sentences."""

import numpy as np
import pytest
from data_checking_views import clean_texts
from hypothesis import given
from hypothesis import strategies as st

from bertune.data.languages import language_of_texts, main_script, script_of, scripts_of
from bertune.data.truncation import CUT_SHARE, choose_length, ledger


@given(st.lists(st.integers(2, 600), max_size=80), st.integers(4, 512))
def test_ledger_counts_what_is_cut(lengths: list[int], limit: int) -> None:
    book = ledger(np.array(lengths, dtype=np.int64), limit)
    assert book.rows_cut == sum(n > limit for n in lengths)
    assert book.tokens_cut == sum(lengths) - sum(min(n, limit) for n in lengths)
    assert book.length_that_cuts_none == max(lengths, default=0)
    assert book.share_rows_cut == pytest.approx(book.rows_cut / max(1, len(lengths)))
    assert ledger(np.array(lengths, dtype=np.int64), max(book.length_that_cuts_none, 1)).tokens_cut == 0
    assert book.as_json()["percentiles"]["100"] == max(lengths, default=0)


@given(st.lists(st.integers(1, 600), min_size=1, max_size=400), st.integers(8, 512))
def test_chosen_length_is_the_smallest_that_will_do(lengths: list[int], limit: int) -> None:
    chosen = choose_length(np.array(lengths), limit)
    assert chosen <= limit
    assert chosen % 8 == 0 or chosen == limit
    cut = [sum(n > length for n in lengths) / len(lengths) for length in (chosen, chosen - 8)]
    assert chosen == limit or cut[0] <= CUT_SHARE
    assert chosen <= 8 or chosen == limit or cut[1] > CUT_SHARE


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("parcel", "latin"), ("包裹还没到", "han"), ("荷物がまだ届いていません", "kana"), ("소포가 없어요", "hangul"),
        ("посылка", "cyrillic"), ("الطرد", "arabic"), ("पार्सल", "devanagari"), ("12 !? 😀", "none"), ("", "none"),
        ("πακέτο", "greek"), ("ＡＢＣ", "latin"),
    ],
)  # fmt: skip
def test_script_of(text: str, script: str) -> None:
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The parcel has not arrived and I want to know where it is.", "en"),
        ("Das Paket ist nicht angekommen und ich möchte wissen, wo es ist.", "de"),
        ("Le colis n'est pas arrivé et je voudrais savoir où il est.", "fr"),
        ("El paquete no ha llegado y quiero saber dónde está, por favor, con los datos.", "es"),
        ("Il pacco non è arrivato e vorrei sapere che cosa è successo.", "it"),
        ("O pacote não chegou e eu quero saber em que lugar ele está.", "pt"),
        ("Het pakket is niet aangekomen en ik wil weten waar het is.", "nl"),
        ("Balíček nedorazil, kde ho prosím najdu?", "other-latin"),
        ("包裹还没到,请帮忙查一下。", "zh"),
        ("荷物がまだ届いていません。", "ja"),
        ("소포가 아직 도착하지 않았어요.", "ko"),
        ("Посылка ещё не пришла.", "ru"),
        ("لم يصل الطرد بعد.", "ar"),
        ("12345", "unknown"),
    ],
)
def test_language_of_texts(text: str, language: str) -> None:
    assert language_of_texts([text]) == language


def test_main_script_is_that_of_most_texts() -> None:
    assert main_script(scripts_of([*clean_texts(3), "包裹", "123", ""])) == ("latin", 0.75)
    assert main_script([]) == ("none", 0.0)
