"""Cleaners: named, pure functions from document to document, applied in the order in which a source lists them.

One of your own is named as `module:name` and is a `Cleaner` too; docs/ingest-safety.md has an example.

A cleaner has a version, which is part of the parse fingerprint: whoever changes what one does raises it, and documents
are parsed again. Every cleaner keeps the offsets of elements true.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ingest import edits
from ingest.edits import Edit
from sluice import plugins
from sluice.errors import ConfigurationError, DocumentError
from sluice.records import Document, Element

_SPACES = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]{2,}|[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_HYPHENATED = re.compile(r"(?<=[a-zß-öø-ÿ])\u00ad*[\u00ad-]\u00ad*\n\u00ad*(?=[a-zß-öø-ÿ])|\u00ad")
_PAGE_NUMBER = re.compile(r"(?:page|seite|p\.)?\s*\d{1,4}(?:\s*(?:/|of|von|de)\s*\d{1,4})?", re.IGNORECASE)
_PAGED = 3
"""Fewer pages than this say nothing about what repeats."""
_BOILERPLATE = re.compile(
    r"(?:skip to (?:main )?content|back to top|all rights reserved\.?|(?:©|\(c\)|copyright)\s.{0,80}|table of contents"
    r"|(?:share|tweet|print)(?: (?:this|on|via) .{0,40})?|subscribe(?: to .{0,40})?|follow us(?: on .{0,60})?|advertisement"
    r"|sign (?:in|up)|log ?in|read more|next|previous|was this (?:page )?helpful\??|edit this page.{0,30}"
    r"|(?:we use|this (?:web)?site uses) cookies.{0,300}|accept (?:all )?cookies|cookie (?:settings|policy|preferences)"
    r"|privacy policy|terms (?:of (?:use|service)|and conditions))",
    re.IGNORECASE | re.DOTALL,
)
_DATE = re.compile(
    r"\b(?:(?:last )?(?:updated|modified|reviewed|revised|published)|date|effective(?: date)?|posted|stand)(?: on)?\s*:?\s*"
    r"(?P<date>\d{4}-\d{2}-\d{2}|\d{1,2} [A-Z][a-z]{2,8} \d{4}|[A-Z][a-z]{2,8} \d{1,2}, \d{4})\b",
    re.IGNORECASE,
)
_DATE_FORMS = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y")
_AUTHOR = re.compile(
    r"^(?i:author|written by|by|posted by)\s*:?\s+(?P<author>[A-Z][\w.'-]+(?: [A-Z][\w.'-]+){1,3})\s*$", re.MULTILINE
)
_HEAD = 2000


@dataclass(frozen=True, slots=True)
class Cleaner:
    """A pure function of the document, with the version that stands for what it does."""

    version: int
    clean: Callable[[Document], Document]


def unicode_nfc(document: Document) -> Document:
    """Composed characters (NFC): an é is one character, however it was typed."""
    if unicodedata.is_normalized("NFC", document.text) and unicodedata.is_normalized("NFC", document.title):
        return document
    # A base character with its marks is what composes: nothing before or after it changes.
    clusters = re.finditer(r"[^\x00-\x7f]|[\x00-\x7f](?=[\u0300-\u036f])", document.text)
    changes: list[Edit] = []
    end = 0
    for cluster in clusters:
        if cluster.start() < end:
            continue
        end = cluster.end()
        while end < len(document.text) and (
            unicodedata.combining(document.text[end]) or 0x1160 <= ord(document.text[end]) <= 0x11FF
        ):
            end += 1
        composed = unicodedata.normalize("NFC", document.text[cluster.start() : end])
        if composed != document.text[cluster.start() : end]:
            changes.append(Edit(cluster.start(), end, composed))
    return edits.apply(document, changes, lambda words: unicodedata.normalize("NFC", words))


def white_space(document: Document) -> Document:
    """Runs of blanks and exotic blanks as one; code is left alone."""
    code = [(e.start, e.end) for e in document.elements if e.kind == "code"]
    found = [m.span() for m in _SPACES.finditer(document.text)]
    return edits.apply(document, (Edit(a, b, " ") for a, b in found if not any(s <= a < e for s, e in code)))


def hyphenation(document: Document) -> Document:
    """Words that a line break or a soft hyphen cut in two, joined again; code is left alone."""
    code = [(e.start, e.end) for e in document.elements if e.kind == "code"]
    found = [m.span() for m in _HYPHENATED.finditer(document.text)]
    return edits.apply(document, (Edit(a, b) for a, b in found if not any(s <= a < e for s, e in code)))


def repeated_lines(document: Document) -> Document:
    """Without the headers, footers and page numbers of a paged document.

    Those are short elements among the first or last two of a page whose words, digits aside, recur at such a place on
    more than half of the pages (and at least three).
    """
    pages: dict[int, list[Element]] = defaultdict(list)
    for element in document.elements:
        if element.page is not None:
            pages[element.page].append(element)
    if len(pages) < _PAGED:
        return document

    def edge(page: Sequence[Element]) -> list[Element]:
        return [e for e in {*page[:2], *page[-2:]} if e.end - e.start <= 200]

    def shape(element: Element) -> str:
        return re.sub(r"\d+", "0", " ".join(document.text[element.start : element.end].split()).lower())

    seen = Counter(what for page in pages.values() for what in {shape(e) for e in edge(page)})
    enough = max(_PAGED, len(pages) // 2 + 1)
    edges = [e for page in pages.values() for e in edge(page)]
    gone = {e.start for e in edges if seen[shape(e)] >= enough}
    if len(gone) == len(document.elements):
        return document
    numbers = {e.start for e in edges if _PAGE_NUMBER.fullmatch(document.text[e.start : e.end].strip())}
    if sum(1 for page in pages.values() if any(e.start in numbers for e in page)) >= enough:
        gone |= numbers
    return edits.without(document, lambda element: element.start in gone)


def boilerplate(document: Document) -> Document:
    """Without elements that say what every page says: cookie notices, copyright lines, "back to top"."""

    def says_nothing(element: Element) -> bool:
        return element.kind != "code" and bool(_BOILERPLATE.fullmatch(document.text[element.start : element.end].strip()))

    return document if all(map(says_nothing, document.elements)) else edits.without(document, says_nothing)


def enrich(document: Document) -> Document:
    """Date and author as metadata where the file itself does not give them but its first lines do ("Updated: 2026-03-01")."""
    head, about = document.text[:_HEAD], dict(document.metadata)
    if not {"date", "last_modified"} & about.keys() and (found := _DATE.search(head)) and (day := _day(found["date"])):
        about["date"] = day
    if "author" not in about and (found := _AUTHOR.search(head)):
        about["author"] = found["author"]
    return replace(document, metadata=about) if about != document.metadata else document


CLEANERS: dict[str, Cleaner] = {
    "unicode": Cleaner(1, unicode_nfc),
    "white_space": Cleaner(1, white_space),
    "hyphenation": Cleaner(2, hyphenation),
    "repeated_lines": Cleaner(1, repeated_lines),
    "boilerplate": Cleaner(1, boilerplate),
    "enrich": Cleaner(1, enrich),
}


def named(name: str) -> Cleaner:
    """A cleaner of the table, or one's own, `module:name`; raises ConfigurationError for what is none."""
    if name in CLEANERS:
        return CLEANERS[name]
    if ":" not in name:
        own = "or one of your own as module:name"
        raise ConfigurationError(f"no cleaner is named '{name}'", hint=f"there are: {', '.join(CLEANERS)}; {own}")
    found = plugins.resolve(name, {}, kind="cleaner")
    if not isinstance(found, Cleaner):
        raise ConfigurationError(
            f"'{name}' is no cleaner: it is a {type(found).__name__}",
            hint="make one of it, with a version: from ingest.clean import Cleaner; mine = Cleaner(version=1, clean=function)",
        )
    return found


