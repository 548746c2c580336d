"""From documents to a staged release: begin it, build its partitions, stage what was built."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import evaluation
from indexing.build import Built
from indexing.contents import holdings
from indexing.cuts import NotCut, Uncut
from indexing.delta import Delta, difference, may_be_base
from ingest.lifecycle import with_tags
from ingest.pipeline import Served
from ingest.planning import processing
from pipeline.budget import money
from pipeline.cluster import Dask
from pipeline.evidence.views import holds_what_was_judged
from pipeline.executors import PARTITION_DOCUMENTS, Inline
from pipeline.resources import Resources, utc_now
from pipeline.runs import Run
from pipeline.steps.assessing import Assessment
from pipeline.windows import Stopped, mapped
from sluice.access import AccessTags
from sluice.counts import StageCounts
from sluice.errors import NOT_CUT, RETRY, DocumentError
from sluice.records import DocumentState
from sluice.releases import Release

LEAST_KEPT = 5
"""Of more documents than a partition, one in so many must stay for a clone to be worth it: one that is nearly emptied and filled
again (by a new parser) holds as many removed points as others, and the next night would write all of it anew."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a release's documents, by key."""

    release: Release
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def one_by_one(self) -> list[Part]:
        """The same work, one document in each."""
        return [Part(self.release, (key,)) for key in self.keys]

    def given_up(self, r: Resources, reason: str) -> Built:
        """Nothing new of the one document is in the release; `build` sees to what follows."""
        [state] = r.stores.documents.read(self.keys)
        error = DocumentError("worker_died", f"{state.uri}: {reason}", hint=RETRY)
        _give_up(r, "", [(state, error)])
        return Built({"chunk": StageCounts(seen=1, failed={"worker_died": 1})})


FEW_UNCUT = 3
"""Documents that a strategy may fail at before it is the strategy that is at fault, where they are more than one in ten."""


RECUT = "mend the strategy, or choose another one; what the same one failed of: sluice quarantine retry"


class LeftOut(Exception):
    """Documents were given up while a release was built: it cannot be the release that was called for."""


def build(r: Resources, run: Run, found: Assessment) -> Release:
    """Build what was found to be called for, or go on with its interrupted build; it is staged then."""
    evaluation.prepare(r.gates)
    delta = delta_of(r, found)
    release = _begin(r, run, found, delta)
    run.account.release = release.id
    if release.state == "staged":
        return release
    due, size = [s.key for s in found.documents if delta is None or s.key in delta.write], run.partition_documents
    keys = run.by_worth(due, lambda key: key)
    parts = [Part(release, tuple(keys[i : i + size])) for i in range(0, len(keys), size)]
    with run.account.timed("index"):
        with r.progress.stage("chunk, embed, stage", len(keys)):
            built = (Built() if delta is None else delta.kept) + built_parts(r, run, parts, len(found.documents))
        if not evaluation.may_search(r.gates):  # judging takes memory, too
            r.model.rest()
        r.stores.quarantine.clear_all(_built_now(r, found.documents, keys), "chunk")
        staged = _stage(r, run, release, built)
        if delta is not None:
            r.contents.cloned(delta.base.collection, staged.collection, without=delta.stale, written=delta.write)
        return staged


def _built_now(r: Resources, documents: Sequence[DocumentState], keys: Sequence[str]) -> set[str]:
    """Of the documents that were built, those in quarantine until now; not those of which an earlier version was built."""
    failed = {entry.document_key for entry in r.stores.quarantine.entries(stage="chunk")}.intersection(keys)
    return failed - {state.key for state in documents if state.stale} if failed else failed


def built_parts(r: Resources, run: Run, parts: Sequence[Part], members: int) -> Built:
    """Have all parts built, of a release of so many documents. Raises LeftOut, with the account told, when one document or more
    had to be given up.

    The embedded vector store has one writing process a collection, and the run is it: where partitions are done in other
    processes, those cut and embed, and the run writes what lies in the cache then.
    """
    apart = isinstance(run.executor, Dask) and r.settings.stores.qdrant.url == "embedded"
    done, _, stopped = mapped(r, run, embed_partition if apart else build_partition, parts)
    built = sum(done, Built())
    given_up = {**built.counts.get("chunk", StageCounts()).failed, **_without_uncut(r, run, built.uncut, members)}
    if given_up:
        run.account.count("chunk", StageCounts(seen=sum(given_up.values()), failed=given_up))
        run.account.built += Built(embedded=built.embedded, tokens_embedded=built.tokens_embedded)
        raise LeftOut
    if stopped is not None:
        run.account.built += Built(embedded=built.embedded, cached=built.cached, tokens_embedded=built.tokens_embedded)
        raise Stopped(stopped)
    if not apart:
        return built
    written = sum(Inline().map(build_partition, parts, r), Built())
    return written.embedded_before(built)


