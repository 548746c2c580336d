"""What a run has to do, decided before anything is done: pure, from one listing and one bulk read.

listing + known states ─▶ fetch (new or changed) · unchanged · gone · held back
states + fingerprints + quarantine ─▶ which documents must be parsed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.freshness import NO_RULES, Lifetimes
from sluice.display import counted
from sluice.errors import IntegrityError, MassDeletion
from sluice.ids import digest
from sluice.records import DocumentState, ItemRef, QuarantineEntry

GUARD_MINIMUM = 10
"""Fewer vanished documents than this never stop a run: small corpora change by large shares."""


PERMISSION_REASONS = frozenset({"bad_front_matter", "bad_tags"})
"""Why a document is quarantined of which nobody knows for certain who may read it."""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """What one source needs: items to fetch, documents that are gone, and how many need nothing."""

    source: str
    listed: int
    fetch: tuple[ItemRef, ...] = ()
    gone: tuple[DocumentState, ...] = ()
    """Documents that the source does not have any more: a revocation, at once."""
    unasked: tuple[DocumentState, ...] = ()
    """Documents that the configuration does not ask for any more (exclude, include, a source taken out): they leave with the
    release that is built without them, unless somebody says now. Whether the source still has them is not known."""
    unchanged: int = 0
    held: Mapping[str, int] | None = None
    """Items that failed for good and have not changed since: reason → count. They are not fetched again."""
    forgotten: int = 0
    """Items that the source still lists and that were erased on demand: they stay away."""


def plan_source(
    source: str,
    listing: Iterable[ItemRef],
    known: Iterable[DocumentState],
    failures: Iterable[QuarantineEntry] = (),
    *,
    force: Callable[[str], bool] = lambda _uri: False,
    forgotten: Callable[[str], bool] = lambda _uri: False,
    asked: Callable[[str], bool] = lambda _uri: True,
) -> SourcePlan:
    """Compare what a source lists with what is known of it; `force` names uris to fetch whatever their validator.

    What is `forgotten` is counted and left alone, whatever else is said of it. `asked` says whether the configuration still
    asks for a uri: what is not listed and not asked for is `unasked`, and no sign of an outage.

    `failures` are quarantine entries: an item whose fetch failed for good is held back while its validator is the one
    that failed, and fetched in any other case, so that its entry is cleared also when the source went back to what is
    known. Raises IntegrityError when the source lists a uri twice.
    """
    states = {state.uri: state for state in known if state.source == source}
    failed = {e.uri: e for e in failures if e.source == source and e.stage == "fetch"}
    listed: set[str] = set()
    fetch: list[ItemRef] = []
    held: dict[str, int] = {}
    unchanged = erased = 0
    for ref in listing:
        if ref.uri in listed:
            raise IntegrityError(
                f"source '{source}' listed '{ref.uri}' twice", hint="a source lists each uri once; see its conformance suite"
            )
        listed.add(ref.uri)
        state, failure = states.get(ref.uri), failed.get(ref.uri)
        if forgotten(ref.uri):
            erased += 1
        elif force(ref.uri) or (state is not None and state.unasked):  # asked for again
            fetch.append(ref)
        elif failure is not None and not failure.retryable and failure.fingerprint == ref.validator:
            held[failure.reason] = held.get(failure.reason, 0) + 1
        elif failure is not None or state is None or state.status == "deleted" or state.validator != ref.validator:
            fetch.append(ref)
        else:
            unchanged += 1
    missing = [s for s in states.values() if s.uri not in listed and s.status != "deleted"]
    gone = tuple(s for s in missing if asked(s.uri))
    unasked = tuple(s for s in missing if not asked(s.uri))
    return SourcePlan(
        source, len(listed), tuple(fetch), gone=gone, unasked=unasked, unchanged=unchanged, held=held, forgotten=erased
    )


def guard_against_mass_deletion(plan: SourcePlan, known: int, limit: float) -> None:
    """Raise MassDeletion when more than `limit` (a share) of a source's `known` documents vanished at once."""
    gone = len(plan.gone)
    if gone >= GUARD_MINIMUM and known and gone / known > limit:
        raise MassDeletion(
            f"source '{plan.source}' listed {counted(plan.listed, 'document')}; {gone} of the {known} known ones are gone "
            f"({gone / known:.0%}, allowed: {limit:.0%}); nothing was changed",
            hint=f"check that the source is whole (mounted, logged in, not an error page); if the deletions are meant, "
            f"sluice run --allow-deletions {plan.source}",
        )


def to_parse(
    states: Iterable[DocumentState],
    fingerprints: Mapping[str, str],
    failures: Iterable[QuarantineEntry] = (),
    *,
    chunker: str = "",
    force: Callable[[str], bool] = lambda _uri: False,
) -> tuple[list[DocumentState], dict[str, int]]:
    """Documents whose bytes, source's word or parser changed since they were parsed, and those held back (reason → count).

    `fingerprints` gives each source's parse fingerprint. A permanent failure is held back until the bytes or the
    parser's fingerprint change; a retryable one is tried again. Bytes that parse and then cannot be cut are held back until they,
    the parser or the chunker (by its fingerprint) change. An expired document is parsed like any other: only its
    new version can say that it is to live longer.
    """
    failed, unfit = dict[str, QuarantineEntry](), dict[str, QuarantineEntry]()
    for entry in failures:
        if entry.stage in ("parse", "chunk"):
            (failed if entry.stage == "parse" else unfit)[entry.document_key] = entry
    due: list[DocumentState] = []
    held: dict[str, int] = {}
    for state in states:
        if state.status == "deleted" or state.unasked or not state.content_hash or state.source not in fingerprints:
            continue
        wanted = fingerprints[state.source]
        failure = failed.get(state.key)
        if force(state.uri):
            due.append(state)
        elif (
            failure is not None
            and not failure.retryable
            and (failure.content_hash, failure.fingerprint) == (state.content_hash, wanted)
        ):
            held[failure.reason] = held.get(failure.reason, 0) + 1
        elif failure is None and (later := unfit.get(state.key)) is not None and _still_unfit(state, later, wanted, chunker):
            held[later.reason] = held.get(later.reason, 0) + 1
        elif failure is not None or (state.version, state.parse_fingerprint) != (state.content_hash, wanted) or state.renamed:
            due.append(state)
    return due, held


def processing(parse_fingerprint: str, chunker: str) -> str:
    """What decides, beside a document's bytes, whether it can be parsed and cut."""
    return digest("processing", parse_fingerprint, chunker)


def _still_unfit(state: DocumentState, entry: QuarantineEntry, parse_fingerprint: str, chunker: str) -> bool:
    """Whether an earlier version stands in for these bytes, which could not be processed by what would process them now."""
    tried = (state.content_hash, processing(parse_fingerprint, chunker))
    return state.stale and not state.renamed and (entry.content_hash, entry.fingerprint) == tried


def unreadable_permissions(failures: Iterable[QuarantineEntry], samples: int = 3) -> list[str]:
    """A warning that names documents which are out because what says who may read them cannot be read."""
    out = [entry for entry in failures if entry.reason in PERMISSION_REASONS]
    if not out:
        return []
    named = "; ".join(entry.error for entry in out[:samples])
    return [
        f"{counted(len(out), 'document is', 'documents are')} out, any earlier version with them: "
        f"their permissions or expiry cannot be read: {named}"
    ]


def expired(
    states: Iterable[DocumentState],
    now: datetime,
    lifetimes: Lifetimes = NO_RULES,
) -> list[DocumentState]:
    """Active documents whose time is up."""
    return [s for s in states if s.status == "active" and lifetimes.over(s, now)]
