"""One function per format: bytes to pieces of text and what the file says of itself, through unstructured.

Whatever a reader raises, `ingest.parse` turns into a DocumentError; a reader names a reason itself only where it
knows better than "malformed". Unstructured is imported when first used: it costs seconds.
"""

from __future__ import annotations

import csv
import email
import email.policy
import importlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from functools import partial
from typing import Any

from ingest import frontmatter, markup, nlp, ocr, properties
from ingest.decode import decode
from ingest.elements import Piece, pieces, row_text
from ingest.formats import OLE, Format
from sluice.errors import DocumentDropped, DocumentError


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of bytes; `own_title` says that the file's title property goes before its first heading."""

    pieces: list[Piece]
    properties: properties.Properties = field(default_factory=dict)
    front: frontmatter.FrontMatter | None = None
    own_title: bool = False


def _markdown(content: bytes, uri: str) -> Reading:
    front = frontmatter.split(decode(content, uri=uri), uri=uri)
    return Reading(_html_pieces(markup.markdown_html(front.body)), front=front)


def _html(content: bytes, uri: str) -> Reading:
    text = decode(content, uri=uri, declared=True)
    return Reading(_html_pieces(markup.tidied(text)), properties.of_html(text))


def _xml(content: bytes, uri: str) -> Reading:
    return Reading(_html_pieces(markup.xml_html(content)))


def _text(content: bytes, uri: str) -> Reading:
    return Reading(_partitioned("text", text=decode(content, uri=uri)))


def _code(content: bytes, uri: str) -> Reading:
    text = decode(content, uri=uri).replace("\r\n", "\n").strip("\n").rstrip()
    return Reading([Piece("code", text)] if text else [])


def _delimited(content: bytes, uri: str, *, tab: bool) -> Reading:
    """Rows as lines, every cell as written: unstructured's data frame makes 7 of 007 and nothing of NA."""
    text = decode(content, uri=uri)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = "\t" if tab else max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    lines = "\n".join(filter(None, (row_text(row) for row in rows)))
    return Reading([Piece("table", lines)] if lines else [])


def _email(content: bytes, uri: str) -> Reading:
    message, body, subtype = message_of(content, uri)
    if message.get_content_type() == "multipart/encrypted" or message.get_param("smime-type") == "enveloped-data":
        raise _protected(uri)
    found = _html_pieces(markup.tidied(body, page=False)) if subtype == "html" else _partitioned("text", text=body)
    return Reading(found, properties.of_email(message), own_title=True)


def message_of(content: bytes, uri: str) -> tuple[EmailMessage, str, str]:
    """An e-mail, the text of its body, and whether that is `html` or `plain` (HTML where there are both)."""
    if b"\0" in content[:200]:  # saved as UTF-16 as a whole, headers included
        content = decode(content, uri=uri).encode("utf-8")
    message = email.message_from_bytes(content, policy=email.policy.default)
    if not message.keys():
        raise DocumentError("malformed", f"{uri}: has no e-mail headers", hint="exclude it, or name it .txt")
    part = message.get_body(preferencelist=("html", "plain"))
    if part is None:
        return message, "", "plain"
    raw = part.get_payload(decode=True)
    raw = raw if isinstance(raw, bytes) else b""
    charset = part.get_content_charset()
    try:
        body = raw.decode(charset or "utf-8")
    except (LookupError, UnicodeError):  # a charset that does not exist, or is not the one used
        body = decode(raw, uri=uri)
    return message, body, part.get_content_subtype()


def _msg(content: bytes, uri: str) -> Reading:
    found = _partition("msg", file=io.BytesIO(content), process_attachments=False)
    if not found and "multipart/encrypted".encode("utf-16-le") in content:
        raise _protected(uri)
    about: dict[str, Any] = found[0].metadata.to_dict() if found else {}
    said = {
        "title": about.get("subject"),
        "subject": about.get("subject"),
        "from": ", ".join(about.get("sent_from") or []),
        "to": ", ".join(about.get("sent_to") or []),
        "date": about.get("last_modified"),
    }
    return Reading(pieces(found), {name: str(value) for name, value in said.items() if value}, own_title=True)


def _pdf(content: bytes, uri: str, languages: ocr.Languages) -> Reading:
    from pypdf import PdfReader

    nlp.install()  # silences pypdf too
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise _protected(uri)
    pages = len(reader.pages)
    found = _partitioned("pdf", file=io.BytesIO(content), strategy="fast")
    # Unstructured gives nothing, silently, where its PDF reader fails: ask another one before believing it.
    if not found and any(page.extract_text().strip() for page in reader.pages):
        raise DocumentError(
            "malformed", f"{uri}: has text on {pages} pages that cannot be laid out", hint="print it to a new PDF"
        )
    about = properties.of_pdf(reader)
    unread = ocr.pictured(content, sorted(set(range(1, pages + 1)) - {piece.page for piece in found}))
    if languages and unread:
        found += [piece for page, text in ocr.of_pages(content, uri, unread, languages) for piece in _printed(text, page)]
        found.sort(key=lambda piece: piece.page or 0)
    elif unread and found:
        about["pages_without_text"] = str(len(unread))
    elif unread:
        raise _needs_ocr(uri, f"looks like a scan ({pages} pages, pictures on {len(unread)}, no text)")
    if unread and not found:
        raise _no_text(uri)
    return Reading(found, about)


