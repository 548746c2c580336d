"""Secrets and personal data: found by type, masked everywhere, told to nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ingest.processing import Processing, Processor
from ingest.redact import findings, redacted
from sluice.access import NOBODY
from sluice.errors import DocumentDropped, DocumentError
from sluice.records import Document, Element, RawItem
from sluice.settings import RedactSettings
from tests.unit.ingest import held_out_secrets
from tests.unit.ingest.house import STAFF, House, ScriptedSource
from tests.unit.ingest.planted_secrets import HELD_OUT, INNOCENT, PERSONAL, SECRETS, Planted

TYPES = ("secret", "email", "phone", "card", "iban", "national_id")
EVERYTHING = RedactSettings(**dict.fromkeys(TYPES, "mask"), phone_regions=("US",))
MAIL = "mara@fjordline.example.no"


def document(text: str, **changes: Any) -> Document:
    made = Document("k", "s", "a.md", "v", "", "en", text, (Element("text", 0, len(text)),) if text else ())
    return replace(made, **changes)


@pytest.mark.parametrize("planted", SECRETS + PERSONAL, ids=lambda planted: f"{planted.kind}: {planted.what}")
def test_what_is_planted_is_found_and_masked(planted: Planted) -> None:
    """As its type, once, and nothing of it stays; the words around it do."""
    before, _, after = planted.sentence.partition("{}")
    masked = redacted(document(planted.sentence.format(planted.value)), EVERYTHING)
    assert masked.metadata == {"redacted": {planted.kind: 1}}
    assert planted.value not in masked.text
    assert f"[{planted.kind.upper()}]" in masked.text
    assert masked.text.startswith(before) or planted.kind == "secret"
    assert masked.text.endswith(after)
    assert masked.elements == (Element("text", 0, len(masked.text)),)


@pytest.mark.parametrize("text", INNOCENT + held_out_secrets.INNOCENT)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    """Hashes, versions, wrong check digits, placeholders, sentences about passwords."""
    assert findings(text, EVERYTHING) == []


@pytest.mark.parametrize(
    ("planted", "found"), [(HELD_OUT, 15), (held_out_secrets.SECOND, 29), (held_out_secrets.THIRD, 29)], ids=["1", "2", "3"]
)
def test_what_the_rules_were_not_written_for_is_found_in_part(planted: Sequence[Planted], found: int) -> None:
    """The guide's figures. The rules have learned of all three since: 26 of the third were found unseen."""
    kinds = [{kind for kind, _ in findings(p.sentence.format(p.value), EVERYTHING)} for p in planted]
    assert sum(p.kind in those for p, those in zip(planted, kinds, strict=True)) == found


def test_all_words_of_a_document_are_masked_together() -> None:
    """Title, headings, metadata however deep, and text; elements keep their places."""
    text = f"{MAIL}\n\nWrite to {MAIL} today.\n\nThe end."
    first, second, third = len(MAIL), text.index("Write"), text.index("The end.")
    elements = (
        Element("title", 0, first, (MAIL,)),
        Element("text", second, third - 2, (MAIL,)),
        Element("text", third, len(text), (MAIL,)),
    )
    masked = redacted(document(text, title=f"By {MAIL}", elements=elements, metadata={"cc": [{"to": MAIL}]}), EVERYTHING)
    assert [masked.text[e.start : e.end] for e in masked.elements] == ["[EMAIL]", "Write to [EMAIL] today.", "The end."]
    assert {e.heading_path for e in masked.elements} == {("[EMAIL]",)}
    assert masked.title == "By [EMAIL]"
    assert masked.metadata["cc"] == [{"to": "[EMAIL]"}]
    assert MAIL not in repr(masked)


@pytest.mark.parametrize(("policy", "error"), [("drop", DocumentDropped), ("quarantine", DocumentError)])
def test_a_refused_document_is_told_by_counts(policy: str, error: type[DocumentError]) -> None:
    """The error withdraws the document and its bytes, and says how many of what, never which."""
    with pytest.raises(error) as refused:
        redacted(document(f"Ask {MAIL}"), RedactSettings(email=policy))
    assert (refused.value.reason, refused.value.withdraws, refused.value.keep_raw) == ("redacted", True, False)
    assert "email: 1" in refused.value.message
    assert "mara" not in refused.value.message + refused.value.hint + repr(refused.value)


def test_what_is_kept_is_not_looked_for() -> None:
    """Types whose policy is keep (the default) cost nothing and are not counted."""
    innocent = document(f"Ask {MAIL}")
    assert redacted(innocent, RedactSettings()) is innocent
    assert redacted(innocent, RedactSettings(card="mask")) is innocent


def house(policy: str) -> House:
    made = House()
    made.parser = Processor(Processing(mode="verbatim", redact=RedactSettings(email=policy)))
    return made


def night(house: House, **items: bytes) -> Counter[str]:
    _, parse = house.run(ScriptedSource({f"{name}.txt": content for name, content in items.items()}))
    return Counter({"kept": parse.kept, **parse.dropped, **{f"failed {r}": n for r, n in parse.failed.items()}})


@pytest.mark.parametrize("policy", ["drop", "quarantine", "mask"])
def test_bytes_that_hold_what_policy_refuses_are_not_kept(policy: str) -> None:
    """Whatever the policy does with the text: of the bytes nothing stays, and of an innocent document's everything."""
    at = house(policy)
    night(at, a=f"Ask {MAIL}".encode(), b=b"Nothing here.")
    assert list(at.blobs.contents.values()) == [b"Nothing here."]
    assert not at.state("a.txt").raw
    assert at.state("b.txt").raw
    assert "mara" not in repr((at.states.read(), at.quarantine.entries(), vars(at.versions)))


@pytest.mark.parametrize(("policy", "outcome"), [("drop", "redacted"), ("quarantine", "failed redacted")])
def test_a_refused_version_takes_the_last_good_one_with_it(policy: str, outcome: str) -> None:
    """It is in no release, nobody may read what older releases hold of it, and it stays so until new bytes parse."""
    at = house(policy)
    night(at, a=b"Good.")
    assert at.state("a.txt").tags == STAFF
    assert night(at, a=f"Ask {MAIL}".encode()) == Counter({"kept": 0, outcome: 1})
    refused = at.state("a.txt")
    assert not refused.in_release
    assert (refused.tags, refused.title) == (NOBODY, "")
    assert night(at, a=f"Ask {MAIL}".encode()) == Counter({"kept": 0}), "once is enough"
    assert night(at, a=b"Good again.") == Counter({"kept": 1})
    assert at.state("a.txt").tags == STAFF


def test_bytes_that_are_not_kept_must_be_fetched_again() -> None:
    """Another policy means another parse: it waits, retryable, until the bytes are there again."""
    at = house("mask")
    night(at, a=f"Ask {MAIL}".encode())
    at.parser = Processor(Processing(mode="verbatim"))
    assert night(at, a=f"Ask {MAIL}".encode()) == Counter({"kept": 0, "failed SourceUnavailable": 1})
    assert at.state("a.txt").in_release, "the masked text stays meanwhile"


def test_a_found_value_is_in_no_error_of_a_broken_document() -> None:
    """A document that fails to parse is told by its name and reason."""
    with pytest.raises(DocumentError) as error:
        Processor().parse(RawItem("a.eml", f"{MAIL} has no headers".encode(), "v"), source="s")
    assert "mara" not in error.value.message
