"""The parser's promises: exact offsets, headings, titles, metadata, permissions, determinism, and errors that count."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from itertools import pairwise
from typing import Any

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from ingest.parse import Mode, UnstructuredParser, raw_text
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.ids import content_hash, document_key
from sluice.records import Document, Element, RawItem


def parsed(content: bytes | str, uri: str = "a.md", mode: Mode = "elements", **item: Any) -> Document:
    raw = content.encode() if isinstance(content, str) else content
    return UnstructuredParser(mode).parse(RawItem(uri, raw, "v", **item), source="s")


def refused(content: bytes | str, uri: str) -> str:
    with pytest.raises(DocumentError) as error:
        parsed(content, uri)
    assert uri in error.value.message
    assert error.value.hint
    return error.value.reason


def holds(document: Document) -> None:
    """Elements are in order, apart, within the text, stripped, and cover it but for line breaks."""
    position = 0
    for element in document.elements:
        assert position <= element.start < element.end <= len(document.text)
        assert document.text[position : element.start].strip("\n") == ""
        assert document.text[element.start : element.end].strip()
        position = element.end
    assert position == len(document.text)
    for before, after in pairwise(document.elements):
        assert document.text[before.end : after.start] in ("\n", "\n\n")
    json.dumps(document.metadata, allow_nan=False)
    document.text.encode("utf-8")


_MARKS = ["# ", "## ", "### ", "- ", "1. ", "    ", "> ", "| a | b |\n|---|---|\n| ", "```\n", "<div>", "<table><tr><td>", ""]
_LINES = st.lists(st.sampled_from(_MARKS).flatmap(lambda mark: st.text(max_size=40).map(lambda text: mark + text)), max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_LINES, st.sampled_from(["\n", "\n\n"]), st.sampled_from(["a.md", "a.html", "a.txt", "a.csv", "a.eml", "a.py"]))
def test_offsets_hold_for_any_text(lines: list[str], between: str, uri: str) -> None:
    """Whatever is in a file, it ends as a document whose offsets are exact, twice the same, or as a DocumentError."""
    content = between.join(lines).encode("utf-8", "replace")
    try:
        document = parsed(content, uri)
    except DocumentError:
        return
    holds(document)
    assert parsed(content, uri) == document


def test_headings_form_paths() -> None:
    """A heading's path ends with itself; a heading closes those of its level and below."""
    document = parsed("intro\n\n# A\n\ntext\n\n### C\n\n- item\n\n## B\n\n# Z\n\nlast")
    paths = [(document.text[e.start : e.end], e.heading_path) for e in document.elements]
    assert paths == [
        ("intro", ()),
        ("A", ("A",)),
        ("text", ("A",)),
        ("C", ("A", "C")),
        ("item", ("A", "C")),
        ("B", ("A", "B")),
        ("Z", ("Z",)),
        ("last", ("Z",)),
    ]


def test_text_is_joined_by_blank_lines_and_lists_by_line_breaks() -> None:
    """The text reads as the document does."""
    assert parsed("# T\n\none\n\n- a\n- b\n\ntwo").text == "T\n\none\n\na\nb\n\ntwo"


