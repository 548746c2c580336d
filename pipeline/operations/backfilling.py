"""Done again on purpose: `sluice backfill` (a slice, from a stage on) and `sluice quarantine retry` (what failed)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

from pipeline.operations.nightly import plan_and_do
from pipeline.outcomes import Report
from pipeline.reading.searching import day
from pipeline.resources import Resources, utc_now
from pipeline.runs import Run, recorded
from pipeline.windows import end_of
from pipeline.work import Redo
from pipeline.worth import searches_by_document
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
        if since is not None and until is not None and since >= until:
            raise ConfigurationError(
                f"--since '{self.since}' is not before --until '{self.until}': no document lies between",
                hint="--since is the first moment that counts, --until the first that does not any more",
            )
        there = r.stores.documents.read(source=self.source)
        chosen = [
            s
            for s in there
            if s.status not in ("deleted", "expired")
            and (self.match is None or matches(s.uri, self.match))
            and (since is None or (_when(s) or until or since) >= since)
            and (until is None or (_when(s) or since or until) < until)
        ]
        if not chosen:
            asked = {"--source": self.source, "--match": self.match, "--since": self.since, "--until": self.until}
            said = " ".join(f"{option} '{value}'" for option, value in asked.items() if value is not None)
            raise ConfigurationError(
                f"no document is there to be done again{f': none matches {said}' if said else ''}",
                hint="sluice run takes documents in first"
                if not there
                else "globs are matched against the whole uri, e.g. --match 'content/**/*.md'; sluice documents lists them"
                if self.match is not None
                else "dates are of last modification, in UTC: sluice freshness says how old the documents are",
            )
        return chosen


def _when(state: DocumentState) -> datetime | None:
    return state.modified or state.fetched


Order = Literal["key", "value"]
"""In which order documents are done: as they are stored, or those that were searched most first."""


def told_apart(until: str | None, stop_at: str | None) -> tuple[str | None, str | None]:
    """Which documents, and when to stop: `--until 06:00` is said of the work, as in `sluice run`, a date of the documents."""
    if until is not None and re.fullmatch(r"\d{1,2}:\d{2}", until.strip()):
        return None, stop_at or until
    return until, stop_at


def backfill(
    r: Resources,
    run: Run,
    which: Selection,
    *,
    allow_deletions: Collection[str] = (),
    order: Order = "key",
    stop_at: str | None = None,
) -> Report:
    """Redo a slice from a stage on, then index as a run would; a release is published when its content differs.

    With `order` value, what was searched most is done first; with `stop_at` (06:00, or a moment) no partition is begun after
    it, what is left is due, and the next run does it.
    """
    run.until = end_of(stop_at, utc_now(), r.settings.schedule.timezone, said="--until or --stop-at")
    chosen, asked = which.of(r), asdict(which)
    if order == "value":
        run.worth = searches_by_document(r)

    def work() -> Report:
        if order == "value" and not run.worth:
            run.account.warnings.append(f"{r.settings.search.log} names no document of this index: done in their usual order")
        redo = Redo.since(which.stage, (s.key for s in chosen))
        return replace(plan_and_do(r, run, which.source, allow_deletions, redo), selected=len(chosen))

    return recorded(r, run, {"selection": fingerprint("selection", asked), **asked, "order": order, "stop_at": stop_at}, work)


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
