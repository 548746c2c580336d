"""What the ledger and the aliases say at one moment: read once for an operation, and asked from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sluice.errors import ReleaseError
from sluice.releases import Release


@dataclass(frozen=True, slots=True)
class View:
    """The releases of one index, oldest first, and the aliases of the store as they were when it was made."""

    index: str
    releases: tuple[Release, ...]
    aliases: Mapping[str, str]

    def get(self, release_id: str) -> Release:
        """One release by its id; raises ReleaseError naming the ids there are."""
        for release in self.releases:
            if release.id == release_id:
                return release
        newest = ", ".join(r.id for r in self.releases[-5:]) or "none yet"
        raise ReleaseError(f"index '{self.index}' has no release '{release_id}'", hint=f"the newest releases are: {newest}")

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
