"""What a file says about itself outside its text: title, author, last change. Small, plain, and never an error."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from lxml import etree

from ingest import canonical
from ingest.headers import header
from ingest.markup import parsed

Properties = dict[str, str]

_CORE = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/terms/}modified": "last_modified",
}


def of_html(text: str) -> Properties:
    """Title, author, description and canonical address of a page's head."""
    root = parsed(text)
    if root is None:
        return {}
    metas = {str(m.get("name") or "").lower(): str(m.get("content") or "") for m in root.iter("meta")}
    return _kept(
        title=root.findtext(".//title"),
        author=metas.get("author"),
        description=metas.get("description"),
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
    """The core properties of an Office Open XML file (DOCX, PPTX, XLSX)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo("docProps/core.xml").file_size > 1_000_000:
                return {}
            raw = archive.read("docProps/core.xml")
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, NotImplementedError, etree.XMLSyntaxError):
        return {}
    return _kept(**{_CORE[node.tag]: node.text for node in root if node.tag in _CORE})


def of_ole(content: bytes) -> Properties:
    """Title, author and last change of a file of an old Office program, from its summary stream."""
    import olefile

    try:
        with olefile.OleFileIO(content) as ole:
            about = ole.get_metadata()
            codec = f"cp{about.codepage}" if about.codepage and about.codepage > 0 and about.codepage != 65001 else "utf-8"
            texts = {"title": about.title, "author": about.author}
            said = {name: text.decode(codec, "replace").rstrip("\0") for name, text in texts.items() if isinstance(text, bytes)}
            changed = about.last_saved_time
            return _kept(
                **said, last_modified=changed.isoformat() if isinstance(changed, datetime) and changed.year > 1970 else None
            )
    except Exception:  # a broken summary raises anything; the text is what counts
        return {}


_ODF = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}initial-creator": "author",
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/elements/1.1/}date": "last_modified",
}


def of_odf(meta: Any | None) -> Properties:
    """The metadata of an OpenDocument file, from the root of its `meta.xml` or of the flat file; the last author counts."""
    found = {} if meta is None else {name: node.text for tag, name in _ODF.items() for node in meta.iter(tag)}
    return _kept(**found)


def of_opf(package: Any | None) -> Properties:
    """Title, author and day of an e-book, from its package document."""
    names = {"title": "title", "creator": "author", "date": "date"}
    found: dict[str, str | None] = {}
    for node in package.iter("{http://purl.org/dc/elements/1.1/}*") if package is not None else ():
        found.setdefault(names.get(str(node.tag).rpartition("}")[2], ""), node.text)
    found.pop("", None)
    return _kept(**found)


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
    )


def of_pdf(reader: Any) -> Properties:
    """Title, author and modification date of a pypdf reader."""
    try:
        info = reader.metadata
        if info is None:
            return {}
        changed = info.modification_date
        return _kept(title=info.title, author=info.author, last_modified=changed.isoformat() if changed else None)
    except Exception:  # a broken information dictionary raises anything; the text is what counts
        return {}


def _date(message: EmailMessage) -> str | None:
    try:
        at: datetime | None = message["date"].datetime if message["date"] is not None else None
        return None if at is None else (at.astimezone(UTC) if at.tzinfo else at).isoformat()
    except Exception:  # the standard library's header parser raises several types on malformed dates
        return header(message, "date")


def _kept(**values: str | None) -> Properties:
    cleaned = {name: " ".join(str(value or "").encode("utf-8", "replace").decode().split()) for name, value in values.items()}
    return {name: value for name, value in cleaned.items() if value}
