"""`sluice documents`: what is known of each document, and why one is not where somebody looks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.readerless import why_unreadable
from pipeline.erasure.erased import erased
from pipeline.resources import Resources, utc_now
from sluice.access import AccessRules
from sluice.errors import NOT_CUT, ConfigurationError
from sluice.globs import matches
from sluice.records import DocumentState, QuarantineEntry

STANDINGS = (
    "served", "waiting", "unreadable", "empty", "dropped", "stale", "quarantined", "expired", "excluded", "deleted", "forgotten",
)  # fmt: skip
"""What a document can be, for who looks for it; `unknown` is said of a uri that was asked for by name."""

AWAY = ("deleted", "forgotten", "excluded")
"""Listed only when asked for."""

DROPPED: Mapping[str, str] = {
    "empty": "no text was found in it",
    "redacted": "it holds what the source's redact policy keeps out",
    "worker_died": "it ended every process that worked on it; sluice quarantine retry tries again",
    NOT_CUT: "the chunking strategy cannot cut it; another one is tried, and sluice quarantine retry tries again",
    "withdrawn": "its last version was withdrawn by policy, and no newer one could be had",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One document; `chunks` are those of the live release, `tags` are who may read it now, `why` what is to be said of it."""

    uri: str
    source: str
    status: str
    tags: tuple[str, ...]
    chunks: int
    why: str
    title: str = ""
    language: str = ""
    modified: datetime | None = None
    fetched: datetime | None = None
    expires: datetime | None = None
    document_key: str = ""
    """All that is known of one that was forgotten."""


def documents(
    r: Resources, asked: str | None = None, *, sources: Collection[str] = (), statuses: Collection[str] = ()
) -> list[Listed]:
    """The documents whose uri is, or matches, what was asked for; by source and uri.

    A uri that is asked for by its name and known to nobody is answered, too: excluded, forgotten, or unknown.
    """
    for name in sources:
        r.settings.source(name)
    chunks = _chunks(r)
    quarantined = {entry.document_key: entry for entry in r.stores.quarantine.entries()}
    rules = r.settings.access.compiled()
    states = [s for s in r.stores.documents.read() if not sources or s.source in sources]
    chosen = [s for s in states if asked is None or s.uri == asked] or [s for s in states if asked and matches(s.uri, asked)]
    now = utc_now()
    chosen = [r.lifetimes.aged(s, now) for s in chosen]  # as `status` and `doctor` count them
    found = [_listed(s, quarantined.get(s.key), rules, chunks.get(s.key, 0)) for s in chosen]
    by_name = asked is not None and not any(c in asked for c in "*?[{")
    if by_name and not found:
        found = [_absent(r, asked or "", sources)]
    if asked is None and not sources and "forgotten" in statuses:
        found += [_erased(key, at) for key, at in r.stores.forgotten.since().items()]
    shown = [d for d in found if d.status in statuses] if statuses else [d for d in found if by_name or d.status not in AWAY]
    return sorted(shown, key=lambda d: (d.source, d.uri, d.document_key))


def wider(r: Resources, asked: str) -> str | None:
    """A glob like the one that was asked for, which crosses `/` where that one stops, and finds something."""
    uris = [state.uri for state in r.stores.documents.read() if state.status not in AWAY]
    for glob in (f"{asked}/**", f"**/{asked}", f"**/{asked}/**"):
        if any(matches(uri, glob) for uri in uris):
            return glob
    return None


def _chunks(r: Resources) -> Mapping[str, int]:
    live = r.releases.live()
    if live is None:
        return {}
    return Counter(point.payload["document_key"] for point in r.stores.qdrant.scan(live.collection, ["document_key"]))


def _listed(state: DocumentState, entry: QuarantineEntry | None, rules: AccessRules, chunks: int) -> Listed:
    status, why = _standing(state, entry, rules, chunks)
    return Listed(
        state.uri,
        state.source,
        status,
        tuple(sorted(state.tags)),
        chunks,
        why,
        state.title,
        state.language,
        state.modified,
        state.fetched,
        state.expires,
        state.key,
    )


def _erased(key: str, at: datetime) -> Listed:
    """One of which nobody knows the name any more."""
    why = f"erased on {at:%Y-%m-%d %H:%M} UTC; its name is not kept: sluice documents URI says whether a name was this one"
    return Listed("", "", "forgotten", (), 0, why, document_key=key)


def _standing(state: DocumentState, entry: QuarantineEntry | None, rules: AccessRules, chunks: int) -> tuple[str, str]:
    failed = f"{entry.stage}: {entry.reason}: {entry.error}" if entry is not None else ""
    match state.status:
        case "deleted":
            return "deleted", "its source does not have it any more, or the configuration does not ask for it"
        case "expired":
            why = f"since {state.expires:%Y-%m-%d %H:%M} UTC" if state.expires else "its ttl is over"
            return "expired", f"{why}: it leaves with the next run" if chunks and state.tags else why
        case "quarantined":
            return "quarantined", failed or "it could not be processed; sluice quarantine says why"
    if state.unasked:
        why = "the configuration does not ask for it any more"
        return "excluded", f"{why}: it leaves with the next release" if chunks else why
    if state.dropped:
        return ("empty" if state.dropped == "empty" else "dropped"), DROPPED.get(state.dropped, f"policy: {state.dropped}")
    if not state.version:
        return "waiting", failed or "fetched, and not parsed yet: sluice run"
    if not state.tags:
        return "unreadable", f"by nobody: {why_unreadable(state, rules)}"
    if entry is not None:
        return "stale", f"its last good version is served; of the new one {failed}"
    return ("served", "") if chunks else ("waiting", "not in the live release: sluice run publishes it")


def _absent(r: Resources, uri: str, sources: Collection[str]) -> Listed:
    """Why no source's document has this uri."""
    looked = [s for s in r.settings.sources if not sources or s.name in sources]
    for gone in (each for each in erased(r, uri) if not sources or each.source in sources):
        why = f"{gone.said()}: sluice forget '{uri}' --undo lets it come back"
        return Listed(uri, gone.source, "forgotten", (), 0, why, document_key=gone.key)
    for source in looked:
        include, exclude = _patterns(source.options.get("include")), _patterns(source.options.get("exclude"))
        barred = next((pattern for pattern in exclude if matches(uri, pattern)), None)
        if barred is not None:
            return Listed(uri, source.name, "excluded", (), 0, f"exclude '{barred}' of source '{source.name}' leaves it out")
        if include and len(looked) == 1 and not any(matches(uri, pattern) for pattern in include):
            return Listed(uri, source.name, "excluded", (), 0, f"no pattern of include of source '{source.name}' matches it")
    names = ", ".join(f"'{source.name}'" for source in looked)
    raise ConfigurationError(
        f"no document '{uri}' is known of {'source' if len(looked) == 1 else 'sources'} {names}",
        hint="look for it: sluice documents '**/NAME*'; what is new is taken in by sluice run",
    )


def _patterns(value: object) -> Sequence[str]:
    return [str(pattern) for pattern in value] if isinstance(value, list | tuple) else []
