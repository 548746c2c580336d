"""Drift: how far the candidate has moved from the live release, in what it holds rather than in what it finds.

The second line of the guard against mass deletion: documents, chunks and tokens, languages and tag sets against last
time. And the model's: chunks whose embedded text is the same in both releases must still have nearly the same vector.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any

import numpy as np
from pydantic import Field

from evaluation.gates.base import SAMPLES, GateContext, not_applicable, refused
from evaluation.protocols import ReleasePoints
from sluice.display import counted
from sluice.evidence import Block, Notes, Plot
from sluice.ids import fingerprint
from sluice.points import Vector
from sluice.records import Verdict
from sluice.settings import Section, Share

FIELDS = ("document_key", "uri", "language", "access_tags", "tokens", "text_hash")
COMPARED = 2_000
"""Texts whose vectors are compared: those with the smallest hashes that both releases hold."""
_GROUP = 10
"""Documents of a group that must be gone for their share to count, as for a source's `max_deletions`."""


class DriftOptions(Section):
    """Limits as shares of what live holds.

    `max_documents_lost` counts documents of live that the candidate lacks, and `max_group_lost` the same within any set of
    access tags and any folder (10 or more of them). `max_documents_new`, `max_chunks` and `max_tokens` may exceed 1
    (tenfold is 9). `max_languages` and `max_tag_sets` are the share of documents whose language or tags would have to
    change to get from one release's mix to the other's. `min_similarity` is a cosine.
    """

    max_documents_lost: Share = 0.2
    max_group_lost: Share = 0.5
    max_documents_new: float = Field(default=1.0, ge=0)
    max_chunks: float = Field(default=1.0, ge=0)
    max_tokens: float = Field(default=1.0, ge=0)
    max_languages: Share = 0.1
    max_tag_sets: Share = 0.2
    min_similarity: float = Field(default=0.98, ge=-1, le=1)


@dataclass(slots=True)
class _Profile:
    """What a release holds, in figures; `hashes` are of embedded texts."""

    chunks: int = 0
    tokens: int = 0
    languages: dict[str, str] = field(default_factory=dict)
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    uris: dict[str, str] = field(default_factory=dict)
    hashes: set[str] = field(default_factory=set)

    @property
    def documents(self) -> int:
        return len(self.languages)


