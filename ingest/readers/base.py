"""What every reader gives, and the helpers they share: bytes go in, pieces of text and what is missing come out.

Whatever a reader raises, `ingest.parse` turns into a DocumentError; a reader names a reason itself only where it
knows better than "malformed". Unstructured is imported when first used: it costs seconds.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from ingest import frontmatter, nlp, properties
from ingest.elements import Piece, pieces
from sluice.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a person would see in the document and that its text does not have.

    `what` is a short stable name (`hidden_sheet`, `comment`, `picture`), `count` how many of them, `where` up to a few
    places in the document's own words (a sheet's name, a page).
    """

    what: str
    count: int = 1
    where: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of bytes; `own_title` says that the file's title property goes before its first heading."""

    pieces: list[Piece]
    properties: properties.Properties = field(default_factory=dict)
    front: frontmatter.FrontMatter | None = None
    own_title: bool = False
    losses: tuple[Loss, ...] = ()


def protected(uri: str) -> DocumentError:
    return DocumentError("protected", f"{uri}: needs a password", hint="save it without one, or exclude it")


def malformed(uri: str, what: str) -> DocumentError:
    return DocumentError("malformed", f"{uri}: {what}", hint="save it again, or exclude it")


def html_pieces(html: str) -> list[Piece]:
    return partitioned("html", text=html) if html.strip() else []


def partitioned(kind: str, **arguments: Any) -> list[Piece]:
    return pieces(partition(kind, **arguments))


def partition(kind: str, **arguments: Any) -> list[Any]:
    """Unstructured's own partitioner of this kind; it detects no language (we do it once, seeded)."""
    nlp.install()
    module = importlib.import_module(f"unstructured.partition.{kind}")
    return list(getattr(module, f"partition_{kind}")(languages=[""], **arguments))
