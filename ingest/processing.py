"""Everything that happens to a document's bytes, in order: limits, front matter of other texts than Markdown, poison in the
file, parse, poison in the text, clean, redact. One parser to its callers, run in the sandbox.
"""

from __future__ import annotations

import codecs
import importlib.metadata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from ingest import clean, emptiness, frontmatter, language, limits, nlp, ocr, poison, redact, stated
from ingest.decode import decode
from ingest.formats import Format, format_of
from ingest.frontmatter import FrontMatter
from ingest.limits import LOSSES
from ingest.parse import UnstructuredParser
from ingest.protocols import Parser
from ingest.sandbox import SandboxedParser
from sluice import bounds, ids
from sluice.errors import DocumentError
from sluice.records import Document, RawItem
from sluice.settings import LimitSettings, PoisonSettings, RedactSettings, SourceSettings

VERSION = 6
"""Raised whenever this module makes something else of the same bytes than before."""

_FRONTED: frozenset[Format] = frozenset({"html", "xml", "text"})
"""Formats besides Markdown, whose reader does it, that may begin with a block of front matter."""

_MARKED: frozenset[Format] = frozenset({"html", "xml"})
"""Of these, those whose text is laid out once what marks it is gone."""

_WITH_BLOCKS: frozenset[Format] = _FRONTED | {"markdown"}
"""Formats that may begin with a block; what begins with a permission in any other must not pass as text."""

_AS_WRITTEN: frozenset[Format] = frozenset({"markdown", "text", "code"})
"""Formats of which `verbatim` says no less of a permission than their structure would."""

_TABLES: frozenset[Format] = frozenset({"csv", "tsv", "xlsx", "xls", "ods"})
"""Formats whose tables may have a column that says who may read each row, of what is one document here."""

_MOST_LOSSES = 50

RESERVED = (poison.POISON, redact.REDACTED)
"""Metadata that only Sluice writes: what a document says of itself under these names is left out."""


