"""Which release answers: the live one, or for a share of the readers the one that serves as a canary."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from indexing.releases import Releases
from indexing.releases.view import nothing_live
from indexing.search import ANYWHERE, Searcher
from sluice.access import Principal
from sluice.errors import ReleaseError
from sluice.ids import digest
from sluice.points import Filters
from sluice.records import Hit
from sluice.releases import Release

T = TypeVar("T")

ATTEMPTS = 5
"""A release may go live, and another be removed, while a search is under way: it is asked again."""


def is_chosen(reader: str, release: str, share: float) -> bool:
    """Whether this reader is among the share that a canary serves: the same for as long as it serves.

    Anonymous readers (an empty id) never are: nobody could tell them what they were shown.
    """
    return bool(reader) and int(digest("canary", release, reader)[:13], 16) / 16**13 < share


class LiveSearcher:
    """Search whatever is live when the search begins; each answer comes from one release, whatever happens meanwhile.

    `open_searcher` makes the Searcher of a release; it is asked once for each. Threads may share this.
    """

    def __init__(self, releases: Releases, open_searcher: Callable[[Release], Searcher]) -> None:
        self._releases, self._open = releases, open_searcher
        self._searchers: dict[str, Searcher] = {}
        self._seen: tuple[str | None, Release] | None = None

    def release_for(self, principal: Principal) -> Release:
        """The release that answers this principal now; ReleaseError when nothing is live."""
        aliases = self._releases.aliases.read()
        live = aliases.get(self._releases.index)
        if self._releases.candidate_alias not in aliases and self._seen is not None and self._seen[0] == live:
            return self._seen[1]  # without a candidate there is no canary, and the ledger has nothing to say
        known = {release.collection: release for release in self._releases.all()}
        if live is None or live not in known:
            raise nothing_live(self._releases.index, list(known.values()))
        self._seen = live, known[live]
        canary = next((r for r in known.values() if r.state == "canary" and r.removed is None), None)
        chosen = canary is not None and is_chosen(principal.id, canary.id, canary.canary_share)
        return canary if canary is not None and chosen else known[live]

    def search(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """As `Searcher.search`, on the release that answers this principal."""
        return self._ask(principal, lambda searcher: searcher.search(query, principal, k, filters))

    def search_documents(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """As `Searcher.search_documents`, on the release that answers this principal."""
        return self._ask(principal, lambda searcher: searcher.search_documents(query, principal, k, filters))

    def _ask(self, principal: Principal, ask: Callable[[Searcher], T]) -> T:
        for _ in range(ATTEMPTS - 1):
            release = self.release_for(principal)
            try:
                return ask(self._searcher(release))
            except ReleaseError:
                if self.release_for(principal).id == release.id:
                    raise  # it is not that another one took its place
        return ask(self._searcher(self.release_for(principal)))

    def _searcher(self, release: Release) -> Searcher:
        if release.id not in self._searchers:
            self._searchers[release.id] = self._open(release)
        return self._searchers[release.id]
