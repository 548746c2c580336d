"""What a file says about itself outside its text: title, author, last change, language. Small, plain, and never an error.

A permission that stands there (`STATED`) is read by nothing, and is for its reader's caller to refuse.
A title that a program gives to what nobody named (`Document1`, `untitled`, `PowerPoint Presentation`) is none. Where a file
does not say when it was changed last, `date` is when it was made. `language` is for the document's own, not for its metadata.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree

from ingest import canonical
from ingest.front_keys import permission
from ingest.headers import header
from ingest.markup import parsed

Properties = dict[str, str]
STATED = "stated_permission"
"""The name of a property that says who may read the file, or nearly does."""

_CORE = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/terms/}modified": "last_modified",
    "{http://purl.org/dc/terms/}created": "date",
    "{http://purl.org/dc/elements/1.1/}language": "language",
}
_UNNAMED = re.compile(
    r"(?:untitled|unbenannt|ohne titel|sans titre|sin título|senza titolo|document|dokument|documento|presentation|präsentation|"
    r"présentation|presentación|book|mappe|classeur|libro|workbook|slide|folie|(?:microsoft )?powerpoint[ -](?:presentation|"
    r"präsentation)|présentation powerpoint|presentación de powerpoint|microsoft (?:word|excel|powerpoint)|\(?anonymous\)?|"
    r"\(?unspecified\)?|none|null|no title|title)[\s_-]*\d*",
    re.IGNORECASE,
)
"""What programs call a file that nobody named."""
_NOBODY = frozenset((
    "python-docx", "python-pptx", "openpyxl", "xlsxwriter", "apache poi", "docx4j", "phpword", "phpspreadsheet",
    "unknown creator", "anonymous", "(anonymous)", "unknown", "(unspecified)", "unknown author", "un-named", "none",
))  # fmt: skip
"""Whom programs name as the author of what nobody put a name to."""
_PRINTED_BY = re.compile(r"Microsoft (?:Office )?(?:Word|PowerPoint|Excel|Publisher|Visio) - ")
_SUFFIX = re.compile(r"\.(?:docx?|pptx?|xlsx?|rtf|od[tps]|indd|qxp|tmp|dvi|tex|ps)$", re.IGNORECASE)
_DATED = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?")
_MADE = ("article:published_time", "datepublished", "dcterms.created", "dc.date", "dcterms.date", "date")
_CHANGED = ("article:modified_time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified", "revised")


def of_html(text: str) -> Properties:
    """Title, author, description, days, language and canonical address of a page's head; its first `h1` where it has no title."""
    root = parsed(text)
    if root is None:
        return {}
    named = (
        (m.get(name), m.get("content")) for name in ("itemprop", "property", "http-equiv", "name") for m in root.iter("meta")
    )
    metas = {str(name).lower(): str(content or "") for name, content in named if name}
    days = [next((metas[n] for n in names if _DATED.fullmatch(metas.get(n, "").strip())), None) for names in (_MADE, _CHANGED)]
    titles = [node for node in root.iter("title") if not any(True for _ in node.iterancestors("svg"))]
    heading = next((node.text_content() for node in root.iter("h1")), None)
    return _kept(
        title=next((node.text_content() for node in titles), "") or metas.get("og:title") or heading,
        author=metas.get("author"),
        description=metas.get("description"),
        date=days[0],
        last_modified=days[1],
        language=root.get("lang") or root.get("xml:lang"),
        canonical_uri=_canonical(root),
    )


def _canonical(root: Any) -> str | None:
    links = (str(link.get("href") or "") for link in root.iterfind("./head/link") if "canonical" in _words(link.get("rel")))
    shared = (str(m.get("content") or "") for m in root.iterfind("./head/meta") if "og:url" in _words(m.get("property")))
    base = root.find("./head/base")
    return canonical.of_page(links, shared, str(base.get("href") or "") if base is not None else "")


def _words(value: str | None) -> list[str]:
    return (value or "").lower().split()


def of_office(content: bytes) -> Properties:
    """The core properties of an Office Open XML file (DOCX, PPTX, XLSX), and whether its own say who may read it."""
    core, custom = _part(content, "docProps/core.xml"), _part(content, "docProps/custom.xml")
    found = {_CORE[node.tag]: node.text for node in core if node.tag in _CORE}
    return named(**found, **{STATED: permission(node.get("name") or "" for node in custom)})


