"""A permission that a file states where nothing reads it keeps the file out: who wrote it there meant it to hold."""

from __future__ import annotations

import io
import json

import pytest
from pypdf import PdfWriter

from ingest.processing import Processing, Processor
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.records import Document, RawItem
from tests.unit.ingest import office_files, old_files, pdf_files

CUSTOM = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
MAIL = "From: a@b.example\nSubject: Pay\n{name}: hr\n\nPay rises in May.\n"


LABEL = "MSIP_Label_11111111-2222-3333-4444-555555555555"


def docx(name: str = "", value: str = "", **parts: str) -> bytes:
    """A Word file with a property of its own of this name, and with parts (`docProps_core` for `docProps/core.xml`)."""
    about = f'<Properties xmlns="{CUSTOM}"><property name="{name}" pid="2"><v>{value}</v></property></Properties>'
    main = f"<w:document {office_files.W_NAMES}><w:body>{office_files.para(office_files.run('Pay'))}</w:body></w:document>"
    more = {f"{path.replace('_', '/')}.xml": xml for path, xml in parts.items()}
    return office_files.package("word/document.xml", {"word/document.xml": main, "docProps/custom.xml": about, **more})


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


def notebook(name: str, cell: dict[str, object] | None = None) -> bytes:
    cells = [{"cell_type": "markdown", "metadata": cell or {}, "source": ["Pay"]}]
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
        "jupytext.py": f"# ---\n# jupyter: x\n# {name}: [hr]\n# ---\npay = 1\n",
        "a.rtf": f"{{\\rtf1{{\\*\\userprops{{\\propname {name}}}\\proptype30{{\\staticval hr}}}}\\pard Pay.\\par}}",
        "variable.rtf": f"{{\\rtf1{{\\*\\docvar {{{name}}}{{hr}}}}\\pard Pay.\\par}}",
        "keywords.rtf": f"{{\\rtf1{{\\info{{\\title T}}{{\\keywords pay; {name}: hr}}}}\\pard Pay.\\par}}",
        "unquoted.html": f"<html><head><meta name={name} content=hr></head><body><p>Pay</p></body></html>",
        "coded.html": f"<html><head><meta property='sluice:{name.replace('_', '&#95;')}' content=hr></head><p>Pay</p></html>",
        "late.html": f"<head>{'<link rel=x>' * 2000}<meta http-equiv={name} content=hr></head><p>Pay</p>",
        "link.html": f"<head><link rel={name} href=hr></head><p>Pay</p>",
        "body.html": f"<body data-{name}=hr><p>Pay</p></body>",
        "comment.html": f"<head><!-- {name}: hr --></head><p>Pay</p>",
        "script.html": f'<head><script type=\'application/ld+json\'>{{"{name}": ["hr"]}}</script></head><p>Pay</p>',
        "said.html": f"<body><p>{name}: hr</p><p>Pay</p></body>",
        "shown.html": f"<body><table><tr><th>title</th><th>{name}</th></tr><tr><td>Pay</td><td>hr</td></tr></table></body>",
        "shown.md": f"| title | {name} |\n|---|---|\n| Pay | hr |\n",
        "bullet.md": f"- {name}:: hr\n- Pay\n",
        "within.md": f"Pay rises in May [{name}:: hr] for all.\n",
        "colon.md": f"---\n{name}\ua789 hr\n---\nPay\n",
        "literal.md": f"---\nabout: |\n  {name}: [hr]\n---\nPay\n",
        "a.org": f"#+PROPERTY: {name} hr\nPay\n",
        "a.vtt": f"WEBVTT\n\nNOTE {name}: hr\n\n00:00.000 --> 00:01.000\nPay\n",
        "headed.csv": f"Report of May\nid,title,{name}\n1,Pay,hr\n",
        "a.json": json.dumps({"title": "Pay", "text": "x" * 20_000, name: ["hr"]}),
        "within.json": json.dumps({"title": "Pay", "about": {name: "hr"}}),
        "records.json": json.dumps([{"text": "Pay"}, {"text": "Pay", name: ["hr"]}]),
        "a.jsonl": f'{{"text": "Pay"}}\n{{"text": "Pay", "{name}": ["hr"]}}\n',
        "a.yaml": f"title: Pay\n{name}:\n  - hr\n",
        "within.yaml": f"title: Pay\nabout:\n  {name}: [hr]\n",
        "a.toml": f'[about]\ntitle = "Pay"\n{name} = ["hr"]\n',
    }
    built = {
        "a.docx": docx(name),
        "a.odt": odt(name),
        "a.pdf": pdf(name),
        "a.ipynb": notebook(name),
        "keywords.docx": docx(docProps_core=f'<c xmlns:cp="cp"><cp:keywords>pay, {name}: hr</cp:keywords></c>'),
        "column.docx": docx(customXml_item1=f"<p><m><{name.replace('_', '_x0020_')}>hr</{name.replace('_', '_x0020_')}></m></p>"),
        "variable.docx": docx(
            word_settings=f'<w:settings {office_files.W_NAMES}><w:docVars><w:docVar w:name="{name}"/></w:docVars></w:settings>'
        ),
        "xmp.pdf": pdf_files.made(
            "BT /F1 12 Tf 72 700 Td (Pay rises in May) Tj ET",
            catalog="/Metadata 10 0 R",
            extra=[pdf_files.stream(f"<x:xmpmeta><rdf:Description pdfx:{name}='hr'/></x:xmpmeta>")],
        ),
        "cell.ipynb": notebook("x", cell={name: ["hr"]}),
        "tag.ipynb": notebook("x", cell={"tags": [f"{name}: hr"]}),
        "a.xls": old_files.xls({"S": [[("shared", "Pay")]]}, old_files.summary({"Dept": "x", name: "hr"})),
        "latin.xls": old_files.xls({"S": [[("shared", "Pay")]]}, old_files.summary({"Büro": "x", name: "hr"}, 1252)),
        "field.msg": old_files.msg("Pay", plain="Pay rises.", fields=["Büro", name]),
        "header.msg": old_files.msg("Pay", plain="Pay rises.", headers=f"From: a@b.example\r\n{header}: hr\r\n"),
    }
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


