"""Done again on purpose: `sluice backfill` (a slice, from a stage on) and `sluice quarantine retry` (what failed)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from pipeline.nightly import plan_and_do
from pipeline.outcomes import Report
from pipeline.resources import Resources
from pipeline.runs import Run, recorded
from pipeline.searching import day
from pipeline.work import Redo
from sluice.errors import ConfigurationError
from sluice.globs import matches
from sluice.ids import fingerprint
from sluice.records import DocumentState


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents a backfill redoes, in the words of its command; dates are of last modification."""

    source: str | None = None
    match: str | None = None
    since: str | None = None
    until: str | None = None
    stage: str = "parse"

    def of(self, r: Resources) -> list[DocumentState]:
        """The documents it names; ConfigurationError for a wrong stage, source or date, or when it names nothing."""
        if self.stage not in ("fetch", "parse", "chunk"):
            raise ConfigurationError(f"--from '{self.stage}' is not a stage", hint="use fetch, parse or chunk")
        if self.source is not None:
            r.settings.source(self.source)
        since, until = day("--since", self.since), day("--until", self.until)
        chosen = [
            s
            for s in r.stores.documents.read(source=self.source)
            if s.status not in ("deleted", "expired")
            and (self.match is None or matches(s.uri, self.match))
            and (since is None or (_when(s) or until or since) >= since)
            and (until is None or (_when(s) or since or until) < until)
        ]
        if not chosen:
            raise ConfigurationError(
                f"no document matches (source={self.source}, match={self.match}, since={self.since}, until={self.until})",
                hint="globs are matched against the whole uri, e.g. --match 'content/**/*.md'; sluice run ingests first",
            )
        return chosen


def _when(state: DocumentState) -> datetime | None:
    return state.modified or state.fetched


def backfill(r: Resources, run: Run, which: Selection, *, allow_deletions: Collection[str] = ()) -> Report:
    """Redo a slice from a stage on, then index as a run would; a release is published when its content differs."""
    chosen, asked = which.of(r), asdict(which)

    def work() -> Report:
        redo = Redo.since(which.stage, (s.key for s in chosen))
        return replace(plan_and_do(r, run, which.source, allow_deletions, redo), selected=len(chosen))

    return recorded(r, run, {"selection": fingerprint("selection", asked), **asked}, work)


def retry(r: Resources, run: Run) -> Report:
    """Try every quarantined document again, also those that failed for good, then index what came of it."""

    def work() -> Report:
        entries = r.stores.quarantine.entries()
        redo = Redo(
            fetch=frozenset(e.document_key for e in entries if e.stage == "fetch"),
            parse=frozenset(e.document_key for e in entries if e.stage in ("parse", "chunk")),  # parsed anew, it is cut anew
        )
        return replace(plan_and_do(r, run, None, (), redo), selected=len(entries))

    return recorded(r, run, {}, work)
