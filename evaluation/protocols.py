"""What evaluation needs from others: a release to search, documents to check labels against, points to read back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sluice.access import AccessTags, Principal
from sluice.ids import IdSum
from sluice.points import StoredPoint
from sluice.records import Chunk, DocumentState, Hit


class Searcher(Protocol):
    """Search within one release, as a principal."""

    def search(self, query: str, principal: Principal, k: int) -> list[Hit]:
        """The k best chunks the principal may read, best first."""

    def search_documents(self, query: str, principal: Principal, k: int) -> list[Hit]:
        """The best chunk of each of the k best documents the principal may read, best first."""

    def search_both(self, query: str, principal: Principal, documents: int, chunks: int) -> tuple[list[Hit], list[Hit]]:
        """What `search_documents` gives for so many documents, and `search` for so many chunks."""


class LabelledDocuments(Protocol):
    """The documents that labels point to."""

    def find(self, uri: str, source: str | None) -> list[DocumentState]:
        """Every document with this uri, deleted ones included; more than one only when sources share it."""

    def text(self, state: DocumentState) -> str | None:
        """The parsed text a release holds for the document; None where it has none."""

    def texts(self, states: Sequence[DocumentState]) -> Mapping[str, str]:
        """The same for many at once, by document key, in at most 1 + n/100 requests; those it has no text of are left out."""

    def version(self, state: DocumentState) -> str | None:
        """A name of the text that a release holds for the document, the same in every release that holds this very text; None
        where it holds none."""

    def raw_text(self, state: DocumentState) -> str | None:
        """The text of the bytes fetched last, before any cleaning; None where they cannot be read as text."""

    def earlier(self, states: Sequence[DocumentState]) -> Mapping[str, Sequence[str]]:
        """By document key, the parsed texts of other versions that are still kept, in few requests; none: left out."""


class ReleasePoints(Protocol):
    """The points of one release, read back from the store."""

    def scan(
        self,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        """Every point once, ordered by id, with these payload fields.

        With `readable_by`, only those that the store's own filter admits; with `documents` (their keys), only those of these,
        and in an order of the store's choice.
        """


@dataclass(frozen=True, slots=True)
class PastRelease:
    """A release that was live, and when it went live last."""

    id: str
    live: datetime


class JudgedReleases(Protocol):
    """What earlier releases answered when they were judged (`judged.py`), as bytes that are kept for a gate."""

    def anchors(self, days: int, pinned: str | None = None) -> Sequence[PastRelease]:
        """The releases that a candidate may be held against, oldest first: those live within so many days, or the pinned one.

        Without those that somebody rolled back from, and without those before the last one that went live by overruling.
        """

    def answers(self, releases: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        """Everything kept of these releases, oldest first."""

    def keep(self, release: str, name: str, content: bytes) -> None:
        """Keep this of a release under a name, in the place of what was kept under it."""


class ExpectedChunks(Protocol):
    """What a release must hold, computed again from the documents and the chunker, independent of the store."""

    def chunks(self, documents: Collection[str] | None = None) -> Iterator[tuple[DocumentState, Sequence[Chunk]]]:
        """Each document and its chunks, those without text too; with `documents` (their keys), only of these."""


class HeldDocument(Protocol):
    """What the store holds of a document, by its light fields."""

    @property
    def chunks(self) -> int: ...

    @property
    def ids(self) -> int:
        """As in `ids.id_sum`."""

    @property
    def tags(self) -> Set[AccessTags]:
        """Every set of tags that one of its points carries."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What a candidate took over of the live release, point by point, which was compared word for word when it was written.

    `documents` are their keys; `held` is what the store holds of every document of the candidate, these or others; `expected`
    gives every document that must be there, and its ids, or None where it is not known how it is cut.
    """

    documents: Collection[str]
    held: Mapping[str, HeldDocument]
    expected: Callable[[], Iterable[tuple[DocumentState, IdSum | None]]]


class Beside(Protocol):
    """What a gate keeps of a release's points beside them: it is gone when they are, or any of them is erased."""

    def before(self) -> bytes | None:
        """What was kept of the live release, of which the candidate took over points."""

    def keep(self, content: bytes) -> None:
        """Keep this of the candidate, in the place of what was kept; where it cannot be kept, nothing is."""