class DriftGate:
    """No figure further from live's than its limit; texts that stayed keep their vectors."""

    Options = DriftOptions
    name = "drift"

    def __init__(self, options: DriftOptions) -> None:
        self.options = options

    @property
    def fingerprint(self) -> str:
        return fingerprint("gate:drift", {"options": self.options.model_dump(mode="json"), "version": 1})

    def load(self) -> None:
        """Nothing to read."""

    def judge(self, context: GateContext) -> Verdict:
        if context.live_points is None:
            if context.live_unmeasured:
                return refused(self.name, f"the live release cannot be measured: {context.live_unmeasured}")
            return not_applicable(self.name, context.alone_because)
        now, before = _profile(context.points), _profile(context.live_points)
        if not before.chunks:
            return not_applicable(self.name, "the live release is empty")
        lost = before.languages.keys() - now.languages.keys()
        similarity = _similarity(context, context.live_points, now.hashes & before.hashes)
        groups = _groups_lost(before, lost)
        evidence: dict[str, Any] = {
            "candidate": _figures(now),
            "live": _figures(before),
            "documents_lost": len(lost),
            "documents_new": len(now.languages.keys() - before.languages.keys()),
            "lost": [before.uris[key] for key in sorted(lost, key=before.uris.__getitem__)[:SAMPLES]],
            "groups_lost": groups,
            "languages_moved": round(_moved(now.languages, before.languages), 4),
            "tag_sets_moved": round(_moved(now.tags, _still_held(before, lost)), 4),
            "same_texts": len(now.hashes & before.hashes),
            "similarity": similarity,
            "limits": self.options.model_dump(mode="json"),
        }
        beyond = list(self._beyond(evidence, now, before))
        if beyond:
            advice = (
                f"meant so? sluice promote {context.candidate.id} --force takes it once; its limits are options of the gate",
            )
            return Verdict(self.name, False, "; ".join(beyond), evidence, shown=_shown(evidence), advice=advice)
        return Verdict(self.name, True, _summary(evidence), evidence, shown=_shown(evidence))

    def _beyond(self, evidence: Mapping[str, Any], now: _Profile, before: _Profile) -> Iterator[str]:
        """Each limit that is exceeded, in words."""
        limits = self.options
        lost, new = evidence["documents_lost"], evidence["documents_new"]
        if lost / before.documents > limits.max_documents_lost:
            are = f"{lost} of {counted(before.documents, 'document')} {'is' if lost == 1 else 'are'} gone"
            yield f"{are}, max_documents_lost is {limits.max_documents_lost:.0%}"
        for group in evidence["groups_lost"]:
            if group["lost"] / group["documents"] > limits.max_group_lost:
                yield (
                    f"{group['lost']} of {counted(group['documents'], 'document')} of {group['group']} "
                    f"{'is' if group['lost'] == 1 else 'are'} gone, "
                    f"max_group_lost is {limits.max_group_lost:.0%}"
                )
        if new / before.documents > limits.max_documents_new:
            are = counted(new, "document is", "documents are")
            yield f"{are} new beside {before.documents}, max_documents_new is {limits.max_documents_new:.0%}"
        for name, limit in (("chunks", limits.max_chunks), ("tokens", limits.max_tokens)):
            mine, theirs = getattr(now, name), getattr(before, name)
            if abs(mine - theirs) / max(theirs, 1) > limit:
                yield f"{mine} {name} against {theirs} live, max_{name} is {limit:.0%}"
        for name, limit in (("languages", limits.max_languages), ("tag_sets", limits.max_tag_sets)):
            if evidence[f"{name}_moved"] > limit:
                yield f"the mix of {name.replace('_', ' ')} moved by {evidence[f'{name}_moved']:.0%}, max_{name} is {limit:.0%}"
        similarity = evidence["similarity"]
        if similarity is not None and similarity["mean"] < limits.min_similarity:
            yield (
                f"{counted(similarity['texts'], 'text that stayed has', 'texts that stayed have')} other vectors "
                f"(mean cosine {similarity['mean']:.3f}, "
                f"min_similarity is {limits.min_similarity:g}; for a new model chosen on purpose, lower it for one run)"
            )


def _profile(points: ReleasePoints) -> _Profile:
    found = _Profile()
    for point in points.scan(FIELDS):
        held = point.payload
        key = str(held.get("document_key"))
        found.chunks += 1
        found.tokens += held.get("tokens") or 0
        found.languages[key] = str(held.get("language") or "und")
        found.tags[key] = tuple(sorted(held.get("access_tags") or ()))
        found.uris[key] = str(held.get("uri") or "")
        found.hashes.add(str(held.get("text_hash")))
    return found


def _figures(profile: _Profile) -> dict[str, Any]:
    return {
        "documents": profile.documents,
        "chunks": profile.chunks,
        "tokens": profile.tokens,
        "tokens_per_chunk": round(profile.tokens / profile.chunks, 1) if profile.chunks else 0.0,
        "languages": dict(Counter(profile.languages.values()).most_common(10)),
        "tag_sets": {", ".join(tags) or "nobody": count for tags, count in Counter(profile.tags.values()).most_common(20)},
    }


def _groups_lost(before: _Profile, lost: set[str]) -> list[dict[str, Any]]:
    """The tag sets and the outermost folders of live that lost documents, those that lost the largest share first."""
    whole, gone = (Counter(g for key in keys for g in _groups(before, key)) for keys in (before.tags, lost))
    shares = {group: count / whole[group] for group, count in gone.items() if count >= _GROUP}
    outermost: list[str] = []
    for group in sorted(shares, key=lambda g: (-shares[g], -gone[g], len(g), g)):
        if not any(group.startswith(f"{other}/") for other in outermost):
            outermost.append(group)
    return [
        {"group": group, "documents": whole[group], "lost": gone[group], "share": round(shares[group], 4)}
        for group in outermost[:SAMPLES]
    ]


