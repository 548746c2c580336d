"""`sluice status`: one page about an index: what is live, what was done, how the gates went, what a person must look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import evaluation
from evaluation.asked import Drift, drift
from evaluation.growing import read_log
from ingest.freshness import freshness
from pipeline.golden.checking import golden_sets
from pipeline.reading.attention import attention, drifted
from pipeline.reading.history import INTERRUPTED, PastRun, past_runs
from pipeline.resources import Resources, utc_now
from sluice.display import counted
from sluice.errors import ConfigurationError
from sluice.evidence import Block, Notes, Plot, Table
from sluice.records import DocumentState
from sluice.releases import Release

RUNS, RELEASES = 10, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What there is to know of an index at a glance. `margins`: measure → of the last judged releases, oldest first."""

    index: str
    at: datetime
    live: str | None
    live_since: datetime | None
    documents: int
    chunks: int
    canary: str | None
    running: str | None
    attention: tuple[str, ...]
    runs: tuple[PastRun, ...]
    releases: tuple[Mapping[str, Any], ...]
    margins: Mapping[str, Mapping[str, Any]]
    freshness: Mapping[str, Mapping[str, Any]]
    quarantine: Mapping[str, int]
    duplicates: int
    """Documents whose bytes another document has, too."""
    tokens: int
    cost: float
    """Of the last thirty days."""
    asked: Drift | None = None
    """What readers' searches ask, against the golden sets of the gates; None without a log that says anything."""


def status(r: Resources) -> Status:
    """The state of an index now; nothing is changed, and no point is read."""
    now, releases = utc_now(), r.releases.all()
    states = [r.lifetimes.aged(state, now) for state in r.stores.documents.read()]
    live, runs = r.releases.live(), past_runs(r)
    quarantined = r.stores.quarantine.entries()
    holder, canary = r.stores.lease.living(), r.releases.canary()
    aged = freshness(states, now, r.lifetimes)
    month = [row for row in r.stores.runs.read() if datetime.fromisoformat(row["started"]) > now - timedelta(days=30)]
    judged = [release for release in releases if release.verdicts][-RELEASES:]
    asked = _asked(r)
    return Status(
        index=r.settings.index,
        at=now,
        live=live.id if live else None,
        live_since=live.last_live if live else None,
        documents=live.documents if live else 0,
        chunks=live.chunks if live else 0,
        canary=canary.id if canary else None,
        running=str(holder) if holder else None,
        attention=(
            *attention(r, now, states, releases, live, runs, len({e.document_key for e in quarantined}), len(aged.expiring)),
            *drifted(r, asked),
        ),
        runs=tuple(runs[:RUNS]),
        releases=tuple(_release(release) for release in reversed(judged)),
        margins=_margins(r, judged),
        freshness=aged.sources,
        quarantine=dict(sorted(Counter(f"{e.stage}: {e.reason}" for e in quarantined).items())),
        duplicates=_duplicates(states),
        tokens=sum(int(row.get("tokens", 0)) for row in month),
        cost=round(sum(float(row.get("cost", 0)) for row in month), 4),
        asked=asked,
    )


def _asked(r: Resources) -> Drift | None:
    """The log's questions against those of every golden set that a gate reads; `doctor` says what cannot be read."""
    log = r.settings.search.log
    if log is None or not log.is_file():
        return None
    golden = list[str]()
    with suppress(ConfigurationError):
        golden = [query.query for each in golden_sets(r) for query in each.queries]
    with suppress(ConfigurationError):
        return drift(read_log(log), golden)
    return None


def _release(release: Release) -> dict[str, Any]:
    return {
        "release": release.id,
        "state": release.state,
        "created": release.created,
        "documents": release.documents,
        "chunks": release.chunks,
        "cost": release.cost,
        "gates": {name: bool(verdict["passed"]) for name, verdict in _named(release)},
    }


def _named(release: Release) -> list[tuple[str, Mapping[str, Any]]]:
    """Its verdicts by the gate's name; of several of one name with the file of the golden set that each is about."""
    times = Counter(str(verdict["gate"]) for verdict in release.verdicts)
    return [(_name(str(v["gate"]), times, (v.get("evidence") or {}).get("golden")), v) for v in release.verdicts]


def _name(gate: str, times: Mapping[str, int], golden: object) -> str:
    return f"{gate} ({Path(str(golden)).name})" if times[gate] > 1 and golden else gate


def _margins(r: Resources, judged: Sequence[Release]) -> dict[str, dict[str, Any]]:
    """The first measure of each gate that has measures, over the releases, with the floor that is configured now."""
    found: dict[str, dict[str, Any]] = {}
    for position, release in enumerate(judged):
        for gate, verdict in _named(release):
            measures = (verdict.get("evidence") or {}).get("measures")
            if not isinstance(measures, Mapping) or not measures:
                continue
            name = next(iter(measures))
            entry = found.setdefault(f"{gate}: {name}", {"values": [None] * len(judged), "floor": None})
            entry["values"][position] = measures[name]
    times = Counter(section.type for section in r.settings.gates)
    for section in r.settings.gates:
        floor, of = section.options.get("min_recall"), _name(section.type, times, section.options.get("golden"))
        for name, entry in found.items():
            if floor is not None and name.startswith(f"{of}: Recall@"):
                entry["floor"] = floor
    for entry in found.values():
        entry["releases"] = [release.id for release in judged]
    return found


