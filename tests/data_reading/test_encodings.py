"""Encodings: what is plain is recognised, what is not is left to the user."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.data.encodings import named, reads_as_chinese, recognise

CHINESE = "标签,文本\n好评,这家酒店的服务很好，房间也很干净。\n差评,手机用了三天就坏了，客服态度很差！\n"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40), st.integers(0, 3))
def test_utf_8_is_always_recognised_even_cut_in_a_character(text, cut):
    data = text.encode()
    assert recognise(data, "a", whole=True).codec == "utf-8" or text.startswith("\ufeff") or data[:2] in (b"\xff\xfe",)
    chosen = recognise(data + "文".encode()[:cut], "a", whole=False)
    assert chosen.codec == "utf-8"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [CHINESE, "text,label\nGreat stuff,a\n", "текст,метка\nочень хорошо,да\n"])
def test_utf_16_without_a_mark(codec, text):
    assert recognise(text.encode(codec), "a", whole=True).codec == codec


@pytest.mark.parametrize("content", [b"text,label\na\0,b\n", b"text,label\na\0b,c\0d\ne,f\n", b"a\0\0b\n"])
def test_utf_8_with_stray_nul_bytes_is_not_taken_for_utf_16(content):
    assert recognise(content, "a", whole=True).codec == "utf-8"


@pytest.mark.parametrize("short", [CHINESE, "文本,标签\n不错,好\n", "内容,类别\n很好,0\n"])
def test_gb18030_is_recognised_and_said(short):
    chosen = recognise(short.encode("gb18030"), "a", whole=True)
    assert chosen.codec == "gb18030" and "GB18030" in chosen.said


FOREIGN = {
    "cp1250": "Bardzo dobry hotel, obsługa była miła i pomocna, śniadanie świeże",
    "iso8859-2": "Velmi dobrý hotel, příjemná obsluha, čistý pokoj a výborná snídaně",
    "cp1254": "Çok güzel bir oteldi, odalar temizdi ve çalışanlar çok yardımcı oldu",
    "cp850": "Très bel hôtel, le personnel était agréable et le petit déjeuner généreux",
    "mac_roman": "Très bel hôtel, le personnel était agréable et le petit déjeuner généreux",
    "cp1251": "Отличный отель, очень понравилось обслуживание",
    "koi8-r": "Отличный отель, очень понравилось обслуживание",
    "shift_jis": "とても良いホテルでした。また来ます。",
    "euc_jp": "とても良いホテルでした。また来ます。",
    "euc_kr": "아주 좋은 호텔입니다. 다시 오고 싶어요.",
    "big5": "這家酒店的服務很好，房間也很乾淨。",
    "cp1253": "Πολύ καλό ξενοδοχείο",
    "cp874": "โรงแรมดีมาก",
}


HUNGARIAN = "Nagyon jó szálloda volt, kedves személyzet, bőséges reggeli és szép kilátás a tóra, jövőre is jövünk"


ROMANIAN = "Hotel foarte bun şi curăţat în fiecare zi"


@pytest.mark.parametrize(("codec", "text"), [*FOREIGN.items(), ("cp1250", HUNGARIAN), ("cp1250", ROMANIAN)])
def test_other_encodings_are_never_guessed(codec, text):
    with pytest.raises(DataError, match=r"a line 2[\s\S]*it could be[\s\S]*--set data\.encoding="):
        recognise(b"text,label\n" + text.encode(codec, "ignore") + b",x\n", "a", whole=True)


WESTERN = {
    "German": "Größe und Qualität überzeugen, „sehr gut“ für 20 €",
    "French": "déjà vu à la crème brûlée, c’était très bien",
    "Spanish": "¡El señor llegó mañana! ¿Está aquí la niña?",
    "Portuguese": "As informações não são boas, mas as opções e os cartões são",
    "Danish": "Værelset var pænt og på gåafstand, men køen var for lang",
    "English": "It’s “fine” for £5 – really",
}


@pytest.mark.parametrize("language", list(WESTERN))
@pytest.mark.parametrize("codec", ["cp1252", "latin-1"])
def test_western_european_text_is_recognised_and_said(language, codec):
    text = f"text,label\n{WESTERN[language]},x\n"
    if codec == "latin-1":
        text = text.translate(str.maketrans("’„“”€–", '\'"""E-'))
    data = text.encode(codec)
    if data.isascii():
        return
    chosen = recognise(data, "a", whole=True)
    assert data.decode(chosen.codec) == text and "Windows-1252 (recognised)" in chosen.said


def test_a_few_odd_characters_in_english_are_no_reason_to_ask():
    data = ("text,label\n" + "call now to win, it is free,spam\n" * 40 + "only ¼ left,spam\n").encode("cp1252")
    assert recognise(data, "a", whole=True).codec == "cp1252"
    with pytest.raises(DataError):  # the bytes of two characters, whatever they mean
        recognise(data.replace(b"\xbc", "한국".encode("euc_kr")), "a", whole=True)


def test_mojibake_does_not_read_as_chinese():
    assert reads_as_chinese(CHINESE)
    assert not reads_as_chinese("아주 좋은 호텔입니다".encode("euc_kr").decode("gb18030"))


@pytest.mark.parametrize(("name", "codec", "mark"), [("utf-16", "utf-16-be", 2), ("UTF8", "utf-8", 0)])
def test_a_named_encoding_minds_the_byte_order_mark(name, codec, mark):
    data = "a".encode("utf-16-be") if mark else b"a"
    chosen = named(name, (b"\xfe\xff" if mark else b"") + data, "a")
    assert (chosen.codec, chosen.mark) == (codec, mark)


@pytest.mark.parametrize("name", ["rot13", "hex", "nonsense", "undefined\0", ""])
def test_what_is_no_text_encoding_is_refused(name):
    with pytest.raises(DataError, match="no text encoding"):
        named(name, b"a", "a")
