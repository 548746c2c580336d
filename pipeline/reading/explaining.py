"""`sluice why`: why a document is not among the hits of a query, from what was listed to what was ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from indexing.releases.view import nothing_live
from indexing.standing import DEPTH, BestChunk, Ranks, Rival, Standing, standing
from ingest.lifecycle import condition
from ingest.readerless import why_unreadable
from pipeline.erasure.erased import Gone, erased
from pipeline.naming import named
from pipeline.resources import Resources
from pipeline.spelled import spelled
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.points import DOCUMENT_KEY
from sluice.records import DocumentState
from sluice.releases import Release

NOT_FOUND = "no document of this name is found"


@dataclass(frozen=True, slots=True)
class Why:
    """Why a document is not among the hits, or at which rank it is: `reason` is for programs, `says` for people.

    What ranks and chunks there are is of the release; they are empty where the document never came so far.
    """

    query: str
    uri: str
    principal: tuple[str, ...]
    k: int
    reason: str
    says: str
    hint: str = ""
    source: str = ""
    release: str = ""
    ranks: Ranks | None = None
    chunk: BestChunk | None = None
    outranked_by: tuple[Rival, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stop:
    """A reason, in a word and in a sentence, and what to do."""

    reason: str
    says: str
    hint: str = ""


def _forgotten(gone: Gone) -> _Stop:
    return _Stop(
        "forgotten", f"it was {gone.said()} by `sluice forget`, and stays away", f"sluice forget '{gone.uri}' --undo lets it back"
    )


def why(
    r: Resources, query: str, uri: str, principal: Principal, k: int, *, source: str | None = None, release: str | None = None
) -> Why:
    """Why the document `uri` is, or is not, among the k hits of `query` for a principal; nothing is changed or logged.

    With `access: {why: reader}` a document that the principal may not read is answered as one that never was, whatever the
    reason. ConfigurationError when two sources have the uri, for an empty query, and for a source that is not configured.
    """
    if source is not None:
        r.settings.source(source)
    if not query.strip():
        raise ConfigurationError("the query is empty", hint="say what was searched for")
    asked = Why(query, uri, tuple(sorted(principal.tags)), k, "not_found", NOT_FOUND)
    known = spelled(uri, (s for s in r.stores.documents.read() if source in (None, s.source)))
    if r.settings.access.why == "reader":
        known = [state for state in known if not principal.tags.isdisjoint(state.tags)]
        if not known:
            return asked
    if len(known) > 1:
        names = ", ".join(sorted(s.source for s in known))
        raise ConfigurationError(f"'{uri}' is a document of several sources: {names}", hint="say which: --source NAME")
    if not known:
        return _told(asked, _unknown(r, uri, source))
    state = known[0]
    about = replace(asked, uri=state.uri, source=state.source)
    if (stop := _stopped(r, state, principal)) is not None:
        return _told(about, stop)
    served = named(r, release).there() if release is not None else r.releases.live()
    if state.unasked and (served is None or not _holds(r, served, state)):
        return _told(about, _excluded(state))
    if served is None:
        hint = nothing_live(r.settings.index, r.releases.all()).hint
        return _told(about, _Stop("not_in_release", "it is ingested, and no release is live yet", hint))
    about = replace(about, release=served.id)
    if (stop := _not_served(r, served, state, principal)) is not None:
        return _told(about, stop)
    found = standing(r.searcher(served), r.stores.qdrant, query, principal, state.key, k)
    stop = _ranked(found, k)
    about = _told(about, _leaving(stop, state, served) if state.unasked else stop)
    return replace(about, ranks=found.ranks, chunk=found.chunk, outranked_by=found.outranked_by)


def _told(about: Why, stop: _Stop) -> Why:
    return replace(about, reason=stop.reason, says=stop.says, hint=stop.hint)


def _unknown(r: Resources, uri: str, source: str | None) -> _Stop:
    """Of a uri that no document has: it was forgotten, its source is told to leave it out, or no source ever listed it."""
    if gone := erased(r, uri, source):
        return _forgotten(gone[0])
    names = [s.name for s in r.settings.sources if source in (None, s.name)]
    if not any(_asked_for(r, name, uri) for name in names):
        told = f"the include and exclude patterns of {', '.join(repr(name) for name in names)} leave it out"
        return _Stop("excluded", told, "change include or exclude of the source, and run again")
    hint = "look at its spelling (a uri is relative to its source's root), and whether the source has it; then sluice run"
    return _Stop("never_listed", "no source has listed it so far", hint)


def _asked_for(r: Resources, source: str, uri: str) -> bool:
    """Whether the configuration has a source that would list this uri; one that cannot tell may."""
    if source not in r.sources:
        return False
    tells = getattr(r.sources[source], "asks_for", None)
    return tells is None or bool(tells(uri))


def _excluded(state: DocumentState) -> _Stop:
    told = f"the configuration of source '{state.source}' does not ask for it any more"
    return _Stop("excluded", told, "change include or exclude of the source, and run again")


def _leaving(stop: _Stop, state: DocumentState, served: Release) -> _Stop:
    """Of one that the release still answers with, though the configuration does not ask for it any more."""
    told = f"{stop.says}; {_excluded(state).says}: release {served.id} still holds it, the next one will not"
    hint = "sluice run --now takes it away at once; to keep it, change include or exclude of the source, and run again"
    return _Stop(stop.reason, told, "; ".join(filter(None, (stop.hint, hint))))


def _stopped(r: Resources, state: DocumentState, principal: Principal) -> _Stop | None:
    """What keeps a known document from this principal in any release."""
    if gone := erased(r, state.uri, state.source):
        return _forgotten(gone[0])
    entries = [entry for entry in r.stores.quarantine.entries() if entry.document_key == state.key]
    held = "; ".join(f"{entry.stage}: {entry.reason}: {entry.error}" for entry in entries)
    match condition(state):
        case "deleted" if not _asked_for(r, state.source, state.uri):
            return _excluded(state)
        case "deleted":
            return _Stop("deleted", "its source does not list it any more", "put it back, and run again")
        case "unfetched" | "unparsed" | "withdrawn":
            hints = "; ".join(dict.fromkeys(entry.hint for entry in entries if entry.hint))
            mend = hints or "mend the document, then sluice quarantine retry"
            return _Stop("quarantined", held or "it could not be processed", mend)
        case "waiting":
            return _Stop("waiting", "its bytes are fetched and not parsed yet", "sluice run")
        case "dropped":
            return _Stop("dropped", f"it is left out of every release: {state.dropped}", "its text or the policy must change")
    if state.status == "expired":
        at = f" at {state.expires.isoformat()}" if state.expires else ""
        return _Stop("expired", f"its time was up{at}", "give it a later expiry, or a longer ttl, and run again")
    if not state.tags:
        told = f"nobody may read it: {why_unreadable(state, r.settings.access.compiled())}"
        return _Stop("no_tag_in_common", told, "add or mend a rule under access.rules, then sluice access sync")
    if principal.tags.isdisjoint(state.tags):
        told = f"it is readable by {', '.join(sorted(state.tags))}, and by nobody else"
        hint = "ask as one of these (--as), or change its rule under access.rules or its own access_tags, then sluice access sync"
        return _Stop("no_tag_in_common", told, hint)
    return None


def _holds(r: Resources, release: Release, state: DocumentState, **readable: Any) -> bool:
    points = r.stores.qdrant.scan(release.collection, [DOCUMENT_KEY], **readable)
    return any(point.payload[DOCUMENT_KEY] == state.key for point in points)


def _not_served(r: Resources, release: Release, state: DocumentState, principal: Principal) -> _Stop | None:
    """Whether the release's collection does not hold it, or not yet with the tags that it has now."""
    if _holds(r, release, state, readable_by=principal.tags):
        return None
    if _holds(r, release, state) and state.key in release.narrowed:
        told = f"release {release.id} holds an older text of it, which what is said of the present one does not open"
        return _Stop("no_tag_in_common", told, "sluice run builds a release that holds the present one")
    if _holds(r, release, state):
        told = f"release {release.id} holds it with tags that were not brought up to date yet"
        return _Stop("no_tag_in_common", told, "sluice access sync")
    return _Stop("not_in_release", f"release {release.id} was built without it", "sluice run builds one that holds it")


