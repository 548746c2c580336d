"""What needs a person, in `sluice status`: each with what to do, the gravest first."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import takewhile

from evaluation.asked import Drift
from ingest.readerless import silent
from pipeline.reading.history import INTERRUPTED, PastRun
from pipeline.resources import Resources
from pipeline.runs import FROM_OUTSIDE
from sluice.display import counted
from sluice.errors import ConfigurationError
from sluice.records import DocumentState
from sluice.releases import Release

ENOUGH, COVERAGE = 50, 0.5
"""So many searches say something, and a golden set that covers less of them measures something else than what is asked."""
QUIET = timedelta(hours=26)
"""A nightly run that did not complete for so long is worth a word."""


def attention(
    r: Resources,
    now: datetime,
    states: Sequence[DocumentState],
    releases: Sequence[Release],
    live: Release | None,
    runs: Sequence[PastRun],
    quarantined: int,
    expiring: int,
) -> list[str]:
    """What needs a person, the gravest first, each with what to do."""
    found = []
    nights = [run for run in runs if run.command == "run"]
    if live is None:
        found.append(f"nothing is live: {_to_go_live(releases, nights)}")
    if nights and nights[0].outcome in ("failed", INTERRUPTED):
        found.append(
            f"the last run {nights[0].outcome}: {nights[0].error or 'its process is gone'} (sluice runs show {nights[0].run})"
        )
    found += _unread([source.name for source in r.settings.sources], runs)
    done = [run for run in nights if run.outcome in ("promoted", "unchanged", "rejected", "stopped")]
    if done and done[0].finished is not None and now - done[0].finished > QUIET:
        found.append(f"no run has completed since {done[0].finished:%Y-%m-%d %H:%M} UTC: is anything scheduled? (sluice serve)")
    canary = next((release for release in releases if release.state == "canary"), None)
    if canary is not None:
        found.append(
            f"release {canary.id} serves {canary.canary_share:g} of the readers as a canary, and nothing is built meanwhile: "
            f"sluice promote {canary.id} makes it live for all, sluice rollback ends it"
        )
    if live is not None:
        found += [*_forced(live), *_fails_now(live), *([] if canary is not None else _unasked(r, live))]
    newest = releases[-1] if releases else None
    if newest is not None and newest.state == "rejected":
        failed = ", ".join(str(v["gate"]) for v in newest.verdicts if not v["passed"])
        found.append(f"release {newest.id} was rejected by {failed}: sluice releases show {newest.id}")
    elif newest is not None and newest.held:
        found.append(f"release {newest.id} is held ({newest.held}): {newest.held_until}")
    if nights and nights[0].outcome == "stopped":
        found.append("the last run stopped before its end (window or budget): the next one goes on")
    found += silent(states, r.settings.access.compiled())
    if quarantined:
        found.append(f"{counted(quarantined, 'document')} could not be processed: sluice quarantine")
    if expiring:
        found.append(f"{counted(expiring, 'document expires', 'documents expire')} within 30 days: sluice freshness")
    waiting = sum(1 for event in r.stores.outbox.open() if event.state == "confirmed")
    if waiting:
        found.append(f"{counted(waiting, 'event')} could not be delivered yet; every command tries again")
    return found


def _to_go_live(releases: Sequence[Release], nights: Sequence[PastRun]) -> str:
    """What puts something live; where the last run came to nothing, first what it said: the same run would say it again."""
    if staged := [release for release in releases if release.state == "staged" and not release.removed]:
        return f"sluice promote {staged[-1].id}"
    if releases and releases[-1].state == "rejected":
        return "mend what the newest release was rejected for, then sluice run"
    if nights and nights[0].outcome == "failed" and not nights[0].error.startswith(FROM_OUTSIDE):
        return "mend what the last run failed of, then sluice run"
    if nights and nights[0].counts.get("crawl", {}).get("seen") == 0:
        return "the last run found no document: sluice doctor says what the sources' patterns match; then sluice run"
    return "sluice run"


def _unread(sources: Sequence[str], runs: Sequence[PastRun]) -> list[str]:
    """Each source that could not be read when it was last looked at, since when and why; runs that left it out say nothing."""
    said = []
    for source in sources:
        looks = [(run.started, run.looked[source], source in run.guarded) for run in runs if source in run.looked]
        failed = list(takewhile(lambda look: look[1], looks))
        if failed:
            since, why, guarded = failed[-1][0], failed[0][1].removeprefix(f"source '{source}': "), failed[0][2]
            what, next_ = (
                ("is held back", f"is it whole? then sluice run --allow-deletions {source}")
                if guarded
                else ("failed", f"sluice run --source {source}")
            )
            said.append(f"source {source} {what} since {since:%Y-%m-%d %H:%M} UTC ({why}): {next_}")
    return said


def _forced(live: Release) -> list[str]:
    """That somebody put what is live over its gates, by name, until a judgement finds that it passes."""
    overruled = live.judged.get("overruled") or ()
    if not overruled:
        return []
    at, actor = datetime.fromisoformat(str(live.judged["at"])), live.judged["actor"]
    told = "; ".join(str(verdict["reason"]) for verdict in live.verdicts if verdict["gate"] in overruled)
    return [
        f"live was forced over {', '.join(overruled)} by {actor} at {at:%Y-%m-%d %H:%M} UTC ({told}): "
        f"sluice releases show {live.id}; an earlier release: sluice rollback"
    ]


def _fails_now(live: Release) -> list[str]:
    """That what is live does not pass the gates that were put to it last, unless somebody overruled just these."""
    overruled = live.judged.get("overruled") or ()
    failed = [verdict for verdict in live.verdicts if not verdict["passed"] and verdict["gate"] not in overruled]
    if not failed:
        return []
    told = "; ".join(f"{verdict['gate']}: {verdict['reason']}" for verdict in failed)
    return [
        f"the live release {live.id} does not pass the gates that it has now ({told}): it serves nonetheless. What it lost: "
        f"sluice releases show {live.id}; then mend the documents, or the limit under gates, and: sluice run; "
        "an earlier release: sluice rollback"
    ]


def _unasked(r: Resources, live: Release) -> list[str]:
    """That the gates changed since they were put to what is live."""
    with suppress(ConfigurationError):  # `doctor` says what cannot be read
        if live.gates_fingerprint != r.gates_fingerprint:
            return [f"the gates changed since the live release {live.id} was judged: sluice run puts them to it"]
    return []


def drifted(r: Resources, asked: Drift | None) -> list[str]:
    if asked is None or asked.asked < ENOUGH or asked.covered >= COVERAGE:
        return []
    told = f"of {counted(asked.asked, 'search')} only {asked.covered:.0%} ask anything like a golden question"
    return [f"{told}: sluice golden add --log {r.settings.search.log} --next"]
