"""Take away at once what must go: deletions, expiry, changed access reach every collection before anything is built."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from indexing.access_sync import SyncResult
from indexing.endings import MOST
from ingest.lifecycle import after, settled
from ingest.planning import plan_source
from pipeline.resources import Resources, utc_now
from pipeline.runs import Run
from pipeline.work import Look
from sluice.access import AccessTags
from sluice.display import counted
from sluice.errors import DocumentError, SluiceError, SourceUnavailable
from sluice.ids import content_hash
from sluice.records import DocumentState, ItemRef

SILENCES = 20
"""After so many items in a row that a source does not give, it is taken to be gone."""


def settle(r: Resources, run: Run, seen: Look | None = None, before: Sequence[DocumentState] = ()) -> list[DocumentState]:
    """Take away what must be taken away, at once and everywhere: deletions, expiry, changed access. Gives all states.

    Revocations reach every existing collection before anything is built (law 7), whatever becomes of the build.
    `before` are the states as they were settled before documents were ingested: what expired on its way in is noted too, and
    what was not touched since is as it was.
    """
    started, account = time.perf_counter(), run.account
    if seen is not None:
        ingestion = r.ingestion(run.id)
        account.deleted += ingestion.tombstone(state for plan in seen.plans for state in plan.gone)
        ingestion.leave_out(state for plan in seen.plans for state in plan.unasked)
        account.expire(seen.expired, ingestion.expire(seen.expired))
    rules, lifetimes, now = r.settings.access.compiled(), r.lifetimes, utc_now()
    states, known = r.stores.documents.read(), {state.key: state for state in before}
    current = [
        state if state is known.get(state.key) and lifetimes.aged(state, now) is state else settled(state, rules, now, lifetimes)
        for state in states
    ]
    changed = [new for new, old in zip(current, states, strict=True) if new is not old]
    dead = {state.key for state in (before or states) if state.status == "expired"}
    over = [state for state in current if state.status == "expired" and state.key not in dead]
    account.expire(over, len(over))
    r.stores.documents.write(changed)
    r.stores.endings.write(lifetimes.endings(current, MOST))
    r.over.look_again()
    results = r.releases_by(run.actor).sync_all_access(r.access(current))
    gone = {state.key for state in current if state.status in ("deleted", "expired")}  # they are counted as what they are
    account.revoke(*_changes(results, gone, started))
    return current


def revoke(r: Resources, actor: str, documents: Collection[str], since: float) -> tuple[int, float | None]:
    """Take away at once what these documents lost by what was just fetched or parsed of them: the rest of a source may take
    hours. How many documents changed, and for how long they were read since then (None: nobody lost any).
    """
    if not documents:
        return 0, None
    states = r.stores.documents.read(sorted(documents))
    results = r.releases_by(actor).revoke_everywhere(r.access(states), documents, since)
    return _changes(results, {state.key for state in states if state.status == "expired"}, since)


def _changes(results: Sequence[SyncResult], gone: Collection[str], since: float) -> tuple[int, float | None]:
    changed = max((len(result.documents.difference(gone)) for result in results), default=0)
    lost = [result.revoked_at for result in results if result.revoked]
    return changed, round(max(lost) - since, 4) if lost else None


def refresh_permissions(r: Resources, run: Run) -> int:
    """Ask the sources that have permissions of their own what they are now; nothing is parsed. How many changed.

    Only items that a source says have changed are fetched, and only their permissions are taken: their text waits for the
    next run. An item that cannot be had costs that item, a source that does not answer that source: a warning each, so
    that revocations do not wait for them.
    """
    states = r.stores.documents.read()
    changed: list[DocumentState] = []
    for name in sorted({s.source for s in states if s.source_tags is not None} & r.sources.keys()):
        mine = {s.uri: s for s in states if s.source == name and s.status != "deleted"}
        try:
            plan = plan_source(name, r.sources[name].scan({s.uri: s.validator for s in mine.values()}), mine.values())
        except SluiceError as error:
            run.account.warnings.append(f"the permissions of source '{name}' could not be read: {error.message}")
            continue
        changed += _changed(r, run, name, [(ref, mine[ref.uri]) for ref in plan.fetch if ref.uri in mine])
    r.stores.documents.write(changed)
    return len(changed)


def _changed(r: Resources, run: Run, name: str, known: Sequence[tuple[ItemRef, DocumentState]]) -> Iterator[DocumentState]:
    """Those of these documents that have other permissions now."""
    failed: list[SluiceError] = []
    silent = 0
    for ref, state in known:
        try:
            item = r.sources[name].fetch(ref)
        except SluiceError as error:
            failed.append(error)
            if isinstance(error, DocumentError) and error.withdraws:  # its permissions are known to be other than they were
                yield after(state, "permissions_lost")
            elif isinstance(error, DocumentError) and error.tags is not None and error.tags != state.source_tags:
                yield replace(state, source_tags=AccessTags(error.tags))
            silent = silent + 1 if isinstance(error, SourceUnavailable) else 0
            if silent == SILENCES:
                run.account.warnings.append(f"source '{name}' does not answer any more: its other permissions were not read")
                break
            continue
        silent = 0
        same_text = content_hash(item.content) == state.content_hash
        tags = item.tags if same_text else _no_wider(item.tags, state.source_tags)
        if tags != state.source_tags:
            yield replace(state, source_tags=tags)
    if failed:
        run.account.warnings.append(
            f"the permissions of {len(failed)} of {counted(len(known), 'changed item')} of source '{name}' could not be read: "
            f"{failed[0].message}"
        )


def _no_wider(said: AccessTags | None, before: AccessTags | None) -> AccessTags | None:
    """Permissions that come with a text that is not here yet, for the one that is: it gains nobody."""
    if said is None or before is None:
        return before if said is None else said
    return AccessTags(said & before)