def _duplicates(states: Sequence[DocumentState]) -> int:
    counted = Counter(state.content_hash for state in states if state.in_release)
    return sum(count - 1 for count in counted.values())


def page(found: Status) -> str:
    """The status as one HTML file: no script, no network, readable on a phone."""
    since = f"since {found.live_since:%Y-%m-%d %H:%M} UTC" if found.live_since else ""
    facts = [f"at {found.at:%Y-%m-%d %H:%M} UTC", f"{counted(found.documents, 'document')}", f"{counted(found.chunks, 'chunk')}"]
    facts += [f"canary {found.canary}"] if found.canary else []
    facts += [f"being changed by {found.running}"] if found.running else []
    sections: list[tuple[str, list[Block]]] = [
        ("What needs a person", [Notes(found.attention or ("nothing",))]),
        ("Gates over the last releases", [*_plots(found), _verdicts(found)]),
        ("What is asked", _questions(found)),
        ("Last runs", [_runs(found)]),
        ("Documents", _documents(found)),
        ("Cost of thirty days", [Table(("tokens embedded", "cost"), ((found.tokens, _short(found.cost)),))]),
    ]
    said = f"{found.live} is live {since}" if found.live else "nothing is live"
    return evaluation.page_html(f"Index {found.index}", facts, said, bad=found.live is None, sections=sections)


def _plots(found: Status) -> list[Block]:
    return [
        Plot(
            labels=_times(entry["releases"]),
            series={name: tuple(entry["values"])},
            title=name,
            kind="line",
            limit=entry["floor"],
        )
        for name, entry in found.margins.items()
    ]


def _times(releases: Sequence[str]) -> tuple[str, ...]:
    """When each release was begun, which its id says: the days; the time of day where all are of one."""
    days = tuple(f"{id[:4]}-{id[4:6]}-{id[6:8]}" if id[:8].isdigit() else id for id in releases)
    if len(releases) < 2 or days[0] != days[-1] or not all(id[9:15].isdigit() for id in releases):
        return days
    return tuple(f"{day} {id[9:11]}:{id[11:13]}" for day, id in zip(days, releases, strict=True))


def _verdicts(found: Status) -> Block:
    rows = [
        (
            release["release"],
            "live" if release["release"] == found.live else release["state"],
            release["documents"],
            ", ".join(name for name, passed in release["gates"].items() if not passed) or "all passed",
        )
        for release in found.releases
    ]
    marked = tuple(i for i, release in enumerate(found.releases) if not all(release["gates"].values()))
    return Table(("release", "state", "documents", "gates that failed"), tuple(rows), marked=marked, words=True)


def _questions(found: Status) -> list[Block]:
    asked = found.asked
    if asked is None:
        return []
    asking = f"{counted(asked.asked, 'search')} ({counted(asked.questions, 'distinct question')})"
    said = f"{asked.covered:.0%} of {asking} are like a golden question."
    rows = tuple((each.query, each.asked, each.questions) for each in asked.clusters)
    table = Table(("question", "searches like it", "distinct"), rows, title="Asked, and like no golden question", words=True)
    return [Notes((said,)), table]


def _runs(found: Status) -> Block:
    rows = [
        (run.command, f"{run.started:%Y-%m-%d %H:%M}", run.outcome, _whole(run.seconds), run.release or run.error or "")
        for run in found.runs
    ]
    marked = tuple(i for i, run in enumerate(found.runs) if run.outcome in ("failed", INTERRUPTED, "rejected"))
    return Table(("command", "started (UTC)", "outcome", "seconds", "release or error"), tuple(rows), marked=marked, words=True)


def _short(value: Any) -> Any:
    """A float that says no more than a whole number, as one."""
    return round(value) if isinstance(value, float) and value == round(value) else value


def _whole(value: Any) -> Any:
    """Seconds and days, to the nearest: three decimals beside whole numbers look like thousands."""
    return round(value) if isinstance(value, float) else value


def _documents(found: Status) -> list[Block]:
    rows = [(name, *map(_whole, row.values())) for name, row in found.freshness.items()]
    head = ("source", "documents", "median days", "oldest days", "never refreshed", "expired", "expire within 30 days")
    blocks: list[Block] = [Table(head, tuple(rows), title="Freshness", words=True)]
    blocks.append(Table(("stage: reason", "documents"), tuple(found.quarantine.items()), title="Quarantine"))
    blocks.append(
        Notes((f"{counted(found.duplicates, 'document has', 'documents have')} the very bytes of another: sluice duplicates",))
    )
    return blocks
