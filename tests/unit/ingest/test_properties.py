"""What files say about themselves: titles that somebody gave them, days, languages."""

from __future__ import annotations

import pytest

from ingest import properties
from tests.unit.ingest.office_files import para, run, word, zipped
from tests.unit.ingest.pdf_files import at, made
from tests.unit.ingest.reads import read

CORE = (
    '<c:coreProperties xmlns:c="c" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
    "{}</c:coreProperties>"
)


def core(inside: str) -> properties.Properties:
    return properties.of_office(zipped({"docProps/core.xml": CORE.format(inside)}))


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Document1", ""),
        ("untitled", ""),
        ("Untitled-2", ""),
        ("PowerPoint-Präsentation", ""),
        ("Présentation PowerPoint", ""),
        ("Microsoft Word - Leave policy.docx", "Leave policy"),
        ("Microsoft Word - Document1", ""),
        ("plan_v2.docx", "plan_v2"),
        ("Document retention policy", "Document retention policy"),
        ("Book 2 of the series", "Book 2 of the series"),
        ("Version 2.0", "Version 2.0"),
    ],
)
def test_a_title_that_nobody_gave_is_none(title: str, kept: str) -> None:
    """What programs call a file that has no name, and what printing puts before one that has."""
    assert core(f"<dc:title>{title}</dc:title>").get("title", "") == kept


def test_when_a_file_was_made_counts_where_it_was_never_changed() -> None:
    """In Office files and in PDF; the last change is what says most."""
    made_at, changed = "<dcterms:created>2020-01-02</dcterms:created>", "<dcterms:modified>2024-03-04</dcterms:modified>"
    assert core(made_at) == {"date": "2020-01-02"}
    assert core(made_at + changed) == {"last_modified": "2024-03-04"}
    content = made(at(72, 700, "Body words."), extra=["<< /CreationDate (D:20200102) /Title (untitled) >>"])
    document = read(content.replace(b"/Root 1 0 R", b"/Root 1 0 R /Info 10 0 R"), "plan.pdf")
    assert (document.title, document.metadata["date"]) == ("plan", "2020-01-02T00:00:00")


def test_a_page_says_when_it_was_written_and_what_it_is_called() -> None:
    """Its own title and not a drawing's; without one its first heading, though that stands outside `main`."""
    page = (
        "<html lang=de><head><meta property='article:published_time' content='2024-05-06T07:08:09Z'>"
        "<meta name=last-modified content='soon'></head><body><svg><title>Icon</title></svg>"
        "<header><h1>Urlaub</h1></header><main><p>Ja.</p></main></body></html>"
    )
    document = read(page, "a.html")
    assert (document.title, document.language, document.metadata["date"]) == ("Urlaub", "de", "2024-05-06T07:08:09Z")
    assert "last_modified" not in document.metadata
    assert "language" not in document.metadata


def test_a_document_knows_its_language_where_its_text_is_short() -> None:
    """Properties, pages and front matter; a text that is long enough speaks for itself, and no text has none."""
    sentence = "Every employee may take twenty days of leave in each year, and more of them after ten years of work."
    told = word(para(run("Kurz.")), parts={})
    assert read(told, "a.docx").language == "und"
    assert read("---\nlang: pt-BR\n---\nSim.", "a.md").language == "pt"
    assert read("---\nlang: English\n---\nYes.", "a.md").language == "und"
    assert read(f"<html lang=fr><p>{sentence}</p>", "a.html").language == "en"
    assert read("<html lang=fr><p> </p>", "a.html").language == "und"
