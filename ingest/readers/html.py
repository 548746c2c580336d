"""HTML pages."""

from __future__ import annotations

from ingest import properties
from ingest.blocks import html_blocks
from ingest.readers.base import Reading, text_of


def html(content: bytes, uri: str, label: str = "") -> Reading:
    found = text_of(content, uri, declared=True, label=label)
    pieces, losses = html_blocks(found.text, page=True)
    return Reading(pieces, properties.of_html(found.text), losses=(*found.losses, *losses), guess=found.guess)
