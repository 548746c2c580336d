"""Bytes to text and structure, through the readers; every failure is a DocumentError with a countable reason.

    protected         needs a password
    malformed         claims to be a format and is not, or is broken beyond reading
    unsupported_type  nothing here reads this format; the hint says what to install, if that would help
    not_text          binary content where text was expected
    undecodable       text in an encoding that could not be found out
    bad_front_matter  permissions, expiry or metadata that cannot be read with certainty
    needs_ocr         a scan or a picture, and OCR is not configured
    sealed            a message whose text is in an envelope (S/MIME, winmail.dat) that does not open

With OCR, pictures in which it finds no text are dropped as `scan_without_text`; the notes that Office programs leave beside
open documents (`~$plan.docx`) as `lock_file`. An empty document is no failure: its
text is "". Nothing here touches a network, a clock or a store.
"""

from __future__ import annotations

import importlib.metadata
import posixpath
import re
from collections.abc import Callable
from dataclasses import asdict
from itertools import accumulate
from typing import Any, Literal, TypeVar

from ingest import elements, frontmatter, markup, nlp, ocr, properties, stated
from ingest.decode import decode
from ingest.formats import TEXT, Format, charset_of, format_of, is_lock
from ingest.headers import header
from ingest.language import language
from ingest.limits import CONFIDENCE, ENCODING, LOSSES
from ingest.readers import Loss, Reading, read
from ingest.readers.base import Guess, text_of
from ingest.readers.mail import message_of
from ingest.readers.plain import unescaped
from sluice import ids
from sluice.errors import DocumentDropped, DocumentError, chain
from sluice.records import Document, Element, RawItem

VERSION = 8
"""Raised whenever this package reads the same bytes differently than before."""

Mode = Literal["elements", "verbatim"]
T = TypeVar("T")

_LIBRARIES = (
    *("unstructured", "markdown-it-py", "lxml", "pypdfium2", "pypdf", "xlrd"),
    *("chardetng-py", "langdetect", "olefile", "python-oxmsg", "asn1crypto", "tnefparse"),
)
_FIRST_HEADING = re.compile(r"^# +(.+?)[ #\r]*$", re.MULTILINE)
_LONGEST_TITLE = 300
_EARLY_PIECES, _EARLY_LETTERS = 3, 200
_NAMELESS = frozenset({"index", "readme", "main", "_index"})


class UnstructuredParser:
    """Parses every format that needs no external service; implements `ingest.protocols.Parser`.

    `elements` gives text assembled from structure; `verbatim` gives the decoded text untouched, as one element (front
    matter stays in the text, and still counts). The same bytes give the same document. Cheap to construct; only
    what OCR saw imports unstructured (seconds). Safe to use from several threads.
    """

    def __init__(
        self, mode: Mode = "elements", languages: ocr.Languages = (), pdf_tables: Literal["fast", "pdfplumber"] = "fast"
    ) -> None:
        self.mode: Mode = mode
        self._languages, self._pdf_tables = languages, pdf_tables
        ruled = {"pdf_tables": [pdf_tables, importlib.metadata.version(pdf_tables)]} if pdf_tables != "fast" else {}
        self.fingerprint: str = ids.fingerprint(
            "parse",
            {
                "parser": "unstructured",
                "version": VERSION,
                "mode": mode,
                "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
                "nlp": nlp.kind(),
                "ocr": [ocr.version(), *languages] if languages else [],
                **ruled,
            },
        )

    def parse(self, item: RawItem, *, source: str) -> Document:
        """The document in these bytes; raises DocumentError, whatever is wrong with them."""
        if item.named and is_lock(item.uri, item.content):
            raise DocumentDropped("lock_file", f"{item.uri}: says that a document is open, and is none itself")
        if self.mode == "verbatim":
            return _guarded(item.uri, lambda: _document(item, source, *_verbatim(item)))
        return _guarded(item.uri, lambda: _document(item, source, *self._structured(item)))

    def _structured(self, item: RawItem) -> tuple[str, tuple[Element, ...], Reading]:
        if not item.content.strip():
            return "", (), Reading([])
        label = charset_of(item.media_type)
        reading = read(_format(item), item.content, item.uri, self._languages, label, pdf_tables=self._pdf_tables)
        return *elements.assembled(reading.pieces), reading


def raw_text(content: bytes, uri: str, media_type: str | None = None, *, named: bool = True) -> str | None:
    """The text that raw bytes hold, whatever this parser makes of it; None where it cannot be read.

    Text formats are decoded (HTML and XML without tags), e-mail gives its subject and body, the others are parsed.
    """
    try:
        return _guarded(uri, lambda: _raw(content, uri, format_of(uri, media_type, content, named=named), charset_of(media_type)))
    except DocumentError:
        return None


def _verbatim(item: RawItem) -> tuple[str, tuple[Element, ...], Reading]:
    kind = _format(item)
    found = text_of(item.content, item.uri, declared=kind in ("html", "xml"), label=charset_of(item.media_type))
    text, front, titles = found.text, None, []
    if kind == "markdown":
        front = frontmatter.split(text, uri=item.uri)
        titles = [elements.Piece("title", found.group(1)) for found in _FIRST_HEADING.finditer(front.body)][:1]
    return (
        text,
        (Element("text", 0, len(text)),) if text else (),
        Reading(titles, front=front, losses=found.losses, guess=found.guess),
    )


