"""A document read as the pipeline reads it, and what a test asks of it."""

from __future__ import annotations

from ingest.limits import LOSSES
from ingest.parse import UnstructuredParser
from sluice.errors import DocumentError
from sluice.records import Document, RawItem
from tests.crude.words import words

_PARSER = UnstructuredParser()


def read(content: bytes, uri: str) -> Document:
    return _PARSER.parse(RawItem(uri, content, "v"), source="s")


def losses(document: Document) -> dict[str, int]:
    """What the document says is missing: what → how many."""
    found: dict[str, int] = {}
    for loss in document.metadata.get(LOSSES, []):
        found[loss["what"]] = found.get(loss["what"], 0) + loss["count"]
    return found


def refused(content: bytes, uri: str) -> str:
    """The reason for which the bytes are refused; '' where they are read."""
    try:
        read(content, uri)
    except DocumentError as error:
        return error.reason
    return ""


def once(document: Document, *expected: str) -> bool:
    """Whether each of these words (one each) is in the text exactly once, in this order."""
    found = words(document.text)
    places = [document.text.lower().find(word.lower()) for word in expected]
    wrong = [word for word in expected if found[word.lower()] != 1]
    assert not wrong, f"not once: {wrong} in {document.text!r}"
    assert places == sorted(places), f"not in order: {expected} in {document.text!r}"
    return True


def holds(document: Document) -> None:
    """Law 1 for elements: they lie where they say, one after the other."""
    position = 0
    for element in document.elements:
        assert position <= element.start < element.end <= len(document.text)
        position = element.end
