"""`sluice doctor`: is everything in place for a run? Configuration, sources, servers, model, semantics."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.console import show, table
from cli.launch import opened
from cli.main import with_json
from pipeline.resources import Resources
from sluice.errors import SluiceError
from stores import probe


@click.command()
@with_json
@click.pass_obj
def doctor(config: Path, as_json: bool) -> None:
    """Check the configuration, the sources, the servers, the model, and every database operation that Sluice relies on."""
    with opened(config) as r:
        checks = [_checked(name, check, r) for name, check in CHECKS.items()]
    healthy = all(check["ok"] for check in checks)

    def people(console: Console) -> None:
        rows = [(c["check"], "[green]ok[/green]" if c["ok"] else "[red]FAIL[/red]", c["detail"], c["hint"]) for c in checks]
        console.print(table("", ["check", "", "seen", "next"], rows))

    show({"healthy": healthy, "checks": checks}, as_json, people)
    if not healthy:
        raise click.exceptions.Exit(max(c["exit_code"] for c in checks))


def _checked(name: str, check: Callable[[Resources], str], r: Resources) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        result = {"ok": True, "detail": check(r), "hint": "", "exit_code": 0}
    except SluiceError as error:
        result = {"ok": False, "detail": error.message, "hint": error.hint, "exit_code": error.exit_code}
    return {"check": name, **result, "seconds": round(time.perf_counter() - started, 3)}


def _configuration(r: Resources) -> str:
    return f"{r.settings.path}: index '{r.settings.index}', {len(r.sources)} source(s), {len(r.parsers)} parser(s)"


def _sources(r: Resources) -> str:
    return ", ".join(f"{name}: {sum(1 for _ in source.scan({}))} documents" for name, source in r.sources.items())


def _gates(r: Resources) -> str:
    return ", ".join(gate.name for gate in r.gates)


def _mongodb(r: Resources) -> str:
    results = [(op.name, op.ok, op.detail) for op in probe(r.stores.database)]
    failed = [f"{operation} ({detail})" for operation, ok, detail in results if not ok]
    if failed:
        raise SluiceError(
            f"{len(failed)} of {len(results)} operations do not behave: {'; '.join(failed[:5])}", hint="use MongoDB 5 or newer"
        )
    return f"{shown(r.settings.stores.mongodb.uri)}: {len(results)} operations behave as they must"


def _qdrant(r: Resources) -> str:
    return f"{shown(r.settings.stores.qdrant.url)}: {r.stores.qdrant.describe()}"


def shown(url: str) -> str:
    """A server's address without what may be a secret: user, password, and the values of its query."""
    head, marked, rest = url.partition("://")
    if not marked:
        return url
    address, asks, query = rest.rpartition("@")[2].partition("?")
    names = "&".join(f"{part.partition('=')[0]}=…" for part in query.split("&")) if asks else ""
    return f"{head}://{address}{asks}{names}"


def _model(r: Resources) -> str:
    encoder = r.model.encoder
    vector = encoder.encode_query("is the model there?")
    return f"{r.settings.embedding.model} ({r.model.precision}): {vector.shape[0]} dimensions, window {r.model.tokenizer.window}"


def _chunking(r: Resources) -> str:
    return f"{r.settings.chunking.strategy}, up to {r.settings.chunking.max_tokens} tokens"


CHECKS: dict[str, Callable[[Resources], str]] = {
    "configuration": _configuration,
    "sources": _sources,
    "gates": _gates,
    "mongodb": _mongodb,
    "qdrant": _qdrant,
    "model": _model,
    "chunking": _chunking,
}