def _format(item: RawItem) -> Format:
    return format_of(item.uri, item.media_type, item.content, named=item.named)


def _document(item: RawItem, source: str, text: str, found: tuple[Element, ...], reading: Reading) -> Document:
    front = reading.front or frontmatter.FrontMatter(body="")
    about = dict(reading.properties)
    own_title, declared = about.pop("title", ""), about.pop("language", "")
    named = about.pop(properties.STATED, "")
    if named and item.tags is None:  # else its source has read what the file says, as a header of a message
        stated.refuse_property(named, uri=item.uri)
    return Document(
        key=ids.document_key(source, item.uri),
        source=source,
        uri=item.uri,
        version=ids.content_hash(item.content),
        title=front.title or _title(reading, own_title) or _name(item.uri, item.named),
        language=language(text, _said_language(front.metadata) or declared),
        text=text,
        elements=found,
        metadata=_with_losses({**item.metadata, **about, **front.metadata}, reading.losses, reading.guess),
        tags=front.tags,
        expires=front.expires,
    )


def _said_language(metadata: Any) -> str:
    """The language that front matter names, in the ways of the generators of sites."""
    said = next((metadata[name] for name in ("lang", "language", "locale") if name in metadata), "")
    return said if isinstance(said, str) else ""


def _with_losses(metadata: dict[str, Any], losses: tuple[Loss, ...], guess: Guess | None) -> dict[str, Any]:
    """The metadata under whose names `LOSSES`, `ENCODING` and `CONFIDENCE` only Sluice writes."""
    own = {name: value for name, value in metadata.items() if name not in (LOSSES, ENCODING, CONFIDENCE)}
    if losses:
        own[LOSSES] = [{name: value for name, value in asdict(loss).items() if name != "share" or value} for loss in losses]
    return own if guess is None else {**own, ENCODING: guess.encoding, CONFIDENCE: guess.confidence}


def _title(reading: Reading, own: str) -> str:
    pieces = _beginning(reading.pieces) if reading.formed else reading.pieces
    headings = [piece for piece in pieces if piece.kind == "title" and len(piece.text) <= _LONGEST_TITLE]
    outermost = next((piece.text for piece in headings if piece.depth == 0), "")
    first = next((piece.text for piece in headings), "")
    return " ".join(((own if reading.own_title else "") or outermost or own or first).split())


def _beginning(pieces: list[elements.Piece]) -> list[elements.Piece]:
    """The first pieces of a text, among which its title is if it has one."""
    before = [0, *accumulate(len(piece.text) for piece in pieces[: _EARLY_PIECES - 1])]
    return [piece for piece, behind in zip(pieces, before, strict=False) if behind <= _EARLY_LETTERS]


def _name(uri: str, named: bool) -> str:
    """The file's name without extension; of an `index.md` or the like, its folder's name."""
    folder, name = posixpath.split(uri)
    stem = posixpath.splitext(name)[0] if named else name
    return posixpath.basename(folder) if stem.lower() in _NAMELESS and folder else stem


def _raw(content: bytes, uri: str, kind: Format, label: str) -> str:
    if kind in TEXT:
        text = decode(content, uri=uri, declared=kind in ("html", "xml"), label=label)
        return markup.visible_text(text) if kind in ("html", "xml") else unescaped(text) if kind == "code" else text
    text = elements.assembled(read(kind, content, uri).pieces)[0]
    return f"{header(message_of(content, uri), 'subject')}\n\n{text}" if kind == "email" else text


_PROTECTED_BY = frozenset({"PDFPasswordIncorrect", "PDFEncryptionError", "FileNotDecryptedError", "WrongPasswordError"})
_SAID_BY = frozenset({"XLRDError", "RuntimeError", "BadZipFile", "NotImplementedError", "DependencyError"})
_PROTECTED = re.compile(
    r"(?:workbook|file|document|archive|pdf)\b.{0,300}?\b(?:is (?:password.)?(?:encrypted|protected)|has not been decrypted)"
    r"|password required|requires? a password|(?:bad|wrong|incorrect|invalid) password(?! field)",
    re.IGNORECASE,
)


def _is_protected(error: BaseException | None) -> bool:
    """Whether a library says that a file needs a password: by its error's type, or in the words that libraries say it with.

    An error that quotes a document may mention a password; that says nothing about the file.
    """
    return any(
        type(each).__name__ in _PROTECTED_BY
        or (type(each).__name__ in _SAID_BY and _PROTECTED.match(" ".join(str(each).split())) is not None)
        for each in chain(error)
    )


def _guarded(uri: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except (DocumentError, MemoryError):
        raise
    except Exception as error:
        what = " ".join(str(error).split())[:200]
        if _is_protected(error):
            raise DocumentError("protected", f"{uri}: needs a password", hint="save it without one, or exclude it") from error
        raise DocumentError(
            "malformed", f"{uri}: cannot be parsed: {type(error).__name__}: {what}", hint="save it again, or exclude it"
        ) from error
