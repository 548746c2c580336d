"""A parsed document as compact bytes, and back: JSON with each heading path written once, deflated."""

from __future__ import annotations

import json
import zlib

from sluice.access import AccessTags
from sluice.records import Document, Element
from stores.mongo.codec import decode_time, to_json


def pack(document: Document) -> bytes:
    """About a quarter of the text's size; any Unicode survives, lone surrogates included."""
    paths: dict[tuple[str, ...], int] = {}
    elements = [[e.kind, e.start, e.end, paths.setdefault(e.heading_path, len(paths)), e.page] for e in document.elements]
    value = {
        "key": document.key,
        "source": document.source,
        "uri": document.uri,
        "version": document.version,
        "title": document.title,
        "language": document.language,
        "text": document.text,
        "paths": list(paths),
        "elements": elements,
        "metadata": document.metadata,
        "tags": None if document.tags is None else sorted(document.tags),
        "expires": document.expires,
    }
    return zlib.compress(to_json(value).encode("ascii"), level=1)


def unpack(data: bytes) -> Document:
    """The document that was packed."""
    value = json.loads(zlib.decompress(data))
    paths = [tuple(path) for path in value["paths"]]
    return Document(
        key=value["key"],
        source=value["source"],
        uri=value["uri"],
        version=value["version"],
        title=value["title"],
        language=value["language"],
        text=value["text"],
        elements=tuple(Element(kind, start, end, paths[path], page) for kind, start, end, path, page in value["elements"]),
        metadata=value["metadata"],
        tags=None if value["tags"] is None else AccessTags(value["tags"]),
        expires=None if value["expires"] is None else decode_time(value["expires"]),
    )
