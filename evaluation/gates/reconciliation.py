"""Reconciliation: what the store holds is exactly what the documents and the chunker say it must hold.

It always runs, also when no gate is configured. Of every document the ids of its chunks and its readers are compared, and
word for word what was written: id, document, offsets, text, what was embedded, tokens and access tags of each point. What a
release took over of the live one point by point was compared so when it was written (`TakenOver`). Only what differs is kept
in memory with names. Vectors of what is compared word for word are read back, all of them up to `VECTORS` points and that
many beyond, and must be those that the model made of these texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from evaluation.gates.base import SAMPLES, GateContext
from evaluation.protocols import TakenOver
from sluice.display import counted
from sluice.evidence import Block, Figures, Table
from sluice.ids import fingerprint, text_hash
from sluice.points import StoredPoint, Vector
from sluice.records import Chunk, DocumentState, Verdict
from sluice.settings import Section

FIELDS = ("document_key", "start", "end", "text", "text_hash", "tokens", "access_tags")
VECTORS = 2_000
"""Vectors read back: a defect in 1 of 500 is missed with probability 0.02."""
_SAME = 1e-5
"""The store normalises once more: the last bits of a component may differ, never more."""


class ReconciliationOptions(Section):
    """Nothing can be set: exactly equal is the only setting."""


@dataclass(slots=True)
class _ById:
    """Totals of the documents that are as they must be by ids and readers, and which are to be compared word for word."""

    chunks: int = 0
    documents: int = 0
    empty: int = 0
    others: set[str] | None = None
    """None: all."""


EMPTY = (
    "no document is left for a release: sluice documents --status deleted (excluded, expired, empty, forgotten) says what became "
    "of them, and sluice doctor what the sources list"
)


@dataclass(slots=True)
class _Account:
    """Running totals and the first few names of everything that is not as it must be."""

    counts: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[Any]] = field(default_factory=dict)

    def note(self, problem: str, sample: Any) -> None:
        self.counts[problem] = self.counts.get(problem, 0) + 1
        named = self.samples.setdefault(problem, [])
        if len(named) < SAMPLES:
            named.append(sample)

    def add(self, other: _Account) -> None:
        """What another account noted, of other problems."""
        self.counts |= other.counts
        self.samples |= other.samples


class ReconciliationGate:
    """Document keys and chunk ids expected == points stored, exactly, and each payload as expected."""

    Options = ReconciliationOptions
    name = "reconciliation"

    def __init__(self, options: ReconciliationOptions) -> None:
        self.options = options

    @property
    def fingerprint(self) -> str:
        return fingerprint("gate:reconciliation", {"version": 2})

    def load(self) -> None:
        """Nothing to read."""

    def judge(self, context: GateContext) -> Verdict:
        account, of_vectors = _Account(), _Account()
        same = _by_id(context.taken_over) if context.taken_over is not None else _ById()
        with ThreadPoolExecutor(1, "vectors") as beside:  # both wait for stores most of the time
            comparing = beside.submit(_vectors, context, same.others, of_vectors)
            stored, points = _stored(context.points.scan(FIELDS, documents=same.others), account)
            documents_stored = {held[0] for held in stored.values()}
            chunks, documents, empty = _compare(context.expected.chunks(same.others), stored, account)
            evidence = comparing.result()
        account.add(of_vectors)
        for id, held in stored.items():
            account.note("unexpected", {"chunk_id": id, "document_key": held[0]})
        if documents_stored != documents.keys():
            for key in sorted(documents.keys() - documents_stored):
                account.note("documents_missing", documents[key])
            for key in sorted(documents_stored - documents.keys()):
                account.note("documents_unexpected", {"document_key": key})
        compared, chunks, expected = len(documents), chunks + same.chunks, len(documents) + same.documents
        evidence |= {
            "chunks_expected": chunks,
            "points_stored": points + same.chunks,
            "documents_expected": expected,
            "documents_stored": len(documents_stored) + same.documents,
            "documents_compared": compared,
            "documents_without_text": empty + same.empty,
            "problems": dict(sorted(account.counts.items())),
            "samples": dict(sorted(account.samples.items())),
        }
        if account.counts:
            found = ", ".join(f"{count} {problem.replace('_', ' ')}" for problem, count in sorted(account.counts.items()))
            return Verdict(
                self.name, False, f"the store is not what it must be: {found}", evidence, shown=_shown(evidence, account)
            )
        if not chunks:
            return Verdict(self.name, False, "the release is empty: nothing expected, nothing stored", evidence, advice=(EMPTY,))
        unknown = evidence.get("vectors_unknown", 0)
        warnings = (
            (f"{counted(unknown, 'vector')} could not be compared: what the model made of their texts is not kept",)
            if unknown
            else ()
        )
        reason = f"{counted(chunks, 'chunk')} of {counted(expected, 'document')}, all as expected"
        if compared < expected:
            reason += f"; word for word {compared:,}, those taken over from the live release by ids and readers"
        return Verdict(self.name, True, reason, evidence, warnings, _shown(evidence, account))


def _shown(evidence: dict[str, Any], account: _Account) -> tuple[Block, ...]:
    """The counts, and each kind of problem with its first few names."""
    counted = (
        "chunks_expected", "points_stored", "documents_expected", "documents_stored", "documents_compared", "vectors_compared",
    )  # fmt: skip
    figures = Figures({name.replace("_", " "): evidence[name] for name in counted if name in evidence})
    rows = tuple(
        (problem.replace("_", " "), count, "; ".join(_named(sample) for sample in account.samples[problem]))
        for problem, count in sorted(account.counts.items())
    )
    return (figures, Table(("problem", "how many", "for example"), rows, words=True)) if rows else (figures,)


def _named(sample: dict[str, Any]) -> str:
    return str(sample.get("uri") or "") or ", ".join(f"{key} {value}" for key, value in sample.items())


def _by_id(taken: TakenOver) -> _ById:
    """What was taken over and is as it must be; every other document, there or expected, is to be compared word for word."""
    others, found = set(taken.held), _ById()
    for state, ids in taken.expected():
        held = taken.held.get(state.key)
        if state.key in taken.documents and held is not None and (held.chunks, held.ids) == ids and held.tags == {state.tags}:
            found.chunks += held.chunks
            found.documents += 1
            others.discard(state.key)
        elif held is None and ids == (0, 0):
            found.empty += 1
        else:
            others.add(state.key)
    found.others = others
    return found


_Held = tuple[str, str, frozenset[str]]
"""Document key, digest of what else the payload must hold, access tags."""


def _stored(points: Iterable[StoredPoint], account: _Account) -> tuple[dict[str, _Held], int]:
    stored: dict[str, _Held] = {}
    keys: dict[str, str] = {}  # one copy of each key and of each set of tags, however many points carry it
    tag_sets: dict[frozenset[str], frozenset[str]] = {}
    total = 0
    for point in points:
        total += 1
        if point.id in stored:
            account.note("stored_twice", {"chunk_id": point.id})
        held = point.payload
        key = str(held.get("document_key", ""))
        tags = frozenset(held.get("access_tags") or ())
        digest = _digest(held.get("start"), held.get("end"), held.get("tokens"), held.get("text_hash"), held.get("text") or "")
        stored[point.id] = (keys.setdefault(key, key), digest, tag_sets.setdefault(tags, tags))
    return stored, total


def _compare(
    expected: Iterable[tuple[DocumentState, Sequence[Chunk]]], stored: dict[str, _Held], account: _Account
) -> tuple[int, dict[str, dict[str, str]], int]:
    """Take every expected chunk out of `stored`, noting what is not as expected; what is left there was not expected."""
    total = empty = 0
    seen: set[str] = set()
    documents: dict[str, dict[str, str]] = {}
    for state, chunks in expected:
        empty += not chunks
        for chunk in chunks:
            total += 1
            name = {"chunk_id": chunk.id, "uri": state.uri, "source": state.source}
            documents.setdefault(state.key, {"uri": state.uri, "source": state.source})
            if chunk.id in seen:
                account.note("expected_twice", name)
                continue
            seen.add(chunk.id)
            held = stored.pop(chunk.id, None)
            if held is None:
                account.note("missing", name)
                continue
            key, digest, tags = held
            if key != state.key:
                account.note("other_document", name)
            if digest != _digest(chunk.start, chunk.end, chunk.tokens, text_hash(chunk.embedded_text), chunk.text):
                account.note("other_content", name)
            if tags != state.tags:
                account.note("other_tags", name | {"stored": sorted(tags), "expected": sorted(state.tags)})
    return total, documents, empty


def _digest(start: Any, end: Any, tokens: Any, embedded: Any, text: str) -> str:
    return f"{start}:{end}:{tokens}:{str(embedded)[:32]}:{text_hash(text)[:32]}"


def _vectors(context: GateContext, documents: Collection[str] | None, account: _Account) -> dict[str, Any]:
    """Compare stored vectors of these documents with those that the model made of the same texts; gives what was compared."""
    if context.vectors is None:
        return {}
    # The first of them, as they come by id: ids are hashes, and the store need not read the vectors of the others.
    chosen = list(islice(context.points.scan(("text_hash", "uri"), vectors=True, documents=documents), VECTORS))
    made = context.vectors([str(point.payload.get("text_hash")) for point in chosen])
    pairs = [(point, made.get(str(point.payload.get("text_hash")))) for point in chosen]
    known = [(point, right) for point, right in pairs if right is not None]
    for point, same in zip((point for point, _ in known), _same(known), strict=True):
        if not same:
            account.note("other_vector", {"chunk_id": point.id, "uri": str(point.payload.get("uri", ""))})
    return {"vectors_compared": len(known), "vectors_unknown": len(pairs) - len(known)}


def _same(pairs: Sequence[tuple[StoredPoint, Vector]]) -> list[bool]:
    """Whether each stored vector is the one that was made. NaN is equal to nothing."""
    shaped = [point.dense is not None and point.dense.shape == made.shape for point, made in pairs]
    alike = [(point.dense, made) for (point, made), fits in zip(pairs, shaped, strict=True) if fits and point.dense is not None]
    if not alike:
        return [False] * len(pairs)
    apart = np.abs(np.array([stored for stored, _ in alike]) - np.array([made for _, made in alike])).max(axis=-1)
    near = iter(apart <= _SAME)
    return [fits and bool(next(near)) for fits in shaped]
