"""One module per family of formats: bytes to pieces of text, what the file says of itself, and what is missing.

`base` has what every reader gives. The tables below are the only list of what is read by whom.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ingest import ocr
from ingest.formats import Format
from ingest.readers import calendars, html, legacy, mail, mailbox, markdown, notebook, pdf, plain, rows, xmltext
from ingest.readers.base import Loss, Reading
from ingest.readers.docx import docx
from ingest.readers.epub import epub
from ingest.readers.odf import odp, odt
from ingest.readers.ods import ods
from ingest.readers.pptx import pptx
from ingest.readers.rtf import rtf
from ingest.readers.xls import xls
from ingest.readers.xlsx import xlsx
from sluice.errors import DocumentError

__all__ = ["Loss", "Reading", "read"]


def _binary(content: bytes, uri: str) -> Reading:
    raise DocumentError("unsupported_type", f"{uri}: no text can be read from this type of file", hint="exclude it")


_TEXTS: dict[Format, Callable[[bytes, str, str], Reading]] = {
    "markdown": markdown.markdown,
    "html": html.html,
    "xml": xmltext.xml,
    "text": plain.plain,
    "code": plain.code,
    "csv": rows.delimited,
    "tsv": partial(rows.delimited, tab=True),
    "notebook": notebook.notebook,
    "calendar": calendars.calendar,
}
"""Formats of text: their readers are told the charset that the source knows."""
_READERS: dict[Format, Callable[[bytes, str], Reading]] = {
    "email": mail.mime,
    "msg": mail.msg,
    "mbox": mailbox.mailbox,
    "docx": docx,
    "pptx": pptx,
    "xlsx": xlsx,
    "xls": xls,
    "xlsb": legacy.xlsb,
    "doc": legacy.doc,
    "ppt": legacy.ppt,
    "rtf": rtf,
    "odt": odt,
    "ods": ods,
    "odp": odp,
    "epub": epub,
    "binary": _binary,
}


def read(
    kind: Format,
    content: bytes,
    uri: str,
    languages: ocr.Languages = (),
    label: str = "",
    *,
    pdf_tables: pdf.Tables = "fast",
) -> Reading:
    """What the bytes hold; with `languages`, also what is printed in their pictures. `label` is the source's charset."""
    if kind == "pdf":
        return pdf.pdf(content, uri, languages, pdf_tables)
    if kind == "image":
        return pdf.picture(content, uri, languages)
    if kind in _TEXTS:
        return _TEXTS[kind](content, uri, label)
    return _READERS[kind](content, uri)
