"""A permission that a file states where nothing reads it keeps the file out: who wrote it there meant it to hold."""

from __future__ import annotations

import io
import json

import pytest
from pypdf import PdfWriter

from ingest.processing import Processor
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.records import Document, RawItem
from tests.unit.ingest import office_files, pdf_files

CUSTOM = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
MAIL = "From: a@b.example\nSubject: Pay\n{name}: hr\n\nPay rises in May.\n"


def docx(name: str) -> bytes:
    about = f'<Properties xmlns="{CUSTOM}"><property name="{name}" pid="2"><v/></property></Properties>'
    main = f"<w:document {office_files.W_NAMES}><w:body>{office_files.para(office_files.run('Pay'))}</w:body></w:document>"
    return office_files.package("word/document.xml", {"word/document.xml": main, "docProps/custom.xml": about})


def odt(name: str) -> bytes:
    office, text, meta = (f'xmlns:{part}="{ODF}:{part}:1.0"' for part in ("office", "text", "meta"))
    own = f'<meta:user-defined meta:name="{name}">hr</meta:user-defined>'
    body = f"<office:document-content {office} {text}><office:body><office:text><text:p>Pay</text:p></office:text></office:body>"
    return office_files.zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"{body}</office:document-content>",
            "meta.xml": f"<office:document-meta {office} {meta}><office:meta>{own}</office:meta></office:document-meta>",
        }
    )


def pdf(name: str) -> bytes:
    writer = PdfWriter(io.BytesIO(pdf_files.made("BT /F1 12 Tf 72 700 Td (Pay rises in May) Tj ET")))
    writer.add_metadata({f"/{name}": "hr"})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def notebook(name: str) -> bytes:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["Pay"]}]
    return json.dumps({"cells": cells, "metadata": {"about": {name: ["hr"]}}, "nbformat": 4, "nbformat_minor": 5}).encode()


def files(name: str) -> dict[str, bytes]:
    """A file of each kind that has a property or a column of this name, or begins with a comment that gives it a value."""
    event = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Pay\nX-{name.replace('_', '-').upper()}:hr\nEND:VEVENT\nEND:VCALENDAR\n"
    header = f"X-{name.replace('_', '-').title()}"
    texts = {
        "a.eml": MAIL.format(name=header),
        "a.mbox": f"From a@b.example Mon Jan  1 00:00:00 2024\n{MAIL.format(name=header)}\n",
        "forwarded.eml": f"From: a@b.example\nSubject: Fwd\nContent-Type: message/rfc822\n\n{MAIL.format(name=header)}",
        "a.ics": event,
        "a.csv": f"id,title,{name}\n1,Pay,hr\n",
        "a.tsv": f"{name}\ttitle\nhr\tPay\n",
        "element.xml": f"<page><m:{name} xmlns:m='m'>hr</m:{name}><p>Pay</p></page>",
        "attribute.xml": f"<page {name}='hr'><p>Pay</p></page>",
        "a.sql": f"-- {name}: hr\nselect 1;\n",
        "a.c": f"/* {name}: hr */\nint pay;\n",
        "block.c": f"/*\n * {name}: hr\n */\nint pay;\n",
        "a.py": f'"""\n{name}: hr\n"""\npay = 1\n',
    }
    built = {"a.docx": docx(name), "a.odt": odt(name), "a.pdf": pdf(name), "a.ipynb": notebook(name)}
    return built | {uri: text.encode() for uri, text in texts.items()}


def parsed(uri: str, content: bytes, tags: AccessTags | None = None) -> Document:
    return Processor().parse(RawItem(uri, content, "v", tags=tags), source="s")


@pytest.mark.parametrize("uri", list(files("x")))
def test_a_permission_among_properties_columns_and_comments_keeps_the_document_out(uri: str) -> None:
    """It says why, and no value; under another name the same file is read."""
    with pytest.raises(DocumentError) as refused:
        parsed(uri, files("access_tags")[uri])
    assert (refused.value.reason, refused.value.withdraws) == ("bad_front_matter", True)
    assert "hr" not in refused.value.message.split()
    assert "pay" in parsed(uri, files("department")[uri]).text.lower() or uri == "a.sql"


def test_a_header_that_the_source_of_a_message_reads_is_no_trouble() -> None:
    """What it says is in the tags that come with the message."""
    assert parsed("a.eml", MAIL.format(name="X-Access-Tags").encode(), AccessTags(["hr"])).text


def test_what_speaks_of_permissions_is_read() -> None:
    """A field of a program, an element further down, a cell in a column."""
    program = '"""\nReaders.\n"""\n\nclass State:\n    access_tags: frozenset[str]\n'
    assert parsed("a.py", program.encode()).text
    far = f"<page>{'<p>Pay rises in May, for all of us.</p>' * 500}<access_tags>hr</access_tags></page>"
    assert parsed("a.xml", far.encode()).text
    assert parsed("a.csv", b"setting,meaning\naccess_tags,who may read\n").text