_ADVICE: Mapping[str, str] = {
    "outranked": "the chunk is cut so: if its words answer badly when they stand alone, compare other cuts (sluice compare)",
    "outranked_by_copies": "documents that nearly repeat each other take the places: sluice duplicates lists them",
    "lost_to_fusion": "search: {dense_weight: …} decides which ranking counts how much; compare several",
    "lost_to_reranker": "search: {rerank: …} put it down; compare without it, or with another model",
    "lost_to_approximation": "the store's index is approximate: raise hnsw_ef or m on the server, or search exactly",
    "no_term_in_common": "sparse search finds words only: search: {mode: hybrid} finds meanings, too",
}


def _ranked(found: Standing, k: int) -> _Stop:
    """What the ranks say."""
    ranks = found.ranks
    beyond = f"beyond {DEPTH}"
    tell: Mapping[str, Callable[[], str]] = {
        "found": lambda: f"it is hit {ranks.answered}",
        "shown_as_copy": lambda: f"its text is hit {ranks.answered}, which names it among its copies",
        "outranked": lambda: f"its best chunk has rank {ranks.searched or beyond}, and {k} are shown",
        "outranked_by_copies": lambda: f"its best chunk has rank {ranks.searched}: near copies of each other stand above it",
        "lost_to_fusion": lambda: (
            f"by meaning its rank is {ranks.dense or beyond}, by words {ranks.sparse or beyond}, "
            f"and fused {ranks.searched or beyond}"
        ),
        "lost_to_reranker": lambda: f"search put it at rank {ranks.searched}, the reranker at {ranks.reranked}",
        "lost_to_approximation": lambda: (
            f"by exact search its rank is {ranks.dense_exact}, by the store's approximate one {ranks.dense or beyond}"
        ),
        "no_term_in_common": lambda: "it has no word of the query, and words are all that sparse search sees",
    }
    return _Stop(found.reason, tell[found.reason](), _ADVICE.get(found.reason, ""))
