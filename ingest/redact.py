"""Secrets and personal data: found by well-kept libraries, counted by type, never told by value.

secret       private keys, tokens and keys of known services, and what a name or a place says is one (`ingest.secrets`)
email        addresses, also those spelled out for people only
phone        valid numbers with their country code, of the configured regions, or beside a word for telephone
card         13 to 19 digits of a known issuer whose check digit is right
iban         with a right checksum
national_id  of the countries in `ingest.personal`, by check digit, by their name nearby, or both
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from ingest import disguised, edits, personal, secrets
from ingest.edits import Edit
from ingest.plain_text import Span, plain
from sluice.errors import DocumentDropped, DocumentError
from sluice.records import Document
from sluice.settings import RedactSettings

VERSION = 6
"""Raised whenever the same text might be redacted differently."""

LIBRARIES = ("detect-secrets", "phonenumbers", "python-stdnum")
REDACTED = "redacted"
"""The metadata in which a document carries what was masked: type → how often."""

_LONGEST_LABEL = 80
_BY_PLACE = ("secret", "national_id", "phone", "card")
"""What may be found by what stands around it: the same word is masked wherever else it stands alone, as in a heading's path."""
_LEAST_KNOWN = 6
_BEGINS, _GOES_ON = re.compile(r"(?<![^\W_])(?=\S)"), re.compile(r"[^\W_]")
_SECRETS = RedactSettings(secret="mask")


def redacted(document: Document, settings: RedactSettings, source: str = "") -> Document:
    """The document with what is to be masked masked, everywhere but in its uri, and its findings counted in its metadata.

    Everywhere is text, title, heading paths, and of the metadata every key and value however deep, numbers too. What is
    looked at is what is rewritten: there is one walk. What is found in one place is masked in all, for the label that gives a
    secret away stands beside it once. Raises DocumentDropped or DocumentError (`redacted`, both withdrawing it) where the
    policy of what was found says so, also for a secret in the document's name. `source` is what the text was read from, where
    that says more of a word: the element that it stands in.
    """
    policies = settings.policies
    if not policies:
        return document
    _refuse_name(document.uri, settings)
    walk = _Walk(settings)
    for words in dict.fromkeys((document.title, *(heading for e in document.elements for heading in e.heading_path))):
        walk.look(words)
    walk.look(document.text)
    walk.value(document.metadata)
    walk.remember(source)
    changes = [Edit(start, end, f"[{kind.upper()}]") for kind, (start, end) in walk.look(document.text)]
    masked = edits.apply(replace(document, metadata={}), changes, walk.rewrite)
    metadata = walk.value(document.metadata)
    counts = walk.counts()
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
    return replace(masked, metadata={**metadata, REDACTED: dict(sorted(counts.items()))})


def _refuse_name(uri: str, settings: RedactSettings) -> None:
    """Raise for a secret in a document's own name, which no mask can take away, where policy keeps such a document out."""
    if settings.secret not in ("drop", "quarantine") or not any(True for _ in secrets.find(plain(unquote(uri)).text)):
        return
    said = "its name holds a secret, which policy keeps out"
    if settings.secret == "drop":
        raise DocumentDropped(REDACTED, f"{uri}: {said}", keep_raw=False)
    raise DocumentError(REDACTED, f"{uri}: {said}", hint="rename it at the source", withdraws=True, keep_raw=False)


