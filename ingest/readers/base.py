"""What every reader gives, and the helpers they share: bytes go in, pieces of text and what is missing come out.

Whatever a reader raises, `ingest.parse` turns into a DocumentError; a reader names a reason itself only where it
knows better than "malformed". Unstructured is imported when first used: it costs seconds.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from ingest import frontmatter, nlp, properties
from ingest.blocks import html_blocks
from ingest.decode import decoded
from ingest.elements import Loss, Piece, pieces
from ingest.unseen import without_hidden
from sluice.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of bytes; `own_title` says that the file's title property goes before its first heading."""

    pieces: list[Piece]
    properties: properties.Properties = field(default_factory=dict)
    front: frontmatter.FrontMatter | None = None
    own_title: bool = False
    losses: tuple[Loss, ...] = ()
    guess: Guess | None = None
    formed: bool = False
    """Whether its headings are told by their form: only one at its beginning is the document's title."""


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding that nobody named, and how sure it is (0 to 1)."""

    encoding: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Text:
    """Decoded bytes, with what that cost."""

    text: str
    losses: tuple[Loss, ...] = ()
    guess: Guess | None = None


def text_of(content: bytes, uri: str, *, declared: bool = False, label: str = "") -> Text:
    """The text of bytes (see `ingest.decode`); raises DocumentError."""
    found = decoded(content, uri=uri, declared=declared, label=label)
    share = (found.lost - 1) / max(1, len(found.text))  # one bad byte costs one character, never the document
    losses = (Loss("undecodable_byte", found.lost, share=share),) if found.lost else ()
    guess = Guess(found.encoding, found.confidence) if found.confidence is not None else None
    return Text(found.text, losses, guess)


def protected(uri: str) -> DocumentError:
    return DocumentError("protected", f"{uri}: needs a password", hint="save it without one, or exclude it")


def malformed(uri: str, what: str) -> DocumentError:
    return DocumentError("malformed", f"{uri}: {what}", hint="save it again, or exclude it")


def html_pieces(html: str) -> list[Piece]:
    """The pieces of HTML that is no page of its own (a mail's body, what a converter wrote)."""
    return html_blocks(html)[0]


def partitioned(kind: str, **arguments: Any) -> list[Piece]:
    return pieces(partition(kind, **arguments))


def partition(kind: str, **arguments: Any) -> list[Any]:
    """Unstructured's own partitioner of this kind; it detects no language (we do it once, seeded)."""
    nlp.install()
    module = importlib.import_module(f"unstructured.partition.{kind}")
    return list(getattr(module, f"partition_{kind}")(languages=[""], **arguments))


__all__ = [
    "Guess",
    "Loss",
    "Reading",
    "Text",
    "html_pieces",
    "partition",
    "partitioned",
    "protected",
    "text_of",
    "without_hidden",
]