@pytest.mark.parametrize(
    ("uri", "content", "title"),
    [
        ("a.md", "---\ntitle: Front\n---\n# Heading", "Front"),
        ("a.md", "## Second\n\n# First", "First"),
        ("a.md", "## Only", "Only"),
        ("sub/name.md", "text", "name"),
        ("sub/folder/index.md", "text", "folder"),
        ("index.md", "text", "index"),
        ("a.html", "<title> Page \n title</title><h2>Second</h2>", "Page title"),
        ("a.html", "<title>Page</title><h1>First <i>one</i></h1>", "First one"),
        ("a.eml", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHELLO ALL\n\ntext", "Grüße"),
        ("a.csv", "a,b", "a"),
    ],
)
def test_a_title_is_found(uri: str, content: str, title: str) -> None:
    """Front matter, then the outermost heading, then what the file says of itself, then its name; e-mail: the subject."""
    assert parsed(content, uri).title == title


def test_a_document_knows_where_it_came_from() -> None:
    """Key, version and metadata; the source's metadata yields to the document's own."""
    document = parsed("---\nowner: Ada\naccess_tags: hr\nexpires: 2030-01-01\n---\n# T", metadata={"owner": "x", "etag": "e"})
    assert document.key == document_key("s", "a.md")
    assert document.version == content_hash(b"---\nowner: Ada\naccess_tags: hr\nexpires: 2030-01-01\n---\n# T")
    assert document.metadata == {"owner": "Ada", "etag": "e"}
    assert document.tags == AccessTags({"hr"})
    assert document.expires is not None
    assert document.text == "T"


def test_verbatim_touches_nothing_and_still_heeds_permissions() -> None:
    """The text is the decoded bytes, front matter included, as one element."""
    content = "---\naccess_tags: [hr]\n---\r\n# Title #\r\n\r\n  <b>x</b>\t\n"
    document = parsed(content, mode="verbatim")
    assert (document.text, document.title, document.tags) == (content, "Title", AccessTags({"hr"}))
    assert document.elements == (Element("text", 0, len(content)),)
    assert parsed("", mode="verbatim").elements == ()
    assert refused_verbatim(b"%PDF-1.4\0\0\xff\xfe") == "not_text"


def refused_verbatim(content: bytes) -> str:
    with pytest.raises(DocumentError) as error:
        parsed(content, "a.pdf", "verbatim")
    return error.value.reason


@pytest.mark.parametrize("uri", ["a.md", "a.html", "a.txt", "a.pdf", "a.docx", "a.csv", "a.eml", "a"])
@pytest.mark.parametrize("content", [b"", b" \n\t\r\n"])
def test_an_empty_document_is_no_error(uri: str, content: bytes) -> None:
    """The pipeline drops it, with that reason."""
    document = parsed(content, uri)
    assert (document.text, document.elements, document.language) == ("", (), "und")


def word(*, author: str = "Ada", title: str = "Core") -> bytes:
    document = docx.Document()
    document.core_properties.author, document.core_properties.title = author, title
    document.add_heading("Travel", 1)
    document.add_paragraph("Economy class is the rule for flights under six hours.")
    document.add_heading("Hotels", 2)
    table = document.add_table(2, 2)
    for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], ["City", "Limit", "Rostock", "120"], strict=True):
        cell.text = text
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def test_docx_keeps_headings_tables_and_properties() -> None:
    """Levels come from the styles, cells from the grid, author from the core properties."""
    document = parsed(word(), "a.docx")
    holds(document)
    assert document.text.endswith("City | Limit\nRostock | 120")
    assert document.elements[-1].kind == "table"
    assert document.elements[-1].heading_path == ("Travel", "Hotels")
    assert (document.title, document.metadata["author"]) == ("Travel", "Ada")


