"""Inference: nothing that a reader may not read changes what they get: not which hits, nor their order, nor their scores.

A filter keeps documents from a reader; it does not keep the reader from learning of them. BM25 with statistics over all
points gives another score when a term is rare among what one may read and common in a department that one may not. So the
same questions are put twice: to the release, and to an index of nothing but what this reader may read, searched exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from heapq import nsmallest
from itertools import product
from typing import Any

from pydantic import Field

from evaluation.gates.base import SAMPLES, GateContext, not_applicable
from evaluation.golden import GoldenSet, load_golden
from evaluation.protocols import ReleasePoints, Searcher
from sluice.access import AccessTags, Principal
from sluice.display import counted
from sluice.evidence import Block, Figures, Table
from sluice.ids import fingerprint
from sluice.records import Hit, Verdict
from sluice.settings import ConfigPath, Section

Alone = Callable[[AccessTags], Searcher]
SAME = 1e-6
"""Scores that differ by less are equal: the last bits depend on what was computed together."""
_WORDS = 12


class InferenceOptions(Section):
    """`pairs` of a reader and a question, k hits each; the questions of a golden set, or chunks' own first words.

    A release of more than `max_points` is not looked at: what one reader may read is held in memory at once.
    """

    golden: ConfigPath | None = None
    k: int = Field(default=10, ge=1)
    pairs: int = Field(default=200, ge=1)
    principals: int = Field(default=10, ge=1)
    max_points: int = Field(default=100_000, ge=1)


@dataclass(frozen=True, slots=True)
class _Difference:
    principal: AccessTags
    query: str
    what: str


class InferenceGate:
    """For every reader and question of the sample both answers are the same."""

    Options = InferenceOptions
    name = "inference"

    def __init__(self, options: InferenceOptions) -> None:
        self.options = options

    @cached_property
    def golden(self) -> GoldenSet | None:
        return load_golden(self.options.golden) if self.options.golden is not None else None

    @property
    def queries(self) -> list[str]:
        return [query.query for query in (self.golden.queries if self.golden is not None else ())]

    @property
    def fingerprint(self) -> str:
        own = self.options.model_dump(mode="json", exclude={"golden"})
        asked = self.golden.fingerprint if self.golden is not None else ""
        return fingerprint("gate:inference", {"options": own, "golden": asked, "version": 1})

    def load(self) -> None:
        _ = self.golden

    def judge(self, context: GateContext) -> Verdict:
        if context.alone is None:
            return not_applicable(self.name, "nothing here can index what one reader may read")
        tags_of, total = _tag_sets(context.points)
        if total > self.options.max_points:
            said = f"{counted(total, 'point is', 'points are')} more than max_points {self.options.max_points}"
            return not_applicable(self.name, said, (f"{said}: nobody looked whether hidden documents show through",))
        readers = _readers(tags_of, self.options.principals)
        queries = self._queries(context.points)
        if not readers or not queries:
            return not_applicable(self.name, "there is no reader from whom something is hidden, or nothing to ask")
        pairs = _spread(readers, queries, self.options.pairs)
        found = list(self._differences(context, context.alone, pairs))
        count = sum(len(asked) for asked in pairs.values())
        evidence: dict[str, Any] = {
            "pairs": count,
            "principals": len(pairs),
            "differences": len(found),
            "samples": [
                {"principal": sorted(each.principal), "query": each.query, "what": each.what} for each in found[:SAMPLES]
            ],
        }
        if found:
            differ = f"{len(found)} of {counted(count, 'answer')} {'differs' if len(found) == 1 else 'differ'}"
            reason = f"{differ} from those over what the reader may read alone: {found[0].what}"
            return Verdict(self.name, False, reason, evidence, shown=_shown(evidence), advice=(ADVICE,))
        same = f"{counted(count, 'answer')} for {counted(len(pairs), 'reader')} {'is' if count == 1 else 'are'}"
        reason = f"{same} as over what they may read alone"
        return Verdict(self.name, True, reason, evidence, shown=_shown(evidence))

    def _queries(self, points: ReleasePoints) -> list[str]:
        if self.golden is not None:
            return list(dict.fromkeys(query.query for query in self.golden.queries))
        chosen = nsmallest(self.options.pairs, points.scan(("text",)), key=lambda point: _shuffled(point.id))
        texts = (" ".join(str(point.payload.get("text") or "").split()[:_WORDS]) for point in chosen)
        return list(dict.fromkeys(text for text in texts if text))

    def _differences(self, context: GateContext, alone_of: Alone, pairs: dict[AccessTags, list[str]]) -> Iterator[_Difference]:
        for tags, asked in pairs.items():
            alone, principal = alone_of(tags), Principal(tags)
            for query in asked:
                both = (each.search(query, principal, self.options.k) for each in (context.candidate.searcher, alone))
                if what := _what_differs(*both):
                    yield _Difference(tags, query, what)


ADVICE = (
    "sparse statistics over everything show through: sluice doctor says whether this store can keep them to what a reader may "
    "read (Qdrant 1.19 and later can); until then search: {mode: dense}"
)


def _what_differs(whole: Sequence[Hit], alone: Sequence[Hit]) -> str:
    """In words; empty where both answers are the same. Hits of equal score may stand in either order."""
    if len(whole) != len(alone):
        return f"{len(whole)} hits beside {len(alone)}"
    for position, (mine, other) in enumerate(zip(whole, alone, strict=True), 1):
        if not _close(mine.score, other.score):
            return f"the score of hit {position} is {mine.score:.6f} beside {other.score:.6f}"
    beside = {hit.chunk_id: hit.score for hit in alone}
    for position, hit in enumerate(whole, 1):
        if hit.chunk_id in beside:
            if not _close(hit.score, beside[hit.chunk_id]):
                return f"hit {position} has the score {hit.score:.6f} beside {beside[hit.chunk_id]:.6f}"
        elif not _close(hit.score, whole[-1].score):  # what ties with the last hit may be cut either way
            return f"hit {position} is another one"
    return ""


def _close(score: float, other: float) -> bool:
    """Equal to 1e-6 of their size: a store keeps scores in 32 bits."""
    return abs(score - other) <= SAME * max(1.0, abs(score), abs(other))


def _tag_sets(points: ReleasePoints) -> tuple[set[AccessTags], int]:
    found: set[AccessTags] = set()
    total = 0
    for point in points.scan(("access_tags",)):
        total += 1
        found.add(AccessTags(point.payload.get("access_tags") or ()))
    return found, total


def _readers(tag_sets: set[AccessTags], most: int) -> list[AccessTags]:
    """Readers from whom something is hidden: each tag alone, each set of tags; the same ones each time."""
    single = {AccessTags({tag}) for tags in tag_sets for tag in tags}
    readers = {tags for tags in single | tag_sets if tags and any(tags.isdisjoint(other) for other in tag_sets)}
    return sorted(nsmallest(most, readers, key=lambda tags: _shuffled(" ".join(sorted(tags)))), key=sorted)


def _spread(readers: Iterable[AccessTags], queries: Sequence[str], count: int) -> dict[AccessTags, list[str]]:
    """`count` pairs at most, an even share of each reader's, so that one index is made for each."""
    every = [(query, tags) for query, tags in product(queries, readers)][:count]
    pairs: dict[AccessTags, list[str]] = {}
    for query, tags in every:
        pairs.setdefault(tags, []).append(query)
    return pairs


def _shown(evidence: dict[str, Any]) -> tuple[Block, ...]:
    figures = Figures({"pairs": evidence["pairs"], "readers": evidence["principals"], "differences": evidence["differences"]})
    rows = tuple((", ".join(s["principal"]), s["query"], s["what"]) for s in evidence["samples"])
    return (figures, Table(("reader", "question", "what differs"), rows, words=True))


def _shuffled(id: str) -> bytes:
    return sha256(id.encode()).digest()
