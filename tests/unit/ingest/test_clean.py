"""Cleaners, and the edits beneath them: what changes is what is named, and offsets stay true."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import edits
from ingest.clean import CLEANERS, cleaned, versions
from ingest.edits import Edit
from ingest.elements import Piece, assembled
from ingest.processing import Processing, Processor
from sluice.errors import ConfigurationError
from sluice.records import Document


def made(*pieces: Piece) -> Document:
    text, elements = assembled(pieces)
    return Document("k", "s", "a", "v", "Caf\u0065\u0301", "en", text, elements)


def words(document: Document) -> list[str]:
    return [document.text[e.start : e.end] for e in document.elements]


TEXTS = st.lists(
    st.text(st.sampled_from("ab \u00a0e\u0301\u00ad-\n1가ᄀ"), min_size=1, max_size=12).filter(str.strip), max_size=6
)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12), st.sampled_from(["", "x", "long one"])), max_size=6)


@given(texts=TEXTS, spans=SPANS)
@example(texts=["\u00ad \u00ad"], spans=[])
def test_edits_keep_offsets_true(texts: list[str], spans: list[tuple[int, int, str]]) -> None:
    """Elements stay in order, apart, within the text; what no edit touched is what it was."""
    before = made(*(Piece("text", text.strip()) for text in texts))
    changes = [Edit(min(a, len(before.text)), min(a + n, len(before.text)), r) for a, n, r in spans]
    after = edits.apply(before, changes)
    position = 0
    for element in after.elements:
        assert position <= element.start < element.end <= len(after.text)
        assert after.text[element.start : element.end].strip()
        position = element.end
    for element, text in zip(before.elements, words(before), strict=True):
        if not any(c.start <= element.end and c.end >= element.start for c in changes):
            assert text in words(after)


@pytest.mark.parametrize("name", CLEANERS)
@given(texts=TEXTS)
@example(texts=["a-\n\xada"])
def test_cleaners_are_pure_and_need_no_second_time(name: str, texts: list[str]) -> None:
    """The same document gives the same; a cleaned one is clean; elements lie within the text."""
    document = made(*(Piece("text", text.strip(), page=i + 1) for i, text in enumerate(texts)))
    once = cleaned(document, [name])
    assert once == cleaned(document, [name])
    assert cleaned(once, [name]) == once
    assert all(0 <= e.start < e.end <= len(once.text) for e in once.elements)


@given(text=st.text(st.sampled_from("aeo\u0301\u0308\u0327 가각\u212b"), max_size=30))
def test_unicode_gives_nfc(text: str) -> None:
    """Exactly Python's NFC, title included."""
    document = Document("k", "s", "a", "v", text, "en", text)
    assert cleaned(document, ["unicode"]).text == unicodedata.normalize("NFC", text)
    assert cleaned(document, ["unicode"]).title == unicodedata.normalize("NFC", text)


def test_headers_footers_and_page_numbers_go() -> None:
    """What recurs at the edge of most pages goes, digits aside; what recurs in the middle, and code, stays."""
    pages = [
        Piece("text", words, page=page)
        for page in (1, 2, 3, 4)
        for words in (
            "ACME Handbook 2026",
            f"Chapter {'abcd'[page - 1]}",
            "Ask us.",
            f"Body of {page}",
            f"Only on {page * 'x'}",
            f"{page} / 4",
        )
    ]
    left = words(cleaned(made(*pages), ["repeated_lines"]))
    assert "ACME Handbook 2026" not in left
    assert "2 / 4" not in left
    assert left.count("Ask us.") == 4
    assert [w for w in left if w.startswith("Chapter")] == ["Chapter a", "Chapter b", "Chapter c", "Chapter d"]


def test_two_pages_prove_nothing() -> None:
    """A document of fewer than three pages, or without pages, is left as it is."""
    two = made(*(Piece("text", text, page=page) for page in (1, 2) for text in ("Header", f"Body {'x' * page}")))
    assert cleaned(two, ["repeated_lines"]) == two


def test_boilerplate_white_space_and_hyphens() -> None:
    """Whole elements of boilerplate go, words that a line cut are joined; code keeps its blanks."""
    document = made(
        Piece("text", "We use cookies to make this better. Accept?"),
        Piece("text", "The inter-\nnational\u00a0 team   of to\u00adday."),
        Piece("code", "a  =  1"),
        Piece("text", "© 2026 ACME Ltd."),
    )
    assert words(cleaned(document, ["boilerplate", "hyphenation", "white_space"])) == [
        "The international team of today.",
        "a  =  1",
    ]


def test_enrich_reads_date_and_author_where_the_file_gives_none() -> None:
    """From the first lines; what the file itself says goes before."""
    document = made(Piece("text", "Written by Mara Lindqvist"), Piece("text", "Last updated: March 3, 2026"))
    assert cleaned(document, ["enrich"]).metadata == {"date": "2026-03-03", "author": "Mara Lindqvist"}


def test_cleaners_are_part_of_the_fingerprint() -> None:
    """Another list, or another order, is another parse; a name that is none is a wrong configuration."""
    chosen = [(), ("unicode",), ("unicode", "boilerplate"), ("boilerplate", "unicode")]
    assert len({Processor(Processing(clean=names)).fingerprint for names in chosen}) == 4
    with pytest.raises(ConfigurationError, match="no cleaner is named 'unicorn'"):
        versions(["unicorn"])
