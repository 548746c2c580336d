"""Hostile titles, headings and metadata: small in every point, counted as losses, storable, and never more than one entry."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.limits import LOSSES
from ingest.processing import Processing, Processor
from sluice.bounds import MAX_LABEL, MAX_VALUE, size
from sluice.errors import DocumentError
from sluice.records import Document, RawItem
from sluice.settings import RedactSettings
from tests.unit.ingest.house import House, ScriptedSource


def said(document: Document) -> int:
    """The most that any of its points holds beside text."""
    paths = [size(element.heading_path) for element in document.elements]
    return len(document.title) + max(paths, default=0) + size(document.metadata)


def test_a_small_file_stays_a_small_store() -> None:
    """Half a megabyte of heading, front matter and paragraphs: each point holds no more than the bound; the text is whole."""
    heading = "heading " * 20_000
    metadata = "".join(f"key{i}: {'v' * 500}\n" for i in range(300))
    text = f"---\ntitle: {'t' * 50_000}\n{metadata}---\n# {heading}\n\n" + "A paragraph of its own.\n\n" * 50
    document = Processor().parse(RawItem("a.md", text.encode(), "v"), source="s")
    assert said(document) <= MAX_LABEL
    assert document.text.count("heading") == 20_000
    assert {loss["what"] for loss in document.metadata[LOSSES]} >= {"title_cut", "heading_cut", "metadata_cut"}


def test_what_no_store_holds_never_leaves_ingest() -> None:
    """Half surrogate pairs, zeros and control characters in a source's metadata, a title or a nested value."""
    house = House()
    house.parser = Processor(Processing())
    worst = {"author": "\ud800\x1b[31m", "\udc00key": ["\x00", {"deep": "\u2028x"}], "n": float("nan"), "big": 2**80}
    house.run(ScriptedSource({"a.md": b"# T\x07itle\n\nText."}, metadata=worst))
    state = house.state("a.md")
    assert state.in_release
    document = next(iter(vars(house.versions)["documents"].values())) if "documents" in vars(house.versions) else None
    for value in (state.metadata, state.source_metadata, state.title, *([document.text] if document else [])):
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
        assert not any(bad in repr(value) for bad in ("\\x1b", "\\x00", "\\ud800", "\\u2028", "\\x07"))


@settings(max_examples=30)
@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_any_bytes_and_metadata_cost_one_entry(content: bytes, metadata: dict[str, str]) -> None:
    """Whatever an item is made of: it is a document or one reason, and the one beside it is not touched."""
    processor = Processor()
    for name in ("a.md", "a.txt"):
        document: Document | None = None
        with contextlib.suppress(DocumentError):
            document = processor.parse(RawItem(name, content, "v", metadata=metadata), source="s")
        if document is None:
            continue
        document.text.encode("utf-8")
        json.dumps(document.metadata, allow_nan=False).encode("utf-8")
        assert said(document) <= MAX_LABEL


def test_a_uri_is_refused_and_never_cut() -> None:
    """It would be another document's; odd ones within the bound are taken in as they are."""
    house = House()
    odd = ["a\ud800", "b\x1b[31m\n", ""]
    house.run(ScriptedSource({"c" * 5000: b"text", **dict.fromkeys(odd, b"text")}))
    (entry,) = house.quarantine.entries()
    assert (entry.reason, len(entry.error) < 500) == ("uri_too_long", True)
    assert {state.uri for state in house.states.read() if state.in_release} == set(odd)


def test_a_value_is_cut_between_words() -> None:
    """What a source says is bounded before it is redacted: half a key would be found by nothing."""
    key = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    house = House()
    house.parser = Processor(Processing(redact=RedactSettings(secret="mask")))
    for before in range(MAX_VALUE - 50, MAX_VALUE + 5, 5):
        note = ("words " * MAX_VALUE)[: before - 1] + " " + key
        house.run(ScriptedSource({f"{before}.md": b"Text."}, metadata={"note": note}))
        said = house.state(f"{before}.md").metadata["note"]
        assert key[:8] not in said
        assert len(said) <= MAX_VALUE
