"""Text that a person does not see but a model would, and text that speaks to the model: rules, and what they do.

    hidden_style      display:none, `hidden`, opacity 0, Word's hidden text, PDF's invisible text without a scan
    hidden_colour     text in the colour of its background, or transparent
    hidden_size       text smaller than two pixels or points, or in a box without height or width
    hidden_offscreen  text moved off the page or clipped away
    zero_width        zero-width characters, joiners between Latin letters, fillers
    bidi_controls     characters that reverse the order of reading, where no script needs them
    tag_characters    Unicode tags and variation selectors that carry a message
    comment           a comment that gives orders to the model (comments are never text; this says that one tried)
    alt_text          an alternative text that gives orders to the model
    instructions      sentences that speak to the model: forget, pretend, do not tell the user, reveal your prompt
    role_markers      the marks of a chat's turns (`<|im_start|>`, `[INST]`)
    exfiltration      orders to send the conversation somewhere, and links with a place for it

Rules work in two steps, since some see only the file and some only its text: `in_file` before the parse, `in_text` after.
"""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from email.message import EmailMessage

from ingest import edits
from ingest.decode import decode
from ingest.formats import Format
from ingest.poison import markup, office, pdf
from ingest.poison.text import addressing, invisible
from ingest.transfer import uncounted
from sluice.errors import DocumentError
from sluice.records import Document
from sluice.settings import PoisonSettings

VERSION = 4
"""Raised whenever a rule finds or cuts something else than before."""

RULES = tuple(PoisonSettings.model_fields)
POISON = "poison"
"""The metadata in which a document carries its findings: rule → how often."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules to look for, and those of them whose findings are cut out."""

    look_for: frozenset[str]
    strip: frozenset[str]
    quarantine: frozenset[str]

    @classmethod
    def of(cls, settings: PoisonSettings, *, verbatim: bool = False) -> Policy:
        """As configured; a text that is to be left untouched is searched, and nothing is cut from it."""
        chosen = {rule: getattr(settings, rule) for rule in RULES}
        with_policy = {p: frozenset(rule for rule in RULES if chosen[rule] == p) for p in ("keep", "strip", "quarantine")}
        strip = frozenset[str]() if verbatim else with_policy["strip"]
        return cls(frozenset(RULES) - with_policy["keep"], strip, with_policy["quarantine"])


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules found, and the content or document without what they cut."""

    counts: Counter[str] = field(default_factory=Counter)
    content: bytes | None = None


def in_file(content: bytes, kind: Format, uri: str, policy: Policy) -> Found:
    """What is hidden in the file itself; `content` is the file without it, None where nothing is cut."""
    if not policy.look_for:
        return Found()
    match kind:
        case "html" | "markdown":
            return _in_source(content, kind, uri, policy)
        case "email":
            return _in_message(content, policy)
        case "docx":
            return Found(*office.hidden(content, policy.strip, policy.look_for))
        case "pdf":
            return Found(*pdf.hidden(content, policy.strip, policy.look_for))
    return Found()


def in_text(document: Document, policy: Policy) -> tuple[Counter[str], Document]:
    """What is in the document's text, title, headings and metadata; and the document without what is cut."""
    counts: Counter[str] = Counter()
    if not policy.look_for:
        return counts, document
    unseen = _chosen(invisible(document.text), policy.look_for)
    spoken = _chosen(addressing(document.text), policy.look_for)
    for rule, spans in [*unseen.items(), *spoken.items()]:
        counts[rule] += len(spans)
    headings = (heading for element in document.elements for heading in element.heading_path)
    for words in dict.fromkeys([document.title, *headings, *edits.texts(document.metadata)]):
        for rule, spans in _chosen(invisible(words) | addressing(words), policy.look_for).items():
            counts[rule] += len(spans) if words not in document.text else 0
    if not counts.keys() & policy.strip:
        return +counts, document
    # Sentences first: what hides inside one goes with it.
    changes = [e for found in (spoken, unseen) for rule, spans in found.items() if rule in policy.strip for e in spans]
    return +counts, edits.apply(document, edits.merged(changes), lambda words: _stripped(words, policy.strip))


def _stripped(words: str, strip: Collection[str]) -> str:
    found = _chosen(invisible(words) | addressing(words), strip)
    return edits.edited(words, edits.merged([e for spans in found.values() for e in spans])).strip() if found else words


def _chosen(found: dict[str, list[edits.Edit]], rules: Collection[str]) -> dict[str, list[edits.Edit]]:
    return {rule: spans for rule, spans in found.items() if rule in rules}


def _in_source(content: bytes, kind: Format, uri: str, policy: Policy) -> Found:
    try:
        source = decode(content, uri=uri, declared=kind == "html")
    except DocumentError:
        return Found()  # the parser says why
    counts, cleaned = _without_hidden(source, kind == "markdown", policy)
    return Found(counts, cleaned.encode("utf-8", "surrogatepass") if cleaned != source else None)


def _without_hidden(source: str, is_markdown: bool, policy: Policy) -> tuple[Counter[str], str]:
    found = [cut for cut in markup.hidden(source, markdown=is_markdown) if cut.rule in policy.look_for]
    cuts = [edits.Edit(cut.start, cut.end) for cut in found if cut.rule in policy.strip]
    return Counter(cut.rule for cut in found), edits.edited(source, cuts)


def _in_message(content: bytes, policy: Policy) -> Found:
    message = email.message_from_bytes(uncounted(content), policy=email.policy.default)
    counts: Counter[str] = Counter()
    changed = False
    for part in list(message.walk()):
        if part.get_content_type() != "text/html" or part.is_multipart() or not isinstance(part, EmailMessage):
            continue
        raw = part.get_payload(decode=True)
        try:
            source = raw.decode(part.get_content_charset() or "utf-8") if isinstance(raw, bytes) else ""
        except (LookupError, UnicodeError):
            source = decode(raw) if isinstance(raw, bytes) else ""
        found, cleaned = _without_hidden(source, False, policy)
        counts += found
        if cleaned != source:
            part.set_content(cleaned.encode("utf-8", "replace").decode(), subtype="html", charset="utf-8")
            changed = True
    return Found(counts, message.as_bytes() if changed else None)
