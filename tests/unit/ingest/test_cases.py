"""The inputs of `../shared/corpora/cases` that are text or mail, each with its right value."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.sources.mail import MailOptions, MailSource
from ingest.sources.records import RecordsOptions, RecordsSource
from sluice.records import RawItem
from tests.unit.ingest.reads import losses, read, reason, shape, text

CASES = Path(__file__).resolve().parents[3] / "../shared/corpora/cases"

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/corpora"),
]


def case(name: str) -> bytes:
    return (CASES / name).read_bytes()


def messages(name: str) -> dict[str, RawItem]:
    """The messages of an mbox by the last part of their uri."""
    source = MailSource("m", MailOptions(path=str(CASES / name)))
    return {ref.uri.split("/", 1)[1]: source.fetch(ref) for ref in source.scan({})}


def said(item: RawItem) -> str:
    return text(item.content, item.uri, media_type=item.media_type, named=item.named)


def test_a_message_id_is_no_file_name() -> None:
    """08: ids that end in .com, .org, .pl and .rs are four messages of one text."""
    assert {said(item) for item in messages("08-mail-ids/ids.mbox").values()} == {"The spare key lies at the front desk."}


def test_every_part_of_a_message_is_read() -> None:
    """09: text after an attachment, HTML within a mixed alternative, plain beside a pixel, an invitation, a sentence
    that begins with From; an envelope that does not open is said."""
    found = messages("09-mail-parts/parts.mbox")
    assert set(found) == {
        *(f"{name}@m.example.com" for name in ("around", "nested", "pixel", "invite", "sealed", "from")),
        "around@m.example.com/1-q.csv",
        "nested@m.example.com/1-q.csv",
    }
    both = "Before the file: the price is 100.\n\nAfter the file: it ends on 30 June."
    assert said(found["around@m.example.com"]) == said(found["nested@m.example.com"]) == both
    assert said(found["pixel@m.example.com"]) == "The office closes at noon on Friday."
    assert said(found["invite@m.example.com"]) == "Budget meeting\n\nLocation: Room 7"
    assert said(found["from@m.example.com"]).split("\n\n") == [
        "First paragraph.",
        "From now on the gate closes at four.\nNote: this holds for all.",
        "Last paragraph.",
    ]
    sealed = found["sealed@m.example.com"]
    assert reason(sealed.content, sealed.uri, media_type=sealed.media_type, named=False) == "sealed"
    assert said(found["around@m.example.com/1-q.csv"]) == "a | b\n1 | 2"


def test_latin_1_is_what_the_web_takes_it_for() -> None:
    """10: iso-8859-1 means windows-1252."""
    assert text(case("10-latin1/page.html"), "page.html") == "It’s the “best” plan – the fee is €5."


def test_one_bad_byte_costs_one_character_and_a_guess_says_so() -> None:
    """11: umlauts and CJK around it stay; Portuguese is Portuguese, and its encoding a guess."""
    found = read(case("11-guesses/one-bad-byte.txt"), "one-bad-byte.txt")
    assert found.text.endswith("Zürich, Größe – naïve “quoted” 日本 and caf\ufffd")
    assert found.metadata["losses"] == [{"what": "undecodable_byte", "count": 1, "where": ""}]
    guessed = read(case("11-guesses/portuguese.txt"), "portuguese.txt")
    assert guessed.text == "A informação não está disponível na seção de órgãos."
    assert guessed.metadata["guessed_encoding"] == "windows-1252"
    assert 0.5 < guessed.metadata["encoding_confidence"] < 1


def test_a_comma_in_a_heading_is_no_delimiter() -> None:
    """12: semicolons delimit."""
    assert text(case("12-csv/comma-in-heading.csv"), "a.csv") == "Name, Vorname | Alter, Jahre | Ort\nMüller, Anna | 34 | Köln"


def test_a_page_called_xls_is_a_page() -> None:
    """14: with the media type of its name too."""
    assert shape(case("14-mislabelled/report.xls"), "report.xls", media_type="application/vnd.ms-excel") == [
        ("table", "Region | Sales\nNorth | 1200")
    ]


def test_a_notebook_is_its_cells() -> None:
    """18: prose, code, and a picture that is said."""
    content = case("18-notebook/forecast.ipynb")
    assert shape(content, "forecast.ipynb") == [
        ("title", "Forecast"),
        ("text", "We use a seasonal model for the parcels."),
        ("code", "plot(parcels)"),
    ]
    assert losses(content, "forecast.ipynb") == {"picture": 1}


@pytest.mark.parametrize(
    ("name", "title", "language"), [("en", "Annual leave", "en"), ("fr", "Congés annuels", "fr"), ("zh", "年假", "zh")]
)
def test_headings_and_sentences_are_told_apart_in_every_language(name: str, title: str, language: str) -> None:
    """19: one heading and two paragraphs."""
    found = read(case(f"19-languages/{name}.txt"), f"{name}.txt")
    assert (found.title, found.language, [element.kind for element in found.elements]) == (
        title,
        language,
        ["title", "text", "text"],
    )


def test_html_keeps_spans_numbers_and_formulas() -> None:
    """20: rowspan filled, a list from 5, MathML."""
    assert shape(case("20-html/rates.html"), "rates.html") == [
        ("title", "Rates"),
        ("table", "Region | Tier | Price\nNorth | Basic | 10\nNorth | Gold | 20\nSouth | Basic | 30"),
        ("title", "Clauses"),
        ("list", "5. The tenant pays on the first day."),
        ("list", "6. The landlord repairs the roof."),
        ("title", "Formula"),
        ("text", "The fee is F=3d in euro."),
    ]


def test_a_row_is_not_what_its_key_looks_like() -> None:
    """25: seven rows of Markdown, whatever their keys end in."""
    options = {"path": CASES / "25-row-keys/files.jsonl", "key": ["id"], "text": ["note"], "media_type": "text/markdown"}
    source = RecordsSource("r", RecordsOptions.model_validate(options))
    for item in map(source.fetch, source.scan({})):
        key = item.uri.split("/", 1)[1]
        found = read(item.content, item.uri, media_type=item.media_type, named=item.named)
        assert (found.title, found.text) == (key, f"{key}\n\nThis row describes the thing called {key}.")
