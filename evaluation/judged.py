"""What a release answered when it was judged, kept: so that it can be scored again, on other labels, without searching.

A record holds the questions with their labels, what became of each label in that release, and the ranked hits. It is
enough to score the release on any part of its labels later, when its collection may be gone: that is how a candidate is
held against the best release of the last months, and how a golden set that changed is compared on what both versions have.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from evaluation import quotes
from evaluation.golden import GoldenQuery, Label
from evaluation.labels import Known, ResolvedLabel, ResolvedQuery, ResolvedSet
from evaluation.protocols import LabelledDocuments
from evaluation.scoring import DEPTH, Evaluation, Found, score
from sluice.access import AccessTags
from sluice.records import DocumentState

Asked = tuple[str, AccessTags | None]
"""What makes two questions one: their words and who asks; an id is only a name."""

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, what became of its labels in that release, and the hits: documents ranked, chunks as a reader has them."""

    query: GoldenQuery
    labels: tuple[ResolvedLabel, ...]
    documents: tuple[Found, ...]
    chunks: tuple[Found, ...]

    @property
    def asked(self) -> Asked:
        return self.query.query, self.query.principal


@dataclass(frozen=True, slots=True)
class Judged:
    """The answers of one release to one golden set; `access` is the root of the tags that held then."""

    release: str
    golden: str
    fingerprint: str
    access: str
    k: int
    answers: tuple[Answered, ...]
    quotes: int = quotes.VERSION
    """By which rules its passages were found in the texts of that release."""

    @property
    def scored(self) -> int:
        """Questions that had a label that counted."""
        return sum(any(label.state != "stale" for label in answer.labels) for answer in self.answers)

    def reaches(self, k: int) -> bool:
        """Whether its hits go as deep as measures at this k need."""
        return self.k >= k


def judged(release: str, evaluation: Evaluation, *, golden: str, fingerprint: str, access: str) -> Judged:
    """The record of an evaluation, every answerable question of the set included."""
    results = {result.query.id: result for result in evaluation.results}
    answers = []
    for query in (*evaluation.resolved.scored, *evaluation.resolved.unscored):
        found = results.get(query.query.id)
        documents, chunks = (found.documents, found.chunks) if found else ((), ())
        answers.append(Answered(query.query, query.labels, documents, chunks))
    return Judged(release, golden, fingerprint, access, evaluation.k, tuple(answers))


def on_shared_labels(
    resolved: ResolvedSet,
    earlier: Judged,
    *,
    counts: Callable[[GoldenQuery, ResolvedLabel], bool] = lambda query, label: True,
    known: Mapping[Asked, frozenset[Label]] | None = None,
) -> tuple[ResolvedSet, ResolvedSet]:
    """A set as resolved for a candidate, and for an earlier release, cut to the questions and labels that both have.

    Labels that are stale for the candidate, or that `counts` refuses, are left out of both; what was stale for the earlier
    release and is not any more is missing there. With `known`, only these labels.
    """
    before = {answer.asked: answer for answer in earlier.answers}
    mine, theirs = [], []
    for query in resolved.scored:
        answer = before.get((query.query.query, query.query.principal))
        if answer is None:
            continue
        held = {label.label: label for label in answer.labels}
        wanted = None if known is None else known.get(answer.asked, frozenset())
        pairs = [
            (label, held[label.label])
            for label in query.counted
            if label.label in held and (wanted is None or label.label in wanted) and counts(query.query, label)
        ]
        if pairs:
            cut = replace(query.query, relevant=tuple(own.label for own, _ in pairs))
            mine.append(ResolvedQuery(cut, tuple(own for own, _ in pairs)))
            theirs.append(ResolvedQuery(cut, tuple(_as_it_was(other) for _, other in pairs)))
    return ResolvedSet(tuple(mine), (), ()), ResolvedSet(tuple(theirs), (), ())