def test_what_is_taken_verbatim_is_asked_for_its_permissions_all_the_same() -> None:
    """Its text is the bytes, and what they are to a reader says who may read them: a first cell, a header, a column, a head."""
    verbatim = Processor(Processing(mode="verbatim"))
    for uri in ("a.eml", "a.ics", "a.csv", "a.ipynb", "a.rtf", "unquoted.html", "a.json", "attribute.xml"):
        with pytest.raises(DocumentError, match="front matter"):
            verbatim.parse(RawItem(uri, files("access_tags")[uri], "v"), source="s")
    block = "---\naccess_tags: [hr]\n---\n"
    cells = [{"cell_type": "raw", "metadata": {}, "source": block}]
    fronted = {"a.html": f"{block}<p>Pay</p>", "a.ipynb": json.dumps({"cells": cells, "metadata": {}, "nbformat": 4})}
    for uri, text in fronted.items():
        document = verbatim.parse(RawItem(uri, text.encode(), "v"), source="s")
        assert (document.text, document.tags) == (text, AccessTags(["hr"]))
    assert verbatim.parse(RawItem("broken.ipynb", b"{", "v"), source="s").text == "{"


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
    assert parsed("a.json", json.dumps({"properties": {"access_tags": {"type": "array"}}}).encode()).text, "a schema"
    assert parsed("a.yaml", b"properties:\n  access_tags:\n    type: array\n").text
    assert parsed("a.md", b"# Meta\n\n```html\n<meta name='access_tags'>\n```\n\nWrite `<meta name=\"access_tags\">`.\n").text
    assert parsed("b.md", b"# Keys\n\n| key | meaning |\n|---|---|\n| access_tags | who may read |\n").text
    assert parsed("a.docx", docx(docProps_core='<c xmlns:d="d"><d:description>What access tags are for</d:description></c>')).text


def test_a_label_is_said_and_one_that_protects_keeps_the_document_out() -> None:
    """Most files of a house have one; a copy that was encrypted for its readers once is another matter."""
    on = {f"{LABEL}_Enabled": "true", f"{LABEL}_Name": "Confidential", f"{LABEL}_ContentBits": "3"}
    header = "; ".join(f"{key}={value}" for key, value in on.items())
    info = f'<l><label id="{{{LABEL[11:]}}}" enabled="1" contentBits="%s" removed="%s"/></l>'
    sheet = {"S": [[("shared", "Pay")]]}
    labelled = {
        "a.docx": docx(f"{LABEL}_Name", "Confidential"),
        "a.xls": old_files.xls(sheet, old_files.summary(on)),
        "a.eml": f"From: a@b.example\nSubject: Pay\nmsip_labels: {header}\n\nPay rises in May.\n".encode(),
        "a.msg": old_files.msg("Pay", plain="Pay rises.", headers=f"From: a@b.example\r\nmsip_labels: {header}\r\n"),
    }
    assert {parsed(uri, content).metadata["sensitivity"] for uri, content in labelled.items()} == {"Confidential"}
    assert parsed("b.docx", docx(docMetadata_LabelInfo=info % (0, 0))).metadata["sensitivity"] == LABEL[11:]
    assert "sensitivity" not in parsed("b.docx", docx(docMetadata_LabelInfo=info % (8, 1))).metadata
    protecting = {
        "a.docx": docx(docMetadata_LabelInfo=info % (8, 0)),
        "a.xls": old_files.xls(sheet, old_files.summary(on | {f"{LABEL}_ContentBits": "11"})),
        "a.eml": labelled["a.eml"].replace(b"Bits=3", b"Bits=8"),
    }
    for uri, content in protecting.items():
        with pytest.raises(DocumentError, match="MSIP_Label"):
            parsed(uri, content)