def _without_uncut(r: Resources, run: Run, uncut: Sequence[Uncut], members: int) -> dict[str, int]:
    """Quarantine the documents that the strategy cannot cut; how many. Raises NotCut where the strategy is at fault: it fails at
    all documents of the release, or at many.
    """
    if not uncut:
        return {}
    if len(uncut) == members or (len(uncut) > FEW_UNCUT and 10 * len(uncut) > members):
        raise NotCut(uncut)
    errors = {each.document_key: DocumentError(NOT_CUT, each.error, hint=RECUT) for each in uncut}
    failed = [(state, errors[state.key]) for state in r.stores.documents.read(list(errors))]
    _give_up(r, run.id, failed)
    return {NOT_CUT: len(uncut)}


def _give_up(r: Resources, run: str, failed: Sequence[tuple[DocumentState, DocumentError]]) -> None:
    """Quarantine documents that were parsed; what is live of them stays."""
    live, keys = r.releases.live(), [state.key for state, _ in failed]
    held = holdings(r.stores.qdrant, live.collection, keys) if live is not None else {}
    served = {
        key: Served(each.version, each.parse_fingerprint, AccessTags(frozenset.intersection(*each.tags)))
        for key, each in held.items()
    }
    r.ingestion(run).give_up_parsed(failed, r.chunker.fingerprint, served)


def to_be_cut_again(r: Resources, states: list[DocumentState]) -> list[DocumentState]:
    """The states; those that another strategy than the present one could not cut have a place in a release again."""
    if not any(state.dropped == NOT_CUT for state in states):
        return states
    tried = {(e.document_key, e.fingerprint) for e in r.stores.quarantine.entries(stage="chunk")}
    uncut = [(s, processing(s.parse_fingerprint, r.chunker.fingerprint)) for s in states if s.dropped == NOT_CUT]
    rules = r.settings.access.compiled()
    again = {s.key: with_tags(replace(s, dropped=""), rules) for s, way in uncut if (s.key, way) not in tried}
    r.stores.documents.write(again.values())
    return [again.get(state.key, state) for state in states]


def embed_partition(r: Resources, part: Part) -> Built:
    """Chunk these documents and put their vectors into the cache; the vector store is not touched. Idempotent."""
    return r.builder().embed(r.stores.documents.read(part.keys))


def build_partition(r: Resources, part: Part) -> Built:
    """Chunk, embed and write these documents. Idempotent."""
    with r.building:
        r.go_on()  # cancelled while it waited
        return r.builder().build(part.release, r.stores.documents.read(part.keys))


def _expected_points(found: Assessment) -> int:
    """About how many points these documents make: as many a document as in the live release, or 10."""
    live = found.live
    each = live.chunks / live.documents if live is not None and live.documents else 10
    return int(len(found.documents) * each)


def delta_of(r: Resources, found: Assessment) -> Delta | None:
    """What must change in a clone of the live release, where this one can be made of it; None: it is built from nothing."""
    if found.live is None or found.rebuild or not may_be_base(found.live, r.recipe):
        return None
    held = r.contents.of(found.live.collection)
    known: Collection[str] = held if holds_what_was_judged(found.live, held) else ()
    delta = difference(held, found.live, found.documents, lambda states: r.cutter.sums(s for s in states if s.key not in known))
    few = delta is not None and delta.kept.documents * LEAST_KEPT < len(found.documents)
    return None if few and len(found.documents) > PARTITION_DOCUMENTS else delta


def _begin(r: Resources, run: Run, found: Assessment, delta: Delta | None) -> Release:
    """The release to build into: a new one, or the interrupted one of the same fingerprint."""
    if delta is None:  # a clone looks for its own room
        r.stores.room_for(_expected_points(found), r.model.encoder.dimension)
    releases = r.releases_by(run.actor)
    name, taken = f"{utc_now():%Y%m%d-%H%M%S}-{found.fingerprint[:8]}", {release.id for release in releases.all()}
    ids = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
    return releases.begin(
        found.fingerprint,
        release_id=next(id for id in ids if id not in taken),  # built again within a second: it has a name of its own
        access_root=found.access_root,
        dimension=r.model.encoder.dimension,
        sparse=r.recipe.sparse,
        fingerprints={**r.recipe.fingerprints, "parse": r.parse_fingerprints},
        configuration=r.configuration(),
        recipe=r.kept_recipe(),
        delta=delta,
    )


def _stage(r: Resources, run: Run, release: Release, built: Built) -> Release:
    """A complete build becomes the candidate, with its account in the manifest."""
    account = run.account
    for name, counts in built.counts.items():
        account.count(name, counts)
    account.built += built
    return r.releases_by(run.actor).stage(
        release,
        {
            "documents": built.documents,
            "chunks": built.chunks,
            "tokens": built.tokens,
            "embedded": built.embedded,
            "cached": built.cached,
            "tokens_embedded": built.tokens_embedded,
            "contexts_cut": built.contexts_cut,
            "sources": account.by_source(),
            "cost": money(r.settings, built.tokens_embedded),
            "counts": {name: counts.checked(name).as_json() for name, counts in account.counts.items()},
            "seconds": {**account.seconds, **{f"{name} (work)": seconds for name, seconds in built.seconds.items()}},
        },
    )
