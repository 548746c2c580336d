"""Text formats: Markdown, HTML, XML, plain text, code, and rows of cells."""

from __future__ import annotations

import csv
import io

from ingest import frontmatter, markup, properties
from ingest.decode import decode
from ingest.elements import Piece, row_text
from ingest.readers.base import Reading, html_pieces, partitioned


def markdown(content: bytes, uri: str) -> Reading:
    front = frontmatter.split(decode(content, uri=uri), uri=uri)
    return Reading(html_pieces(markup.markdown_html(front.body)), front=front)


def html(content: bytes, uri: str) -> Reading:
    text = decode(content, uri=uri, declared=True)
    return Reading(html_pieces(markup.tidied(text)), properties.of_html(text))


def xml(content: bytes, uri: str) -> Reading:
    return Reading(html_pieces(markup.xml_html(content)))


def plain(content: bytes, uri: str) -> Reading:
    return Reading(partitioned("text", text=decode(content, uri=uri)))


def code(content: bytes, uri: str) -> Reading:
    text = decode(content, uri=uri).replace("\r\n", "\n").strip("\n").rstrip()
    return Reading([Piece("code", text)] if text else [])


def delimited(content: bytes, uri: str, *, tab: bool) -> Reading:
    """Rows as lines, every cell as written: unstructured's data frame makes 7 of 007 and nothing of NA."""
    text = decode(content, uri=uri)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = "\t" if tab else max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    lines = "\n".join(filter(None, (row_text(row) for row in rows)))
    return Reading([Piece("table", lines)] if lines else [])
