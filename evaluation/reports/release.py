"""What a report of a release says, before it is Markdown or HTML: its parts in order, made from manifests alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sluice.display import counted
from sluice.evidence import Block, Cell, Notes, Plot, Table, block_json, blocks_of
from sluice.recipe import in_use
from sluice.records import Verdict
from sluice.releases import Release


@dataclass(frozen=True, slots=True)
class Part:
    """A section: its title and the blocks below it."""

    title: str
    blocks: tuple[Block, ...]


def headline(release: Release) -> tuple[str, str]:
    """(`good`, `bad` or ``, what became of the release in one sentence)."""
    failed = [verdict for verdict in release.verdicts if not verdict["passed"]]
    kind = "bad" if failed else "good" if release.verdicts else ""
    said = f"{release.state}: " + (
        "; ".join(f"{verdict['gate']}: {verdict['reason']}" for verdict in failed)
        or (f"all {len(release.verdicts)} gates passed" if release.verdicts else "no gate has judged it yet")
    )
    if overruled := release.judged.get("overruled"):
        said += f"; overruled by {release.judged['actor']}: {', '.join(overruled)}"
    return kind, said


def what_to_do(release: Release) -> tuple[str, ...]:
    """After a rejection: what each gate advises, and the two commands that come next; nothing where every gate passed."""
    failed = [verdict for verdict in release.verdicts if not verdict["passed"]]
    if not failed:
        return ()
    return next_steps(failed, release.id, release.judged.get("against"), overruled=bool(release.judged.get("overruled")))


def next_steps(
    failed: Sequence[Mapping[str, Any]], release: str, against: str | None, *, overruled: bool = False
) -> tuple[str, ...]:
    """The advice of failed verdicts, then the next two commands; a store that is not what it must be cannot be overruled."""
    lines = [f"{verdict['gate']}: {line}" for verdict in failed for line in verdict.get("advice") or ()]
    lines.append(f"look closer: sluice releases {f'diff {against} {release}' if against else f'show {release}'}")
    if stored := [verdict for verdict in failed if verdict["gate"] == "reconciliation"]:
        nothing = any((verdict.get("evidence") or {}).get("documents_expected") == 0 for verdict in stored)
        lines.append("then: sluice run" if nothing else "build it again: sluice backfill --from chunk")
    elif not overruled:
        lines.append("correct what is wrong and run again: sluice run")
        lines.append(f"or overrule the gates, which is recorded with your name: sluice promote {release} --force")
    return tuple(lines)


def parts(release: Release, before: Release | None = None) -> Iterator[Part]:
    """Gates, what to do, each gate's own evidence, warnings, work, configuration."""
    todo = what_to_do(release)
    if todo:
        yield Part("What to do", (Notes(todo),))
    rows: list[tuple[Cell, ...]] = [(v["gate"], "passed" if v["passed"] else "rejected", v["reason"]) for v in release.verdicts]
    bad = tuple(position for position, verdict in enumerate(release.verdicts) if not verdict["passed"])
    if rows:
        yield Part("Gates", (Table(("gate", "verdict", "why"), tuple(rows), marked=bad, words=True),))
    else:
        yield Part("Gates", (Notes(("None has judged this release yet.",)),))
    warnings = tuple(f"{v['gate']}: {warning}" for v in release.verdicts for warning in v.get("warnings") or ())
    if warnings:
        yield Part("Warnings", (Notes(warnings),))
    for verdict in release.verdicts:
        if blocks := tuple(blocks_of(verdict.get("shown") or ())):
            yield Part(str(verdict["gate"]).replace("_", " ").capitalize(), blocks)
    yield Part("Work", tuple(_work(release, before)))
    yield Part("Configuration", (_configuration(release, before),))


def facts(release: Release, before: Release | None) -> tuple[str, ...]:
    """The line below the title."""
    return (
        f"{release.created:%Y-%m-%d %H:%M} UTC",
        f"{counted(release.documents, 'document')}",
        f"{counted(release.chunks, 'chunk')}",
        f"held against {before.id}" if before else "no other release to hold it against",
        f"fingerprint {release.fingerprint[:16]}",
        f"access root {release.access_root[:16]}",
    )


def _work(release: Release, before: Release | None) -> Iterator[Block]:
    figures = ("embedded", "cached", "tokens_embedded", "tokens")
    named = ("texts embedded", "texts from the cache", "tokens embedded", "tokens in chunks")
    yield Table(
        ("", "this release", "held against"),
        tuple((n, getattr(release, f), getattr(before, f) if before else None) for n, f in zip(named, figures, strict=True)),
    )
    seconds, earlier = _seconds(release), _seconds(before) if before else {}
    if seconds:
        series: dict[str, tuple[float | None, ...]] = {"this release": tuple(seconds.values())}
        if before:
            series["held against"] = tuple(earlier.get(name) for name in seconds)
        yield Plot(tuple(seconds), series, "Seconds", unit=" s")
    stages: list[tuple[Cell, ...]] = [
        (stage, c.get("seen", 0), c.get("kept", 0), c.get("unchanged", 0), _reasons(c.get("dropped")), _reasons(c.get("failed")))
        for stage, c in release.counts.items()
    ]
    yield Table(("stage", "seen", "kept", "unchanged", "dropped", "failed"), tuple(stages), "Stages")


def _seconds(release: Release) -> dict[str, float]:
    judged = {"gates": release.judged["seconds"]} if "seconds" in release.judged else {}
    return {name: round(float(value), 2) for name, value in {**release.seconds, **judged}.items()}


def _configuration(release: Release, before: Release | None) -> Block:
    now, earlier = (dict(flat(_used(r.configuration))) if r and r.configuration else {} for r in (release, before))
    if before is None:
        return Table(("key", "value"), tuple(sorted(now.items())), words=True)
    differs: list[tuple[Cell, ...]] = [
        (key, earlier.get(key), now.get(key)) for key in sorted(now.keys() | earlier.keys()) if now.get(key) != earlier.get(key)
    ]
    if not differs:
        return Notes((f"As that of {before.id}.",))
    return Table(("key", "held against", "this release"), tuple(differs), words=True)


def _used(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """A configuration without the settings that its search makes no use of."""
    search = configuration.get("search")
    return {**configuration, "search": in_use(search)} if search and "mode" in search else configuration


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as `a.b.c` and words: lists of plain values on one line."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for position, inner in enumerate(value):
            yield from flat(inner, f"{prefix}.{position}")
    elif isinstance(value, list):
        yield prefix, ", ".join(plain(inner) for inner in value) or "none"
    else:
        yield prefix, plain(value)


def plain(value: Any) -> str:
    """A plain value in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "–", True: "yes", False: "no"}[value]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _reasons(reasons: Any) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in (reasons or {}).items()) or "0"


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a manifest keeps it and `--json` prints it."""
    return {
        "gate": verdict.gate,
        "passed": verdict.passed,
        "reason": verdict.reason,
        "evidence": dict(verdict.evidence),
        "warnings": list(verdict.warnings),
        "advice": list(verdict.advice),
        "shown": [block_json(block) for block in verdict.shown],
    }
