"""Encodings: marks, UTF-8, declarations, guesses; and what is no text."""

from __future__ import annotations

import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode import decode
from sluice.errors import DocumentError

GERMAN = "Die Größe der Prüfung hängt von der Übung ab. Für Änderungen genügt ein kurzer Satz.\r\n" * 3


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_utf8_comes_back_as_it_was(text: str) -> None:
    """Every text without zero characters survives, line ends included."""
    assert decode(text.encode()) == text


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + GERMAN.encode(),
        GERMAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"),
        GERMAN.encode("utf-16-le"),
        GERMAN.encode("utf-16-be"),
        GERMAN.encode("utf-32"),
        GERMAN.encode("latin-1"),
        GERMAN.encode("cp1252"),
    ],
    ids=["utf-8-sig", "utf-16", "utf-16-be-mark", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"],
)
def test_encodings_are_found_and_marks_removed(content: bytes) -> None:
    """With or without a byte-order mark, the text is the same."""
    assert decode(content) == GERMAN


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("L’été dernier, nous avons visité les châteaux où habitait ma grand-mère.", "mac-roman"),
        ("Name,Ort\nMüller,Köln\nGrüß,Bönen\n", "mac-roman"),
        ("Für Änderungen genügt ein kurzer Satz, sagt Übung.", "mac-roman"),
        ("Übung", "mac-roman"),
        ("La città è più bella", "mac-roman"),
        ("Informação", "mac-roman"),
        ("Atención: más información aquí", "mac-roman"),
        ("Åtta ängar på ön", "mac-roman"),
        ("• bullet one\n• bullet two", "mac-roman"),
        ("• bullet one\n• bullet two", "cp1252"),
        ("Price £5 • item", "cp1252"),
        ("Really—and the cost–benefit of ‘it’, isn’t it?", "cp1252"),
        ("Manutenção de equipamentos à distância", "cp850"),
        ("Żółć, Łódź i Kraków – ul. Długa 5", "cp1250"),
        ("Die Größe der Häuser über dem Fluß überrascht. Schöne Grüße.", "cp850"),
        ("พนักงานได้รับวันหยุดพักผ่อนประจำปียี่สิบวัน", "tis-620"),
        ("It’s the “best” plan – the fee is €5, says naïve André.", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy.", "cp1250"),
    ],
)
def test_a_guess_knows_what_letters_look_like_beside_each_other(text: str, encoding: str) -> None:
    """Macintosh, DOS and Thai, which the Web's detector does not know or calls otherwise; and what it knows stays."""
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize(
    "words",
    ["中华人民共和国", "每位员工每年享有二十天带薪年假，须提前两周申请。", "株式会社の規則について", "こんにちは", "标题\n正文"],
)
def test_wide_text_of_east_asia_needs_no_mark(words: str, encoding: str) -> None:
    """Without a space or a line end it has no zero byte."""
    assert decode(words.encode(encoding)) == words


@pytest.mark.parametrize("words", ["füge", "größer", "Straßenverkehrsordnungen", "très été", "nüßé"])
def test_a_short_text_is_not_taken_for_chinese(words: str) -> None:
    """Two letters each make a character that exists."""
    assert decode(words.encode("cp1252")) == words


def test_stray_zeros_in_an_old_encoding_are_no_wide_text() -> None:
    """One of them in a letter of a few words."""
    assert decode("Gr\0üße aus Köln, caf\0é".encode("cp1252")) == "Grüße aus Köln, café"


def test_halves_of_characters_are_characters() -> None:
    """Java and old databases write an emoji as two halves of three bytes each (CESU-8)."""
    assert decode(b"\xc3\x84rger \xed\xa0\xbd\xed\xb8\x80") == "Ärger \U0001f600"


def test_a_declaration_is_believed_where_utf8_does_not_fit() -> None:
    """HTML and XML say their charset; a wrong or unknown one is ignored."""
    page = '<meta charset="{}"><p>日本語の文章です</p>'
    assert decode(page.format("shift_jis").encode("shift_jis"), declared=True) == page.format("shift_jis")
    assert decode(page.format("shift_jis").encode("utf-8"), declared=True) == page.format("shift_jis")
    assert "Größe" in decode(b"<?xml version='1.0' encoding='no-such'?><p>" + GERMAN.encode("latin-1"), declared=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not_text"),
        (random.Random(0).randbytes(5000), "not_text"),
        (random.Random(1).randbytes(5000).replace(b"\0", b""), "not_text"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x00\x00", "undecodable"),
        (codecs.BOM_UTF8 + b"\xff\xfe\xfd", "undecodable"),
    ],
    ids=["png", "random", "random-without-zeros", "half-a-pair", "false-mark"],
)
def test_what_is_no_text_is_said_to_be_none(content: bytes, reason: str) -> None:
    """The reason is countable, the message names the document."""
    with pytest.raises(DocumentError) as error:
        decode(content, uri="x.txt")
    assert error.value.reason == reason
    assert "x.txt" in error.value.message


@given(st.binary(max_size=300))
def test_any_bytes_end_as_text_or_as_a_document_error(content: bytes) -> None:
    """No other exception escapes, and the answer is always the same."""

    def outcome() -> str:
        try:
            return decode(content, declared=True)
        except DocumentError as error:
            return error.reason

    assert outcome() == outcome()


def test_a_file_that_was_made_larger_than_its_text() -> None:
    """Its end is zeros, however many; text in UTF-16 is no such file."""
    assert decode(b"Hello world\n" + b"\0" * 900) == "Hello world\n"
    assert decode("Grüße".encode() + b"\0" * 4) == "Grüße"
    assert decode("Hello world".encode("utf-16-le")) == "Hello world"