def pdf(*pages: str, password: str = "") -> bytes:
    """A minimal PDF with one line of Helvetica on each page."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(pages)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"]
    for n, text in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {4 + 2 * n} 0 R /Resources "
            "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
        )
        stream = f"BT /F1 12 Tf 72 500 Td ({text}) Tj ET" if text else ""
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    plain = out + f"{table}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF".encode()
    writer = PdfWriter(PdfReader(io.BytesIO(plain)))
    writer.add_metadata({"/Title": "Memo", "/Author": "Ada"})
    if password:
        writer.encrypt(password)
    stream_out = io.BytesIO()
    writer.write(stream_out)
    return stream_out.getvalue()


def test_pdf_has_pages_and_scans_are_empty() -> None:
    """Elements know their page, counted from 1; a page without text layer is an empty document."""
    document = parsed(pdf("The first page is about travel.", "The second page is about hotels."), "a.pdf")
    holds(document)
    assert [element.page for element in document.elements] == [1, 2]
    assert "second page is about hotels" in document.text
    assert (document.title, document.metadata["author"]) == ("Memo", "Ada")
    assert parsed(pdf(""), "a.pdf").text == ""


def mail(*, html: bool) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Größe", "Ada <ada@example.org>", "team@example.org"
    message["Date"] = "Fri, 16 Dec 2022 17:04:16 -0500"
    message.set_content("Plain body, ä.\n", charset="iso-8859-1")
    if html:
        message.add_alternative("<h2>Pläne</h2><table><tr><td>a</td><td>b</td></tr></table>", subtype="html")
    message.add_attachment(b"secret attachment", maintype="text", subtype="plain", filename="x.txt")
    return message.as_bytes()


def test_email_has_headers_and_body_without_attachments() -> None:
    """HTML is preferred where there are both; charsets and encoded words are resolved."""
    plain, rich = parsed(mail(html=False), "a.eml"), parsed(mail(html=True), "a.eml")
    assert plain.text == "Plain body, ä."
    assert rich.text == "Pläne\n\na | b"
    assert plain.title == "Größe"
    assert plain.metadata == {
        "subject": "Größe",
        "from": "Ada <ada@example.org>",
        "to": "team@example.org",
        "date": "2022-12-16T22:04:16+00:00",
        "losses": [{"what": "attachment", "count": 1, "where": "x.txt"}],
    }


@pytest.mark.parametrize(
    ("uri", "content", "reason"),
    [
        ("a.pdf", pdf("secret", password="x"), "protected"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "protected"),
        ("a.eml", b"Content-Type: multipart/encrypted; boundary=x\n\n--x--", "protected"),
        ("a.docx", b"not a zip", "malformed"),
        ("a.xlsx", b"PK\x03\x04 broken", "malformed"),
        ("a.pdf", b"%PDF-1.4 and nothing else", "malformed"),
        ("a.xml", b"<open>", "malformed"),
        ("a.eml", b"\n\nno headers", "malformed"),
        ("a.html", b"<p>one</p>" + b"<div>" * 3000 + b"two" + b"</div>" * 3000 + b"<p>three</p>", "malformed"),
        ("a.md", b"> " * 200 + b"deep", "malformed"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "malformed"),
        ("a.mp3", b"ID3\x03\0", "unsupported_type"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0", "needs_ocr"),
        ("a.md", b"\0\1\2\3" * 100, "not_text"),
        ("unknown", b"\xff\xfe\xfd\0\0\0\0\1", "not_text"),
        ("a.txt", b"\xff\xfe\x00\xd8\x41\x00", "undecodable"),
        ("a.md", "---\naccess_tags: 5\n---\n", "bad_front_matter"),
    ],
)
def test_every_failure_has_a_reason_that_counts(uri: str, content: bytes | str, reason: str) -> None:
    """Whatever a library raises ends as one DocumentError with uri, reason and hint."""
    assert refused(content, uri) == reason


def test_a_format_is_told_by_name_then_by_media_type_then_by_bytes() -> None:
    """A wrong text/plain from a server does not make a PDF text."""
    assert parsed("# T", "page", media_type="text/markdown; charset=utf-8").elements[0].kind == "title"
    assert parsed(pdf("The page is about travel."), "page", media_type="text/plain").elements[0].page == 1
    assert parsed(word(), "page").title == "Travel"
    assert parsed("<!doctype html><h1>T</h1>", "page").title == "T"
    assert parsed("def f():\n    return 1\n", "a.py").elements[0].kind == "code"


@pytest.mark.parametrize(
    ("uri", "content", "text"),
    [
        ("a.md", "# T **b**", "# T **b**"),
        ("a.html", "<style>p{}</style><p>x&amp;y <b>z</b></p>", "x&y z"),
        ("a.csv", "a,b", "a,b"),
        ("a.eml", mail(html=False), "Größe\n\nPlain body, ä.\n"),
        ("a.docx", word(), parsed(word(), "a.docx").text),
        ("a.md", b"\0\1\2\3" * 100, None),
        ("a.docx", b"broken", None),
    ],
    ids=["md", "html", "csv", "eml", "docx", "binary", "broken"],
)
def test_raw_text_is_what_the_bytes_hold(uri: str, content: bytes | str, text: str | None) -> None:
    """For judging whether a label is stale: independent of how structure is read, None where nothing can be read."""
    found = raw_text(content.encode() if isinstance(content, str) else content, uri)
    assert (found if found is None else found.strip()) == (text if text is None else text.strip())


def test_two_threads_parse_alike() -> None:
    """What two threads make of the same documents equals what one makes of them."""
    items = [(f"# T{n}\n\nThere is a text here, number {n}.\n\n- a\n- b", "a.md") for n in range(20)] + [
        (word(title=str(n)), "a.docx") for n in range(4)
    ]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda item: parsed(*item), items))
    assert together == [parsed(*item) for item in items]


def test_fingerprints_differ_by_mode_and_cost_nothing() -> None:
    """Neither constructing a parser nor its fingerprint imports unstructured, spaCy or langdetect."""
    assert UnstructuredParser("elements").fingerprint == UnstructuredParser("elements").fingerprint
    assert UnstructuredParser("elements").fingerprint != UnstructuredParser("verbatim").fingerprint
    program = (
        "import sys; from ingest.parse import UnstructuredParser; UnstructuredParser('elements').fingerprint; "
        "sys.exit(sum(name in sys.modules for name in ('unstructured', 'spacy', 'langdetect', 'pypdf', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.slow
def test_unstructured_is_silent_and_calls_nobody() -> None:
    """A first parse in a fresh process prints nothing and opens no connection."""
    program = (
        "import sys; sys.addaudithook(lambda name, args: sys.exit('network') if name == 'socket.connect' else None)\n"
        "from ingest.parse import UnstructuredParser; from sluice.records import RawItem\n"
        "UnstructuredParser().parse(RawItem('a.txt', b'There is a text here. It has sentences.', ''), source='s')"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