def _groups(profile: _Profile, key: str) -> Iterator[str]:
    """What a document belongs to: its set of tags (a deletion has reached live already: it has none) and its folders."""
    if profile.tags[key]:
        yield f"tags {', '.join(profile.tags[key])}"
    parts = profile.uris[key].split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        yield f"folder {'/'.join(parts[:depth])}"


def _still_held(before: _Profile, lost: set[str]) -> dict[str, tuple[str, ...]]:
    """Live's tags without the documents whose deletion emptied them."""
    return {key: tags for key, tags in before.tags.items() if tags or key not in lost}


def _moved(now: Mapping[str, object], before: Mapping[str, object]) -> float:
    """Total variation distance between two mixes: 0 when the shares are equal, 1 when they have nothing in common."""
    mine, theirs = Counter(now.values()), Counter(before.values())
    return sum(abs(mine[x] / max(len(now), 1) - theirs[x] / max(len(before), 1)) for x in mine.keys() | theirs.keys()) / 2


def _similarity(context: GateContext, live: ReleasePoints, shared: set[str]) -> dict[str, Any] | None:
    """Cosines between the two releases' vectors of the same texts; None when they share no text."""
    chosen = frozenset(nsmallest(COMPARED, shared))
    if not chosen:
        return None
    mine, theirs = _vectors(context.points, chosen), _vectors(live, chosen)
    pairs = [(mine[text], theirs[text]) for text in sorted(chosen & mine.keys() & theirs.keys())]
    cosines = [float(np.dot(a, b)) if a.shape == b.shape else 0.0 for a, b in pairs]
    cosines = [value if np.isfinite(value) else 0.0 for value in cosines]
    return {"texts": len(cosines), "mean": round(float(np.mean(cosines)), 5), "min": round(min(cosines), 5)} if cosines else None


def _vectors(points: ReleasePoints, wanted: frozenset[str]) -> dict[str, Vector]:
    """The unit vector of each text, by its hash."""
    found: dict[str, Vector] = {}
    for point in points.scan(("text_hash",), vectors=True):
        text = str(point.payload.get("text_hash"))
        if text in wanted and point.dense is not None:
            norm = float(np.linalg.norm(point.dense))
            found[text] = point.dense / norm if norm else point.dense
    return found


def _shown(evidence: Mapping[str, Any]) -> tuple[Block, ...]:
    """Sizes, languages and tag sets of both releases, and what is new, gone and the same."""
    now, before, similarity = evidence["candidate"], evidence["live"], evidence["similarity"]
    sizes = ("documents", "chunks", "tokens", "tokens_per_chunk")
    plots = [_pairs("", {name.replace("_", " "): (now[name], before[name]) for name in sizes})]
    for name in ("languages", "tag_sets"):
        kinds = {**before[name], **now[name]}
        plots.append(
            _pairs(
                name.replace("_", " ").capitalize(), {kind: (now[name].get(kind, 0), before[name].get(kind, 0)) for kind in kinds}
            )
        )
    gone = f": {', '.join(evidence['lost'])}" if evidence["lost"] else ""
    cosine = f"; cosine between their vectors {similarity['mean']:.4f}, least {similarity['min']:.4f}" if similarity else ""
    lines = [
        f"{counted(evidence['documents_new'], 'document')} new, {evidence['documents_lost']} gone{gone}",
        *(f"{group['group']}: {group['lost']} of {group['documents']} documents gone" for group in evidence["groups_lost"]),
        f"{counted(evidence['same_texts'], 'text')} stayed{cosine}",
    ]
    return (*plots, Notes(tuple(lines)))


def _pairs(title: str, rows: Mapping[str, tuple[float, float]]) -> Plot:
    now, before = ([pair[side] for pair in rows.values()] for side in (0, 1))
    return Plot(tuple(rows), {"candidate": tuple(now), "live": tuple(before)}, title)


def _summary(evidence: Mapping[str, Any]) -> str:
    now, before, similarity = evidence["candidate"], evidence["live"], evidence["similarity"]
    same = f"{counted(evidence['same_texts'], 'text')} stayed" + (f", mean cosine {similarity['mean']:.4f}" if similarity else "")
    documents, chunks = counted(now["documents"], "document"), counted(now["chunks"], "chunk")
    return f"{documents} against {before['documents']:,}, {chunks} against {before['chunks']:,}; {same}"
