"""A mailbox in one file (mbox) among files: each message with its subject, people and day, and all of its text.

The `mail` source makes a document of each message, with its attachments; here the file is one document.
"""

from __future__ import annotations

import posixpath
from collections import Counter

from ingest import properties
from ingest.elements import Loss, Piece
from ingest.readers.base import Reading, malformed
from ingest.readers.mail import mime
from ingest.sources.mailboxes import messages
from sluice.errors import DocumentError

_HEADERS = ("from", "to", "cc", "date")


def mailbox(content: bytes, uri: str) -> Reading:
    """Raises DocumentError `malformed` for what has no message that can be read; one that cannot is said."""
    pieces: list[Piece] = []
    lost: Counter[str] = Counter()
    stated: properties.Properties = {}
    for message in messages(content):
        try:
            found = mime(message, uri, enclosed=True)
        except DocumentError:
            lost["unreadable_message"] += 1
            continue
        about = found.properties
        stated |= {name: said for name, said in about.items() if name == properties.STATED}
        said = "\n".join(f"{name.title()}: {about[name]}" for name in _HEADERS if name in about)
        pieces += [Piece("title", about.get("subject") or "(no subject)"), *([Piece("text", said)] if said else [])]
        pieces += (Piece(p.kind, p.text, p.depth + 1, p.page) for p in found.pieces)
        for loss in found.losses:
            lost[loss.what] += loss.count
    if not pieces:
        raise malformed(uri, "is no mailbox: no message in it can be read")
    named = posixpath.splitext(posixpath.basename(uri))[0]
    return Reading(
        pieces, {"title": named, **stated}, own_title=True, losses=tuple(Loss(what, n) for what, n in sorted(lost.items()))
    )
