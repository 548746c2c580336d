"""`sluice doctor`: is everything in place for a run? Configuration, sources, servers, model, semantics."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from flows import steps
from flows.cli import with_json
from flows.commands.launch import opened
from flows.console import show, table
from flows.wiring import Wiring
from sluice.errors import SluiceError
from stores import probe


@click.command()
@with_json
@click.pass_obj
def doctor(config: Path, as_json: bool) -> None:
    """Check the configuration, the sources, the servers, the model, and every database operation that Sluice relies on."""
    with opened(config, "doctor") as w:
        checks = [_checked(name, check, w) for name, check in CHECKS.items()]
    healthy = all(check["ok"] for check in checks)

    def people(console: Console) -> None:
        rows = [(c["check"], "[green]ok[/green]" if c["ok"] else "[red]FAIL[/red]", c["detail"], c["hint"]) for c in checks]
        console.print(table("", ["check", "", "seen", "next"], rows))

    show({"healthy": healthy, "checks": checks}, as_json, people)
    if not healthy:
        raise click.exceptions.Exit(max(c["exit_code"] for c in checks))


def _checked(name: str, check: Callable[[Wiring], str], w: Wiring) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        result = {"ok": True, "detail": check(w), "hint": "", "exit_code": 0}
    except SluiceError as error:
        result = {"ok": False, "detail": error.message, "hint": error.hint, "exit_code": error.exit_code}
    return {"check": name, **result, "seconds": round(time.perf_counter() - started, 3)}


def _configuration(w: Wiring) -> str:
    return f"{w.settings.path}: index '{w.settings.index}', {len(w.sources)} source(s), {len(w.parsers)} parser(s)"


def _sources(w: Wiring) -> str:
    return ", ".join(f"{name}: {sum(1 for _ in source.scan({}))} documents" for name, source in w.sources.items())


def _access(w: Wiring) -> str:
    states = w.stores.documents.read()
    warnings = steps.spelled_almost_like_a_rule(w, states)
    return "; ".join(warnings) or f"{len(w.settings.access.rules)} rule(s), no document is spelled almost like one"


def _gates(w: Wiring) -> str:
    return ", ".join(gate.name for gate in w.gates)


def _mongodb(w: Wiring) -> str:
    results = [(op.name, op.ok, op.detail) for op in probe(w.stores.database)]
    failed = [f"{operation} ({detail})" for operation, ok, detail in results if not ok]
    if failed:
        raise SluiceError(
            f"{len(failed)} of {len(results)} operations do not behave: {'; '.join(failed[:5])}", hint="use MongoDB 5 or newer"
        )
    return f"{w.settings.stores.mongodb.uri.split('@')[-1]}: {len(results)} operations behave as they must"


def _qdrant(w: Wiring) -> str:
    return f"{w.settings.stores.qdrant.url}: {len(w.stores.qdrant.names())} collections"


def _model(w: Wiring) -> str:
    encoder = w.model.encoder
    vector = encoder.encode_query("is the model there?")
    return f"{w.settings.embedding.model} ({w.model.precision}): {vector.shape[0]} dimensions, window {w.model.tokenizer.window}"


def _chunking(w: Wiring) -> str:
    return f"{w.settings.chunking.strategy}, up to {w.settings.chunking.max_tokens} tokens"


CHECKS: dict[str, Callable[[Wiring], str]] = {
    "configuration": _configuration,
    "sources": _sources,
    "access": _access,
    "gates": _gates,
    "mongodb": _mongodb,
    "qdrant": _qdrant,
    "model": _model,
    "chunking": _chunking,
}