def _picture(content: bytes, uri: str, languages: ocr.Languages) -> Reading:
    if not languages:
        raise _needs_ocr(uri, "is a picture")
    found = _printed(ocr.of_picture(content, uri, languages), None)
    if not found:
        raise _no_text(uri)
    return Reading(found)


def _printed(text: str, page: int | None) -> list[Piece]:
    """What OCR saw on a page; a picture has no levels of headings."""
    return [replace(piece, page=page) for piece in _partitioned("text", text=text)] if text else []


def _office(content: bytes, uri: str, *, kind: str) -> Reading:
    if content.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in content:
        raise _protected(uri)
    return Reading(_partitioned(kind, file=io.BytesIO(content)), properties.of_office(content))


def _converted(content: bytes, uri: str, *, kind: str, program: str) -> Reading:
    if shutil.which(program) is None:
        raise DocumentError(
            "unsupported_type",
            f"{uri}: reading .{kind} needs {program}, which is not installed",
            hint=f"install {_PACKAGES[program]} and run `sluice quarantine retry`, or save it as {_INSTEAD[kind]}",
        )
    return Reading(_partitioned(kind, file=io.BytesIO(content)), properties.of_office(content))


def _binary(content: bytes, uri: str) -> Reading:
    raise DocumentError("unsupported_type", f"{uri}: no text can be read from this type of file", hint="exclude it")


_PACKAGES = {"soffice": "LibreOffice (Debian: libreoffice)", "pandoc": "pandoc, and pypandoc beside Sluice"}
_INSTEAD = {"doc": ".docx", "ppt": ".pptx", "rtf": ".docx", "odt": ".docx", "epub": "HTML"}

_READERS: dict[Format, Callable[[bytes, str], Reading]] = {
    "markdown": _markdown,
    "html": _html,
    "xml": _xml,
    "text": _text,
    "code": _code,
    "csv": partial(_delimited, tab=False),
    "tsv": partial(_delimited, tab=True),
    "email": _email,
    "msg": _msg,
    "docx": partial(_office, kind="docx"),
    "pptx": partial(_office, kind="pptx"),
    "xlsx": partial(_office, kind="xlsx"),
    "xls": partial(_office, kind="xlsx"),
    "doc": partial(_converted, kind="doc", program="soffice"),
    "ppt": partial(_converted, kind="ppt", program="soffice"),
    "rtf": partial(_converted, kind="rtf", program="pandoc"),
    "odt": partial(_converted, kind="odt", program="pandoc"),
    "epub": partial(_converted, kind="epub", program="pandoc"),
    "binary": _binary,
}
_PICTURED: dict[Format, Callable[[bytes, str, ocr.Languages], Reading]] = {"pdf": _pdf, "image": _picture}
"""Formats whose text may be in pictures."""


def read(kind: Format, content: bytes, uri: str, languages: ocr.Languages = ()) -> Reading:
    """What the bytes hold; with `languages`, also what is printed in their pictures."""
    if kind in _PICTURED:
        return _PICTURED[kind](content, uri, languages)
    return _READERS[kind](content, uri)


def _needs_ocr(uri: str, what: str) -> DocumentError:
    how = "set `ocr: [eng]` for the source to have it read"
    return DocumentError(ocr.NEEDS_OCR, f"{uri}: {what}, and OCR is off; {how}", hint=f"{how}, or exclude it")


def _no_text(uri: str) -> DocumentDropped:
    return DocumentDropped(ocr.NO_TEXT, f"{uri}: OCR finds no text in its pictures")


def _protected(uri: str) -> DocumentError:
    return DocumentError("protected", f"{uri}: needs a password", hint="save it without one, or exclude it")


def _html_pieces(html: str) -> list[Piece]:
    return _partitioned("html", text=html) if html.strip() else []


def _partitioned(kind: str, **arguments: Any) -> list[Piece]:
    return pieces(_partition(kind, **arguments))


def _partition(kind: str, **arguments: Any) -> list[Any]:
    """Unstructured's own partitioner of this kind; it detects no language (we do it once, seeded)."""
    nlp.install()
    module = importlib.import_module(f"unstructured.partition.{kind}")
    return list(getattr(module, f"partition_{kind}")(languages=[""], **arguments))
