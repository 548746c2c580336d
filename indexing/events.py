"""Events of releases: made and kept before readers can see the change, confirmed after it, settled after a crash.

Whoever caches answers must hear of every change, whatever happens in between: an event that waits in the outbox as
`intended` is confirmed or dropped by the next start, according to what became true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from indexing.changes import Changes, changes
from indexing.contents import Contents
from indexing.protocols import Outbox
from sluice.access import TagChange
from sluice.ids import digest
from sluice.releases import EventKind, Release, ReleaseEvent

LISTED_DOCUMENTS = 5000
"""An event that would list more says `everything` instead: 5,000 documents are 1 MB of JSON."""


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one index, on their way into its outbox."""

    index: str
    contents: Contents
    outbox: Outbox
    actor: str
    now: Callable[[], datetime]

    def intend(self, kind: EventKind, release: Release, replaced: Release | None, share: float = 0.0) -> ReleaseEvent:
        """Keep that readers are about to be served `release` in the place of `replaced`; durable when it returns."""
        event = self._made(kind, release, replaced, share)
        self.outbox.put(event)
        return event

    def intend_access(self, release: Release, changes: Sequence[TagChange]) -> ReleaseEvent:
        """Keep that readers of these documents are about to change in a release that is served."""
        lost = [change.document_key for change in changes if change.before - change.after]
        gained = [change.document_key for change in changes if not change.before - change.after]
        return self._of_documents("access changed", release, lost, gained)

    def intend_forgotten(self, release: Release, document_key: str) -> ReleaseEvent:
        """Keep that a document is about to be erased; it is named by its key, which is all that stays of it."""
        return self._of_documents("forgotten", release, [document_key], [])

    def _of_documents(self, kind: EventKind, release: Release, removed: Sequence[str], changed: Sequence[str]) -> ReleaseEvent:
        at, everything = self.now(), len(removed) + len(changed) > LISTED_DOCUMENTS
        event = ReleaseEvent(
            id=digest("event", self.index, kind, release.id, at.isoformat(), *sorted(removed), None, *sorted(changed)),
            index=self.index,
            kind=kind,
            release=release.id,
            replaced=None,
            at=at,
            actor=self.actor,
            everything=everything,
            removed=() if everything else tuple({"key": key} for key in sorted(removed)),
            changed=() if everything else tuple({"key": key} for key in sorted(changed)),
        )
        self.outbox.put(event)
        return event

    def confirm(self, event: ReleaseEvent) -> None:
        """It happened: the event waits for delivery."""
        self.outbox.put(replace(event, state="confirmed"))

    def settle(self, releases: Sequence[Release], live: str | None) -> list[str]:
        """Confirm what happened before a crash and drop what did not; says which. `live` is the alias's collection."""
        known = {release.id: release for release in releases}
        settled = []
        for event in self.outbox.open():
            if event.state != "intended":
                continue
            if self._happened(event, known, live):
                settled.append(f"{_told(event)}: its event waits for delivery")
                self.confirm(event)
            else:
                settled.append(f"{_told(event, 'not ')}: its event is dropped")
                self.outbox.remove(event.id)
        return settled

    def _happened(self, event: ReleaseEvent, known: dict[str, Release], live: str | None) -> bool:
        match event.kind:
            case "canary started":  # made again it would have another id, because by then it had served once more
                canary = known.get(event.release)
                return canary is not None and _identity(event.kind, canary) != event.id
            case "access changed" | "forgotten":
                return (
                    True  # to drop from a cache what one may read yet costs a search; what did not happen is done again, and told
                )
            case "canary ended":
                canary = known.get(event.replaced or "")
                return canary is None or canary.state != "canary"
            case _:
                return live == f"{self.index}__{event.release}"

    def _made(self, kind: EventKind, release: Release, replaced: Release | None, share: float) -> ReleaseEvent:
        listed, everything = Changes(), True
        if replaced is not None and not (release.removed or replaced.removed or _anew(replaced, release)):
            found = changes(self.contents.of(replaced.collection), self.contents.of(release.collection))
            listed, everything = (found, False) if len(found) <= LISTED_DOCUMENTS else (listed, True)
        return ReleaseEvent(
            id=_identity(kind, replaced if kind == "canary ended" and replaced is not None else release),
            index=self.index,
            kind=kind,
            release=release.id,
            replaced=replaced.id if replaced is not None else None,
            at=self.now(),
            actor=self.actor,
            share=share,
            everything=everything,
            added=listed.added,
            changed=listed.changed,
            removed=listed.removed,
        )


def _anew(before: Release, after: Release) -> bool:
    return any(
        before.fingerprints.get(name) != after.fingerprints.get(name) for name in ("chunking", "model", "sparse", "search")
    )


def _identity(kind: EventKind, release: Release) -> str:
    """The same for one change however often it is tried, and another for the next change of this kind."""
    state = "canary" if kind.startswith("canary") else "promoted"
    times = sum(1 for transition in release.history if transition.state == state)
    return digest("event", release.index, *([kind] if state == "canary" else []), release.id, times)


def _told(event: ReleaseEvent, negated: str = "") -> str:
    match event.kind:
        case "canary started":
            return f"{event.release} did {negated}become a canary" if negated else f"{event.release} became a canary"
        case "access changed" | "forgotten":
            return f"readers of documents in {event.release} changed"
        case "canary ended":
            return f"{event.replaced} is still a canary" if negated else f"{event.replaced} is not a canary any more"
        case _:
            return f"{event.release} did not go live" if negated else f"{event.release} went live"