def found_before(earlier: Judged | None, then: LabelledDocuments, now: LabelledDocuments) -> Known:
    """What a label is in the documents of `now`, where it was found in those of `then` when the record was made and both hold
    the very same text: the passage stands where it stood."""
    found: dict[Label, ResolvedLabel] = {}
    if earlier is not None and earlier.quotes == quotes.VERSION:
        found = {label.label: label for answer in earlier.answers for label in answer.labels if label.state == "found"}

    def known(state: DocumentState, label: Label) -> ResolvedLabel | None:
        before = found.get(label)
        if before is None or before.key != state.key:
            return None
        version = now.version(state)
        return before if version is not None and version == then.version(state) else None

    return known


def scored_again(earlier: Judged, resolved: ResolvedSet, *, k: int, passages: bool = True) -> Evaluation:
    """The measures of a release on these questions, from the hits that were kept."""
    hits = {answer.asked: answer for answer in earlier.answers}
    ranked, chunks = {}, {}
    for query in resolved.scored:
        answer = hits[query.query.query, query.query.principal]
        ranked[query.query.id] = answer.documents[: max(k, DEPTH)]
        chunks[query.query.id] = answer.chunks[:k]
    return score(resolved, ranked, chunks, k=k, passages=passages)


def _as_it_was(label: ResolvedLabel) -> ResolvedLabel:
    if label.state != "stale":
        return label
    return replace(label, state="missing", span=None, reason="this release does not hold the passage")


def encode(record: Judged) -> bytes:
    """A record as bytes, a fifth of its JSON's length."""
    value = {
        "version": _VERSION,
        "release": record.release,
        "golden": record.golden,
        "fingerprint": record.fingerprint,
        "access": record.access,
        "k": record.k,
        "quotes": record.quotes,
        "answers": [
            {
                "id": answer.query.id,
                "query": answer.query.query,
                "principal": None if answer.query.principal is None else sorted(answer.query.principal),
                "slices": list(answer.query.slices),
                "kind": answer.query.kind,
                "synthetic": answer.query.synthetic,
                "labels": [asdict(label) for label in answer.labels],
                "documents": [asdict(found) for found in answer.documents],
                "chunks": [asdict(found) for found in answer.chunks],
            }
            for answer in record.answers
        ],
    }
    return zlib.compress(json.dumps(value, ensure_ascii=True).encode())


def decode(content: bytes) -> Judged | None:
    """A record from bytes; None where they are another version's, or none."""
    try:
        value = json.loads(zlib.decompress(content))
        if value["version"] != _VERSION:
            return None
        answers = tuple(_answered(answer) for answer in value["answers"])
        named = value["release"], value["golden"], value["fingerprint"]
        return Judged(*named, value["access"], value["k"], answers, value.get("quotes", 0))
    except (zlib.error, ValueError, KeyError, TypeError):
        return None


def without(content: bytes, uri: str, key: str) -> bytes:
    """A record without the questions that name a document in a label or found it; the same bytes where none does."""
    record = decode(content)
    if record is None:
        return content
    kept = tuple(answer for answer in record.answers if not _names(answer, uri, key))
    return content if len(kept) == len(record.answers) else encode(replace(record, answers=kept))


def _names(answer: Answered, uri: str, key: str) -> bool:
    labelled = any(label.key == key or label.label.uri == uri for label in answer.labels)
    return labelled or any(key in json.dumps(asdict(found)) for found in (*answer.documents, *answer.chunks))


def _answered(value: Mapping[str, Any]) -> Answered:
    labels = tuple(_label(label) for label in value["labels"])
    principal = None if value["principal"] is None else AccessTags(value["principal"])
    query = GoldenQuery(
        value["id"],
        value["query"],
        tuple(label.label for label in labels),
        tuple(value["slices"]),
        value["kind"],
        principal,
        value["synthetic"],
    )
    return Answered(query, labels, _found(value["documents"]), _found(value["chunks"]))


def _label(value: Mapping[str, Any]) -> ResolvedLabel:
    span = value["span"]
    return ResolvedLabel(
        Label(**value["label"]), value["state"], value["key"], None if span is None else (span[0], span[1]), value["reason"]
    )


_FOUND = frozenset(field.name for field in fields(Found))


def _found(values: list[Mapping[str, Any]]) -> tuple[Found, ...]:
    return tuple(Found(**{name: _tuples(value) for name, value in each.items() if name in _FOUND}) for each in values)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(inner) for inner in value) if isinstance(value, list) else value