def _part(content: bytes, name: str) -> Sequence[Any]:
    """The elements of a part about an Office file; none where it is not there, or broken."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(name).file_size > 1_000_000:
                return ()
            raw = archive.read(name)
        return [*etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True)).iterchildren("{*}*")]
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, NotImplementedError, etree.XMLSyntaxError):
        return ()


def of_ole(content: bytes) -> Properties:
    """Title, author and last change of a file of an old Office program, from its summary stream."""
    import olefile

    try:
        with olefile.OleFileIO(content) as ole:
            about = ole.get_metadata()
            codec = f"cp{about.codepage}" if about.codepage and about.codepage > 0 and about.codepage != 65001 else "utf-8"
            texts = {"title": about.title, "author": about.author}
            said = {name: text.decode(codec, "replace").rstrip("\0") for name, text in texts.items() if isinstance(text, bytes)}
            times = {"last_modified": about.last_saved_time, "date": about.create_time}
            known = {name: at.isoformat() for name, at in times.items() if isinstance(at, datetime) and at.year > 1970}
            return named(**said, **known)
    except Exception:  # a broken summary raises anything; the text is what counts
        return {}


_META = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"
_ODF = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}initial-creator": "author",
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/elements/1.1/}date": "last_modified",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}creation-date": "date",
    "{http://purl.org/dc/elements/1.1/}language": "language",
}


def of_odf(meta: Any | None) -> Properties:
    """The metadata of an OpenDocument file, from the root of its `meta.xml` or of the flat file; the last author counts."""
    found = {} if meta is None else {name: node.text for tag, name in _ODF.items() for node in meta.iter(tag)}
    own = () if meta is None else meta.iter(f"{_META}user-defined")
    return named(**found, **{STATED: permission(node.get(f"{_META}name") or "" for node in own)})


def of_opf(package: Any | None) -> Properties:
    """Title, author, day and language of an e-book, from its package document."""
    names = {"title": "title", "creator": "author", "date": "date", "language": "language"}
    found: dict[str, str | None] = {}
    for node in package.iter("{http://purl.org/dc/elements/1.1/}*") if package is not None else ():
        found.setdefault(names.get(str(node.tag).rpartition("}")[2], ""), node.text)
    found.pop("", None)
    own = package.iter("{*}meta") if package is not None else ()
    return _kept(**found, **{STATED: permission(node.get("name") or node.get("property") or "" for node in own)})


def of_email(message: EmailMessage) -> Properties:
    """Subject, sender, recipients, date (ISO 8601, UTC where the message says its zone) and `mid:` address."""
    return _kept(
        title=header(message, "subject"),
        subject=header(message, "subject"),
        **{"from": header(message, "from")},
        to=header(message, "to"),
        cc=header(message, "cc"),
        date=_date(message),
        canonical_uri=canonical.of_message(header(message, "message-id")),
        **{STATED: permission(name for part in message.walk() for name in part)},
    )


def of_pdf(reader: Any) -> Properties:
    """Title, author, date and language of a pypdf reader."""

    def tried(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except Exception:  # a broken or missing entry raises anything; the text is what counts
            return None

    return named(
        title=tried(lambda: reader.metadata.title),
        author=tried(lambda: reader.metadata.author),
        last_modified=tried(lambda: reader.metadata.modification_date.isoformat()),
        date=tried(lambda: reader.metadata.creation_date.isoformat()),
        language=tried(lambda: reader.trailer["/Root"]["/Lang"]),
        **{STATED: tried(lambda: permission(str(key).lstrip("/") for key in reader.metadata))},
    )


def named(**values: Any) -> Properties:
    """What a program's file says of itself: no title that nobody gave it, and when it was made only where nothing says more."""
    about = _kept(**values)
    title = _SUFFIX.sub("", _PRINTED_BY.sub("", about.pop("title", "")))
    if "last_modified" in about:
        about.pop("date", None)
    if about.get("author", "").lower() in _NOBODY:
        del about["author"]
    return ({"title": title} if title and not _UNNAMED.fullmatch(title) else {}) | about


def _date(message: EmailMessage) -> str | None:
    """When a message was sent, in the form of mail or in ISO 8601; where it does not say, when it arrived."""
    said = header(message, "date")
    received = header(message, "received").rpartition(";")[2]
    return _moment(said) or (None if _DATED.match(said) else said) or _moment(received)


def _moment(said: str) -> str | None:
    try:
        at = datetime.fromisoformat(said.strip()) if _DATED.match(said.strip()) else parsedate_to_datetime(said)
        return (at.astimezone(UTC) if at.tzinfo else at).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _kept(**values: str | None) -> Properties:
    cleaned = {name: " ".join(str(value or "").encode("utf-8", "replace").decode().split()) for name, value in values.items()}
    return {name: value for name, value in cleaned.items() if value}
