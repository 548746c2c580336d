"""What the ledger and the aliases say at one moment: read once for an operation, and asked from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sluice.errors import ReleaseError, UnknownRelease
from sluice.releases import Release
from sluice.spelling import did_you_mean


def nothing_live(index: str, releases: Sequence[Release]) -> ReleaseError:
    """What is said to who asks for the live release of an index that has none: what would be the next step."""
    staged = next((r.id for r in reversed(releases) if r.state == "staged" and r.removed is None), None)
    newest = releases[-1] if releases else None
    if staged:
        hint = f"release {staged} is staged: sluice promote {staged}"
    elif newest is not None and newest.state == "rejected":  # the same run would say so again
        hint = f"release {newest.id} was rejected: sluice releases show {newest.id} says why; --release {newest.id} reads it"
    else:
        hint = "sluice run publishes one"
    return ReleaseError(f"index '{index}' has no live release yet", hint=hint)


@dataclass(frozen=True, slots=True)
class View:
    """The releases of one index, oldest first, and the aliases of the store as they were when it was made."""

    index: str
    releases: tuple[Release, ...]
    aliases: Mapping[str, str]

    def get(self, release_id: str) -> Release:
        """One release by its id, or by a beginning of it that no other has; UnknownRelease names those that may be meant."""
        begun = [r for r in self.releases if r.id.startswith(release_id)] if release_id else []
        for release in begun:
            if release.id == release_id or len(begun) == 1:
                return release
        if begun:
            which = ", ".join(r.id for r in begun[:-6:-1])
            raise UnknownRelease(f"'{release_id}' begins the ids of {len(begun)} releases", hint=f"say more of it: {which}")
        newest = ", ".join(r.id for r in self.releases[:-6:-1])
        meant = did_you_mean(release_id, (r.id for r in self.releases))
        raise UnknownRelease(
            f"index '{self.index}' has no release '{release_id}'{meant}",
            hint=f"the newest releases are: {newest}" if newest else "there is none yet: sluice run makes the first",
        )

    @property
    def live(self) -> Release | None:
        """The release that the alias names; None before the first promotion."""
        collection = self.aliases.get(self.index)
        return next((r for r in self.releases if r.collection == collection), None) if collection else None

    @property
    def canary(self) -> Release | None:
        """The release that serves a share of the readers beside the live one; None when there is none."""
        return next((r for r in self.releases if r.state == "canary" and r.removed is None), None)

    @property
    def unknown_live(self) -> str:
        """What is wrong when the alias names a collection that the ledger does not know; empty when nothing is."""
        collection = self.aliases.get(self.index)
        if collection is None or any(r.collection == collection for r in self.releases):
            return ""
        return f"the alias '{self.index}' names '{collection}', which no release of the ledger is"

    def held(self, fingerprint: str) -> Release | None:
        """The newest release with this fingerprint, if it must not be offered again by a run."""
        same = [r for r in self.releases if r.fingerprint == fingerprint]
        return same[-1] if same and same[-1].held else None

    def previous(self, live: Release) -> Release:
        """The release that this one took the place of, or else the one that was live most recently; ReleaseError without one.

        By the recorded order first: a clock that jumped says nothing of what followed what. It must still be searchable.
        """
        retired = [r for r in self.releases if r.state == "retired" and r.searchable and r.last_live is not None]
        if not retired:
            raise ReleaseError(f"no release was live before {live.id}", hint="sluice releases lists them")
        before = next((r for r in retired if r.id == live.replaced), None)
        return before or max(retired, key=lambda r: (r.last_live, r.id))
