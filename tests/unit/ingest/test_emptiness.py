"""Empty is what has no words; what has words and gives no text is a failure that somebody sees."""

from __future__ import annotations

import io
import zipfile

import pytest

from ingest.emptiness import holds_words
from ingest.formats import Format
from ingest.processing import Processor
from sluice.errors import DocumentError
from sluice.ids import document_key
from sluice.records import Document, RawItem
from tests.unit.ingest.house import House, ScriptedSource


def zipped(name: str, content: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"", "text", False),
        (b" \n\t", "text", False),
        (b"a", "text", True),
        ("漢".encode(), "text", True),
        (b"---\ntitle: Only a title\n---\n", "markdown", False),
        (b"<!-- only a comment -->\n", "markdown", False),
        (b"[x]: https://example.org\n", "markdown", False),
        (b"![](picture.png)\n", "markdown", False),
        (b"<div></div>\n\n&nbsp;", "markdown", False),
        (b"---\ntitle: x\n---\nWords", "markdown", True),
        (b"<html><head><title>x</title></head><body></body></html>", "html", False),
        (b"<html><body><p>Words</p></body></html>", "html", True),
        (zipped("word/document.xml", "<w:t></w:t><w:t> </w:t>"), "docx", False),
        (zipped("word/document.xml", '<w:t xml:space="preserve">Words</w:t>'), "docx", True),
        (zipped("ppt/slides/slide1.xml", "<a:t>Words</a:t>"), "pptx", True),
        (zipped("xl/sharedStrings.xml", "<si><t>Words</t></si>"), "xlsx", True),
        (b"PK\x03\x04 broken", "docx", False),
        (b"\x00\xff\x00", "text", False),
        (b"%PDF-1.4", "pdf", False),
    ],
)
def test_words_are_seen_without_a_reader(content: bytes, kind: Format, words: bool) -> None:
    """Markup, comments, front matter and definitions are none; where nothing can be told, nothing is said."""
    assert holds_words(content, kind) is words


class Mute:
    """A parser that loses everything."""

    fingerprint = "mute"

    def parse(self, item: RawItem, *, source: str) -> Document:
        return Document(document_key(source, item.uri), source, item.uri, "v", "", "", "")


def test_an_empty_parse_of_words_is_a_failure_and_the_last_good_version_stays() -> None:
    """It would be a revocation of a document that nobody emptied."""
    with pytest.raises(DocumentError) as error:
        Processor(parser=Mute()).parse(RawItem("a.md", b"Words.", "v"), source="s")
    assert error.value.reason == "nothing_read"
    house = House(parser=Processor())
    house.run(ScriptedSource({"a.md": b"Words."}))
    house.parser = Processor(parser=Mute())
    house.run(ScriptedSource({"a.md": b"Other words."}))
    assert (house.state("a.md").stale, house.state("a.md").in_release) == (True, True)
    house.run(ScriptedSource({"a.md": b""}))
    assert house.state("a.md").dropped == "empty"
