"""What a backfill would cost, before it is begun: `sluice backfill --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.evidence.views import ExpectedFrom
from pipeline.outcomes import Estimate
from pipeline.resources import Resources
from pipeline.steps.assessing import assess
from pipeline.steps.building import delta_of
from sluice.records import DocumentState

ENOUGH = 20
"""So many documents or chunks make a rate; fewer say more of the start of a run."""
RUNS = 50
START_S = 1.5
"""From when documents are to be parsed until the workers do it: it is not a document's, and a small slice is mostly this."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds as this index was measured, newest first; before any measurement, what is typical of two cores."""

    plan: float = 0.5
    fetch_document: float = 0.02
    """With parsing what was fetched."""
    parse_document: float = 0.018
    chunk_document: float = 0.003
    embed_token: float = 6e-5
    stage_chunk: float = 0.0012
    judge: float = 0.0


def estimate(r: Resources, chosen: Sequence[DocumentState], stage: str) -> Estimate:
    """What redoing these documents from a stage on would cost, and what follows from it; nothing is changed but `cuts`.

    They are cut from their present versions: what a new parser would make of them cannot be known before it has. Where a
    setting has changed that makes every document's chunks others, all of them are built anew and counted, not only these.
    """
    keys, present = {s.key for s in chosen}, r.stores.documents.read()
    found = assess(r, [_parsed(r, s) if stage != "chunk" and s.key in keys else s for s in present])
    members = tuple(s for s in present if s.in_release)
    built: list[DocumentState] = []
    if found.action == "build":
        delta = delta_of(r, replace(found, documents=members))
        other = {s.key for s in members if s.key in keys and stage != "chunk" and _parsed(r, s) != s}
        built = [s for s in members if delta is None or s.key in delta.write | other]
    chunks, texts = 0, []
    for _, cut in ExpectedFrom(r.builder(), built or [s for s in members if s.key in keys]).chunks():
        chunks += len(cut)
        texts += [chunk.embedded_text for chunk in cut]
    fresh = r.embedder.missing(texts)
    tokens, rates = sum(r.model.tokenizer.counts(fresh)), measured(r)
    each = rates.fetch_document if stage == "fetch" else rates.parse_document
    seconds = rates.plan + (START_S + each * len(chosen) if stage != "chunk" else 0.0)
    if built:
        seconds += rates.chunk_document * len(built) + rates.embed_token * tokens + rates.stage_chunk * chunks + rates.judge
    return Estimate(
        documents=len(chosen), to_build=len(built), chunks=chunks, tokens=tokens, to_embed=len(fresh), seconds=round(seconds, 1)
    )


def _parsed(r: Resources, state: DocumentState) -> DocumentState:
    return replace(state, parse_fingerprint=r.parse_fingerprints.get(state.source, state.parse_fingerprint))


def measured(r: Resources) -> Rates:
    """The rates of the newest runs in which there was enough to measure."""
    rates: dict[str, float] = {}
    releases = {release.id: release for release in r.releases.all()}
    for row in r.stores.runs.read(RUNS):
        seconds: Mapping[str, float] = row.get("seconds") or {}
        parsed, fetched = _worked_on(row, "parse"), _worked_on(row, "crawl")
        if "plan" in seconds:
            rates.setdefault("plan", seconds["plan"])
        if parsed >= ENOUGH and seconds.get("ingest"):
            each = max(seconds["ingest"] - START_S, 0.0) / parsed
            rates.setdefault("fetch_document" if fetched >= parsed / 2 else "parse_document", each)
        release = releases.get(row.get("release") or "")
        if release is None or row.get("outcome") not in ("promoted", "rejected") or not seconds.get("index"):
            continue
        work = {name: release.seconds.get(f"{name} (work)", 0.0) for name in ("chunk", "embed", "stage")}
        share = seconds["index"] / max(sum(work.values()), 1e-9)  # several at once, and what is around them
        documents, staged = _worked_on(row, "chunk"), _worked_on(row, "stage")
        if documents >= ENOUGH:
            rates.setdefault("chunk_document", work["chunk"] * share / documents)
        if release.embedded >= ENOUGH and release.tokens_embedded:
            rates.setdefault("embed_token", work["embed"] * share / release.tokens_embedded)
        if staged >= ENOUGH:
            rates.setdefault("stage_chunk", work["stage"] * share / staged)
            rates.setdefault("judge", seconds.get("gates", 0.0) + seconds.get("promote", 0.0))
    for one, other in (("fetch_document", "parse_document"), ("parse_document", "fetch_document")):
        if other in rates:
            rates.setdefault(one, rates[other])
    return Rates(**rates)


def _worked_on(row: Mapping[str, Any], stage: str) -> int:
    """How many were seen in a stage and not left as they were."""
    counts = (row.get("counts") or {}).get(stage) or {}
    return int(counts.get("seen", 0)) - int(counts.get("unchanged", 0))
