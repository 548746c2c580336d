"""Labels against the documents of one release: which are found, which are misses, which are stale.

stale    the source deleted the document, or the bytes fetched last no longer hold the quote: it counts for nothing
missing  the document or the quote is absent for any other reason (unknown, quarantined, cleaned away): it counts
         against the release
found    the passage's character offsets in the release's text, or the whole document where the label has no passage

Staleness is a fact about the source, so both releases of a comparison lose the same labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from evaluation.golden import GoldenQuery, GoldenSet, Label
from evaluation.protocols import LabelledDocuments
from evaluation.quotes import Plain, plain
from sluice.errors import ConfigurationError
from sluice.records import DocumentState

State = Literal["found", "missing", "stale"]

GONE = "the source no longer holds the passage"
NEVER = "the passage stands in no version of the document that Sluice has: a typing mistake?"
NOT_HELD = "the passage is in the source, not in the release's text"
NOT_READ = "the release's text does not hold the passage (a typing mistake?), and the source's bytes are no text to look in"
"""Why a passage is not found; a label with one of the first two is stale."""


@dataclass(frozen=True, slots=True)
class ResolvedLabel:
    """A label and what became of it: `span` is [start, end) in the release's text; `reason` says why it was not found."""

    label: Label
    state: State
    key: str | None = None
    span: tuple[int, int] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    """A query with its labels resolved."""

    query: GoldenQuery
    labels: tuple[ResolvedLabel, ...]

    @property
    def counted(self) -> tuple[ResolvedLabel, ...]:
        """The labels that count, for or against."""
        return tuple(label for label in self.labels if label.state != "stale")


@dataclass(frozen=True, slots=True)
class ResolvedSet:
    """A golden set against one release: `scored` have labels that count, `unscored` lost them all, `unanswerable` never
    had any."""

    scored: tuple[ResolvedQuery, ...]
    unscored: tuple[ResolvedQuery, ...]
    unanswerable: tuple[GoldenQuery, ...]

    @property
    def labels(self) -> int:
        return sum(len(query.labels) for query in (*self.scored, *self.unscored))

    def with_state(self, state: State) -> list[tuple[str, ResolvedLabel]]:
        """(query id, label) of every label in this state, in the order of the golden set's scored, then unscored queries."""
        return [(q.query.id, lb) for q in (*self.scored, *self.unscored) for lb in q.labels if lb.state == state]

    @property
    def stale(self) -> int:
        return len(self.with_state("stale"))

    @property
    def stale_share(self) -> float:
        """Stale labels among all labels; 0 without labels."""
        return self.stale / self.labels if self.labels else 0.0


Known = Callable[[DocumentState, Label], ResolvedLabel | None]
"""What a label is known to be in the text that a release holds of a document; None where that is to be looked at."""


def unknown(_state: DocumentState, _label: Label) -> None:
    """Nothing is known."""
    return


def resolve(golden: GoldenSet, documents: LabelledDocuments, known: Known = unknown) -> ResolvedSet:
    """Each label of the set against a release's documents; raises ConfigurationError for a uri that two sources share.

    The text of a document is read where one of its labels is not `known`.
    """
    return resolve_queries(golden.queries, documents, where=str(golden.path), known=known)


def resolve_queries(
    queries: Iterable[GoldenQuery], documents: LabelledDocuments, *, where: str, known: Known = unknown
) -> ResolvedSet:
    """As `resolve`, for some queries of the golden set that `where` names."""
    queries = tuple(queries)
    resolver = _Resolver(documents, where, known)
    resolver.read(queries)
    labelled = resolver.typed({q.id: tuple(resolver.label(q.id, label) for label in q.relevant) for q in queries})
    scored: list[ResolvedQuery] = []
    unscored: list[ResolvedQuery] = []
    unanswerable: list[GoldenQuery] = []
    for query in queries:
        if not query.answerable:
            unanswerable.append(query)
            continue
        resolved = ResolvedQuery(query, labelled[query.id])
        (scored if resolved.counted else unscored).append(resolved)
    return ResolvedSet(tuple(scored), tuple(unscored), tuple(unanswerable))


def only(documents: LabelledDocuments, uri: str, source: str | None, *, where: str) -> DocumentState | None:
    """The one document with this uri, None without one; raises ConfigurationError when two sources share the uri."""
    found = documents.find(uri, source)
    if len(found) > 1:
        sources = sorted({state.source for state in found})
        raise ConfigurationError(
            f"{where}: the uri '{uri}' is ambiguous: it occurs in the sources {', '.join(sources)}",
            hint='name the one that is meant: add "source": "…"',
        )
    return found[0] if found else None


def resolve_like(golden: GoldenSet, documents: LabelledDocuments, like: ResolvedSet) -> ResolvedSet:
    """As `resolve`, with the labels that are stale in `like` stale here too, and no others.

    What another release holds of a document may be older than the source: the two are compared on the same labels.
    """
    resolved = resolve(golden, documents)
    decided = {query.query.id: query for query in (*like.scored, *like.unscored)}

    def as_decided(query: ResolvedQuery) -> ResolvedQuery:
        pairs = zip(query.labels, decided[query.query.id].labels, strict=True)
        return replace(query, labels=tuple(_as_decided(own, other) for own, other in pairs))

    mine = {query.query.id: as_decided(query) for query in (*resolved.scored, *resolved.unscored)}
    return ResolvedSet(
        tuple(mine[query.query.id] for query in like.scored),
        tuple(mine[query.query.id] for query in like.unscored),
        resolved.unanswerable,
    )


