"""EPUB: its documents in the order of its spine, each read as a page; what it cannot show as text is said."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from urllib.parse import unquote

from ingest import properties
from ingest.blocks import html_blocks
from ingest.elements import Loss, Piece
from ingest.readers.base import Reading, malformed, protected, text_of, without_hidden
from ingest.readers.package import Node, Package, local

_PRINTED_PAGE = re.compile(r"<(span|div|a|p)\b[^<>]*\bpagebreak\"[^<>/]*>[^<>]{0,20}</\1>")
"""The number of the printed book's page, which stands within a sentence or a word of it and which no reader shows."""

_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbncx+xml", "application/x-dtbook+xml"})
_OBFUSCATED = re.compile(rb"http://(?:www\.idpf\.org/2008/embedding|ns\.adobe\.com/pdf/enc#RC)")


def epub(content: bytes, uri: str) -> Reading:
    """Raises DocumentError: `protected` for one with a lock (DRM), `malformed` for a zip without a book in it."""
    book = Package(content, uri)
    locks = book.read("META-INF/encryption.xml") or b""
    if len(re.findall(rb"EncryptionMethod\b[^>]*Algorithm", locks)) > len(_OBFUSCATED.findall(locks)):
        raise protected(uri)
    path, package = _package(book)
    if package is None:
        raise malformed(uri, "is no e-book")
    folder = posixpath.dirname(path)
    items = {str(n.get("id")): n for n in package.iter() if local(n) == "item"}
    spine = [items.get(str(n.get("idref"))) for n in package.iter() if local(n) == "itemref"]
    read = [item for item in spine if item is not None] or list(items.values())
    pieces: list[Piece] = []
    lost: Counter[str] = Counter()
    for item in read:
        kind = str(item.get("media-type") or "")
        if kind not in _PAGES or "nav" in str(item.get("properties") or "").split():
            lost["missing_part"] += kind not in _PAGES
            continue
        page = book.read(posixpath.normpath(posixpath.join(folder, unquote(str(item.get("href") or "").partition("#")[0]))))
        if page is None:
            lost["missing_part"] += 1
            continue
        text = text_of(page, uri, declared=True)
        shown, hidden = without_hidden(text.text)
        found, left_out = html_blocks(_PRINTED_PAGE.sub("", shown) if "pagebreak" in shown else shown)
        pieces += found
        for loss in (*text.losses, *hidden, *left_out):
            lost[loss.what] += loss.count
    return Reading(
        pieces, properties.of_opf(package), own_title=True, losses=tuple(Loss(*each) for each in sorted((+lost).items()))
    )


def _package(book: Package) -> tuple[str, Node | None]:
    """The package document: where the container says, else by its name."""
    container = book.xml("META-INF/container.xml")
    said = [str(n.get("full-path") or "") for n in container.iter() if local(n) == "rootfile"] if container is not None else []
    named = [name for name in book.names() if name.lower().endswith(".opf")]
    for path in [*said, *named]:
        if (root := book.xml(path)) is not None:
            return path, root
    return "", None