class _Walk:
    """One walk through a document's words: what it finds it masks, and counts, equal words once."""

    def __init__(self, settings: RedactSettings) -> None:
        self._settings = settings
        self._found: dict[tuple[str, str], list[tuple[str, Span]]] = {}
        self._known: dict[str, str] = {}
        self._begun: dict[str, list[str]] = {}

    def remember(self, source: str = "") -> None:
        """Know the words that were found so far wherever they stand: what a label gives away here stands bare elsewhere."""
        given_away = [("secret", span) for _, span in findings(source, _SECRETS)] if "secret" in self._settings.policies else []
        for words, spans in (*((words, spans) for (words, _), spans in self._found.items()), (source, given_away)):
            for kind, (start, end) in spans:
                word = plain(words[start:end]).text.strip(" .:;,!?)*")
                if kind in _BY_PLACE and len(word) >= _LEAST_KNOWN:
                    self._known.setdefault(word, kind)
        for word in sorted(self._known, key=lambda word: (-len(word), word)):
            self._begun.setdefault(word[:_LEAST_KNOWN], []).append(word)
        if self._known:
            self._found = {key: _disjoint([*spans, *self._elsewhere(key[0])]) for key, spans in self._found.items()}

    def _elsewhere(self, words: str) -> list[tuple[str, Span]]:
        """Where words that are known stand among these; looked up by how they begin, for a table may hold thousands."""
        if not self._known or len(words) < _LEAST_KNOWN:
            return []
        shown, found, end = plain(words), list[tuple[str, Span]](), 0
        for begins in _BEGINS.finditer(shown.text):
            start = begins.start()
            for word in self._begun.get(shown.text[start : start + _LEAST_KNOWN], ()) if start >= end else ():
                end = start + len(word)
                if shown.text.startswith(word, start) and not _GOES_ON.match(shown.text, end):
                    found.append((self._known[word], shown.original((start, end))))
                    break
                end = start
        return found

    def counts(self) -> Counter[str]:
        """Type → how often, in different words."""
        by_words: dict[str, Counter[str]] = {}
        for (words, _), spans in self._found.items():
            by_words[words] = by_words.get(words, Counter()) | Counter(kind for kind, _ in spans)
        return sum(by_words.values(), Counter[str]())

    def look(self, words: str, label: str = "") -> list[tuple[str, Span]]:
        """What these words hold, by themselves and as the value of what `label` names (`phone: 5551234567`)."""
        if (words, label) not in self._found:
            spans = findings(words, self._settings) if words else []
            for name in dict.fromkeys((label, _spoken(label))) if words and label else ():
                head = f"{name}: "
                named = findings(head + words, self._settings)
                spans += [(k, (a - len(head), b - len(head))) for k, (a, b) in named if a >= len(head)]
            self._found[words, label] = _disjoint([*spans, *self._elsewhere(words)])
        return self._found[words, label]

    def rewrite(self, words: str, label: str = "") -> str:
        return edits.edited(words, (Edit(start, end, f"[{kind.upper()}]") for kind, (start, end) in self.look(words, label)))

    def value(self, value: Any, label: str = "") -> Any:
        """A plain value, however deep; a number in which something is found becomes a text."""
        match value:
            case Mapping():
                made: dict[str, Any] = {}
                for key, item in value.items():
                    name = free = self.rewrite(str(key))
                    number = 1
                    while free in made:
                        free, number = f"{name} {number + 1}", number + 1
                    made[free] = self.value(item, f"{label} {key}".strip()[-_LONGEST_LABEL:])
                return made
            case list() | tuple():
                return [self.value(item, label) for item in value]
            case bool() | None:
                return value
            case str():
                return self.rewrite(value, label)
            case int() | float():
                written = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
                masked = self.rewrite(written, label)
                return value if masked == written else masked
        return value


def _spoken(label: str) -> str:
    """A key as words: `phoneNumber` and `phone_number` are `phone Number` and `phone number`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.-]+", " ", label)


def _disjoint(spans: list[tuple[str, Span]]) -> list[tuple[str, Span]]:
    """Without those that overlap an earlier one."""
    taken = _Taken()
    for kind, span in spans:
        taken.add(kind, span)
    return taken.found


def findings(text: str, settings: RedactSettings) -> list[tuple[str, Span]]:
    """(type, span) of everything that is looked for, in order and without overlaps; the first type of `_FINDERS` wins.

    Looked for in the plain form of the text (`ingest.plain_text`); spans are of the text itself.
    """
    shown = plain(text)
    taken = _Taken()
    for kind, find in _FINDERS.items():
        if kind in settings.policies:
            for span in _union(find(shown.text, settings)):
                taken.add(kind, span)
    for span, words in disguised.words(shown.text):
        line = shown.text[max(shown.text.rfind("\n", 0, span[0]) + 1, span[0] - _LONGEST_LABEL) : span[0]]
        for kind, find in _FINDERS.items():
            if kind in settings.policies and any(end > len(line) for _, end in find(line + words, settings)):
                taken.add(kind, span)
                break
    return [(kind, shown.original(span)) for kind, span in taken.found]


class _Taken:
    """Spans without overlaps, in order; adding n of them costs n log n comparisons."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Span]] = []
        self._starts: list[int] = []

    def add(self, kind: str, span: Span) -> None:
        """Take a span unless an earlier one lies over it."""
        place = bisect_left(self._starts, span[0])
        before = place > 0 and self.found[place - 1][1][1] > span[0]
        behind = place < len(self.found) and self._starts[place] < span[1]
        if not before and not behind:
            self.found.insert(place, (kind, span))
            self._starts.insert(place, span[0])


def hushed(message: str) -> str:
    """A message without the secrets that it quotes: errors are stored, logged and shown."""
    return edits.edited(message, (Edit(start, end, "[SECRET]") for _, (start, end) in findings(message, _SECRETS)))


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