def resolve_together(golden: GoldenSet, views: Sequence[LabelledDocuments]) -> list[ResolvedSet]:
    """As `resolve`, against several readings of the same documents, which are then compared on the same labels.

    A label that one of them finds is stale in none: where another reading does not hold the passage, that reading lost it.
    """
    found = [resolve(golden, view) for view in views]
    each = [{query.query.id: query for query in (*one.scored, *one.unscored)} for one in found]
    alive = {
        (name, number)
        for one in each
        for name, query in one.items()
        for number, label in enumerate(query.labels)
        if label.state != "stale"
    }

    def lost(label: ResolvedLabel) -> ResolvedLabel:
        return replace(label, state="missing", reason="only another reading of the document holds the passage")

    together = []
    for one, resolved in zip(each, found, strict=True):
        scored, unscored = list[ResolvedQuery](), list[ResolvedQuery]()
        for query in (q for q in golden.queries if q.id in one):
            labels = enumerate(one[query.id].labels)
            mine = tuple(lost(lb) if lb.state == "stale" and (query.id, n) in alive else lb for n, lb in labels)
            decided = ResolvedQuery(query, mine)
            (scored if decided.counted else unscored).append(decided)
        together.append(ResolvedSet(tuple(scored), tuple(unscored), resolved.unanswerable))
    return together


def _as_decided(own: ResolvedLabel, other: ResolvedLabel) -> ResolvedLabel:
    if other.state == "stale":
        return replace(own, state="stale", span=None, reason=other.reason)
    if own.state == "stale":
        return replace(own, state="missing", reason="this release does not hold the passage")
    return own


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Resolves labels; a document's text is normalised once however many labels it has."""

    documents: LabelledDocuments
    where: str
    known: Known
    texts: dict[str, tuple[str, Plain] | None] = field(default_factory=dict)
    raws: dict[str, Plain | None] = field(default_factory=dict)
    states: dict[str, DocumentState] = field(default_factory=dict)

    def read(self, queries: Sequence[GoldenQuery]) -> None:
        """Every text that a label needs, at once: one request a document took half a minute on a slow server."""
        wanted: dict[str, DocumentState] = {}
        for query in queries:
            for label in query.relevant:
                state = only(self.documents, label.uri, label.source, where=f"{self.where}: query '{query.id}'")
                if state is not None and state.status != "deleted" and self.known(state, label) is None:
                    wanted.setdefault(state.key, state)
        self.states.update(wanted)
        texts = self.documents.texts(list(wanted.values())) if wanted else {}
        for key in wanted:
            text = texts.get(key)
            self.texts[key] = None if text is None else (text, plain(text))

    def label(self, query_id: str, label: Label) -> ResolvedLabel:
        state = only(self.documents, label.uri, label.source, where=f"{self.where}: query '{query_id}'")
        if state is None:
            return ResolvedLabel(label, "missing", reason="unknown uri")
        if state.status == "deleted":
            return ResolvedLabel(label, "stale", state.key, reason="the source deleted the document")
        if (before := self.known(state, label)) is not None:
            return before
        text = self.texts.get(state.key)
        if text is not None:
            span = _span(label, *text)
            if span is not None or not label.is_passage:
                return ResolvedLabel(label, "found", state.key, span)
        if label.is_passage and self._gone_from_source(state, label):
            return ResolvedLabel(label, "stale", state.key, reason=GONE)
        if text is not None:
            return ResolvedLabel(label, "missing", state.key, reason=NOT_HELD if self.raws.get(state.key) else NOT_READ)
        why = state.dropped or ("" if state.status == "active" else state.status)
        return ResolvedLabel(
            label, "missing", state.key, reason="the release holds no text of the document" + (why and f": {why}")
        )

    def typed(self, labels: Mapping[str, tuple[ResolvedLabel, ...]]) -> dict[str, tuple[ResolvedLabel, ...]]:
        """The labels, where those whose quote no earlier version held either say so: nothing was taken away from them."""
        keys = dict.fromkeys(lb.key for each in labels.values() for lb in each if lb.reason == GONE and lb.key is not None)
        gone = {key: self.states[key] for key in keys}
        kept = self.documents.earlier(list(gone.values())) if gone else {}
        before = {key: [plain(text) for text in kept.get(key, ())] for key in gone}

        def told(lost: ResolvedLabel) -> ResolvedLabel:
            quote = lost.label.quote
            if lost.reason != GONE or lost.key is None or quote is None:
                return lost
            return lost if any(text.find(quote) is not None for text in before[lost.key]) else replace(lost, reason=NEVER)

        return {id: tuple(told(label) for label in each) for id, each in labels.items()}

    def _gone_from_source(self, state: DocumentState, label: Label) -> bool:
        """Whether the bytes fetched last can be read and do not hold the passage; unreadable bytes prove nothing."""
        if state.key not in self.raws:
            raw = self.documents.raw_text(state)
            self.raws[state.key] = None if raw is None else plain(raw)
        held = self.raws[state.key]
        return held is not None and label.quote is not None and held.find(label.quote) is None


def _span(label: Label, text: str, comparable: Plain) -> tuple[int, int] | None:
    """The label's own offsets while they lie in the text and still hold its quote; else where the quote is."""
    if label.start is not None and label.end is not None and label.end <= len(text):
        there = text[label.start : label.end]
        if label.quote is None or plain(there).text == plain(label.quote).text:
            return label.start, label.end
    return comparable.find(label.quote) if label.quote is not None else None
