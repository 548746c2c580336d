"""Languages: found, the same every time, and not guessed from too little."""

from __future__ import annotations

import pytest

from ingest.language import language

ENGLISH = "Travel is booked through the portal, and receipts are handed in within thirty days."
GERMAN = "Reisen werden über das Portal gebucht, und Belege sind innerhalb von dreißig Tagen einzureichen."
FRENCH = "Les voyages sont réservés sur le portail et les justificatifs remis dans les trente jours."


@pytest.mark.parametrize(("text", "code"), [(ENGLISH, "en"), (GERMAN, "de"), (FRENCH, "fr")])
def test_a_sentence_is_enough(text: str, code: str) -> None:
    """The same text gives the same answer, every time."""
    assert {language(text) for _ in range(5)} == {code}


@pytest.mark.parametrize(
    "text", ["", "   ", "OK", "12 | 34 | 56\n" * 50, "x | x | x | x\n" * 50, "https://example.org/a/long/path"]
)
def test_too_little_text_has_no_language(text: str) -> None:
    """`und` (ISO 639-2) is better than noise."""
    assert language(text) == "und"


def test_links_and_numbers_do_not_vote() -> None:
    """A German text with English links is German."""
    assert language(GERMAN + " https://example.org/the/english/path/of/this/document" * 5) == "de"


@pytest.mark.parametrize(
    "text",
    [
        "Remote work guidelines 2024",
        "Vakantieregeling voor medewerkers",
        "Reiskostenvergoeding",
        "Widget Gadget Sprocket Price",
        "Kubernetes cluster upgrade",
    ],
)
def test_a_few_words_have_no_language_rather_than_a_wrong_one(text: str) -> None:
    """The statistics are sure of Afrikaans, Swedish and German here."""
    assert language(text) == "und"
    assert language(text, "en-GB") == "en"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Der Drucker im Flur ist defekt", "de"),
        ("Please restart the server", "en"),
        ("Veuillez redémarrer le serveur", "fr"),
        ("Regulamin urlopów wypoczynkowych", "pl"),
    ],
)
def test_a_few_clear_words_have_one(text: str, code: str) -> None:
    """Whatever their capitals are."""
    assert language(text) == code
