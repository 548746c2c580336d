"""`sluice doctor`: is everything in place for a run? Configuration, sources, servers, model, semantics."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.console import show
from cli.launch import opened
from cli.main import unforeseen, with_json
from cli.tables import table
from cli.torch_build import torch_build
from flows import answering
from ingest import sources
from ingest.lifecycle import settled
from ingest.overlooked import why_none
from ingest.readerless import silent
from pipeline.resources import Resources, utc_now
from pipeline.steps.looking import spelled_almost_like_a_rule
from sluice.display import address, counted
from sluice.errors import SluiceError, together
from sluice.plain import plain
from stores import open_vector_store, probe, reach_mongodb
from stores.features import Feature, embedded
from stores.mongo.features import features as of_mongodb

SECTIONS = ("sources", "gates", "model", "chunking")
"""Checks of what the configuration says, each in a row of its own: it is not in order while one of them is wrong."""
WRONG = 2
"""The exit code of a configuration that is wrong."""
PATIENCE_S = 3.0
"""How long a server is waited for: whoever asks what is wrong wants to know now."""


@click.command()
@with_json
@click.pass_obj
def doctor(config: Path, as_json: bool) -> None:
    """Check the configuration, the sources, the servers, the model, and every database operation that Sluice relies on."""
    with opened(config) as r:
        checks = _all(r)
        found = _features(r, {c["check"] for c in checks if c["ok"]})
    healthy = all(check["ok"] for check in checks)

    def people(console: Console) -> None:
        marks = {True: "[green]ok[/green]", False: "[red]FAIL[/red]", None: "[yellow]skipped[/yellow]"}
        rows = [
            (c["check"], "[yellow]look[/yellow]" if c["ok"] and c["hint"] else marks[c["ok"]], c["detail"], c["hint"])
            for c in checks
        ]
        console.print(table("", ["check", "", "seen", "next"], rows))
        marks = {True: "[green]yes[/green]", False: "[yellow]no[/yellow]"}
        features = [(f["server"], f["feature"], marks[f["there"]], f["seen"], f["lost"]) for f in found]
        console.print(table("what the stores can do", ["store", "feature", "", "seen", "lost without"], features))

    show({"healthy": healthy, "checks": checks, "features": found}, as_json, people)
    if not healthy:
        raise click.exceptions.Exit(max(c["exit_code"] for c in checks))


def _all(r: Resources) -> list[dict[str, Any]]:
    """Every check, in their order; what needs something that failed is not looked at: it would be blamed for it."""
    checks: list[dict[str, Any]] = []
    for name, check in CHECKS.items():
        failed = [c["check"] for c in checks if not c["ok"] and c["check"] in NEEDS.get(name, ())]
        if failed:
            told = f"not looked at: it needs {failed[0]}"
            checks.append({"check": name, "ok": None, "detail": told, "hint": "", "exit_code": 0, "seconds": 0.0})
        else:
            checks.append(_checked(name, check, r))
    wrong = [c["check"] for c in checks if c["check"] in SECTIONS and c["ok"] is False and c["exit_code"] == WRONG]
    if wrong and checks[0]["ok"]:
        told = f"{checks[0]['detail']}; what it says of {' and '.join(wrong)} is wrong"
        checks[0] |= {"ok": False, "detail": told, "hint": "see below", "exit_code": WRONG}
    return checks


@dataclass(frozen=True, slots=True)
class Doubtful:
    """What hinders no run and is rarely meant: what was seen, and what to do."""

    detail: str
    hint: str


def _checked(name: str, check: Callable[[Resources], str | Doubtful], r: Resources) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        seen = check(r)
        detail, hint = (seen, "") if isinstance(seen, str) else (seen.detail, seen.hint)
        result = {"ok": True, "detail": detail, "hint": hint, "exit_code": 0}
    except SluiceError as error:
        result = {"ok": False, "detail": error.message, "hint": error.hint, "exit_code": error.exit_code}
    except Exception as error:  # somebody's own source or strategy, a package that is not whole: what is wrong is the answer here
        told = unforeseen(error)
        result = {"ok": False, "detail": told["message"], "hint": told["hint"], "exit_code": 1}
    return {"check": name, **result, "seconds": round(time.perf_counter() - started, 3)}


def _configuration(r: Resources) -> str:
    made = f"{counted(len(r.sources), 'source')}, {counted(len(r.parsers), 'parser')}"
    return f"{r.settings.path}: index '{r.settings.index}', {made}"


def _sources(r: Resources) -> str | Doubtful:
    """Every source is looked at, whatever the others say; one that cannot be made is told under `configuration`."""
    seen, wrong, empty = list[str](), list[SluiceError](), list[str]()
    for section in r.settings.sources:
        try:
            source = sources.build(section, r.settings)
        except SluiceError:
            seen.append(f"{section.name}: not looked at")
            continue
        try:
            found = sum(1 for _ in source.scan({}))
            if not found:
                empty.append(why_none(source) or f"source '{section.name}' lists no document: is there something where it looks?")
            seen.append(f"{section.name} lists {counted(found, 'document')}")
        except SluiceError as error:
            wrong.append(error)
        except Exception as error:  # somebody's own
            told = unforeseen(error)
            wrong.append(SluiceError(f"source '{section.name}': {told['message']}", hint=told["hint"]))
    if not wrong:
        return Doubtful(", ".join(seen), "; ".join(empty)) if empty else ", ".join(seen)
    told_of = together(*wrong)
    told_of.message = "; ".join([told_of.message, *seen])
    raise told_of


def _access(r: Resources) -> str | Doubtful:
    if warnings := spelled_almost_like_a_rule(r, r.stores.documents.read()):
        return Doubtful("; ".join(warnings), "mend the rule under access.rules, or the name at the source; then sluice run")
    return f"{counted(len(r.settings.access.rules), 'rule')}, no document is spelled almost like one"


def _gates(r: Resources) -> str:
    return ", ".join(gate.name for gate in r.gates)


def _mongodb(r: Resources) -> str:
    reach_mongodb(r.settings, PATIENCE_S)
    results = [(op.name, op.ok, op.detail) for op in probe(r.stores.database)]
    failed = [f"{operation} ({detail})" for operation, ok, detail in results if not ok]
    if failed:
        raise SluiceError(
            f"of {counted(len(results), 'operation')} {counted(len(failed), 'does', 'do')} not behave: {'; '.join(failed[:5])}",
            hint="use MongoDB 5 or newer",
        )
    behaved = counted(len(results), "operation behaves", "operations behave")
    return f"{address(r.settings.stores.mongodb.uri)}: {behaved} as they must"


def _qdrant(r: Resources) -> str:
    chosen = r.settings.stores.qdrant
    quick = chosen.model_copy(update={"timeout_s": min(chosen.timeout_s, PATIENCE_S)})
    stores = r.settings.stores.model_copy(update={"qdrant": quick})
    with closing(open_vector_store(r.settings.model_copy(update={"stores": stores}))) as store:  # with MongoDB or without
        return f"{address(chosen.url)}: {store.describe()}"


def _features(r: Resources, answered: set[str]) -> list[dict[str, Any]]:
    """What the stores that answered can do; a feature that is missing is no failure."""
    found: list[Feature] = []
    if "mongodb" in answered:
        served = r.settings.stores.mongodb.uri != "embedded"
        found += of_mongodb(r.stores.database) if served else embedded("mongodb", "embedded: this machine's processes")
    if "qdrant" in answered:
        with closing(open_vector_store(r.settings)) as store:
            found += store.features()
    return [plain(feature) for feature in found]


def _model(r: Resources) -> str:
    encoder = r.model.encoder
    vector = encoder.encode_query("is the model there?")
    return f"{r.settings.embedding.model} ({r.model.precision}): {vector.shape[0]} dimensions, window {r.model.tokenizer.window}"


def _torch(r: Resources) -> str:
    return torch_build()


def _chunking(r: Resources) -> str:
    _ = r.chunker  # made, so that a strategy that does not exist, or whose options are wrong, is found here
    return f"{r.settings.chunking.strategy}, up to {counted(r.settings.chunking.max_tokens, 'token')}"


def _readers(r: Resources) -> str | Doubtful:
    rules, now = r.settings.access.compiled(), utc_now()
    states = [settled(state, rules, now, r.lifetimes) for state in r.stores.documents.read()]  # by the rules as they are now
    if nobodys := silent(states, rules):
        hint = "sluice documents --status unreadable lists them; add or mend a rule under access.rules, then sluice access sync"
        return Doubtful("; ".join(nobodys), hint)
    if not (there := sum(state.in_release for state in states)):
        return "no run has taken in a document yet"
    return f"each of {counted(there, 'document')} that a run took in has a reader"


def _prefect(_: Resources) -> str:
    where = answering.reach(PATIENCE_S)
    return "no server is configured, and none is needed" if where is None else f"{where} answers"


CHECKS: dict[str, Callable[[Resources], str | Doubtful]] = {
    "configuration": _configuration,
    "sources": _sources,
    "gates": _gates,
    "mongodb": _mongodb,
    "access": _access,
    "readers": _readers,
    "qdrant": _qdrant,
    "model": _model,
    "torch": _torch,
    "chunking": _chunking,
    "prefect": _prefect,
}

NEEDS: Mapping[str, tuple[str, ...]] = {
    "access": ("mongodb",),
    "readers": ("mongodb",),
    "model": ("mongodb",),
    "chunking": ("mongodb", "model"),
}
"""What a check cannot do without: the precision of a model is decided once, and kept in MongoDB."""
