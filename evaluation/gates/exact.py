"""Exact: what approximate or compressed vectors lose, for the readers of each set of tags.

Vectors kept in fewer bits, and a graph that is walked instead of a list that is read, lose some of the true neighbours: few of
them for who may read everything, and at times many for who may read little, for a filter leaves a graph with fewer ways. A mean
over all readers hides that, so each set of tags is looked at by itself, and the worst of them decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from pydantic import Field

from evaluation.gates.base import GateContext, refused
from evaluation.golden import GoldenSet, load_golden
from evaluation.protocols import ReleasePoints
from sluice.access import AccessTags
from sluice.evidence import Block, Figures, Table
from sluice.ids import fingerprint
from sluice.records import Verdict
from sluice.settings import ConfigPath, Section, SomeShare

Row = dict[str, Any]


class ExactOptions(Section):
    """The first `queries` questions of a golden set, k hits each, as the readers of each set of tags and as who holds them all.

    Of more than `tag_sets` sets, those are taken that spread from the one that may read least to the one that may read most.
    """

    golden: ConfigPath
    k: int = Field(default=10, ge=1)
    queries: int = Field(default=100, ge=1)
    tag_sets: int = Field(default=20, ge=2)
    min_recall: SomeShare = 0.95
    """Of the exact top k, the mean share that is found, for the readers of every set of tags."""


class ExactGate:
    """For every set of tags, the share of the exact top k that the store finds is at least `min_recall`."""

    Options = ExactOptions
    name = "exact"

    def __init__(self, options: ExactOptions) -> None:
        self.options = options

    @cached_property
    def golden(self) -> GoldenSet:
        return load_golden(self.options.golden)

    @property
    def queries(self) -> list[str]:
        return list(dict.fromkeys(query.query for query in self.golden.queries))[: self.options.queries]

    @property
    def fingerprint(self) -> str:
        own = self.options.model_dump(mode="json", exclude={"golden"})
        return fingerprint("gate:exact", {"options": own, "golden": self.golden.fingerprint, "version": 1})

    def load(self) -> None:
        _ = self.golden

    def judge(self, context: GateContext) -> Verdict:
        if context.recalls is None:
            return refused(self.name, "nothing here can search this release exactly")
        shares = readers(context.points, self.options.tag_sets)
        if not shares or not self.queries:
            return refused(self.name, "there is no reader, or nothing to ask")
        found = context.recalls(list(shares), self.queries, self.options.k)
        answered = ((tags, recalls) for tags in shares if (recalls := found.get(tags)))
        rows = sorted((_row(tags, shares[tags], recalls) for tags, recalls in answered), key=lambda row: row["recall"])
        if not rows:
            return refused(self.name, "no reader is answered with anything")
        worst, least = rows[0], self.options.min_recall
        evidence: Row = {"k": self.options.k, "queries": len(self.queries), "min_recall": least, "readers": rows}
        said = (
            f"of the exact top {self.options.k}, readers of {', '.join(worst['tags'])} ({worst['share']:.1%} of the chunks) find "
            f"{worst['recall']:.3f}"
        )
        short = [row for row in rows if row["recall"] < least]
        if short:
            reason = f"{said}; min_recall is {least:g}, and {len(short)} of {len(rows)} sets of tags are below it"
            return Verdict(self.name, False, reason, evidence, shown=_shown(evidence, len(short)), advice=(ADVICE,))
        return Verdict(self.name, True, f"{said}, and no other set of tags less", evidence, shown=_shown(evidence, 0))


ADVICE = (
    "keep more of each vector (stores.qdrant.quantization: none), or have more of the graph walked (hnsw_m), and build again: "
    "sluice backfill --from chunk"
)


def readers(points: ReleasePoints, most: int) -> dict[AccessTags, float]:
    """Each set of tags that a chunk has, and their union, with the share of chunks that it may read; `most` of them, spread."""
    held: Counter[AccessTags] = Counter(
        AccessTags(point.payload.get("access_tags") or ()) for point in points.scan(("access_tags",))
    )
    total = sum(held.values())
    sets = {tags for tags in held if tags}
    sets |= {AccessTags(tag for tags in sets for tag in tags)} if sets else set()
    shares = {tags: sum(n for other, n in held.items() if not tags.isdisjoint(other)) / total for tags in sets}
    order = sorted(shares, key=lambda tags: (shares[tags], sorted(tags)))
    if len(order) > most:
        order = [order[round(n * (len(order) - 1) / (most - 1))] for n in range(most)]
    return {tags: shares[tags] for tags in order}


def _row(tags: AccessTags, share: float, recalls: Sequence[float]) -> Row:
    mean = sum(recalls) / len(recalls)
    return {"tags": sorted(tags), "share": round(share, 4), "recall": round(mean, 4), "least": round(min(recalls), 4)}


def _shown(evidence: Mapping[str, Any], short: int) -> tuple[Block, ...]:
    figures = Figures({"questions": evidence["queries"], "k": evidence["k"], "sets of tags": len(evidence["readers"])})
    rows = tuple((", ".join(r["tags"]), r["share"], r["recall"], r["least"]) for r in evidence["readers"])
    head = ("readers of", "share of chunks", "recall of the exact", "of the worst question")
    return (figures, Table(head, rows, "What readers find, the worst first", tuple(range(short))))