def versions(names: Iterable[str]) -> list[tuple[str, int]]:
    """The cleaners with their versions, in order; raises ConfigurationError for a name that is none."""
    return [(name, named(name).version) for name in names]


def cleaned(document: Document, names: Iterable[str]) -> Document:
    """The document after these cleaners, one after the other.

    Raises DocumentError (`bad_cleaner`) where one of somebody's own gives no document, or elements that do not lie in its text.
    """
    for name in names:
        found = named(name).clean(document)
        document = found if name in CLEANERS else _checked(name, document, found)
    return document


def _checked(name: str, before: Document, found: object) -> Document:
    """What a cleaner of somebody's own may change: text, elements, title, language and metadata; never who may read it."""
    if not isinstance(found, Document):
        raise _bad(name, before, f"gave a {type(found).__name__}, no document")
    end = 0
    for element in found.elements:
        if not end <= element.start <= element.end <= len(found.text):
            raise _bad(name, before, f"left an element at {element.start}:{element.end} of {len(found.text)} characters")
        end = element.end
    return replace(before, **{field: getattr(found, field) for field in ("text", "elements", "title", "language", "metadata")})


def _bad(name: str, document: Document, what: str) -> DocumentError:
    return DocumentError(
        "bad_cleaner", f"{document.uri}: the cleaner '{name}' {what}", hint="mend it; ingest.edits keeps offsets true"
    )


def _day(text: str) -> str | None:
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    return None
