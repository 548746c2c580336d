"""Secrets and personal data: found by well-kept libraries, counted by type, never told by value.

secret       private keys, tokens and keys of known services, and what a name or a place says is one (`ingest.secrets`)
email        addresses, also those spelled out for people only
phone        valid numbers with their country code, of the configured regions, or beside a word for telephone
card         13 to 19 digits of a known issuer whose check digit is right
iban         with a right checksum
national_id  of the countries in `ingest.personal`, by check digit, by their name nearby, or both
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from ingest import edits, personal, secrets
from ingest.edits import Edit
from sluice.errors import DocumentDropped, DocumentError
from sluice.records import Document
from sluice.settings import RedactSettings

VERSION = 2
"""Raised whenever the same text might be redacted differently."""

LIBRARIES = ("detect-secrets", "phonenumbers", "python-stdnum")
REDACTED = "redacted"
"""The metadata in which a document carries what was masked: type → how often."""

Span = tuple[int, int]


def redacted(document: Document, settings: RedactSettings) -> Document:
    """The document with what is to be masked masked, everywhere but in its uri, and its findings counted in its metadata.

    Raises DocumentDropped or DocumentError (`redacted`, both withdrawing it) where the policy of what was found says so.
    """
    policies = settings.policies
    if not policies:
        return document
    counts: Counter[str] = Counter()
    whole = [
        document.text,
        document.title,
        *edits.texts(document.metadata),
        *(h for e in document.elements for h in e.heading_path),
    ]
    found = {words: findings(words, settings) for words in dict.fromkeys(whole) if words}
    for spans in found.values():
        counts.update(kind for kind, _ in spans)
    if not counts:
        return document
    said = ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items()))
    if any(policies[kind] == "quarantine" for kind in counts):
        raise DocumentError(
            REDACTED,
            f"{document.uri}: holds what policy keeps out ({said})",
            hint="remove it at the source, or change the source's `redact` policy",
            withdraws=True,
            keep_raw=False,
        )
    if any(policies[kind] == "drop" for kind in counts):
        raise DocumentDropped(REDACTED, f"{document.uri}: holds what policy keeps out ({said})", keep_raw=False)

    def changes(words: str) -> list[Edit]:
        spans = found.get(words) if words in found else findings(words, settings)
        return [Edit(start, end, f"[{kind.upper()}]") for kind, (start, end) in spans or []]

    masked = edits.apply(document, changes(document.text), lambda words: edits.edited(words, changes(words)))
    return replace(masked, metadata={**masked.metadata, REDACTED: dict(sorted(counts.items()))})


def findings(text: str, settings: RedactSettings) -> list[tuple[str, Span]]:
    """(type, span) of everything that is looked for, in order and without overlaps; the first type of `_FINDERS` wins."""
    taken: list[tuple[str, Span]] = []
    for kind, find in _FINDERS.items():
        if kind in settings.policies:
            for span in _union(find(text, settings)):
                if all(span[1] <= start or span[0] >= end for _, (start, end) in taken):
                    taken.append((kind, span))
    return sorted(taken, key=lambda found: found[1])


_FINDERS: Mapping[str, Callable[[str, RedactSettings], Iterator[Span]]] = {
    "secret": lambda text, _: secrets.find(text),
    "iban": lambda text, _: personal.ibans(text),
    "card": lambda text, _: personal.cards(text),
    "email": lambda text, _: personal.emails(text),
    "national_id": lambda text, _: personal.national_ids(text),
    "phone": lambda text, settings: personal.phones(text, settings.phone_regions),
}


def _union(spans: Iterable[Span]) -> Iterator[Span]:
    return ((edit.start, edit.end) for edit in edits.merged(Edit(*span) for span in spans))
