"""What earlier releases answered, for the gates that hold a candidate against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from evaluation.protocols import PastRelease
from sluice.releases import Release
from stores.mongo.judgements import MongoJudgements

MOST = 100
"""Releases that are looked back at, at most: the latest."""


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """Implements `evaluation.protocols.JudgedReleases` over the ledger as it was read, and what was kept."""

    releases: Sequence[Release]
    kept: MongoJudgements
    now: datetime

    def anchors(self, days: int, pinned: str | None = None) -> list[PastRelease]:
        """Those that were live within the window and that nobody rolled back from; the last that somebody overruled a
        gate for is the first of them: what was accepted then is the measure since."""
        were_live = sorted(
            ((r.last_live, r.id, r) for r in self.releases if r.last_live is not None and (not r.held or r.id == pinned)),
            key=lambda found: found[:2],
        )
        if pinned is not None:
            return [PastRelease(id, live) for live, id, _ in were_live if id == pinned]
        since = self.now - timedelta(days=days)
        found = [(live, id, r) for live, id, r in were_live if days and (live >= since or r.state == "promoted")]
        accepted = [position for position, (_, _, r) in enumerate(found) if r.judged.get("overruled")]
        return [PastRelease(id, live) for live, id, _ in found[accepted[-1] if accepted else 0 :][-MOST:]]

    def answers(self, releases: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        return self.kept.read(releases)

    def keep(self, release: str, name: str, content: bytes) -> None:
        self.kept.keep(release, name, content)