@dataclass(frozen=True, slots=True)
class Processing:
    """What a source's configuration says about its documents; picklable, so that workers can be told."""

    mode: Literal["elements", "verbatim"] = "elements"
    clean: tuple[str, ...] = ()
    redact: RedactSettings = field(default_factory=RedactSettings)
    poison: PoisonSettings = field(default_factory=PoisonSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    ocr: tuple[str, ...] = ()
    pdf_tables: Literal["fast", "pdfplumber"] = "fast"

    @classmethod
    def of(cls, source: SourceSettings) -> Processing:
        return cls(source.parse, source.clean, source.redact, source.poison, source.limits, source.ocr, source.pdf_tables)


class Processor:
    """Parses, and does what the configuration says to what comes out; implements `ingest.protocols.Parser`.

    The fingerprint covers the parser, the policies, the cleaners with their versions, and the libraries that find what is
    to be redacted; not the limits, which decide whether there is a document, never what is in it.
    Raises ConfigurationError for a cleaner that does not exist.
    """

    def __init__(self, processing: Processing | None = None, parser: Parser | None = None) -> None:
        self._processing = chosen = processing or Processing()
        self._parser = parser or UnstructuredParser(chosen.mode, chosen.ocr, chosen.pdf_tables)
        self._poison = poison.Policy.of(chosen.poison, verbatim=chosen.mode == "verbatim")
        libraries = redact.LIBRARIES if chosen.redact.policies else ()
        self.fingerprint = ids.fingerprint(
            "processing",
            {
                "version": VERSION,
                "parser": self._parser.fingerprint,
                "clean": clean.versions(chosen.clean),
                "poison": [poison.VERSION, chosen.poison.model_dump(mode="json")],
                "redact": [redact.VERSION, chosen.redact.model_dump(mode="json")] if libraries else [],
                "libraries": {name: importlib.metadata.version(name) for name in libraries},
            },
        )

    def parse(self, item: RawItem, *, source: str) -> Document:
        """The document as it may be stored; raises DocumentError, and DocumentDropped where a policy leaves it out."""
        chosen = self._processing
        kind = format_of(item.uri, item.media_type, item.content, named=item.named)
        limits.check(item.content, kind, item.uri, chosen.limits)
        front, bare = self._fronted(item, kind)
        shown = item if chosen.mode == "verbatim" else bare
        in_file = poison.in_file(shown.content, kind, item.uri, self._poison)
        self._refuse(in_file.counts, item.uri)
        if in_file.content is not None:
            if kind == "markdown":  # what is cut may have named a permission
                frontmatter.split(decode(item.content, uri=item.uri), uri=item.uri)
            shown = replace(shown, content=in_file.content)
        document = self._parser.parse(shown, source=source)
        limits.check_losses(document, chosen.limits)
        untouched = chosen.mode == "verbatim" and kind not in _AS_WRITTEN
        if (as_read := self._structured(bare, source) if untouched else document) is not None:
            _refuse_stated(as_read, kind)
            document = replace(document, tags=as_read.tags, expires=as_read.expires)
        if not document.text.strip() and emptiness.holds_words(shown.content, kind):
            raise DocumentError(
                "nothing_read",
                f"{item.uri}: no text came out of its {len(item.content)} bytes ({kind}), and there are words in them",
                hint="please report this with the file; save it in another format, or exclude it",
            )
        if front is not None:
            document = replace(
                document,
                title=front.title or document.title,
                tags=front.tags,
                expires=front.expires,
                metadata={**document.metadata, **front.metadata},
            )
        about = {key: value for key, value in document.metadata.items() if key not in RESERVED}
        document = replace(document, version=ids.content_hash(item.content), metadata=about)
        in_text, document = poison.in_text(document, self._poison)
        self._refuse(in_text, item.uri)
        document = redact.redacted(clean.cleaned(document, chosen.clean), chosen.redact, _labelled(shown, kind, chosen.redact))
        document = _within_bounds(document)
        counts = in_file.counts + in_text
        if counts:
            document = replace(document, metadata={**document.metadata, poison.POISON: dict(sorted(counts.items()))})
        return document

    def _fronted(self, item: RawItem, kind: Format) -> tuple[FrontMatter | None, RawItem]:
        """What the block says that a text begins with, and the item without it."""
        if kind not in _FRONTED:
            return None, item
        try:
            text = decode(item.content, uri=item.uri, declared=kind != "text")
        except DocumentError:
            return None, item  # its reader says why
        front = frontmatter.split_other(text, uri=item.uri)
        if kind == "xml":
            stated.refuse_marked(text, uri=item.uri)
        if front.body == text:
            return front, item
        return front, replace(item, content=codecs.BOM_UTF8 + front.body.encode("utf-8", "surrogatepass"))

    def _structured(self, item: RawItem, source: str) -> Document | None:
        """The document as it is read for its structure, which says what its text untouched does not; None where it cannot be."""
        try:
            return UnstructuredParser().parse(item, source=source)
        except DocumentError as error:
            if error.withdraws:
                raise
            return None

    def _refuse(self, counts: Counter[str], uri: str) -> None:
        refused = sorted(counts.keys() & self._poison.quarantine)
        if refused:
            said = ", ".join(f"{rule}: {counts[rule]}" for rule in refused)
            raise DocumentError(
                poison.POISON,
                f"{uri}: text that people do not see, or that speaks to the model ({said})",
                hint="look at it at the source; to let it in, set the rule's `poison` policy to strip or flag",
                withdraws=True,
            )


def _refuse_stated(document: Document, kind: Format) -> None:
    """Raise for a permission that stands in what was read, where nothing reads it."""
    if kind not in _WITH_BLOCKS or kind in _MARKED:
        stated.refuse_laid_out(document.text, uri=document.uri)
    if kind == "code":
        stated.refuse_keys(document.text, uri=document.uri)
    if cells := tuple(_heads(document) if kind in _TABLES else _leading(document)):
        stated.refuse_columns(cells, uri=document.uri)


def _heads(document: Document) -> Iterator[str]:
    """The cells of the first row of each table that has several."""
    for element in document.elements:
        if element.kind == "table":
            rows = (row.split(" | ") for row in document.text[element.start : element.end].splitlines())
            yield from next((cells for cells in rows if len(cells) > 1), ())


def _leading(document: Document) -> Iterator[str]:
    """The cells of the first row and of the first column of a table that a text begins with, as viewers show front matter."""
    if document.elements and document.elements[0].kind == "table":
        rows = [row.split(" | ") for row in document.text[: document.elements[0].end].splitlines()]
        yield from (*rows[0], *(cells[0] for cells in rows if len(cells) == 2))


def _labelled(item: RawItem, kind: Format, settings: RedactSettings) -> str:
    """The source of XML, whose elements are the labels of what its text is, where secrets are looked for."""
    if kind != "xml" or settings.secret == "keep":
        return ""
    try:
        return decode(item.content, uri=item.uri, declared=True)
    except DocumentError:  # its reader says why
        return ""


def _within_bounds(document: Document) -> Document:
    """Title, heading paths and metadata within what every point may hold; what was cut is a loss like any other."""
    losses = document.metadata.get(LOSSES, [])
    shown = losses if isinstance(losses, list) else []
    rest = {name: value for name, value in document.metadata.items() if name != LOSSES}
    document, cuts = bounds.bounded(replace(document, metadata=rest))
    shown = [*shown[:_MOST_LOSSES], *cuts.as_losses()]
    return replace(document, metadata={**document.metadata, LOSSES: shown}) if shown else document


def warm_processor(processing: Processing) -> Processor:
    """A processor whose slow libraries are loaded: what a worker builds before its first document's clock starts.

    Only what OCR saw is partitioned by unstructured, whose import takes seconds and 300 MB; all else is loaded in the
    tenths of a second that a first document may wait.
    """
    if processing.ocr:
        nlp.install()
    nlp.silence()
    language.load()
    return Processor(processing)


def build(source: SourceSettings) -> Parser:
    """A source's parser, as configured; raises ConfigurationError, also for OCR that is on and not installed."""
    ocr.check(source.ocr, f"source '{source.name}'")
    processing = Processing.of(source)
    processor = Processor(processing)
    if not processing.limits.sandbox:
        return processor
    return SandboxedParser(partial(warm_processor, processing), processor.fingerprint, processing.limits)
